"""The filter language: a small SQL-like WHERE, parsed into `types.Filter`.

    camera = 'Canon EOS 5D' AND date BETWEEN '2023-05' AND '2024'
    (format IN ('PNG', 'TIFF') OR size > 20MB) AND NOT folder = '~/Pictures/old'
    near(52.52, 13.40, 10) AND tag = 'cat' AND NOT tag = 'indoor'

Fields: those of `index.base.FIELDS`; `date` is `taken`, `size` is `bytes`. Dates are ISO 8601 and
may stop at the year, month, day or minute; a shorter date means the whole period. A folder means
everything below it, a tag also what holds a narrower one. `near(latitude, longitude, km)` is the
box around a place.
"""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from soutu.errors import QueryError
from soutu.index.base import FIELDS
from soutu.types import All, AnyOf, Filter, Match, Not, Range

_ALIASES = {"date": "taken", "size": "bytes", "lat": "latitude", "lon": "longitude"}
_KINDS = {**FIELDS, "tag": "keyword"}
_DATES = frozenset({"taken", "modified"})
_UNITS = {"": 1.0, "KB": 1e3, "MB": 1e6, "GB": 1e9}
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*'|\"[^\"]*\")"
    r"|(?P<number>[-+]?\d+(?:\.\d+)?)(?P<unit>KB|MB|GB)?\b"
    r"|(?P<op><=|>=|!=|<>|=|<|>)|(?P<mark>[(),])|(?P<word>[A-Za-z_]\w*))",
    re.IGNORECASE,
)
_KM_PER_DEGREE = 111.32


@dataclass(frozen=True)
class _Token:
    kind: str
    value: str | float
    at: int


def parse_where(text: str) -> Filter:
    """Parse a WHERE expression. Raises QueryError with the position and what was expected."""
    parser = _Parser(text)
    found = parser.either()
    if parser.peek is not None:
        parser.fail("AND, OR or the end")
    return found


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokens(text)
        self.next = 0

    @property
    def peek(self) -> _Token | None:
        return self.tokens[self.next] if self.next < len(self.tokens) else None

    def fail(self, expected: str) -> NoReturn:
        at = self.peek.at if self.peek else len(self.text)
        found = repr(self.text[at : at + 20]) if self.peek else "the end"
        msg = f"cannot read the filter {self.text!r}: expected {expected} at {at}, found {found}"
        raise QueryError(msg)

    def take(self, kind: str, *values: str) -> _Token | None:
        token = self.peek
        if token is None or token.kind != kind:
            return None
        if values and str(token.value).upper() not in values:
            return None
        self.next += 1
        return token

    def need(self, kind: str, *values: str, expected: str) -> _Token:
        return self.take(kind, *values) or self.fail(expected)

    def either(self) -> Filter:
        parts = [self.both()]
        while self.take("word", "OR"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def both(self) -> Filter:
        parts = [self.one()]
        while self.take("word", "AND"):
            parts.append(self.one())
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def one(self) -> Filter:
        if self.take("word", "NOT"):
            return Not(self.one())
        if self.take("mark", "("):
            inner = self.either()
            self.need("mark", ")", expected="')'")
            return inner
        if self.take("word", "NEAR"):
            return self.near()
        return self.predicate()

    def predicate(self) -> Filter:
        start = self.next
        word = self.need("word", expected="a field, NOT or '('")
        field = _ALIASES.get(str(word.value).lower(), str(word.value).lower())
        if field not in _KINDS:
            self.next = start
            self.fail("one of the fields " + ", ".join(sorted({*_KINDS, *_ALIASES})))
        negate = self.take("word", "NOT") is not None
        found = self.comparison(field) if not negate else None
        if found is None:
            found = self.in_list(field) or self.between(field)
        if found is None:
            self.fail("IN or BETWEEN" if negate else "=, !=, <, <=, >, >=, IN or BETWEEN")
        return Not(found) if negate else found

    def comparison(self, field: str) -> Filter | None:
        token = self.take("op")
        if token is None:
            return None
        op = str(token.value)
        low, high = self.value(field)
        if op == "=":
            return _equal(field, low, high)
        if op in ("!=", "<>"):
            return Not(_equal(field, low, high))
        if _KINDS[field] == "keyword":
            self.fail(f"= or != after {field}, which is text,")
        bounds = {"<": {"lt": low}, "<=": _upper(low, high), ">=": {"gte": low}}
        return Range(field=field, **_numbers(bounds.get(op) or _after(low, high)))

    def in_list(self, field: str) -> Filter | None:
        if not self.take("word", "IN"):
            return None
        self.need("mark", "(", expected="'('")
        parts = [_equal(field, *self.value(field))]
        while self.take("mark", ","):
            parts.append(_equal(field, *self.value(field)))
        self.need("mark", ")", expected="',' or ')'")
        return AnyOf(tuple(parts))

    def between(self, field: str) -> Filter | None:
        if not self.take("word", "BETWEEN"):
            return None
        if _KINDS[field] == "keyword":
            self.fail(f"= or IN after {field}, which is text,")
        low, _ = self.value(field)
        self.need("word", "AND", expected="AND")
        last, end = self.value(field)
        return Range(field=field, **_numbers({"gte": low, **_upper(last, end)}))

    def near(self) -> Filter:
        self.need("mark", "(", expected="'('")
        numbers: list[float] = []
        for expected in ("a latitude", "a longitude", "a distance in km"):
            if numbers:
                self.need("mark", ",", expected="','")
            numbers.append(float(self.need("number", expected=expected).value))
        self.need("mark", ")", expected="')'")
        latitude, longitude, km = numbers
        if not (-90 <= latitude <= 90 and -180 <= longitude <= 180 and km > 0):
            msg = f"near({latitude}, {longitude}, {km}): latitude is -90..90, longitude -180..180"
            raise QueryError(msg + ", the distance above 0 km")
        return _box(latitude, longitude, km)

    def value(self, field: str) -> tuple[str | float, str | float]:
        """Return the first and the end of a value; they are equal but for periods of time."""
        token = self.peek
        kind = _KINDS[field]
        if token is None or token.kind not in ("text", "number"):
            self.fail("a value: a number, or text in quotes")
        if field in _DATES:
            period = _period(str(token.value)) if token.kind == "text" else None
            if period is None:
                self.fail("a date in quotes such as '2024-05-31'")
            self.next += 1
            return period
        if (kind == "number") != (token.kind == "number"):
            self.fail(f"a {'number' if kind == 'number' else 'text in quotes'} for {field}")
        self.next += 1
        value = token.value
        if field == "folder":
            value = os.path.abspath(os.path.expanduser(str(value)))  # noqa: PTH100, PTH111 - must not resolve links
        return value, value


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None:
            msg = f"cannot read the filter {text!r} at {at}: {text[at : at + 20]!r}. "
            raise QueryError(msg + "Put text in quotes, as in camera = 'Canon'")
        kind = next(k for k in ("text", "number", "op", "mark", "word") if match[k])
        value: str | float = match[kind]
        if kind == "text":
            value = match["text"][1:-1].replace("''", "'")
        elif kind == "number":
            value = float(match["number"]) * _UNITS[(match["unit"] or "").upper()]
        found.append(_Token(kind, value, match.start(kind)))
        at = match.end()
    if not found:
        msg = "the filter is empty; give something like: camera = 'Canon' AND date >= '2024'"
        raise QueryError(msg)
    return found


def _equal(field: str, low: str | float, high: str | float) -> Filter:
    if _KINDS[field] == "keyword":
        return Match(field, (low,))
    return Range(field=field, **_numbers({"gte": low, **_upper(low, high)}))


def _upper(low: str | float, high: str | float) -> dict[str, str | float]:
    return {"lte": low} if low == high else {"lt": high}


def _after(low: str | float, high: str | float) -> dict[str, str | float]:
    return {"gt": low} if low == high else {"gte": high}


def _numbers(bounds: dict[str, str | float]) -> dict[str, float]:
    return {key: float(value) for key, value in bounds.items()}


def _period(text: str) -> tuple[float, float] | None:
    formats = {4: "%Y", 7: "%Y-%m", 10: "%Y-%m-%d", 16: "%Y-%m-%dT%H:%M", 19: "%Y-%m-%dT%H:%M:%S"}
    try:
        start = datetime.strptime(text.replace(" ", "T"), formats[len(text)]).replace(tzinfo=UTC)
    except (KeyError, ValueError):
        return None
    if len(text) == 4:
        end = start.replace(year=start.year + 1) if start.year < 9999 else start
    elif len(text) == 7:
        end = (start + timedelta(days=32)).replace(day=1)
    else:
        end = start + {10: timedelta(days=1), 16: timedelta(minutes=1)}.get(
            len(text), timedelta(seconds=1)
        )
    return start.timestamp(), end.timestamp()


def _box(latitude: float, longitude: float, km: float) -> Filter:
    north = km / _KM_PER_DEGREE
    east = min(north / max(math.cos(math.radians(latitude)), 1e-6), 180.0)
    lat = Range(field="latitude", gte=latitude - north, lte=latitude + north)
    west_end, east_end = longitude - east, longitude + east
    if west_end >= -180 and east_end <= 180:
        return All((lat, Range(field="longitude", gte=west_end, lte=east_end)))
    # The box crosses the date line.
    wrapped = AnyOf(
        (
            Range(field="longitude", gte=(west_end + 180) % 360 - 180),
            Range(field="longitude", lte=(east_end + 180) % 360 - 180),
        )
    )
    return All((lat, wrapped))
