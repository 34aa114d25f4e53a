"""What requests look like; answers are the values of `soutu.types`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from soutu.models.base import PrecisionChoice
from soutu.models.entry import Origin
from soutu.types import (
    ExperimentAction,
    ExperimentKind,
    Hit,
    LibraryStatus,
    Picture,
    PictureOrder,
)
from soutu.web.cursor import LONGEST
from soutu.web.jobs import Job

MAX_PAGE = 1000
"""Results of one page at most; the cursor leads to the next."""

Id = Annotated[int, Field(ge=1, le=2**53 - 1, description="The id of a picture.")]
Fraction = Annotated[float, Field(ge=0, le=1)]
_LONGEST = 10_000


def _text(value: object) -> str:
    """Let a text pass, also one with bytes that are no UTF-8, as Python keeps them in paths."""
    if not isinstance(value, str):
        raise PydanticCustomError("string_type", "Input should be a valid string")
    if len(value) > _LONGEST:
        raise PydanticCustomError(
            "string_too_long", "String should have at most {n} characters", {"n": _LONGEST}
        )
    return value


Name = Annotated[
    str, PlainValidator(_text), WithJsonSchema({"type": "string", "maxLength": _LONGEST})
]


Where = Annotated[
    Name | dict[str, Any] | None,
    Field(description="A filter, as text (camera = 'Canon' AND date > '2024') or as a tree."),
]


Session = Annotated[
    Name | None,
    Field(description="What tells people apart: with it, the search takes part in an experiment."),
]


class Request(BaseModel):
    """A body of which every field is known."""

    model_config = ConfigDict(extra="forbid")


class TermIn(Request):
    """Words, or a picture: one of the library by id, an uploaded one, or one on the web."""

    text: Name | None = None
    id: Id | None = None
    upload: Annotated[str | None, Field(description="The name of a file of this request.")] = None
    url: Name | None = None
    weight: Annotated[float, Field(ge=-1e6, le=1e6)] = 1.0
    box: Annotated[
        tuple[Fraction, Fraction, Fraction, Fraction] | None,
        Field(description="A part of the picture: left, top, right, bottom as fractions."),
    ] = None


class QueryIn(Request):
    """Words and pictures with weights, tags and filters, composed into one search."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"terms": [{"text": "a cat on a sofa"}], "k": 20}]},
    )

    terms: Annotated[list[TermIn], Field(max_length=64)] = []
    where: Where = None
    keywords: Name | None = None
    tags: Annotated[list[Name], Field(max_length=256)] = []
    diversity: Fraction = 0.0
    expand: bool = True


class SearchIn(QueryIn):
    """A query, and which page of its answer."""

    k: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 100
    min_relevance: Fraction = 0.0
    cursor: Annotated[str | None, Field(max_length=LONGEST)] = None
    start: Annotated[
        int, Field(ge=0, le=10**9, description="How many of the best to pass over.")
    ] = 0
    session: Session = None
    experiment: Annotated[
        Name | None,
        Field(description="With `start`: by which experiment the first page was answered."),
    ] = None


class ListIn(Request):
    """Which pictures to list: a filter, an order, and a page."""

    where: Where = None
    order: PictureOrder = "newest"
    k: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 100
    start: Annotated[int, Field(ge=0, le=2**53 - 1)] = 0


class FacetIn(Request):
    """Of which field to count the values, among which pictures."""

    field: Annotated[Name, Field(description="One of folder, camera, format and name.")]
    where: Where = None


class ExplainIn(QueryIn):
    """A query, and the picture that answers it."""

    picture: Id


class PlaceIn(Request):
    """Where a picture is."""

    path: Name


class RemovePicturesIn(Request):
    """Which files and folders to forget; the files stay."""

    paths: Annotated[list[Name], Field(max_length=100_000)]
    dry_run: Annotated[bool, Field(description="Only count them.")] = False


class IndexIn(Request):
    """Which files and folders to index; globs as in .gitignore."""

    paths: Annotated[list[Name], Field(max_length=10_000)]
    include: Annotated[list[Name], Field(max_length=1000)] = []
    exclude: Annotated[list[Name], Field(max_length=1000)] = []


class WriteTagsIn(Request):
    """Which tags to write of which pictures (null: of all), and where."""

    paths: Annotated[list[Name], Field(max_length=10_000)] | None = None
    tags: Annotated[list[Name], Field(max_length=10_000)] | None = None
    in_place: bool = False
    dry_run: bool = False


class UseModelIn(Request):
    """Which model to use."""

    model: Name
    precision: PrecisionChoice = "auto"


class AddModelIn(UseModelIn):
    """Which model to fetch, and what to call it."""

    name: Annotated[str, Field(max_length=80)] | None = None


class SessionIn(Request):
    """The token."""

    token: Name


class EncodeIn(Request):
    """Words and pictures to turn into vectors."""

    terms: Annotated[list[TermIn], Field(max_length=64)]


class EncodeAnswer(BaseModel):
    """Unit vectors, a row a term, and the space they belong to."""

    model: str
    revision: str
    dim: int
    vectors: list[list[float]]


class SearchAnswer(BaseModel):
    """A page of hits, best first; `cursor` leads to the next one, null ends."""

    hits: list[Hit]
    cursor: str | None
    seconds: float
    impression: Annotated[
        str | None, Field(description="With a session: the answer's name in an experiment's log.")
    ] = None
    experiment: Annotated[
        str | None, Field(description="With a session: which experiment answered; empty: none.")
    ] = None


class PicturesAnswer(BaseModel):
    """A page of pictures; `total` is how many there are in all."""

    images: list[Picture]
    cursor: str | None
    total: int


@dataclass(frozen=True, kw_only=True)
class StatusAnswer(LibraryStatus):
    """What the library holds, and what the server is and allows."""

    stamp: int
    version: str
    read_only: bool
    urls: bool
    min_relevance: float
    busy: Job | None
    login: str
    experiment: str | None


class ModelAnswer(BaseModel):
    """A model; `vectors` is how many of it the library holds, null while nobody can tell."""

    name: str
    title: str
    origin: Origin
    present: bool
    dim: int | None
    languages: tuple[str, ...]
    licence: str
    download_mb: int | None
    bytes: int | None
    current: bool
    vectors: int | None


class ErrorInfo(BaseModel):
    """What went wrong: the name of its kind, and a message for people."""

    kind: str
    message: str


class ErrorAnswer(BaseModel):
    """How every error is answered."""

    error: ErrorInfo


class StartExperimentIn(Request):
    """An experiment, and what its way B does otherwise."""

    name: Name
    kind: ExperimentKind = "interleaved"
    model: Name | None = None
    precision: Name | None = None
    diversity: Fraction | None = None
    keywords: bool = False
    share: Fraction | None = None
    keep_words: bool = False
    salt: Name | None = None
    who: Name | None = None


class StopExperimentIn(Request):
    """Which experiment to end."""

    name: Name


class EventIn(Request):
    """What somebody did with a picture that they were shown."""

    impression: Name
    picture: Id
    action: ExperimentAction


class Logged(BaseModel):
    """Whether something is in the log now."""

    logged: bool
