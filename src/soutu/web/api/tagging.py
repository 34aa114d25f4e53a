"""The tags of pictures: of one, of many as a stream of lines, of uploaded ones."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, cast

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import Response

from soutu.errors import InputError, QueryError, SoutuError
from soutu.library.tagging.base import TagMode
from soutu.types import HasId, ImageTags
from soutu.web.answers import Answer
from soutu.web.api.images import Key, found
from soutu.web.bodies import QUERY_FORM, body_of, read_body
from soutu.web.schemas import Name
from soutu.web.schemas_tags import TaggingIn
from soutu.web.server import Here, Server
from soutu.web.streams import Stream
from soutu.wire import to_json

router = APIRouter(prefix="/api", tags=["tags"])

MEDIA_TYPE = "application/x-ndjson"
_LINES, _SECONDS = 256, 0.1  # what is gathered before it is sent, whichever is reached first

_log = logging.getLogger("soutu.web")

_LINE = {"type": "string", "description": "Lines of JSON, an ImageTags each, in the order asked."}


@router.get("/images/{id_}/tags", response_model=ImageTags)
def tags_of(
    server: Here,
    id_: Key,
    mode: TagMode = "threshold",
    k: Annotated[int | None, Query(ge=1, description="Tags at most.")] = None,
    all_: Annotated[
        bool, Query(alias="all", description="Every tag, whether it holds or not.")
    ] = False,
    tag: Annotated[list[Name], Query(description="Which tags to look at; all without.")] = [],  # noqa: B006 - FastAPI copies it
) -> Answer:
    """Return the tags of a picture, most probable first."""
    found(server, id_)
    if all_ and mode == "threshold":
        # Those below their thresholds too: as `top`, which takes as many as it is told.
        mode, k = "top", k or max(len(server.library.tags), 1)
    return Answer(next(server.library.tag([id_], mode=mode, k=k, tags=tag or None)))


@router.post(
    "/tagging",
    response_class=Response,
    responses={200: {"content": {MEDIA_TYPE: {"schema": _LINE}}}},
    openapi_extra=body_of(TaggingIn, {**QUERY_FORM, "required": []}),
)
async def tag_many(server: Here, request: Request) -> Stream:
    """Tag pictures of the library by id, all of it (without ids), or uploaded ones (a form).

    The answer has a line of JSON for each picture, in the order asked; `path` of an uploaded one
    is its file's name. What goes wrong after the first line is told in a last one:
    {"error": {"kind", "message"}}.
    """
    async with AsyncExitStack() as stack:
        asked, files = await stack.enter_async_context(read_body(request, TaggingIn))
        lines = await run_in_threadpool(_begun, server, asked, files)
        stack.callback(lines.close)
        return Stream(lines, media_type=MEDIA_TYPE, close=stack.pop_all().aclose)


def _begun(
    server: Server, asked: TaggingIn, files: Sequence[UploadFile]
) -> Generator[bytes, None, None]:
    """Tag the first picture, so that what is wrong with the request is told before all else."""
    if files:
        if asked.ids is not None:
            raise InputError("ask for pictures by id or upload them, not both at once")
        tags = _uploaded(server, asked, files)
    else:
        _require(server, asked.ids)
        tags = server.library.tag(asked.ids, mode=asked.mode, k=asked.k, tags=asked.tags)
    return _lines(next(tags, None), tags)


def _require(server: Server, ids: Sequence[int] | None) -> None:
    """Raise NotFound for an id that the library does not hold."""
    if ids and server.library.count(HasId(tuple(ids))) < len(set(ids)):
        for id_ in ids:
            found(server, id_)


def _uploaded(server: Server, asked: TaggingIn, files: Sequence[UploadFile]) -> Iterator[ImageTags]:
    """Yield the tags of uploaded pictures, each read when its turn comes."""
    contents = (file.file.read() for file in files)
    tags = server.library.tag(contents, mode=asked.mode, k=asked.k, tags=asked.tags)
    for file in files:
        name = file.filename or "picture"
        try:
            tagged = next(tags)
        except QueryError as error:
            told = str(error).replace("the uploaded picture", repr(name), 1)
            raise QueryError(told) from None
        yield replace(tagged, path=Path(name))


def _lines(first: ImageTags | None, rest: Iterator[ImageTags]) -> Generator[bytes, None, None]:
    """Yield lines, several at a time where they come fast."""
    block = [] if first is None else [_line(first)]
    began = time.monotonic()
    try:
        for tags in rest:
            block.append(_line(tags))
            if len(block) >= _LINES or time.monotonic() - began >= _SECONDS:
                yield b"".join(block)
                block, began = [], time.monotonic()
    except SoutuError as error:
        block.append(_line({"error": {"kind": type(error).__name__, "message": str(error)}}))
    except Exception as error:
        _log.exception("tagging")
        message = f"this is a bug in soutu: {type(error).__name__}"
        block.append(_line({"error": {"kind": "Bug", "message": message}}))
    finally:
        cast("Generator[Any, None, None]", rest).close()
    yield b"".join(block)


def _line(value: object) -> bytes:
    return json.dumps(to_json(value), separators=(",", ":"), allow_nan=False).encode() + b"\n"
