"""Queries as they come in requests: JSON alone, or JSON with pictures beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel
from starlette.datastructures import UploadFile

from soutu.errors import InputError, QueryError
from soutu.images.formats import open_picture
from soutu.images.guard import reasons
from soutu.library.fetch import fetch_image
from soutu.library.given import readable
from soutu.types import Box, Query, Term
from soutu.web.bodies import is_form, parsed
from soutu.web.guard import TooLarge
from soutu.web.schemas import QueryIn
from soutu.wire import filter_from_json

if TYPE_CHECKING:
    from fastapi import Request

    from soutu.types import Filter
    from soutu.web.schemas import TermIn
    from soutu.web.settings import Settings

Q = TypeVar("Q", bound=BaseModel)

_MAX_FILES = 64
_MAX_URLS = 4


async def read_query(request: Request, kind: type[Q]) -> tuple[Q, dict[str, bytes]]:
    """Read a query, and the pictures that came with it by name.

    Raises RequestValidationError for one of the wrong shape, InputError.
    """
    if not is_form(request):
        return parsed(kind, await request.body()), {}
    async with request.form(max_files=_MAX_FILES, max_fields=8) as form:
        asked = form.get("query")
        if not isinstance(asked, str):
            raise InputError("the field 'query' is missing: it holds the query as JSON")
        files = {
            name: await each.read() for name, each in form.items() if isinstance(each, UploadFile)
        }
    return parsed(kind, asked.encode()), files


def as_query(asked: QueryIn, files: Mapping[str, bytes], settings: Settings) -> Query:
    """Turn a request into a query, as `as_terms` does its terms."""
    return Query(
        terms=as_terms(asked.terms, files, settings),
        where=as_filter(asked.where),
        keywords=asked.keywords,
        diversity=asked.diversity,
        tags=tuple(asked.tags),
        expand=asked.expand,
    )


def as_terms(
    asked: Sequence[TermIn], files: Mapping[str, bytes], settings: Settings
) -> tuple[Term, ...]:
    """Turn the terms of a request into those of a query, fetching pictures that are on the web.

    Not for an event loop's thread. Raises QueryError, TooLarge.
    """
    if sum(term.url is not None for term in asked) > _MAX_URLS:
        raise QueryError(f"a query has at most {_MAX_URLS} pictures on the web")
    return tuple(_term(each, files, settings) for each in asked)


def as_filter(where: str | dict[str, object] | None) -> Filter | None:
    """Turn a filter of either form into a tree. Raises QueryError."""
    if isinstance(where, str):
        from soutu.library.where import parse_where

        return parse_where(where) if where.strip() else None
    if where is None:
        return None
    try:
        return filter_from_json(where)
    except (InputError, RecursionError) as error:
        raise QueryError(str(error)) from None


def _term(term: TermIn, files: Mapping[str, bytes], settings: Settings) -> Term:
    """Turn one term of a request into a term of a query. Raises QueryError."""
    given = [term.text, term.id, term.upload, term.url]
    if sum(each is not None for each in given) != 1:
        raise QueryError("each term has exactly one of text, id, upload and url")
    box = None if term.box is None else Box(*term.box)
    if term.text is not None:
        return Term(text=term.text, weight=term.weight, box=box)
    image: bytes | int | str
    if term.upload is not None:
        if term.upload not in files:
            raise QueryError(f"no file {term.upload!r} came with the request")
        image = checked_picture(files[term.upload], settings, purpose="search by")
    elif term.id is not None:
        image = term.id
    else:
        content = fetch_allowed(term.url or "", settings)
        image = checked_picture(content, settings, purpose="search by")
    return Term(image=image, weight=term.weight, box=box)


def fetch_allowed(url: str, settings: Settings) -> bytes:
    """Download a picture from the public internet, if this server does so. Raises QueryError."""
    if not settings.urls:
        msg = "this server fetches no pictures from the web. Upload it, or start with: --allow-urls"
        raise QueryError(msg)
    return fetch_image(url, max_bytes=settings.max_upload_bytes, public_only=True)


def checked_picture(content: bytes, settings: Settings, *, purpose: str) -> bytes:
    """Return a picture's content once its size in pixels is known to be allowed.

    Only its header is read. Raises TooLarge, and QueryError ("cannot {purpose} …") for what is no
    picture.
    """
    with readable(content, purpose=purpose), reasons(), open_picture(content) as image:
        width, height = image.size
    if width * height > settings.max_megapixels * 1e6:
        raise TooLarge(
            f"the uploaded picture has {width:,} × {height:,} pixels, "
            f"{width * height / 1e6:,.0f} megapixels; {settings.max_megapixels:,.0f} are allowed"
        )
    return content
