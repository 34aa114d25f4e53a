"""Queries and their answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from soutu.types.arrays import Vectors
from soutu.types.filters import Filter
from soutu.types.pictures import ImageInfo
from soutu.types.tags import TagScore


@dataclass(frozen=True)
class Box:
    """A part of an upright picture: its edges as fractions 0..1 of the width and the height."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, kw_only=True)
class Term:
    """One part of a query: words or a picture, with a weight (negative: away from it).

    `image` is a path, an http(s) URL, the bytes of a picture file, or the id of a picture of the
    library. With a `box` only that part of the picture counts.
    """

    text: str | None = None
    image: Path | str | bytes | int | None = None
    weight: float = 1.0
    box: Box | None = None


@dataclass(frozen=True, kw_only=True)
class Query:
    """Words and pictures with weights, tags, and filters, composed into one search.

    `tags` are names of tags that hits must hold, or with a `!` before them must not. `expand` lets
    a tag stand for its narrower tags too, and words that are exactly the name of a tag stand for
    the tag, with its synonyms and what people taught it. `keywords` are looked for in file and
    folder names (BM25) and fused with the meaning of the terms. `diversity` 0..1 trades likeness
    to the query for difference among the hits.
    """

    terms: tuple[Term, ...] = ()
    where: Filter | None = None
    keywords: str | None = None
    diversity: float = 0.0
    tags: tuple[str, ...] = ()
    expand: bool = True


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A picture with its score and its calibrated relevance.

    `score` is the cosine between query and picture, `relevance` the calibrated 0..1 figure,
    comparable between queries. `by_name` says that the query's keywords are in the picture's
    file or folder name; of a query of keywords alone the score is BM25's and the relevance 1. Of a
    query of tags alone both are the least probability of the wanted tags.
    """

    id: int
    path: Path
    score: float
    relevance: float
    info: ImageInfo
    by_name: bool = False


@dataclass(frozen=True, kw_only=True)
class TermMatch:
    """How well one term of a query fits a picture, by itself.

    `text` is None for a picture term. `box` is the part of the picture that fits best, None where
    no part fits better than the whole.
    """

    text: str | None
    weight: float
    score: float
    relevance: float
    box: Box | None = None


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Why a picture answers a query.

    `score` and `relevance` are those of a `Hit`. `heat` says where in the picture the query
    matches: rows, top to bottom, of cells of equal size, each 0..1 from the part of the picture
    that fits worst to the one that fits best; empty where the file is gone. `tags` are the
    query's tags on the picture, `words` the keywords that are in its file or folder name.
    """

    id: int
    path: Path
    score: float
    relevance: float
    terms: tuple[TermMatch, ...] = ()
    tags: tuple[TagScore, ...] = ()
    words: tuple[str, ...] = ()
    heat: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """Unit vectors [n, dim] of words and pictures, and the space they belong to."""

    model: str
    revision: str
    vectors: Vectors
