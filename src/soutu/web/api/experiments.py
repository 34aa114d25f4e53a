"""Experiments: two ways of answering searches, compared on the people who search."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from soutu.library.experiments.base import EFFECT
from soutu.types import Experiment, ExperimentReport
from soutu.web.answers import Answer
from soutu.web.schemas import EventIn, Logged, Name, StartExperimentIn, StopExperimentIn
from soutu.web.server import Here

router = APIRouter(prefix="/api/experiments", tags=["experiments"])


@router.get("", response_model=list[Experiment])
def list_experiments(server: Here) -> Answer:
    """List the experiments, the last one first."""
    return Answer(list(server.library.experiments))


@router.post("", response_model=Experiment, status_code=201)
def start(server: Here, asked: StartExperimentIn) -> Answer:
    """Start an experiment."""
    found = server.library.experiments.start(**asked.model_dump())
    return Answer(found, status_code=201)


@router.post("/stop", response_model=Experiment)
def stop(server: Here, asked: StopExperimentIn) -> Answer:
    """End an experiment; its log stays."""
    return Answer(server.library.experiments.stop(asked.name))


@router.delete("", status_code=204, response_class=Response)
def remove(server: Here, name: Name) -> Response:
    """Delete an experiment that has ended, with its log."""
    server.library.experiments.remove(name)
    return Response(status_code=204)


@router.get("/report", response_model=ExperimentReport)
def report(
    server: Here,
    name: Name,
    effect: Annotated[float, Query(description="The difference worth knowing of.")] = EFFECT,
) -> Answer:
    """Say which way is better, as far as the log shows it."""
    return Answer(server.library.experiments.report(name, effect=effect))


@router.post("/events", response_model=Logged)
def record(server: Here, asked: EventIn) -> Answer:
    """Log what somebody did with a picture that they were shown: a click, a label."""
    logged = server.library.experiments.record(asked.impression, asked.picture, asked.action)
    return Answer({"logged": logged})
