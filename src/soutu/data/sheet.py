"""A CSV of pictures whose columns are known: its rows, checked, and what their cells mean."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from soutu.data.labelled import NO, UNKNOWN, YES
from soutu.data.splits import split_named
from soutu.errors import InputError
from soutu.files.tables import Row

PATH_COLUMNS = (
    "path", "image", "file", "filename", "file_name", "filepath", "file_path", "image_path",
    "image_name", "image index", "picture", "img", "图片",
)  # fmt: skip
SPLIT_COLUMN = "split"
VALUES: Mapping[str, int] = {
    **dict.fromkeys(("1", "1.0", "yes", "y", "true", "t", "是"), YES),
    **dict.fromkeys(("0", "0.0", "no", "n", "false", "f", "否"), NO),
    **dict.fromkeys(("", "-1", "-1.0", "?"), UNKNOWN),
}
"""What the cells of a class's own column may say."""


@dataclass(frozen=True)
class Sheet:
    """A CSV whose columns are known: where the path and the split stand, and the labels."""

    header: Row
    rows: Sequence[Row]
    path: int
    split: int | None
    labels: Sequence[int]


def column_names(header: Row) -> list[str]:
    """Return the names of columns as they are compared."""
    return [cell.strip().lower() for cell in header.cells]


def path_column(names: Sequence[str]) -> int:
    """Return the column with the picture's path; the first where no name says so."""
    return next((number for number, name in enumerate(names) if name in PATH_COLUMNS), 0)


def checked(sheet: Sheet) -> Iterator[Row]:
    """Yield rows that name a picture and are as wide as the header."""
    width = len(sheet.header.cells)
    for row in sheet.rows:
        if len(row.cells) > width and any(row.cells[width:]):
            raise InputError(
                f"{row.at(width)}: the cell {row.cells[width]!r} belongs to no column. "
                'Quote a cell that holds the delimiter: "a, b"'
            )
        row.cells.extend([""] * (width - len(row.cells)))
        if not row.cells[sheet.path] or "\0" in row.cells[sheet.path]:
            raise InputError(f"{row.at(sheet.path)}: no picture is named. Write its path")
        yield row


def cell_of(row: Row, number: int) -> str:
    """Return a cell of a row that may be shorter than the header."""
    return row.cells[number] if number < len(row.cells) else ""


def value_of(row: Row, number: int, header: Row) -> int:
    """Return the label that a cell says. Raises InputError."""
    value = VALUES.get(row.cells[number].lower())
    if value is None:
        raise InputError(
            f"{row.at(number, header.cells[number])}: {row.cells[number]!r} is no label. Write 1, "
            "0, or nothing for unknown; where one column lists the labels, name it (--column)"
        )
    return value


def split_of(row: Row, sheet: Sheet) -> str:
    """Return the split of a row, "" where the sheet has none. Raises InputError."""
    if sheet.split is None:
        return ""
    written = row.cells[sheet.split]
    if not written:
        raise InputError(
            f"{row.at(sheet.split, SPLIT_COLUMN)}: the picture is in no split. Write train, val "
            "or test"
        )
    return split_named(written) or written


def absolute(folder: Path, written: str) -> Path:
    """Return the path of a picture whose path is written from a folder on."""
    return Path(os.path.normpath(folder / written))
