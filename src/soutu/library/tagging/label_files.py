"""Labels as CSV files, in the forms that people have.

`image,tag,label` has a line for each label (yes, no, or clear to take it back), and may add
`source,who,at`. `image,yes,no` has a line for each picture and lists tags separated by `|`. With
other columns, each is a tag and holds 1, 0 or nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

from soutu.errors import InputError
from soutu.files.tables import Row, read_table, split_values, write_row
from soutu.files.text import read_text, replace_text
from soutu.library.tagging.files_check import check_fields
from soutu.library.tagging.names import check_name, name_key

if TYPE_CHECKING:
    from soutu.types import Label, LabelSource

_LONG = ("image", "tag", "label", "source", "who", "at")
_LISTS: Mapping[str, bool | None] = {"yes": True, "no": False, "clear": None}
_FORMS = "Write image,tag,label or image,yes,no or image and a column for each tag"
_SOURCES = ("person", "file", "import")
_WORDS: Mapping[str, bool | None] = {
    **dict.fromkeys(("yes", "y", "true", "t", "1", "1.0", "是", "对", "有"), True),
    **dict.fromkeys(("no", "n", "false", "f", "0", "0.0", "否", "不是", "错", "无"), False),
    **dict.fromkeys(("clear", "清除"), None),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelRow:
    """A label as a file says it, with the line it stands in.

    `value` None takes back what was said. `source`, `who` and `at` (UTC) are None where the file
    does not tell.
    """

    image: str
    tag: str
    value: bool | None
    line: int
    source: LabelSource | None = None
    who: str | None = None
    at: datetime | None = None


def read_labels(path: Path | str) -> list[LabelRow]:
    """Return the labels of a CSV file, each once.

    Image paths that are not UTF-8 stay as Python keeps them in paths. Raises InputError with
    file, line and column of what cannot be used, and with both lines of a tag that is said to be
    right and wrong for one picture.
    """
    path = Path(path)
    table = read_table(path, read_text(path, foreign_bytes=True))
    if not table.rows:
        raise InputError(f"{path}, line 1: the file holds no labels. {_FORMS}")
    found: dict[tuple[str, str], LabelRow] = {}
    for label, row, number, column in _labels(table.rows[0], table.rows[1:]):
        first = found.setdefault((label.image, name_key(label.tag)), label)
        if first.value is not label.value:
            raise InputError(
                f"{row.at(number, column)}: tag {label.tag!r} is {_spelled(label.value)!r} "
                f"for {label.image!r} here and {_spelled(first.value)!r} in line {first.line}. "
                "Take one of them out"
            )
    return list(found.values())


def write_labels(path: Path | str, labels: Iterable[Label]) -> None:
    """Write labels as `image,tag,label,source,who,at`; `read_labels` gives them back.

    The file is replaced as a whole. Raises InputError where no file can be and StorageError when
    the disk is full or refuses.
    """
    replace_text(Path(path), _lines(labels), foreign_bytes=True)


def _lines(labels: Iterable[Label]) -> Iterator[str]:
    yield write_row(_LONG)
    for each in labels:
        at = "" if each.at is None else _utc(each.at).isoformat()
        word = _spelled(each.value)
        yield write_row((str(each.path), each.tag, word, each.source, each.who, at))


def _spelled(value: bool | None) -> str:
    return "clear" if value is None else "yes" if value else "no"


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


_Labels = Iterator[tuple[LabelRow, Row, int, str]]  # each with its cell, for messages


def _labels(header: Row, rows: Iterable[Row]) -> _Labels:
    """Read the rows in the form that the header tells."""
    names = [name_key(cell) for cell in header.cells]
    if "image" not in names:
        raise InputError(f"{header.at(0)}: the first line names no column 'image'. {_FORMS}")
    for number, name in enumerate(names):
        if name and name in names[:number]:
            raise InputError(f"{header.at(number)}: there are two columns {name!r}. Take one out")
    columns = {name: number for number, name in enumerate(names) if name}
    rows = _checked(rows, columns)
    if "tag" in columns or "label" in columns:
        _check_columns(header, columns, _LONG, ("tag", "label"))
        return _long(rows, columns)
    if "yes" in columns or "no" in columns:
        _check_columns(header, columns, ("image", *_LISTS), ())
        return _lists(rows, columns)
    tags = {number: header.cells[number] for name, number in columns.items() if name != "image"}
    if not tags:
        raise InputError(f"{header.at(0)}: there is no column beside 'image'. {_FORMS}")
    return _matrix(
        rows,
        columns["image"],
        {number: _tag(header, number, name) for number, name in tags.items()},
    )


def _check_columns(
    header: Row, columns: Mapping[str, int], known: tuple[str, ...], needed: tuple[str, ...]
) -> None:
    for name, number in columns.items():
        check_fields([name], known, header.at(number), "column")
    for name in needed:
        if name not in columns:
            raise InputError(f"{header.at(0)}: the first line names no column {name!r}. {_FORMS}")


def _checked(rows: Iterable[Row], columns: Mapping[str, int]) -> Iterator[Row]:
    """Give rows as wide as the header. Raises InputError for a row without a picture."""
    used = frozenset(columns.values())
    image, width = columns["image"], max(used) + 1
    for row in rows:
        for number, cell in enumerate(row.cells):
            if cell and number not in used:
                raise InputError(
                    f"{row.at(number)}: the cell {cell!r} belongs to no column. "
                    'Quote a cell that holds the delimiter: "a, b"'
                )
        row.cells.extend([""] * (width - len(row.cells)))
        if not row.cells[image]:
            raise InputError(f"{row.at(image, 'image')}: no picture is named. Write its path")
        yield row


def _tag(row: Row, number: int, name: str, column: str = "") -> str:
    try:
        return check_name(name)
    except InputError as error:
        raise InputError(f"{row.at(number, column)}: {error}") from None


def _value(row: Row, number: int, column: str) -> bool | None:
    word = name_key(row.cells[number])
    if word not in _WORDS:
        raise InputError(
            f"{row.at(number, column)}: label {row.cells[number]!r} is neither yes nor no. "
            "Write yes or no (true, false, 1, 0, 是, 否), or clear to take a label back"
        )
    return _WORDS[word]


def _long(rows: Iterable[Row], columns: Mapping[str, int]) -> _Labels:
    image, tag, label = (columns[name] for name in ("image", "tag", "label"))
    for row in rows:
        yield (
            LabelRow(
                image=row.cells[image],
                tag=_tag(row, tag, row.cells[tag], "tag"),
                value=_value(row, label, "label"),
                line=row.line,
                source=_source(row, columns),
                who=row.cells[columns["who"]] or None if "who" in columns else None,
                at=_time(row, columns),
            ),
            row,
            label,
            "label",
        )


def _source(row: Row, columns: Mapping[str, int]) -> LabelSource | None:
    if "source" not in columns or not (source := row.cells[columns["source"]]):
        return None
    if source not in _SOURCES:
        raise InputError(
            f"{row.at(columns['source'], 'source')}: there is no source {source!r}. "
            f"Known: {', '.join(_SOURCES)}"
        )
    return cast("LabelSource", source)


def _time(row: Row, columns: Mapping[str, int]) -> datetime | None:
    if "at" not in columns or not (at := row.cells[columns["at"]]):
        return None
    try:
        return _utc(datetime.fromisoformat(at))
    except (ValueError, OverflowError):
        raise InputError(
            f"{row.at(columns['at'], 'at')}: {at!r} is no time. Write 2024-05-31T12:30:00+00:00"
        ) from None


def _lists(rows: Iterable[Row], columns: Mapping[str, int]) -> _Labels:
    image = columns["image"]
    given = [(name, columns[name], value) for name, value in _LISTS.items() if name in columns]
    for row in rows:
        for name, number, value in given:
            for each in split_values(row.cells[number]):
                tag = _tag(row, number, each, name)
                yield (
                    LabelRow(image=row.cells[image], tag=tag, value=value, line=row.line),
                    row,
                    number,
                    name,
                )


def _matrix(rows: Iterable[Row], image: int, tags: Mapping[int, str]) -> _Labels:
    for row in rows:
        for number, tag in tags.items():
            if row.cells[number]:
                value = _value(row, number, tag)
                yield (
                    LabelRow(image=row.cells[image], tag=tag, value=value, line=row.line),
                    row,
                    number,
                    tag,
                )
