"""Filters: a small tree that the `where` language parses to and every index can run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from soutu.types.arrays import Scalar


@dataclass(frozen=True)
class Match:
    """Keep pictures whose `field` equals one of `values` (a list field: contains one of them).

    The field `tag` is known to libraries only; they turn it into `HasId` for the index.
    """

    field: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True, kw_only=True)
class Range:
    """Keep pictures whose numeric `field` lies between the given bounds; None leaves one open."""

    field: str
    gte: float | None = None
    gt: float | None = None
    lte: float | None = None
    lt: float | None = None


@dataclass(frozen=True)
class HasId:
    """Keep the pictures with these ids."""

    ids: tuple[int, ...]


@dataclass(frozen=True)
class All:
    """Keep pictures that pass every part. No parts: all pictures."""

    parts: tuple[Filter, ...] = ()


@dataclass(frozen=True)
class AnyOf:
    """Keep pictures that pass at least one part. No parts: none."""

    parts: tuple[Filter, ...] = ()


@dataclass(frozen=True)
class Not:
    """Keep pictures that fail the part."""

    part: Filter


Filter: TypeAlias = Match | Range | HasId | All | AnyOf | Not
