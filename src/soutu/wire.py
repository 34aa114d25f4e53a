"""The frozen values of `soutu.types` as JSON, both ways; what HTTP clients and servers speak.

Fields keep their names. Paths are strings (bytes that are no UTF-8 as Python keeps them in paths),
times ISO 8601, tuples lists. A filter says its `kind`; the picture of a term is `id`, `url` or
`upload`, the name of a file that comes with the request.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import (
    Any,
    Literal,
    TypeAlias,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from soutu.errors import InputError
from soutu.types import All, AnyOf, Box, Filter, HasId, Match, Not, Query, Range, Term

Json: TypeAlias = Any
"""None, bool, int, float, str, lists and string-keyed dicts of these."""

T = TypeVar("T")

_FILTERS: Mapping[str, type[Filter]] = {
    "match": Match, "range": Range, "has_id": HasId, "all": All, "any_of": AnyOf, "not": Not,
}  # fmt: skip
_PLAIN = frozenset({str, int, float, bool, type(None)})
_KINDS = {kind: name for name, kind in _FILTERS.items()}


def to_json(value: object) -> Json:
    """Return a value as JSON. Raises TypeError for what JSON cannot hold."""
    kind = type(value)
    return value if kind in _PLAIN else _writer(cast("Any", kind))(value)


def from_json(kind: type[T], value: Json) -> T:
    """Return the value of a type that `to_json` turned into JSON.

    Fields that are unknown are ignored and those missing take their defaults, so that older and
    newer programs understand each other. Raises InputError for what does not fit.
    """
    try:
        return cast("T", _reader(cast("Any", kind))(value))
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        msg = f"this is no {getattr(kind, '__name__', kind)}: {_short(value)} ({error})"
        raise InputError(msg) from error


def filter_from_json(value: Json) -> Filter:
    """Return the filter that `to_json` wrote. Raises InputError."""
    return from_json(cast("type[Filter]", Filter), value)


def query_to_json(
    query: Query, upload: Callable[[bytes | Path | str], str], known: Callable[[Path], int | None]
) -> Json:
    """Return a query as JSON.

    `known` gives the id of a file that the other side has already; `upload` takes the other
    pictures, which must come along, and names them.
    """
    return {
        "terms": [_term_to_json(term, upload, known) for term in query.terms],
        "where": to_json(query.where),
        "keywords": query.keywords,
        "diversity": query.diversity,
        "tags": list(query.tags),
        "expand": query.expand,
    }


def _term_to_json(
    term: Term, upload: Callable[[bytes | Path | str], str], known: Callable[[Path], int | None]
) -> Json:
    found: dict[str, Json] = {"weight": term.weight}
    if term.box is not None:
        found["box"] = to_json(term.box)
    image = term.image
    if term.text is not None:
        found["text"] = term.text
    elif isinstance(image, int):
        found["id"] = image
    elif isinstance(image, str) and image.lower().startswith(("http://", "https://")):
        found["upload"] = upload(image)  # who asks may see what the server may not
    elif isinstance(image, bytes):
        found["upload"] = upload(image)
    elif image is not None:
        id_ = known(Path(image))
        found |= {"upload": upload(image)} if id_ is None else {"id": id_}
    return found


@cache
def _writer(kind: type) -> Callable[[Any], Json]:
    """Return what writes values of a type; made once for each, as pages hold thousands."""
    if issubclass(kind, str | int | float):
        return lambda value: value
    if issubclass(kind, Path):
        return str
    if issubclass(kind, datetime):
        return datetime.isoformat
    if issubclass(kind, Mapping):
        return lambda value: {str(key): to_json(each) for key, each in value.items()}
    if issubclass(kind, list | tuple):
        return lambda value: [to_json(each) for each in value]
    if kind is Box:
        return lambda box: [box.left, box.top, box.right, box.bottom]
    if not is_dataclass(kind):
        raise TypeError(f"{kind.__name__} has no form in JSON")
    return _write_dataclass(kind)


def _write_dataclass(kind: Any) -> Callable[[Any], Json]:
    names, hints = _names(kind), get_type_hints(kind)
    tag = _KINDS.get(kind)
    first = {} if tag is None else {"kind": tag}
    # With two names at least, attrgetter gives a tuple.
    get = attrgetter(*names) if len(names) > 1 else lambda value: [getattr(value, n) for n in names]
    # Most fields hold what JSON has, by their types, and are taken over all at once.
    other = [name for name in names if not set(get_args(hints[name]) or (hints[name],)) <= _PLAIN]

    def write(value: Any) -> Json:
        found = dict(zip(names, get(value), strict=True))
        for name in other:
            found[name] = to_json(found[name])
        return first | found if first else found

    return write


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind))


@cache
def _reader(kind: Any) -> Callable[[Json], Any]:
    """Return what reads a type; made once for each."""
    if kind == Filter:
        return _read_filter
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if set(args) >= set(_KINDS):
            optional = type(None) in args
            return lambda value: None if value is None and optional else _read_filter(value)
        return _read_union(args)
    if origin is Literal:
        return lambda value: _one_of(value, args)
    if origin in (tuple, list, Sequence) or origin in (Mapping, dict):
        return _read_many(cast("Any", origin), args)
    if kind is Box:
        return lambda value: Box(*(float(each) for each in value))
    if kind in _READERS:
        return _READERS[kind]
    if is_dataclass(kind):
        return _read_dataclass(kind)
    raise TypeError(f"{kind} cannot be read from JSON")


def _read_union(args: tuple[Any, ...]) -> Callable[[Json], Any]:
    readers = [(each, _reader(each)) for each in args if each is not type(None)]
    optional = type(None) in args

    def read(value: Json) -> Any:
        if value is None and optional:
            return None
        for kind, reader in readers:
            if kind in _EXACT and type(value) is kind:
                return reader(value)
        return readers[0][1](value)

    return read


def _read_many(origin: Any, args: tuple[Any, ...]) -> Callable[[Json], Any]:
    if origin in (Mapping, dict):
        inner = _reader(args[1])
        return lambda value: {key: inner(each) for key, each in value.items()}
    inner = _reader(args[0])
    whole = tuple if origin is tuple else list

    def read(value: Json) -> Any:
        if not isinstance(value, list):
            raise TypeError(f"a list is wanted, not {type(value).__name__}")
        return whole(inner(each) for each in value)

    return read


def _read_dataclass(kind: Any) -> Callable[[Json], Any]:
    hints = get_type_hints(kind)
    readers: dict[str, Callable[[Json], Any]] = {}

    def read(value: Json) -> Any:
        if not readers:  # filled late: a type may hold itself
            readers.update({name: _reader(hints[name]) for name in _names(kind)})
        given = {name: each(value[name]) for name, each in readers.items() if name in value}
        return kind(**given)

    return read


def _read_filter(value: Json) -> Filter:
    kind = _FILTERS.get(value["kind"])
    if kind is None:
        raise ValueError(f"a filter's kind is one of {', '.join(_FILTERS)}")
    return cast(
        "Filter", _reader(cast("Any", kind))({k: v for k, v in value.items() if k != "kind"})
    )


def _one_of(value: Json, allowed: tuple[Any, ...]) -> Any:
    if value not in allowed:
        raise ValueError(f"one of {', '.join(map(str, allowed))} is wanted")
    return value


def _exactly(kind: type) -> Callable[[Json], Any]:
    def read(value: Json) -> Any:
        if type(value) is not kind:
            raise TypeError(f"{kind.__name__} is wanted, not {type(value).__name__}")
        return value

    return read


def _number(value: Json) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"a number is wanted, not {type(value).__name__}")
    return float(value)


_EXACT = (str, int, float, bool)
_READERS: Mapping[Any, Callable[[Json], Any]] = {
    str: _exactly(str),
    int: _exactly(int),
    bool: _exactly(bool),
    float: _number,
    Path: Path,
    datetime: datetime.fromisoformat,
}


def _short(value: Json) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
