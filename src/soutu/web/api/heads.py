"""Trained heads: which ones tags were given; let one score tags, and take it away."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from soutu.heads import FILES
from soutu.types import HeadReport, HeadUse
from soutu.web.answers import Answer
from soutu.web.bodies import body_of, read_body
from soutu.web.imports import uploaded_folder
from soutu.web.schemas_tags import DropHeadIn, Dropped, UseHeadIn
from soutu.web.server import Here, Server

router = APIRouter(prefix="/api/heads", tags=["heads"])

_FORM = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {
            "type": "array",
            "items": {"type": "string", "format": "binary"},
            "description": "The files of the head's folder, under their own names.",
        },
        "query": {"type": "string", "description": "`tags` and `who` as JSON."},
    },
}


@router.get("", response_model=list[HeadUse])
def list_heads(server: Here) -> Answer:
    """List the trained heads that tags were given."""
    return Answer(server.library.heads())


@router.post("", response_model=HeadReport, openapi_extra=body_of(UseHeadIn, _FORM))
async def use_head(server: Here, request: Request) -> Answer:
    """Let a trained head score the tags of its classes; its files come in a form."""
    async with read_body(request, UseHeadIn) as (asked, files):
        return Answer(await run_in_threadpool(_used, server, asked, files))


def _used(server: Server, asked: UseHeadIn, files: Sequence[UploadFile]) -> HeadReport:
    with uploaded_folder(files, FILES, shown="the uploaded head") as folder:
        return server.library.use_head(folder, tags=asked.tags, who=asked.who)


@router.post("/drop", response_model=Dropped)
def drop_head(server: Here, asked: DropHeadIn | None = None) -> Answer:
    """Let texts and labels score tags again, some or all that have a trained head."""
    wanted = asked or DropHeadIn()
    return Answer({"dropped": server.library.drop_head(wanted.tags, who=wanted.who)})
