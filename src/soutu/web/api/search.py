"""Search: by words, by pictures, by both; and why a picture answers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from soutu.types import Explanation
from soutu.web.answers import Answer
from soutu.web.asking import as_query, as_terms, read_query
from soutu.web.bodies import body_of, is_form, parsed
from soutu.web.cursor import next_cursor, question_mark, read_cursor
from soutu.web.schemas import (
    EncodeAnswer,
    EncodeIn,
    ExplainIn,
    Name,
    SearchAnswer,
    SearchIn,
    TermIn,
)
from soutu.web.server import Here, Server

router = APIRouter(prefix="/api", tags=["search"])


@router.get("/search", response_model=SearchAnswer)
def search_words(
    server: Here,
    q: Annotated[Name | None, Query(description="Words to look for.")] = None,
    minus: Annotated[Name | None, Query(description="Words to stay away from.")] = None,
    tag: Annotated[list[Name], Query(description="A tag, or !NAME for without it.")] = [],  # noqa: B006 - FastAPI copies it
    where: Name | None = None,
    keywords: Name | None = None,
    diversity: Annotated[float, Query(ge=0, le=1)] = 0.0,
    expand: bool = True,
    k: Annotated[int, Query(ge=1, le=1000)] = 100,
    min_relevance: Annotated[float, Query(ge=0, le=1)] = 0.0,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Answer:
    """Find pictures by words."""
    terms = [TermIn(text=q)] if q is not None else []
    terms += [TermIn(text=minus, weight=-1.0)] if minus is not None else []
    asked = SearchIn(
        terms=terms,
        where=where,
        keywords=keywords,
        tags=tag,
        diversity=diversity,
        expand=expand,
        k=k,
        min_relevance=min_relevance,
        cursor=cursor,
    )
    return page_of(server, asked, {})


@router.post("/search", response_model=SearchAnswer, openapi_extra=body_of(SearchIn))
async def search(server: Here, request: Request) -> Response:
    """Find pictures by words and pictures, with weights, tags and filters.

    A body of JSON, or a form (multipart/form-data) with that JSON in the field `query` and
    pictures in further fields, which terms name as `upload`.
    """
    if is_form(request):
        asked, files = await read_query(request, SearchIn)
        return await run_in_threadpool(page_of, server, asked, files)
    body = await request.body()

    async def work() -> bytes:
        page = partial(page_of, server, parsed(SearchIn, body), {})
        answer = await to_thread.run_sync(page, limiter=server.searches.gate)
        return bytes(answer.body)

    stamp = server.library.changes()
    known = await server.searches.answer(body, stamp, work)
    return Response(known, media_type=Answer.media_type)


def page_of(server: Server, asked: SearchIn, files: Mapping[str, bytes]) -> Answer:
    """Answer one page of a search."""
    began = time.perf_counter()
    query = as_query(asked, files, server.settings)
    question = question_mark(asked.model_dump(exclude={"cursor", "k", "start"}))
    start = asked.start if asked.cursor is None else read_cursor(asked.cursor, question)
    hits = server.library.search(query, k=asked.k, start=start)
    return Answer(
        {
            # Here, so that a page with many of too little relevance is not taken for the last one.
            "hits": [h for h in hits if h.by_name or h.relevance >= asked.min_relevance],
            "cursor": next_cursor(start, asked.k, len(hits), question),
            "seconds": round(time.perf_counter() - began, 6),
        }
    )


@router.post("/explain", response_model=Explanation, openapi_extra=body_of(ExplainIn))
async def explain(server: Here, request: Request) -> Answer:
    """Say why a picture of the library answers a query, and where in it."""
    asked, files = await read_query(request, ExplainIn)
    return await run_in_threadpool(_explained, server, asked, files)


def _explained(server: Server, asked: ExplainIn, files: Mapping[str, bytes]) -> Answer:
    query = as_query(asked, files, server.settings)
    return Answer(server.library.explain(query, asked.picture))


@router.post("/encode", response_model=EncodeAnswer, openapi_extra=body_of(EncodeIn))
async def encode(server: Here, request: Request) -> Answer:
    """Turn words and pictures into vectors of the current space, for other programs."""
    asked, files = await read_query(request, EncodeIn)
    return await run_in_threadpool(_encoded, server, asked, files)


def _encoded(server: Server, asked: EncodeIn, files: Mapping[str, bytes]) -> Answer:
    found = server.library.encode(as_terms(asked.terms, files, server.settings))
    return Answer(
        {
            "model": found.model,
            "revision": found.revision,
            "dim": found.vectors.shape[1],
            "vectors": found.vectors.tolist(),
        }
    )
