"""Review: the questions whose answers teach most."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from soutu.library.tagging.base import ReviewOrder
from soutu.types import Question
from soutu.web.answers import Answer
from soutu.web.schemas import Name
from soutu.web.server import Here

router = APIRouter(prefix="/api", tags=["labels"])


@router.get("/review", response_model=list[Question])
def review(
    server: Here,
    tag: Name | None = None,
    by: Annotated[
        ReviewOrder, Query(description="What the questions that follow each other share.")
    ] = "tag",
    k: Annotated[int, Query(le=2**53 - 1)] = 20,
) -> Answer:
    """Return the k questions whose answers teach most, of one tag or all, best first."""
    return Answer(server.library.review(tag=tag, by=by, k=k))
