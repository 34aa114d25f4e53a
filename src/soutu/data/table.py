"""A CSV of labelled pictures: a 0/1 column for each class, a column that lists them, judgements."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from soutu.data.judgements import judged_columns, read_judgements
from soutu.data.labelled import NO, UNKNOWN, YES, LabelledData, check_classes
from soutu.data.sheet import (
    SPLIT_COLUMN,
    VALUES,
    Sheet,
    absolute,
    cell_of,
    checked,
    column_names,
    path_column,
    split_of,
    value_of,
)
from soutu.errors import InputError
from soutu.files.tables import Row, read_table, split_values
from soutu.files.text import read_text

LIST_COLUMNS = (
    "labels", "label", "tags", "tag", "classes", "class", "finding labels", "标签",
)  # fmt: skip
_SEPARATORS = "|;,"


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
    first of | ; , that the column holds. With columns tag and label (yes or no), or lists in the
    columns yes and no, as `soutu label` writes and reads them, the rest is unknown. A column
    `split` names the parts. Raises InputError with line and column of what cannot be used.
    """
    table = read_table(file, read_text(file, foreign_bytes=True))
    if len(table.rows) < 2:
        raise InputError(
            f"{file}, line 1: the file has no lines of pictures. Write a line with names of "
            "columns (path, then one for each class, or path,labels) and a line for each picture"
        )
    header, rows = table.rows[0], table.rows[1:]
    folder = Path(os.path.abspath(root or file.parent))  # noqa: PTH100 - keep links
    judged = None if column is not None else judged_columns(column_names(header), rows)
    if judged is not None:
        return read_judgements(file, folder, _sheet(header, rows, 0), judged)
    listed = _list_column(header, rows, column)
    sheet = _sheet(header, rows, listed)
    if listed is None:
        return _matrix(file, folder, sheet)
    return _lists(file, folder, sheet, separator, absent=UNKNOWN if partial else NO)


def _list_column(header: Row, rows: Sequence[Row], column: str | None) -> int | None:
    """Return the column that lists classes; None where each class has its own."""
    names = column_names(header)
    if column is not None:
        if column.strip().lower() not in names:
            raise InputError(
                f"{header.at(0)}: there is no column {column!r}. There are: "
                f"{', '.join(header.cells)}"
            )
        return names.index(column.strip().lower())
    path = path_column(names)
    others = [n for n, name in enumerate(names) if n != path and name and name != SPLIT_COLUMN]
    for number in others:
        cells = {cell_of(row, number).lower() for row in rows}
        if names[number] in LIST_COLUMNS and not cells <= VALUES.keys():
            return number
        # Of any other name, it must hold nothing that could be meant as yes or no.
        if len(others) == 1 and cells.isdisjoint(VALUES.keys() - {""}) and cells != {""}:
            return number
    return None


def _sheet(header: Row, rows: Sequence[Row], listed: int | None) -> Sheet:
    names = column_names(header)
    path = path_column(names)
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
    return Sheet(header, rows, path, splits[0] if splits else None, labels)


def _matrix(file: Path, folder: Path, sheet: Sheet) -> LabelledData:
    classes = tuple(sheet.header.cells[number] for number in sheet.labels)
    labels = np.empty((len(sheet.rows), len(classes)), np.int8)
    lines: dict[str, int] = {}
    splits: list[str] = []
    for index, row in enumerate(checked(sheet)):
        written = row.cells[sheet.path]
        if (first := lines.setdefault(written, row.line)) != row.line:
            raise InputError(
                f"{row.at(sheet.path)}: picture {written!r} stands in line {first} already. "
                "Write each picture once"
            )
        labels[index] = [value_of(row, number, sheet.header) for number in sheet.labels]
        splits.append(split_of(row, sheet))
    return LabelledData(
        name=file.name,
        paths=tuple(absolute(folder, written) for written in lines),
        classes=classes,
        labels=labels,
        splits=None if sheet.split is None else tuple(splits),
    )


def _lists(
    file: Path, folder: Path, sheet: Sheet, separator: str | None, *, absent: int
) -> LabelledData:
    column = sheet.labels[0]
    between = separator or _separator(sheet.rows, column)
    said: dict[str, tuple[set[str], str, int]] = {}
    for row in checked(sheet):
        written, split = row.cells[sheet.path], split_of(row, sheet)
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
        paths=tuple(absolute(folder, written) for written in said),
        classes=tuple(classes),
        labels=labels,
        splits=None if sheet.split is None else tuple(split for _, split, _ in said.values()),
    )


def _separator(rows: Sequence[Row], column: int) -> str:
    for separator in _SEPARATORS:
        if any(separator in cell_of(row, column) for row in rows):
            return separator
    return _SEPARATORS[0]


def _listed(cell: str, separator: str) -> list[str]:
    if separator == "|":
        return split_values(cell)
    return [name for part in cell.split(separator) if (name := part.strip())]
