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
class Failure:
    """A file that could not be indexed, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a long run has come. `total` is None while it is not known yet."""

    stage: Literal["scan", "index", "fill", "optimize", "download", "tag", "write"]
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


# --- Tags and labels. ---

TagSource = Literal["zero-shot", "learned", "person", "file"]
"""Who says that a tag holds: the model, the model taught by labels, a person, the picture file."""

LabelSource = Literal["person", "file", "import"]


@dataclass(frozen=True, kw_only=True)
class Tag:
    """A saved query with a name.

    `aliases` are further names, in any script; a tag is found by each of them. `prompts` describe
    it to the model, `{}` standing for the name; without any, the model's usual ones are used.
    `parent` is the name of the broader tag. The tags of one `group` exclude each other: exactly
    one of them holds for a picture. `threshold` is the least probability at which the tag holds,
    0..1; None lets it find itself.
    """

    name: str
    aliases: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    parent: str | None = None
    group: str | None = None
    threshold: float | None = None


@dataclass(frozen=True, kw_only=True)
class TagScore:
    """What is known of one tag on one picture.

    `probability` 0..1 is calibrated (within a group: a softmax), or 1 or 0 where a person or the
    file said so; `score` is the cosine between the picture and the tag's vector.
    """

    tag: str
    probability: float
    threshold: float
    score: float
    source: TagSource
    holds: bool


@dataclass(frozen=True, kw_only=True)
class ImageTags:
    """The tags of one picture, most probable first. `id` is None outside the library."""

    path: Path
    id: int | None
    tags: tuple[TagScore, ...]


@dataclass(frozen=True, kw_only=True)
class TagCount:
    """How many pictures hold a tag, and how many labels people gave it."""

    tag: str
    count: int
    yes: int = 0
    no: int = 0


@dataclass(frozen=True, kw_only=True)
class TagFacts:
    """A tag as the current model sees it: its own values and what was found for it.

    `threshold` is the one in force, None while a library without pictures has none to find.
    """

    tag: Tag
    children: tuple[str, ...]
    threshold: float | None
    source: Literal["zero-shot", "learned"] = "zero-shot"
    count: int = 0
    yes: int = 0
    no: int = 0


@dataclass(frozen=True, kw_only=True)
class Label:
    """What was said of one tag on one picture: right (`value` True) or wrong."""

    path: Path
    tag: str
    value: bool
    source: LabelSource = "person"
    who: str = ""
    at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Change:
    """One entry of the history of tags and labels; `at` is UTC."""

    number: int
    at: datetime
    who: str
    source: str
    action: str
    what: str
    undone: bool = False


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What an import of tags or labels did."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0


@dataclass(frozen=True, kw_only=True)
class Question:
    """Ask a person whether a tag holds for a picture."""

    id: int
    path: Path
    tag: str
    probability: float
    threshold: float


@dataclass(frozen=True, kw_only=True)
class TagIdea:
    """A tag that may be worth adding: a frequent kind of picture that no tag covers."""

    name: str
    count: int
    score: float
    examples: tuple[Path, ...]


@dataclass(frozen=True, kw_only=True)
class MergeIdea:
    """Two tags that may be one: `similarity` of their vectors, `overlap` (Jaccard) of pictures."""

    keep: str
    merge: str
    similarity: float
    overlap: float


@dataclass(frozen=True, kw_only=True)
class WriteReport:
    """What writing tags to files did. `unchanged` files said the same already."""

    written: int = 0
    unchanged: int = 0
    failures: tuple[Failure, ...] = ()
    interrupted: bool = False
