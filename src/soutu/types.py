"""Frozen values that every floor shares. No behaviour beyond validation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Strings, so that importing this module does not import numpy.
Vectors: TypeAlias = "NDArray[np.float32]"
"""Rows of unit length, shape [n, dim]."""
Ids: TypeAlias = "NDArray[np.int64]"
"""Image ids, shape [n]; each in 1 .. 2**53 - 1, so that JSON readers keep them exact."""
Pixels: TypeAlias = "NDArray[np.uint8]"
"""RGB pictures ready for a model, shape [n, 3, height, width]."""

ResizeMode = Literal["shortest", "squash"]
Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"]
Scalar: TypeAlias = str | int | float | bool
Payload: TypeAlias = Mapping[str, Scalar | list[str]]
"""What the vector index knows of a picture besides its vector; see `index.base.FIELDS`."""


@dataclass(frozen=True, kw_only=True)
class Preprocess:
    """Describe how a model wants its pictures: resize, centre crop, normalise.

    `resize` is the target of the short side (`shortest`) or of both sides (`squash`), `height` and
    `width` the crop that the model sees, in pixels. `mean` and `std` apply to values in 0..1 and
    are None where the graph takes uint8 pixels and normalises by itself. `margin` says how half a
    pixel beside the crop is rounded: to even (torchvision, open_clip) or down (transformers).
    """

    height: int
    width: int
    resize: int | tuple[int, int]
    mode: ResizeMode = "shortest"
    interpolation: Interpolation = "bicubic"
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    margin: Literal["even", "down"] = "even"


@dataclass(frozen=True, kw_only=True)
class ImageInfo:
    """What a picture file says of itself. Sizes in pixels after EXIF orientation.

    `taken_at` is the camera's local time without a zone; `latitude` and `longitude` are WGS 84
    degrees, north and east positive.
    """

    width: int
    height: int
    format: str
    taken_at: datetime | None = None
    camera: str | None = None
    latitude: float | None = None
    longitude: float | None = None


# --- Filters: a small tree that the `where` language parses to and every index can run. ---


@dataclass(frozen=True)
class Match:
    """Keep pictures whose `field` equals one of `values` (a list field: contains one of them)."""

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


# --- Queries and answers. ---


@dataclass(frozen=True, kw_only=True)
class Term:
    """One part of a query: words or a picture, with a weight (negative: away from it).

    `image` is a path, an http(s) URL, or the bytes of a picture file.
    """

    text: str | None = None
    image: Path | str | bytes | None = None
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Query:
    """Words and pictures with weights, and filters, composed into one search.

    `keywords` are looked for in file and folder names (BM25) and fused with the meaning of the
    terms. `diversity` 0..1 trades likeness to the query for difference among the hits.
    """

    terms: tuple[Term, ...] = ()
    where: Filter | None = None
    keywords: str | None = None
    diversity: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A picture with its score and its calibrated relevance.

    `score` is the cosine between query and picture, `relevance` the calibrated 0..1 figure,
    comparable between queries. `by_name` says that the query's keywords are in the picture's
    file or folder name; of a query of keywords alone the score is BM25's and the relevance 1.
    """

    id: int
    path: Path
    score: float
    relevance: float
    info: ImageInfo
    by_name: bool = False


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A file that could not be indexed, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a long run has come. `total` is None while it is not known yet."""

    stage: Literal["scan", "index", "fill", "optimize", "download"]
    done: int
    total: int | None
    failed: int = 0


@dataclass(frozen=True, kw_only=True)
class IndexReport:
    """What an indexing run did. `skipped` counts files that were already up to date."""

    added: int = 0
    updated: int = 0
    moved: int = 0
    removed: int = 0
    skipped: int = 0
    failures: tuple[Failure, ...] = ()
    seconds: float = 0.0
    interrupted: bool = False


@dataclass(frozen=True, kw_only=True)
class SpaceStatus:
    """One space of a library: the vectors of one encoder at one revision.

    `vectors` is None while another process has them open.
    """

    model: str
    revision: str
    precision: str
    dim: int
    vectors: int | None
    current: bool


@dataclass(frozen=True, kw_only=True)
class LibraryStatus:
    """What a library holds."""

    path: Path
    images: int
    failures: tuple[Failure, ...]
    bytes_on_disk: int
    spaces: tuple[SpaceStatus, ...]
    folders: Mapping[str, int] = field(default_factory=dict)
