"""Facets: how many pictures have each value of a field."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from soutu.web.answers import Answer
from soutu.web.asking import as_filter
from soutu.web.schemas import FacetIn, Name
from soutu.web.server import Here

router = APIRouter(prefix="/api", tags=["search"])


@router.get("/facets", response_model=dict[str, int])
def facets(
    server: Here,
    field: Annotated[Literal["folder", "camera", "format"], Query()],
    where: Name | None = None,
) -> Answer:
    """Count pictures for each value of a field, most frequent first."""
    return Answer(server.library.facet(field, as_filter(where)))


@router.post("/facets", response_model=dict[str, int])
def facets_among(server: Here, asked: FacetIn) -> Answer:
    """Count pictures for each value of a field; the filter may be a tree."""
    return Answer(server.library.facet(asked.field, as_filter(asked.where)))
