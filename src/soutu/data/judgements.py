"""A CSV of single judgements: a line for a picture and a class, or the yes's and no's of a picture.

The forms in which `soutu label` writes and reads the labels of a library.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from soutu.data.labelled import NO, UNKNOWN, YES, LabelledData, check_classes
from soutu.data.sheet import VALUES, Sheet, absolute, cell_of, checked, split_of, value_of
from soutu.errors import InputError
from soutu.files.tables import Row, split_values

_CLASS_COLUMNS = ("tag", "class", "标签")
_VALUE_COLUMNS = ("label", "value")
_LISTS: Mapping[str, int] = {"yes": YES, "no": NO}


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Where the judgements stand: a class and a value, or one list of classes for each value."""

    name: int = -1
    value: int = -1
    lists: Mapping[int, int] | None = None


class _Said(NamedTuple):
    """A value that a row gives a class, and the column it stands in."""

    name: str
    value: int
    column: int


def judged_columns(names: Sequence[str], rows: Sequence[Row]) -> Judged | None:
    """Return where judgements stand under columns of such names; None where there are none."""
    classes = [number for number, name in enumerate(names) if name in _CLASS_COLUMNS]
    values = [number for number, name in enumerate(names) if name in _VALUE_COLUMNS]
    if classes and values:
        found = {cell_of(row, values[0]).lower() for row in rows}
        if found <= VALUES.keys() and found != {""}:
            return Judged(name=classes[0], value=values[0])
    lists = {number: _LISTS[name] for number, name in enumerate(names) if name in _LISTS}
    if len(lists) == len(_LISTS):
        cells = {cell_of(row, number).lower() for row in rows for number in lists}
        if not cells <= VALUES.keys():
            return Judged(lists=lists)
    return None


def read_judgements(file: Path, folder: Path, sheet: Sheet, judged: Judged) -> LabelledData:
    """Read a CSV of judgements; what no line says is unknown.

    Raises InputError for a picture in two splits, and for a class that is judged in both ways for
    one picture.
    """
    splits: dict[str, tuple[str, int]] = {}
    said: dict[tuple[str, str], tuple[int, int]] = {}
    for row in checked(sheet):
        written, split = row.cells[sheet.path], split_of(row, sheet)
        first, line = splits.setdefault(written, (split, row.line))
        if first != split:
            raise InputError(
                f"{row.at(sheet.path)}: picture {written!r} is in split {split!r} here and in "
                f"{first!r} in line {line}. Choose one"
            )
        for each in _said(row, judged, sheet.header):
            value, line = said.setdefault((written, each.name), (each.value, row.line))
            if value != each.value:
                raise InputError(
                    f"{row.at(each.column)}: {each.name!r} is judged otherwise for {written!r} "
                    f"than in line {line}. Take one of them out"
                )
    classes = sorted({name for _, name in said})
    check_classes(classes, str(file))
    rows = {written: number for number, written in enumerate(splits)}
    columns = {name: number for number, name in enumerate(classes)}
    labels = np.full((len(rows), len(classes)), UNKNOWN, np.int8)
    for (written, name), (value, _) in said.items():
        labels[rows[written], columns[name]] = value
    return LabelledData(
        name=file.name,
        paths=tuple(absolute(folder, written) for written in splits),
        classes=tuple(classes),
        labels=labels,
        splits=None if sheet.split is None else tuple(split for split, _ in splits.values()),
    )


def _said(row: Row, judged: Judged, header: Row) -> Iterator[_Said]:
    if judged.lists is not None:
        for column, value in judged.lists.items():
            for name in split_values(row.cells[column]):
                yield _Said(name, value, column)
        return
    name = row.cells[judged.name]
    if not name:
        raise InputError(f"{row.at(judged.name)}: no class is named. Write it")
    yield _Said(name, value_of(row, judged.value, header), judged.value)
