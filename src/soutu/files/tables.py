"""CSV that people and spreadsheets write, with the place of every cell for the errors.

The grammar is RFC 4180 with what programs make of it: the delimiter is a comma, a semicolon or a
tab (or named by a first line `sep=;`), lines end with LF, CRLF or CR, white space around cells
that are not quoted does not count. The csv module of the standard library accepts broken quotes
in silence and does not tell where a cell stands.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from soutu.errors import InputError

_NEWLINE = re.compile(r"\r\n|\r|\n")
_SEP_LINE = re.compile(r"sep=([,;\t])(?:\r\n|\r|\n)", re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*+(?:""[^"]*+)*+"?')
_MUST_QUOTE = re.compile(r'[,;\t"\r\n]')
_PART = re.compile(r"((?:[^\\|]|\\.|\\\Z)*+)(?:\||\Z)", re.DOTALL)
_ESCAPED = re.compile(r"\\([\\|]|\s)")


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one record; `line` is where it begins, from 1."""

    path: Path
    line: int
    cells: list[str]

    def line_of(self, cell: int) -> int:
        """Return the line where a cell begins; line breaks in the cells before it count."""
        return self.line + sum(len(_NEWLINE.findall(text)) for text in self.cells[:cell])

    def at(self, cell: int, column: str = "") -> str:
        """Return the place of a cell (from 0) for a message: file, line, column and its name."""
        named = f" ({column})" if column else ""
        return f"{self.path}, line {self.line_of(cell)}, column {cell + 1}{named}"


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file that are not empty, and the delimiter of its cells."""

    rows: list[Row]
    delimiter: str


def read_table(path: Path, text: str) -> Table:
    """Return the rows of a CSV file. Raises InputError with the place of a broken quote."""
    start = 0
    if sep := _SEP_LINE.match(text):
        delimiter, start = sep[1], sep.end()
    else:
        delimiter = _delimiter(text)
    rows = _rows(path, text, delimiter, start)
    return Table([row for row in rows if any(row.cells)], delimiter)


def _delimiter(text: str) -> str:
    """Return the most frequent delimiter of the first line that is not empty, outside quotes."""
    bare = _QUOTED.sub("", text[:65536].lstrip())  # no header is longer
    counts = Counter(_NEWLINE.split(bare, maxsplit=1)[0])
    return max(",;\t", key=lambda each: counts[each])


@cache
def _cell(delimiter: str) -> re.Pattern[str]:
    quoted = r' *"([^"]*+(?:""[^"]*+)*+)" *'
    plain = rf'(?! *")([^{delimiter}\r\n]*+)'
    return re.compile(rf"(?:{quoted}|{plain})({delimiter}|\r\n|\r|\n|\Z)")


def _rows(path: Path, text: str, delimiter: str, start: int) -> Iterator[Row]:
    first = line = 2 if start else 1
    cells: list[str] = []
    end = start
    for match in _cell(delimiter).finditer(text, start):
        if match.start() != end:
            break
        quoted, plain, stop = match.groups()
        end = match.end()
        if quoted is None:
            cells.append(plain.strip())
        else:
            cells.append(quoted.replace('""', '"'))
            line += len(_NEWLINE.findall(quoted))
        if stop == delimiter:
            continue
        yield Row(path, first, cells)
        if not stop:
            return
        line += 1
        first, cells = line, []
    place = Row(path, first, cells).at(len(cells))
    if _QUOTED.match(text[end:].lstrip(" "))[0].count('"') % 2:  # type: ignore[index]
        raise InputError(f'{place}: the quote " is never closed. Close it, or double it: ""')
    raise InputError(
        f'{place}: there is text after the closing quote ". Double a quote that belongs to the '
        'text: ""'
    )


def write_row(cells: Iterable[str]) -> str:
    """Return one line of CSV, with its line end; cells that need quotes get them."""
    return ",".join(map(_quote, cells)) + "\r\n"


def _quote(cell: str) -> str:
    if _MUST_QUOTE.search(cell) or cell != cell.strip():
        return '"' + cell.replace('"', '""') + '"'
    return cell


def split_values(cell: str) -> list[str]:
    r"""Return the values of a cell that holds several: `a|b`; `\|` and `\\` stand for | and \."""
    if "\\" not in cell:
        return [value for part in cell.split("|") if (value := part.strip())]
    values = []
    for match in _PART.finditer(cell):
        part = match[1].lstrip()
        value = part.rstrip()
        if (len(value) - len(value.rstrip("\\"))) % 2:  # the white space after it is escaped
            value = part[: len(value) + 1]
        if value:
            values.append(_ESCAPED.sub(r"\1", value))
    return values


def join_values(values: Sequence[str]) -> str:
    """Return one cell for several values, so that `split_values` gives them back."""
    return "|".join(map(_escape, values))


def _escape(value: str) -> str:
    value = value.replace("\\", "\\\\").replace("|", "\\|")
    if value[-1:].isspace():
        value = f"{value[:-1]}\\{value[-1]}"
    if value[:1].isspace():
        value = f"\\{value}"
    return value
