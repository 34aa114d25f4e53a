"""Pictures: their facts, files and thumbnails, by id alone; no path of a request is ever opened."""

from __future__ import annotations

import mimetypes
from email.utils import formatdate
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi import Path as PathParameter
from starlette.responses import FileResponse, Response

from soutu.errors import ImageError, InputError
from soutu.types import Picture, Term
from soutu.types import Query as Asked
from soutu.web.answers import Answer, NotFound
from soutu.web.asking import as_filter
from soutu.web.cursor import next_cursor, question_mark, read_cursor
from soutu.web.folders import absolute_path
from soutu.web.schemas import (
    MAX_PAGE,
    ListIn,
    Name,
    PicturesAnswer,
    PlaceIn,
    RemovePicturesIn,
    SearchAnswer,
)
from soutu.web.schemas_tags import Removed
from soutu.web.server import Here, Server
from soutu.web.thumbnails import MEDIA_TYPE

router = APIRouter(prefix="/api/images", tags=["images"])

_SHOWN = frozenset({"JPEG", "PNG", "WEBP", "GIF", "AVIF", "BMP", "MPO"})
"""Formats that browsers show; all else is sent for saving, so that no file is run as a page."""

Key = Annotated[int, PathParameter(ge=1, le=2**53 - 1, description="The id of a picture.")]
K = Annotated[int, Query(ge=1, le=MAX_PAGE)]
Cursor = Annotated[str | None, Query(max_length=200)]


def found(server: Server, id_: int) -> Picture:
    """Return a picture. Raises NotFound."""
    try:
        return server.library.picture(id_)
    except InputError as error:
        raise NotFound(str(error)) from error


@router.get("", response_model=PicturesAnswer)
def list_images(
    server: Here,
    where: Name | None = None,
    order: Annotated[str, Query(pattern="^(newest|oldest|path)$")] = "newest",
    k: K = 100,
    cursor: Cursor = None,
) -> Answer:
    """List pictures, those that pass a filter or all, in an order."""
    question = question_mark("images", where, order)
    start = read_cursor(cursor, question)
    asked = ListIn.model_validate({"where": where, "order": order, "k": k, "start": start})
    return _page(server, asked, question)


@router.post("/list", response_model=PicturesAnswer)
def list_images_from(server: Here, asked: ListIn) -> Answer:
    """List pictures from a place on; the filter may be a tree."""
    return _page(server, asked, question_mark("images", asked.where, asked.order))


def _page(server: Server, asked: ListIn, question: str) -> Answer:
    where = as_filter(asked.where)
    images = server.library.pictures(where, order=asked.order, k=asked.k, start=asked.start)
    return Answer(
        {
            "images": images,
            "cursor": next_cursor(asked.start, asked.k, len(images), question),
            "total": server.library.count(where),
        }
    )


@router.get("/lookup", response_model=Picture)
def look_up(server: Here, path: Name) -> Answer:
    """Find the picture of the library at an absolute path; nothing is read there."""
    return _at(server, path)


@router.post("/lookup", response_model=Picture)
def look_up_any(server: Here, asked: PlaceIn) -> Answer:
    """Find the picture of the library at an absolute path, which may hold what is no UTF-8."""
    return _at(server, asked.path)


@router.post("/remove", response_model=Removed)
def remove(server: Here, asked: RemovePicturesIn) -> Answer:
    """Forget files and whole folders, by their absolute paths; the files stay."""
    paths = [absolute_path(path) for path in asked.paths]
    return Answer({"removed": server.library.remove(paths, dry_run=asked.dry_run)})


def _at(server: Server, path: str) -> Answer:
    if not Path(path).is_absolute():
        raise InputError(f"the path {path!r} is not absolute")
    try:
        return Answer(server.library.picture(Path(path)))
    except InputError as error:
        raise NotFound(str(error)) from error


@router.get("/{id_}", response_model=Picture)
def get_image(server: Here, id_: Key) -> Answer:
    """Return what is known of a picture."""
    return Answer(found(server, id_))


@router.get("/{id_}/file", response_class=FileResponse)
def get_file(server: Here, id_: Key) -> Response:
    """Return the picture's file as it is."""
    picture = found(server, id_)
    if not picture.path.is_file():
        raise NotFound(f"the file {picture.path.name} is gone. Index its folder again")
    inline = picture.info.format in _SHOWN
    media = mimetypes.guess_type(picture.path.name)[0] if inline else None
    return FileResponse(
        picture.path,
        media_type=media if (media or "").startswith("image/") else "application/octet-stream",
        filename=picture.path.name.encode("utf-8", "replace").decode(),
        content_disposition_type="inline" if inline else "attachment",
        headers={"cache-control": "private, no-cache"},
    )


@router.get(
    "/{id_}/thumbnail",
    responses={200: {"content": {MEDIA_TYPE: {}}}, 304: {"description": "It is as it was."}},
    response_class=Response,
)
def get_thumbnail(
    server: Here,
    request: Request,
    id_: Key,
    side: Annotated[int, Query(ge=16, le=1024, description="Of the longer side, in pixels.")] = 384,
) -> Response:
    """Return a small form of the picture, in WebP."""
    picture = found(server, id_)
    try:
        etag = f'"{server.thumbnails.key(picture.path, side)}"'
        # A file that changes gets another ETag; for an hour nobody asks.
        headers = {"etag": etag, "cache-control": "private, max-age=3600"}
        headers["last-modified"] = formatdate(picture.modified.timestamp(), usegmt=True)
        if etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        made = server.thumbnails.get(picture.path, side)
    except ImageError as error:
        raise NotFound(str(error)) from error
    return Response(made, media_type=MEDIA_TYPE, headers=headers)


@router.get("/{id_}/similar", response_model=SearchAnswer)
def similar(server: Here, id_: Key, k: K = 100, cursor: Cursor = None) -> Answer:
    """Find the pictures most like one of the library."""
    question = question_mark("similar", id_)
    start = read_cursor(cursor, question)
    found(server, id_)
    hits = server.library.search(Asked(terms=(Term(image=id_),)), k=k, start=start)
    more = next_cursor(start, k, len(hits), question)
    return Answer({"hits": hits, "cursor": more, "seconds": 0.0})
