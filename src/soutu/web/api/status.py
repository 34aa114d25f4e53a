"""What the server holds, whether it works, and in which figures."""

from __future__ import annotations

import logging
from dataclasses import fields

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

import soutu
from soutu.errors import SoutuError
from soutu.library import DEFAULT_MIN_RELEVANCE
from soutu.library.tagging.tags import login_name
from soutu.web.answers import Answer
from soutu.web.metrics import MEDIA_TYPE, Metrics
from soutu.web.schemas import StatusAnswer
from soutu.web.server import Here

router = APIRouter(tags=["status"])

_log = logging.getLogger("soutu.web")


@router.get("/api/status", response_model=StatusAnswer)
def status(server: Here) -> Answer:
    """Say what the library holds and what this server allows."""
    stamp = server.library.changes()  # before what it stands for
    found = server.library.status()
    trial = None if server.settings.read_only else server.library.experiments.running()
    running = [job for job in server.jobs.list() if job.state == "running"]
    return Answer(
        StatusAnswer(
            **{each.name: getattr(found, each.name) for each in fields(found)},
            stamp=stamp,
            version=soutu.__version__,
            read_only=server.settings.read_only,
            urls=server.settings.urls,
            min_relevance=DEFAULT_MIN_RELEVANCE,
            busy=running[0] if running else None,
            login=login_name(None),
            experiment=None if trial is None else trial.name,
        )
    )


@router.get("/healthz", response_class=PlainTextResponse)
async def healthz() -> Response:
    """Say that the process answers."""
    return PlainTextResponse("ok\n")


@router.get(
    "/readyz",
    response_class=PlainTextResponse,
    responses={503: {"description": "It cannot search now.", "content": {"text/plain": {}}}},
)
def readyz(server: Here) -> Response:
    """Say whether the server can answer searches, by making one."""
    try:
        server.library.search("ready", k=1)
    except SoutuError as error:
        _log.warning("not ready: %s", error)
        # Anybody may ask here, and the message has paths in it.
        return PlainTextResponse(f"not ready: {type(error).__name__}\n", status_code=503)
    return PlainTextResponse("ready\n")


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}},
)
def metrics(request: Request) -> Response:
    """Give the figures that Prometheus collects."""
    found: Metrics = request.app.state.metrics
    return Response(found.text(), headers={"content-type": MEDIA_TYPE})
