"""What every part of a running server shares."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

from soutu.web.events import Feed
from soutu.web.searches import Searches

if TYPE_CHECKING:
    from soutu.library import Library
    from soutu.models.store import ModelStore
    from soutu.web.jobs import Jobs
    from soutu.web.settings import Settings
    from soutu.web.thumbnails import Thumbnails


@dataclass(frozen=True, kw_only=True)
class Server:
    """A library being served, and what belongs to serving it."""

    library: Library
    store: ModelStore
    settings: Settings
    jobs: Jobs
    thumbnails: Thumbnails

    @cached_property
    def feed(self) -> Feed:
        """What tells clients of changes."""
        return Feed(self.jobs, self.library)

    @cached_property
    def searches(self) -> Searches:
        """What was searched for, and how many may search at a time."""
        return Searches()


def server_of(request: Request) -> Server:
    """Return the server that a request came to."""
    found: Server = request.app.state.server
    return found


Here = Annotated[Server, Depends(server_of)]
"""The parameter of an endpoint that asks for the server."""
