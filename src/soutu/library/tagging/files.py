"""Vocabularies as files: CSV, JSON and TOML, and the starter vocabularies that come along.

CSV has the header `name,aliases,prompts,parent,group,threshold`, of which only `name` is needed;
several aliases or prompts of one cell are separated by `|`, and a backslash before `|` or a
backslash means the character itself. A CSV of one column without that header holds one name a
line. JSON is `{"tags": [{"name": ...}, ...]}`, a bare list, or a list of names. TOML has a table
`[[tag]]` for each tag and may have a `description`.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from soutu.errors import InputError
from soutu.files.tables import (
    Row,
    Table,
    join_values,
    read_table,
    split_values,
    write_row,
)
from soutu.files.text import read_text, replace_text, require_file
from soutu.library.tagging.files_check import FIELDS, Entry, PlacedTag, check_fields, make_tags

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from soutu.types import Tag

_SEVERAL = ("aliases", "prompts")
_COLUMNS = (*FIELDS, "alias", "prompt")
_HEADERS = frozenset(
    {"tag", "tags", "label", "labels", "keyword", "keywords", "title", "category", "id"}
    | {"名称", "名字", "标签", "别名", "分类", "关键词"}
)
_TOML_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def read_vocabulary(path: Path | str) -> list[Tag]:
    """Return the tags of a file; see `read_placed`."""
    return [each.tag for each in read_placed(path)]


def read_placed(path: Path | str) -> list[PlacedTag]:
    """Return the tags of a .csv, .json or .toml file, in its order, each with its place.

    Parents may be tags that the file does not hold. Raises InputError with file, line and column
    (or the number and name of the tag, for values in JSON and TOML) of what cannot be used.
    """
    path = Path(path)
    suffix = _suffix(path)
    text = read_text(path)
    if suffix == ".csv":
        return make_tags(_csv_entries(read_table(path, text)))
    said = _load_json(path, text) if suffix == ".json" else _load_toml(str(path), text)
    return make_tags(_entries(str(path), said))


def write_vocabulary(path: Path | str, tags: Iterable[Tag]) -> None:
    """Write tags to a .csv, .json or .toml file; `read_vocabulary` gives the same ones back.

    The file is replaced as a whole. Raises InputError where no file can be and StorageError when
    the disk is full or refuses.
    """
    path = Path(path)
    chunks = {".csv": _csv_chunks, ".json": _json_chunks, ".toml": _toml_chunks}[_suffix(path)]
    replace_text(path, chunks(tags))


def starter_vocabularies() -> dict[str, str]:
    """Return the starter vocabularies: their names and what each is for, in a line."""
    found = sorted(each.name for each in _starters().iterdir() if each.name.endswith(".toml"))
    return {name.removesuffix(".toml"): str(_starter(name)["description"]) for name in found}


def read_starter(name: str) -> list[Tag]:
    """Return the tags of a starter vocabulary; see `read_starter_placed`."""
    return [each.tag for each in read_starter_placed(name)]


def read_starter_placed(name: str) -> list[PlacedTag]:
    """Return the tags of a starter vocabulary, each with its place in it.

    Raises InputError for one that does not exist.
    """
    if name not in (known := starter_vocabularies()):
        raise InputError(f"there is no starter vocabulary {name!r}. Known: {', '.join(known)}")
    return make_tags(_entries(name, _starter(f"{name}.toml")))


@cache
def words() -> tuple[str, ...]:
    """Return words and short phrases for what pictures show, to name kinds of pictures with."""
    text = (files("soutu.library.tagging") / "words.txt").read_text(encoding="utf-8")
    return tuple(text.splitlines())


def _starters() -> Traversable:
    return files("soutu.library") / "vocabularies"


@cache
def _starter(file: str) -> dict[str, object]:
    return tomllib.loads((_starters() / file).read_text(encoding="utf-8"))


def _suffix(path: Path) -> str:
    require_file(path)
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".json", ".toml"):
        raise InputError(
            f"{path}: the name of a vocabulary file ends in .csv, .json or .toml, not {suffix!r}. "
            "Rename it"
        )
    return suffix


# --- JSON and TOML: the same values, other brackets. ---


@dataclass(frozen=True, slots=True)
class _Item:
    """The place of a tag in a list: its number, from 1, and its name."""

    file: str
    number: int
    name: object

    def at(self, field: str) -> str:
        return f"{self.file}, {self.brief()}, {field}"

    def brief(self) -> str:
        return f"tag {self.number}" + (f" ({self.name!r})" if self.name else "")


def _load_json(path: Path, text: str) -> object:
    try:
        said = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{path}, line {error.lineno}, column {error.colno}: this is no JSON: {error.msg}. "
            "Correct it there or just before"
        ) from None
    except (RecursionError, ValueError):  # brackets without end; a number of 5,000 digits
        raise InputError(f"{path}: this JSON holds no vocabulary. {_JSON_FORM}") from None
    return {"tag": said} if isinstance(said, list) else _renamed(path, said)


_JSON_FORM = 'Write {"tags": [{"name": "cat"}, ...]}'


def _renamed(path: Path, said: object) -> object:
    if not isinstance(said, dict) or "tags" not in said:
        raise InputError(f"{path}, line 1, column 1: there is no list 'tags'. {_JSON_FORM}")
    check_fields(said, ("tags", "description"), str(path), "key")
    return {"tag": said["tags"]}


def _load_toml(file: str, text: str) -> object:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _TOML_PLACE.search(message := str(error))
        lines = text.splitlines() or [""]
        line, column = (place[1], place[2]) if place and place[1] else (None, None)
        raise InputError(
            f"{file}, line {line or len(lines)}, column {column or len(lines[-1]) + 1}: this is no "
            f"TOML: {_TOML_PLACE.sub('', message)}. Correct it there or just before"
        ) from None
    except (RecursionError, ValueError):
        raise InputError(f"{file}: this TOML holds no vocabulary. Write [[tag]] tables") from None


def _entries(file: str, said: object) -> Iterator[Entry]:
    assert isinstance(said, dict)
    check_fields(said, ("description", "tag"), file, "key")
    items = said.get("tag", [])
    if not isinstance(items, list):
        raise InputError(f"{file}: the tags are no list, but {items!r:.60}. Write a list of tags")
    for number, item in enumerate(items, 1):
        values = {"name": item} if isinstance(item, str) else item
        if not isinstance(values, dict):
            raise InputError(
                f"{file}, tag {number}: {item!r:.60} is no tag. Write a name, or name, aliases ..."
            )
        place = _Item(file, number, values.get("name"))
        if not values.keys() <= _FIELDS:
            check_fields(values, FIELDS, f"{file}, {place.brief()}", "key")
        yield Entry(values, place)


_FIELDS = frozenset(FIELDS)


def _said(tag: Tag) -> dict[str, object]:
    """Return what a tag says, without the fields that say nothing."""
    values = {field: getattr(tag, field) for field in FIELDS}
    return {
        field: list(value) if field in _SEVERAL else value
        for field, value in values.items()
        if value is not None and value != ()
    }


def _json_chunks(tags: Iterable[Tag]) -> Iterator[str]:
    yield '{"tags": ['
    for number, tag in enumerate(tags):
        yield ("," if number else "") + "\n  " + json.dumps(_said(tag), ensure_ascii=False)
    yield "\n]}\n"


def _toml_chunks(tags: Iterable[Tag]) -> Iterator[str]:
    import tomli_w  # only to write

    for number, tag in enumerate(tags):
        yield ("\n" if number else "") + "[[tag]]\n" + tomli_w.dumps(_said(tag))


# --- CSV. ---


@dataclass(frozen=True, slots=True)
class _Line:
    """The place of a tag in a CSV file: its row, and the column of each field."""

    row: Row
    columns: dict[str, int]

    def at(self, field: str) -> str:
        return self.row.at(self.columns.get(field, 0), field)

    def brief(self) -> str:
        return f"line {self.row.line}"


def _csv_entries(table: Table) -> Iterator[Entry]:
    if not table.rows:
        return
    rows = iter(table.rows)
    header = [cell.lower() for cell in table.rows[0].cells]
    headless = "name" not in header
    if headless:
        _require_no_header(table.rows[0])
    columns = {"name": 0} if headless else _columns(next(rows), header)
    used = frozenset(columns.values())
    for row in rows:
        values: dict[str, object] = {}
        for field, column in columns.items():
            if cell := row.cells[column] if column < len(row.cells) else "":
                values[field] = _value(field, cell, table.delimiter)
        for number, cell in enumerate(row.cells):
            if cell and number not in used:
                raise _homeless(row, number, headless)
        yield Entry(values, _Line(row, columns))


def _require_no_header(row: Row) -> None:
    """Refuse a first line that looks like a header, and has no column of names."""
    written = row.cells[0].lower()
    if written in _HEADERS or get_close_matches(written, _COLUMNS, n=1, cutoff=0.8):
        raise InputError(
            f"{row.at(0)}: is {row.cells[0]!r} the header or a tag? If it is the header, write "
            "'name' for the column of names; if it is a tag, put a line 'name' above it"
        )


def _columns(row: Row, header: list[str]) -> dict[str, int]:
    columns: dict[str, int] = {}
    for number, field in enumerate(header):
        if not field:
            continue
        check_fields([field], FIELDS, row.at(number), "column")
        if field in columns:
            raise InputError(f"{row.at(number)}: there are two columns {field!r}. Take one out")
        columns[field] = number
    return columns


def _value(field: str, cell: str, delimiter: str) -> object:
    if field in _SEVERAL:
        return split_values(cell)
    if field != "threshold":
        return cell
    try:
        # Where commas are decimal, spreadsheets separate cells by semicolons.
        return float(cell if delimiter == "," else cell.replace(",", "."))
    except ValueError:
        return cell  # refused with its place when the tag is checked


def _homeless(row: Row, number: int, headless: bool) -> InputError:
    cure = (
        f"Make the first line a header: {','.join(FIELDS)}; or quote names that hold a delimiter"
        if headless
        else 'Quote a cell that holds the delimiter: "a, b"; separate several values by |'
    )
    return InputError(
        f"{row.at(number)}: the cell {row.cells[number]!r} belongs to no column. {cure}"
    )


def _csv_chunks(tags: Iterable[Tag]) -> Iterator[str]:
    yield write_row(FIELDS)
    for tag in tags:
        yield write_row(
            (
                tag.name,
                join_values(tag.aliases),
                join_values(tag.prompts),
                tag.parent or "",
                tag.group or "",
                "" if tag.threshold is None else repr(tag.threshold),
            )
        )
