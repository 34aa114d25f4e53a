"""The OpenAPI document holds: whatever is asked by it is answered by it, and never by a bug."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tagged_server import library_in, paint_photos

from soutu.models.store import ModelStore
from soutu.web.app import create_app
from soutu.web.jobs import Job, Jobs, Work
from soutu.web.server import Server
from soutu.web.settings import Settings
from soutu.web.thumbnails import Thumbnails


class IdleJobs(Jobs):
    """Take jobs and do nothing.

    A made-up path may be that of this machine's disk, or a model's name lead to the hub. What
    jobs do is tested by their own tests.
    """

    def start(self, kind: str, work: Work, **title: Any) -> Job:
        """Put a job at the end of the queue, that ends at once."""
        del work
        return super().start(kind, lambda *_: None, **title)


# They end when the server does, or a job: one request would wait for all time.
STREAMS = r"^/api/(events|jobs/\{id_\}/events)$"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """A server over a small library with tags and labels."""
    folder = tmp_path_factory.mktemp("schema")
    paint_photos(folder / "photos")
    with library_in(folder / "library") as library:
        library.add([folder / "photos"])
        for name in ("red", "blue"):
            library.tags.add(name, who="ana")
        library.labels.set(library.pictures()[0].id, yes=["red"], who="ana")
        jobs = IdleJobs()
        server = Server(
            library=library,
            store=ModelStore(folder / "models"),
            settings=Settings(hosts=("testserver",)),
            jobs=jobs,
            thumbnails=Thumbnails(folder / "thumbnails", max_pixels=10**6),
        )
        yield create_app(server)
        jobs.close()


def test_every_endpoint(application: FastAPI) -> None:
    """No request, of the described shape or not, meets a bug or an answer not described."""
    described = schemathesis.openapi.from_asgi("/openapi.json", application)
    asked = set()
    for found in described.exclude(path_regex=STREAMS).get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        asked.add(operation.label)
        ask_often(operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
        with suppress(Unsatisfiable):  # there is nothing to get wrong in some
            ask_often(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    assert {"POST /api/search", "GET /api/tags", "POST /api/labels"} <= asked


def ask_often(cases: Any) -> None:
    """Ask an endpoint in ways that are made up, the same ones each time."""

    @settings(
        max_examples=6,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def ask(case: Any) -> None:
        case.call_and_validate(checks=CHECKS)

    ask()
