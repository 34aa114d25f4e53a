"""Tags and labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

HeadSource = Literal["zero-shot", "learned", "head"]
"""What computes a tag: the model, the model (or a head) taught by labels, a trained head."""

TagSource = Literal["zero-shot", "learned", "head", "person", "file"]
"""Who says that a tag holds: what computes it, a person, or the picture file."""

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
    file said so; `score` is the cosine between the picture and the tag's vector, 0 where a trained
    head decides that is not linear and has none.
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
class TagHead:
    """A trained head that a library tags with.

    `digest` names it, `method` is what trained it, `data` on what; `model`, `revision`, `precision`
    and `dim` are those of the encoder whose vectors it reads. `idle` says why it is not in use: a
    head works with the vectors of its own encoder alone.
    """

    digest: str
    method: str
    data: str | None
    model: str
    revision: str
    precision: str
    dim: int
    made: str
    idle: str | None = None


@dataclass(frozen=True, kw_only=True)
class HeadUse:
    """A trained head with the tags that it scores."""

    head: TagHead
    tags: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class HeadReport:
    """What `use_head` did: the head, the tags that it scores now, and those made for it."""

    head: TagHead
    tags: tuple[str, ...]
    added: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class TagFacts:
    """A tag as the current model sees it: its own values and what was found for it.

    `threshold` is the one in force, None while a library without pictures has none to find.
    `head` is the trained head that the tag was given, whether it is in use or not.
    `count` are the pictures that hold the tag itself, `count_with_narrower` those that hold it or
    a narrower tag, as a search finds them.
    """

    tag: Tag
    children: tuple[str, ...]
    threshold: float | None
    source: HeadSource = "zero-shot"
    head: TagHead | None = None
    count: int = 0
    count_with_narrower: int = 0
    yes: int = 0
    no: int = 0


@dataclass(frozen=True, kw_only=True)
class Label:
    """What was said of one tag on one picture: right (`value` True) or wrong.

    `id` is the picture's where a library lists its labels, None for one that is gone; `missing`
    tells that it has left the library and its label waits for it.
    """

    path: Path
    tag: str
    value: bool
    source: LabelSource = "person"
    who: str = ""
    at: datetime | None = None
    missing: bool = False
    id: int | None = field(default=None, compare=False)


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
class Question:
    """Ask a person whether a tag holds for a picture."""

    id: int
    path: Path
    tag: str
    probability: float
    threshold: float


@dataclass(frozen=True, kw_only=True)
class TagSpread:
    """How the probabilities of a tag are spread over the library.

    `edges` are n + 1 probabilities, ascending from 0 to 1; `counts`, `yes` and `no` say how many
    pictures, and how many that people labelled, lie in each of the n bins (the last one holds its
    upper edge too). In a library of more than 100,000
    pictures the less probable ones, and those of exclusive tags, are counted in a sample.
    """

    tag: str
    threshold: float
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    yes: tuple[int, ...]
    no: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class TagBorder:
    """The pictures on both sides of a tag's threshold, nearest to it first.

    `count` is how many pictures hold the tag at that threshold, labels counted. In a library of
    more than 100,000 pictures a larger count, or that of an exclusive tag, is an estimate.
    """

    tag: str
    threshold: float
    count: int
    above: tuple[Question, ...]
    below: tuple[Question, ...]


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
