"""The vocabulary: tags, what is known of them, and files of them. Names are never in paths."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import Response

from soutu.errors import InputError
from soutu.library.tagging.files import starter_vocabularies
from soutu.types import (
    Change,
    ImportReport,
    MergeIdea,
    Tag,
    TagBorder,
    TagCount,
    TagFacts,
    TagSpread,
)
from soutu.web.answers import Answer
from soutu.web.asking import as_filter
from soutu.web.bodies import body_of, file_form, read_body
from soutu.web.imports import kept, uploaded
from soutu.web.schemas import MAX_PAGE, Name
from soutu.web.schemas_tags import (
    CountsIn,
    EditIn,
    IdeaAnswer,
    ImportIn,
    KeywordsIn,
    MergeIn,
    Removed,
    RemoveIn,
    RenameIn,
    Signed,
    TagIn,
)
from soutu.web.server import Here, Server
from soutu.web.streams import download
from soutu.wire import to_json

router = APIRouter(prefix="/api", tags=["tags"])

Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]
Named = Annotated[Name, Query(description="A tag, by any of its names.")]
Format = Literal["csv", "json", "toml"]

_MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "toml": "application/toml; charset=utf-8",
}
_FILE_FORM = file_form(
    "A file of tags; its name ends in .csv, .json or .toml.",
    on_conflict={"type": "string", "enum": ["update", "skip", "error"]},
)


# --- the vocabulary ---


@router.get("/tags", response_model=list[Tag])
def list_tags(server: Here) -> Answer:
    """List the tags, in the order they were added."""
    return Answer(list(server.library.tags))


@router.post("/tags", response_model=Tag, status_code=201)
def add_tag(server: Here, asked: TagIn) -> Answer:
    """Add a tag."""
    tag = server.library.tags.add(
        asked.name,
        aliases=asked.aliases,
        prompts=asked.prompts,
        parent=asked.parent,
        group=asked.group,
        threshold=asked.threshold,
        who=asked.who,
    )
    return Answer(tag, status_code=201)


@router.get("/tag", response_model=TagFacts)
def show_tag(server: Here, name: Named) -> Answer:
    """Return a tag with what was found for it: threshold, source, pictures."""
    return Answer(server.library.tags.show(name))


@router.patch("/tag", response_model=Tag)
def edit_tag(server: Here, name: Named, asked: EditIn) -> Answer:
    """Change the fields that are given and leave the rest; null takes a value away."""
    given: dict[str, Any] = asked.model_dump(include=asked.model_fields_set - {"who"})
    for field in given.keys() & {"aliases", "prompts"}:
        given[field] = given[field] or ()
    return Answer(server.library.tags.edit(name, **given, who=asked.who))


@router.post("/tags/rename", response_model=Tag)
def rename_tag(server: Here, asked: RenameIn) -> Answer:
    """Give a tag another name; the old one is given up, or kept as an alias."""
    return Answer(server.library.tags.rename(asked.name, asked.new, keep=asked.keep, who=asked.who))


@router.post("/tags/merge", response_model=Tag)
def merge_tags(server: Here, asked: MergeIn) -> Answer:
    """Merge tags into one, which gets their names as aliases, their children and labels."""
    return Answer(server.library.tags.merge(asked.names, asked.into, who=asked.who))


@router.post("/tags/remove", response_model=Removed)
def remove_tags(server: Here, asked: RemoveIn) -> Answer:
    """Remove tags with their labels; their children move up to their parents."""
    return Answer({"removed": server.library.tags.remove(asked.names, who=asked.who)})


@router.post("/tags/undo", response_model=Change)
def undo(server: Here, asked: Signed | None = None) -> Answer:
    """Take the last change of tags or labels back."""
    return Answer(server.library.tags.undo(who=None if asked is None else asked.who))


@router.get("/tags/history", response_model=list[Change])
def history(server: Here, limit: Annotated[int, Query(ge=0, le=2**53 - 1)] = 20) -> Answer:
    """List the last changes of tags and labels, newest first."""
    return Answer(server.library.tags.history(limit))


# --- files ---


@router.post(
    "/tags/import", response_model=ImportReport, openapi_extra=body_of(ImportIn, _FILE_FORM)
)
async def import_tags(server: Here, request: Request) -> Answer:
    """Import tags, all or none: a list, a starter vocabulary, or a file in a form."""
    async with read_body(request, ImportIn) as (asked, files):
        return Answer(await run_in_threadpool(_imported, server, asked, files))


def _imported(server: Server, asked: ImportIn, files: Sequence[UploadFile]) -> ImportReport:
    if (asked.tags is not None) + (asked.starter is not None) + bool(files) != 1:
        raise InputError("import one of: a list (tags), a starter vocabulary (starter), a file")
    tags = server.library.tags
    if asked.starter is not None:
        # A name that is no starter's would be opened as a file of this machine.
        if asked.starter not in (known := starter_vocabularies()):
            there = ", ".join(known)
            raise InputError(f"there is no starter vocabulary {asked.starter!r}. Known: {there}")
        return tags.load(
            asked.starter, on_conflict=asked.on_conflict, who=asked.who, origin=asked.origin
        )
    if files:
        with uploaded(files, shown=asked.shown) as path:
            return tags.load(
                path, on_conflict=asked.on_conflict, who=asked.who, origin=asked.origin
            )
    origin = asked.origin or "a list"

    def write(path: Path) -> None:
        listed = [each.model_dump() for each in asked.tags or []]
        path.write_text(json.dumps({"tags": listed}), encoding="utf-8")

    with kept("tags.json", write, shown=origin) as path:
        return tags.load(path, on_conflict=asked.on_conflict, who=asked.who, origin=origin)


@router.get("/tags/starters", response_model=dict[str, str])
def starters() -> Answer:
    """List the starter vocabularies: their names and what each is for."""
    return Answer(starter_vocabularies())


@router.get(
    "/tags/export",
    response_class=Response,
    responses={200: {"content": {media.partition(";")[0]: {} for media in _MEDIA.values()}}},
)
def export_tags(
    server: Here,
    format_: Annotated[Format, Query(alias="format")] = "csv",
) -> Response:
    """Export the vocabulary as a file."""
    return download(f"tags.{format_}", _MEDIA[format_], server.library.tags.save)


@router.post("/tags/keywords", response_model=ImportReport)
def add_keywords(server: Here, asked: KeywordsIn | None = None) -> Answer:
    """Add the keywords that picture files are tagged with as tags."""
    wanted = asked or KeywordsIn()
    return Answer(server.library.tags.add_keywords(at_least=wanted.at_least, who=wanted.who))


# --- what was computed ---


@router.get("/tags/counts", response_model=list[TagCount])
def counts(server: Here, where: Name | None = None, expand: bool = True) -> Answer:
    """Count the pictures of each tag, among those that pass a filter or all, most first."""
    return Answer(server.library.tags.counts(as_filter(where), expand=expand))


@router.post("/tags/counts", response_model=list[TagCount])
def counts_among(server: Here, asked: CountsIn) -> Answer:
    """Count the pictures of each tag; the filter may be a tree."""
    return Answer(server.library.tags.counts(as_filter(asked.where), expand=asked.expand))


@router.get("/tag/spread", response_model=TagSpread)
def spread(server: Here, name: Named, bins: Annotated[int, Query(le=10_000)] = 50) -> Answer:
    """Return how a tag's probabilities are spread over the library."""
    return Answer(server.library.tags.spread(name, bins=bins))


@router.get("/tag/border", response_model=TagBorder)
def border(
    server: Here,
    name: Named,
    threshold: float | None = None,
    k: Annotated[int, Query(le=100_000)] = 12,
) -> Answer:
    """Return the k pictures on each side of a threshold; without one, of the tag's own."""
    return Answer(server.library.tags.border(name, threshold=threshold, k=k))


@router.get("/tags/suggestions", response_model=list[IdeaAnswer])
def suggestions(server: Here, limit: Limit = 10) -> Answer:
    """Suggest tags: keywords of files, and frequent pictures that no tag covers."""
    ideas = server.library.tags.suggest(limit)
    return Answer(
        [{**to_json(idea), "example_ids": _ids_at(server, idea.examples)} for idea in ideas]
    )


def _ids_at(server: Server, paths: Sequence[Path]) -> list[int]:
    found = []
    for path in paths:
        with suppress(InputError):  # it left the library just now
            found.append(server.library.picture(path).id)
    return found


@router.get("/tags/similar", response_model=list[MergeIdea])
def similar(server: Here, limit: Limit = 10) -> Answer:
    """Suggest pairs of tags to merge."""
    return Answer(server.library.tags.similar(limit))
