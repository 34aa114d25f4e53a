"""What requests about tags and labels look like; answers are the values of `soutu.types`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from soutu.library.tagging.base import OnConflict, SaidBy, TagMode
from soutu.types import TagIdea
from soutu.web.schemas import Id, Name, Request, Where

Names = Annotated[list[Name], Field(max_length=100_000)]
Threshold = Annotated[
    Any,
    WithJsonSchema(
        {
            "anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"type": "null"}],
            "description": "The least probability at which the tag holds, 0..1.",
        }
    ),
]
"""As it comes: the library takes no texts for numbers, and says what it takes."""
Value = dict[str, Any]
"""A value of `soutu.types`, read by `soutu.wire`: its paths may hold what is no UTF-8."""


def _examples(*examples: dict[str, Any]) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"examples": list(examples)})


class Signed(Request):
    """Something that somebody does."""

    who: Annotated[
        Name | None, Field(description="Whose doing it is; the server's own user without.")
    ] = None


class UndoLabelIn(Signed):
    """Which labelling to take back: the last one, or the last one of a picture and a tag."""

    picture: Id | None = None
    tag: Name | None = None


# --- the vocabulary ---


class TagOpen(Request):
    """What can be said of a tag beside its name."""

    aliases: Names = Field(default_factory=list)
    prompts: Names = Field(default_factory=list)
    parent: Name | None = None
    group: Name | None = None
    threshold: Threshold = None


class TagIn(TagOpen, Signed):
    """A tag to add."""

    model_config = _examples(
        {"name": "cat", "aliases": ["猫"], "prompts": ["a photo of a {}"], "parent": "animal"}
    )

    name: Name


class EditIn(Signed):
    """What to change of a tag: the fields that are there; null takes a value away."""

    model_config = _examples({"threshold": 0.6, "parent": None})

    aliases: Names | None = None
    prompts: Names | None = None
    parent: Name | None = None
    group: Name | None = None
    threshold: Threshold = None


class RenameIn(Signed):
    """A tag, by any of its names, and its new name."""

    model_config = _examples({"name": "cat", "new": "kitten"})

    name: Name
    new: Name
    keep: Annotated[bool, Field(description="The old name stays as an alias.")] = False


class MergeIn(Signed):
    """Tags to merge, and the one that they become."""

    model_config = _examples({"names": ["kitty", "猫"], "into": "cat"})

    names: Names
    into: Name


class RemoveIn(Signed):
    """Tags to remove."""

    model_config = _examples({"names": ["blurry"]})

    names: Names


class KeywordsIn(Signed):
    """Which keywords of picture files become tags."""

    at_least: Annotated[
        int, Field(ge=0, le=10**9, description="Files that must have the keyword.")
    ] = 1


class ListedTag(TagOpen):
    """A tag of a list to import."""

    name: Name


class ImportIn(Signed):
    """Tags to import: a list, or a starter vocabulary by its name."""

    model_config = _examples(
        {"starter": "everyday"},
        {"tags": [{"name": "cat", "aliases": ["猫"]}], "origin": "my list", "on_conflict": "skip"},
    )

    tags: Annotated[list[ListedTag] | None, Field(max_length=1_000_000)] = None
    origin: Annotated[Name | None, Field(description="What the history calls the list.")] = None
    shown: Annotated[
        Name | None, Field(description="What errors call a file that comes along.")
    ] = None
    starter: Name | None = None
    on_conflict: OnConflict = "update"


class CountsIn(Request):
    """Among which pictures to count those of each tag."""

    model_config = _examples({"where": "camera = 'Canon'"})

    where: Where = None
    expand: Annotated[
        bool, Field(description="Whether what holds a narrower tag counts for the broader one.")
    ] = True


# --- labels ---


class LabelIn(Signed):
    """Which tags are right and wrong for a picture, and of which to take back what was said."""

    model_config = _examples({"picture": 7, "yes": ["cat"], "no": ["dog"]})

    picture: Id
    yes: Names = Field(default_factory=list)
    no: Names = Field(default_factory=list)
    clear: Names = Field(default_factory=list)
    source: SaidBy = "person"


class LabelsIn(Signed):
    """Many labels: paths are those of pictures of the library."""

    model_config = _examples(
        {"labels": [{"path": "/photos/1.jpg", "tag": "cat", "value": True}], "who": "ana"}
    )

    labels: Annotated[
        list[Value] | None,
        Field(description="Each with path, tag and value (true: right).", max_length=1_000_000),
    ] = None
    clear: Annotated[
        tuple[tuple[Name, Name], ...],
        Field(description="Path and tag of labels to take back.", max_length=1_000_000),
    ] = ()
    source: SaidBy = "import"


class RowsIn(Signed):
    """The rows of a file of labels; `value` null takes back what was said."""

    model_config = _examples(
        {"file": "labels.csv",
         "rows": [{"path": "/photos/1.jpg", "tag": "cat", "value": None, "line": 2}]}
    )  # fmt: skip

    rows: Annotated[list[Value], Field(max_length=1_000_000)]
    file: Name = "labels.csv"
    shown: Annotated[Name | None, Field(description="What errors call the file.")] = None


# --- tagging ---


class TaggingIn(Request):
    """Which pictures to tag, and how; without ids all of the library."""

    model_config = _examples(
        {"ids": [7, 12], "mode": "top", "k": 5}, {"ids": None, "tags": ["cat", "狗"]}
    )

    ids: Annotated[list[Id] | None, Field(max_length=100_000)] = None
    mode: TagMode = "threshold"
    k: Annotated[
        int | None, Field(description="Tags a picture gets at most; 5 for top and softmax.")
    ] = None
    tags: Annotated[Names | None, Field(description="Which tags to look at; all without.")] = None


# --- trained heads ---


class UseHeadIn(Signed):
    """The tags of a head's classes; its files come beside, in the form."""

    model_config = _examples({"tags": {"dog": "Hund", "sky": None}, "who": "ana"})

    tags: Annotated[
        dict[str, Name | None] | None,
        Field(
            description="For classes the names of their tags, null for one that is left out; "
            "a class that is not here is the tag of its own name."
        ),
    ] = None


class DropHeadIn(Signed):
    """The tags that give up their trained heads; null for all."""

    model_config = _examples({"tags": ["dog"]}, {})

    tags: Names | None = None


# --- answers ---


@dataclass(frozen=True, kw_only=True)
class IdeaAnswer(TagIdea):
    """A tag that may be worth adding; `example_ids` are those of its examples still there."""

    example_ids: tuple[int, ...]


class Removed(BaseModel):
    """How many were removed."""

    removed: int


class Dropped(BaseModel):
    """How many tags gave up a trained head."""

    dropped: int


class Changed(BaseModel):
    """How many labels changed."""

    changed: int
