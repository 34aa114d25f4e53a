"""Models: which there are, and whose vectors the library holds."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from soutu.models.entry import ModelEntry
from soutu.types import SpaceStatus
from soutu.web.answers import Answer
from soutu.web.schemas import ModelAnswer
from soutu.web.server import Here

router = APIRouter(prefix="/api/models", tags=["models"])


@router.get("", response_model=list[ModelAnswer])
def list_models(server: Here) -> Answer:
    """List the models that soutu knows, and those of the library."""
    spaces: dict[str, list[SpaceStatus]] = {}
    for space in server.library.status().spaces:
        spaces.setdefault(space.model, []).append(space)
    entries = [_entry(each, spaces.pop(each.name, [])) for each in server.store.list()]
    return Answer(entries + [_unlisted(name, held) for name, held in spaces.items()])


@router.delete("/vectors", status_code=204, response_class=Response)
def drop_vectors(server: Here, model: Annotated[str, Query(max_length=10_000)]) -> Response:
    """Delete the vectors of a model that is not the one in use."""
    server.library.drop_space(model)
    return Response(status_code=204)


def _entry(entry: ModelEntry, held: list[SpaceStatus]) -> dict[str, Any]:
    card = entry.card
    return {
        "name": entry.name,
        "title": card.title,
        "origin": entry.origin,
        "present": entry.present,
        "dim": card.dim or None,
        "languages": card.languages,
        "licence": card.licence,
        "download_mb": card.download_mb,
        "bytes": entry.size,
        **_held(held),
    }


def _unlisted(name: str, held: list[SpaceStatus]) -> dict[str, Any]:
    """Describe a model that the library was told of by its folder, or that was removed since."""
    return {
        "name": name,
        "title": name,
        "origin": "folder",
        "present": False,
        "dim": held[0].dim,
        "languages": (),
        "licence": "unknown",
        "download_mb": None,
        "bytes": None,
        **_held(held),
    }


def _held(spaces: list[SpaceStatus]) -> dict[str, Any]:
    known = [space.vectors for space in spaces if space.vectors is not None]
    return {
        "current": any(space.current for space in spaces),
        "vectors": sum(known) if len(known) == len(spaces) else None,
    }
