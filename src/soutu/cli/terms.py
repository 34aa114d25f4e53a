"""Read the words and options of a search as the terms of one query."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from soutu.errors import QueryError
from soutu.types import Term

_WEIGHTED = re.compile(r"(\d+(?:\.\d*)?|\.\d+):(.*)", re.DOTALL)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the command line asked for, as it was written."""

    words: Sequence[str] = ()
    images: Sequence[str] = ()
    plus: Sequence[str] = ()
    minus: Sequence[str] = ()
    minus_images: Sequence[str] = ()

    def terms(self) -> tuple[Term, ...]:
        """Return the query's terms; raise QueryError for one that cannot be meant."""
        phrase = " ".join(self.words).strip()
        return (
            *_texts([phrase] if phrase else [], sign=1.0),
            *_texts(self.plus, sign=1.0),
            *_images(self.images, sign=1.0),
            *_texts(self.minus, sign=-1.0),
            *_images(self.minus_images, sign=-1.0),
        )


def _texts(written: Iterable[str], *, sign: float) -> list[Term]:
    terms = []
    for text in written:
        weight, words = split_weight(text)
        terms.append(Term(text=words, weight=sign * weight))
    return terms


def _images(written: Iterable[str], *, sign: float) -> list[Term]:
    terms = []
    for text in written:
        weight, place = split_weight(text)
        terms.append(Term(image=_image(place), weight=sign * weight))
    return terms


def split_weight(text: str) -> tuple[float, str]:
    """Split `2:red car` into 2.0 and `red car`; without a weight it is 1.0."""
    match = _WEIGHTED.fullmatch(text)
    weight, rest = (float(match[1]), match[2].strip()) if match else (1.0, text.strip())
    if not rest:
        raise QueryError(f"{text!r} has nothing to look for. Write words or a picture's path")
    if weight == 0:
        raise QueryError(f"{text!r} has weight 0, so it says nothing. Leave it out, or weigh it")
    return weight, rest


def _image(place: str) -> Path | str:
    scheme = _SCHEME.match(place)
    if scheme is None:
        return Path(place)
    if scheme[1].lower() not in {"http", "https"}:
        raise QueryError(
            f"{place!r}: pictures are fetched over http and https only. Give a file's path instead"
        )
    return place


def written(terms: Iterable[Term]) -> str:
    """Write a query for a person, as `red car + beach.jpg − people`."""
    parts: list[str] = []
    for term in terms:
        weight = "" if abs(term.weight) == 1 else f"{abs(term.weight):g}:"
        name = f"{weight}{term.text or term.image!s}"
        parts.append(f"− {name}" if term.weight < 0 else f"+ {name}" if parts else name)
    return " ".join(parts)
