"""A CSV with a line for each picture: a 0/1 column for each class, or a column that lists them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from soutu.data.labelled import NO, UNKNOWN, YES, LabelledData, check_classes
from soutu.data.splits import split_named
from soutu.errors import InputError
from soutu.files.tables import Row, read_table, split_values
from soutu.files.text import read_text

PATH_COLUMNS = (
    "path", "image", "file", "filename", "file_name", "filepath", "file_path", "image_path",
    "image_name", "image index", "picture", "img", "图片",
)  # fmt: skip
LIST_COLUMNS = (
    "labels", "label", "tags", "tag", "classes", "class", "finding labels", "标签",
)  # fmt: skip
SPLIT_COLUMN = "split"
_VALUES: Mapping[str, int] = {
    **dict.fromkeys(("1", "1.0", "yes", "y", "true", "t", "是"), YES),
    **dict.fromkeys(("0", "0.0", "no", "n", "false", "f", "否"), NO),
    **dict.fromkeys(("", "-1", "-1.0", "?"), UNKNOWN),
}
_SEPARATORS = "|;,"


@dataclass(frozen=True)
class _Sheet:
    """A CSV whose columns are known: where the path and the split stand, and the labels."""

    header: Row
    rows: Sequence[Row]
    path: int
    split: int | None
    labels: Sequence[int]


def read_csv(
    file: Path,
    *,
    root: Path | None = None,
    partial: bool = False,
    separator: str | None = None,
    column: str | None = None,
) -> LabelledData:
    """Read a CSV of pictures; paths are relative to `root`, by default the CSV's folder.

    With a 0/1 column for each class, an empty cell, -1 and ? mean unknown, and every picture
    stands in one line. With one column that lists classes (`column`, else one that is called
    labels, tags or classes), a picture may stand in several lines, and what no line lists is no;
    with `partial`, unknown. `separator` stands between the classes of a cell; without it, the
    first of | ; , that the column holds. A column `split` names the parts. Raises InputError with
    line and column of what cannot be used.
    """
    table = read_table(file, read_text(file, foreign_bytes=True))
    if len(table.rows) < 2:
        raise InputError(
            f"{file}, line 1: the file has no lines of pictures. Write a line with names of "
            "columns (path, then one for each class, or path,labels) and a line for each picture"
        )
    header, rows = table.rows[0], table.rows[1:]
    listed = _list_column(header, rows, column)
    sheet = _sheet(header, rows, listed)
    folder = Path(os.path.abspath(root or file.parent))  # noqa: PTH100 - keep links
    if listed is None:
        return _matrix(file, folder, sheet)
    return _lists(file, folder, sheet, separator, absent=UNKNOWN if partial else NO)


def _names(header: Row) -> list[str]:
    return [cell.strip().lower() for cell in header.cells]


def _path_column(names: Sequence[str]) -> int:
    return next((number for number, name in enumerate(names) if name in PATH_COLUMNS), 0)


def _list_column(header: Row, rows: Sequence[Row], column: str | None) -> int | None:
    """Return the column that lists classes; None where each class has its own."""
    names = _names(header)
    if column is not None:
        if column.strip().lower() not in names:
            raise InputError(
                f"{header.at(0)}: there is no column {column!r}. There are: "
                f"{', '.join(header.cells)}"
            )
        return names.index(column.strip().lower())
    path = _path_column(names)
    others = [n for n, name in enumerate(names) if n != path and name and name != SPLIT_COLUMN]
    for number in others:
        if names[number] in LIST_COLUMNS and not _only_values(rows, number):
            return number
    if len(others) == 1 and not _only_values(rows, others[0]):
        return others[0]
    return None


def _only_values(rows: Sequence[Row], number: int) -> bool:
    return all(_cell(row, number).lower() in _VALUES for row in rows)


def _sheet(header: Row, rows: Sequence[Row], listed: int | None) -> _Sheet:
    names = _names(header)
    path = _path_column(names)
    splits = [number for number, name in enumerate(names) if name == SPLIT_COLUMN]
    twice = [name for name, times in Counter(names).items() if name and times > 1]
    if twice:
        second = len(names) - 1 - names[::-1].index(twice[0])
        raise InputError(
            f"{header.at(second)}: there are two columns {twice[0]!r}. Rename or take out one"
        )
    if listed is None:
        labels = [n for n, name in enumerate(names) if name and n not in {path, *splits}]
        if not labels:
            raise InputError(
                f"{header.at(0)}: there is no column beside the path. Write one for each class, "
                "or one called labels"
            )
    else:
        labels = [listed]
    return _Sheet(header, rows, path, splits[0] if splits else None, labels)


def _matrix(file: Path, folder: Path, sheet: _Sheet) -> LabelledData:
    classes = tuple(sheet.header.cells[number] for number in sheet.labels)
    labels = np.empty((len(sheet.rows), len(classes)), np.int8)
    lines: dict[str, int] = {}
    splits: list[str] = []
    for index, row in enumerate(_checked(sheet)):
        written = row.cells[sheet.path]
        if (first := lines.setdefault(written, row.line)) != row.line:
            raise InputError(
                f"{row.at(sheet.path)}: picture {written!r} stands in line {first} already. "
                "Write each picture once"
            )
        labels[index] = [_value(row, number, sheet.header) for number in sheet.labels]
        splits.append(_split(row, sheet))
    return LabelledData(
        name=file.name,
        paths=tuple(_absolute(folder, written) for written in lines),
        classes=classes,
        labels=labels,
        splits=None if sheet.split is None else tuple(splits),
    )


def _lists(
    file: Path, folder: Path, sheet: _Sheet, separator: str | None, *, absent: int
) -> LabelledData:
    column = sheet.labels[0]
    between = separator or _separator(sheet.rows, column)
    said: dict[str, tuple[set[str], str, int]] = {}
    for row in _checked(sheet):
        written, split = row.cells[sheet.path], _split(row, sheet)
        found = _listed(row.cells[column], between)
        names, first, line = said.setdefault(written, (set(), split, row.line))
        if first != split:
            raise InputError(
                f"{row.at(sheet.path)}: picture {written!r} is in split {split!r} here and in "
                f"{first!r} in line {line}. Choose one"
            )
        names.update(found)
    classes = sorted(set().union(*(names for names, _, _ in said.values())))
    check_classes(classes, str(file))
    columns = {name: number for number, name in enumerate(classes)}
    labels = np.full((len(said), len(classes)), absent, np.int8)
    for index, (names, _, _) in enumerate(said.values()):
        labels[index, [columns[name] for name in names]] = YES
    return LabelledData(
        name=file.name,
        paths=tuple(_absolute(folder, written) for written in said),
        classes=tuple(classes),
        labels=labels,
        splits=None if sheet.split is None else tuple(split for _, split, _ in said.values()),
    )


def _checked(sheet: _Sheet) -> Iterator[Row]:
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


def _cell(row: Row, number: int) -> str:
    return row.cells[number] if number < len(row.cells) else ""


def _value(row: Row, number: int, header: Row) -> int:
    value = _VALUES.get(row.cells[number].lower())
    if value is None:
        raise InputError(
            f"{row.at(number, header.cells[number])}: {row.cells[number]!r} is no label. Write 1, "
            "0, or nothing for unknown; where one column lists the labels, name it (--column)"
        )
    return value


def _split(row: Row, sheet: _Sheet) -> str:
    if sheet.split is None:
        return ""
    written = row.cells[sheet.split]
    if not written:
        raise InputError(
            f"{row.at(sheet.split, SPLIT_COLUMN)}: the picture is in no split. Write train, val "
            "or test"
        )
    return split_named(written) or written


def _separator(rows: Sequence[Row], column: int) -> str:
    for separator in _SEPARATORS:
        if any(separator in _cell(row, column) for row in rows):
            return separator
    return _SEPARATORS[0]


def _listed(cell: str, separator: str) -> list[str]:
    if separator == "|":
        return split_values(cell)
    return [name for part in cell.split(separator) if (name := part.strip())]


def _absolute(folder: Path, written: str) -> Path:
    return Path(os.path.normpath(folder / written))
