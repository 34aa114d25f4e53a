"""The application: routers, errors as answers, the guard, and the page's files."""

from __future__ import annotations

import importlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import TYPE_CHECKING

import anyio.to_thread
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect

import soutu
from soutu.errors import SoutuError
from soutu.web.answers import Answer, NotFound, error_answer, status_of
from soutu.web.guard import Guard, TooLarge, too_large
from soutu.web.metrics import Measured, Metrics
from soutu.web.page import Page
from soutu.web.schemas import ErrorAnswer

if TYPE_CHECKING:
    from starlette.requests import Request

    from soutu.web.server import Server
    from soutu.web.settings import Settings

ROUTERS = ("search", "images", "facets", "tags", "tagging", "labels", "review", "heads", "jobs",
           "models", "experiments", "status", "session")  # fmt: skip
"""Modules of `soutu.web.api`, in the order of the documentation."""

THREADS = 64
"""Requests worked on at the same time; more wait. Texts of one moment share a run of the model."""

_log = logging.getLogger("soutu.web")


def create_app(server: Server) -> FastAPI:
    """Make the application that serves a library; closing both is the caller's."""

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        yield
        server.feed.end()
        await anyio.to_thread.run_sync(server.jobs.close)
        await anyio.to_thread.run_sync(server.feed.close)

    app = FastAPI(
        title="soutu",
        version=soutu.__version__,
        summary="Find and tag pictures by meaning.",
        lifespan=life,
        docs_url=None,  # its page loads scripts from the web; /openapi.json is what tools read
        redoc_url=None,
        default_response_class=Answer,
        responses={
            status: {"model": ErrorAnswer, "description": text}
            for status, text in ((400, "What was asked for cannot be done as written."),
                                 (404, "There is nothing of that id."),
                                 (409, "The library cannot do that now."),
                                 (413, "The request, or a picture in it, is too large."),
                                 (422, "The request has the wrong shape."))
        },
    )  # fmt: skip
    app.state.server = server
    app.state.metrics = Metrics(server)
    for name in ROUTERS:
        app.include_router(importlib.import_module(f"soutu.web.api.{name}").router)
    _explain_errors(app, server.settings)
    # Not mounted: what is asked of an endpoint by a wrong method is for the router to refuse.
    app.router.default = Page(files("soutu.web") / "static")
    app.add_middleware(GZipMiddleware, minimum_size=2048, compresslevel=4)
    app.add_middleware(Guard, settings=server.settings)
    app.add_middleware(Measured, metrics=app.state.metrics)
    return app


def _explain_errors(app: FastAPI, settings: Settings) -> None:
    @app.exception_handler(SoutuError)
    async def soutu_error(_request: Request, error: SoutuError) -> Answer:
        return error_answer(status_of(error), type(error).__name__, str(error))

    @app.exception_handler(NotFound)
    async def not_found(_request: Request, error: NotFound) -> Answer:
        return error_answer(404, "NotFound", str(error))

    @app.exception_handler(TooLarge)
    async def body_too_large(_request: Request, error: TooLarge) -> Answer:
        if error.detail:
            return error_answer(413, "TooLarge", error.detail)
        return too_large(settings.max_upload_bytes)

    @app.exception_handler(RequestValidationError)
    async def wrong_shape(_request: Request, error: RequestValidationError) -> Answer:
        return error_answer(422, "InputError", "; ".join(map(_worded, error.errors())))

    @app.exception_handler(HTTPException)
    async def http_error(_request: Request, error: HTTPException) -> Answer:
        kind = "InputError" if error.status_code == 400 else "HTTP"  # a form that is none
        return error_answer(error.status_code, kind, str(error.detail), error.headers)

    @app.exception_handler(ClientDisconnect)
    async def gone(_request: Request, _error: ClientDisconnect) -> Answer:
        return error_answer(400, "HTTP", "the client went away")  # which nobody reads

    @app.exception_handler(Exception)
    async def bug(request: Request, error: Exception) -> Answer:
        _log.exception("%s %s", request.method, request.url.path, exc_info=error)
        return error_answer(500, "Bug", f"this is a bug in soutu: {type(error).__name__}")


def _worded(error: dict[str, object]) -> str:
    place = error.get("loc")
    where = ".".join(map(str, place)) if isinstance(place, tuple | list) else ""
    return f"{where}: {error.get('msg')}".removeprefix(": ")
