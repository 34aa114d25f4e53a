"""What the server says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from small_server import client_of, small_server

import soutu
from soutu.errors import LibraryBusy
from soutu.library.tagging.tags import login_name
from soutu.types import LibraryStatus
from soutu.web.server import Server
from soutu.wire import from_json


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with small_server(tmp_path) as found:
        yield found


@pytest.fixture
def client(server: Server) -> Iterator[TestClient]:
    with client_of(server) as found:
        yield found


def figures(client: TestClient) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Read /metrics with Prometheus' own parser: values by name and labels."""
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_status(server: Server, client: TestClient) -> None:
    """The library's status, with what this server is and allows."""
    found = client.get("/api/status").json()
    assert from_json(LibraryStatus, found) == server.library.status()
    more = {key: found[key] for key in set(found) - set(vars(server.library.status()))}
    assert more == {
        "stamp": server.library.changes(),
        "version": soutu.__version__,
        "read_only": False,
        "urls": False,
        "min_relevance": 0.25,
        "busy": None,
        "login": login_name(None),
        "experiment": None,
    }


def test_the_stamp_follows_the_library(server: Server, client: TestClient) -> None:
    """It stays until something changes, by whomever."""
    before = client.get("/api/status").json()["stamp"]
    assert client.get("/api/status").json()["stamp"] == before
    server.library.tags.add("cat", who="ann")
    assert client.get("/api/status").json()["stamp"] != before


def test_health(client: TestClient) -> None:
    """The process answers, and can search."""
    assert client.get("/healthz").text == "ok\n"
    assert (client.get("/readyz").status_code, client.get("/readyz").text) == (200, "ready\n")


def test_not_ready(server: Server, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that cannot search says so, without telling strangers where things are."""

    def busy(*_: object, **__: object) -> None:
        raise LibraryBusy("/home/ann/library is in use by process 7")

    monkeypatch.setattr(server.library, "search", busy)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.text) == (503, "not ready: LibraryBusy\n")
    assert client.get("/healthz").status_code == 200


def test_metrics(client: TestClient) -> None:
    """Requests by route, never by what was asked for; pictures and jobs."""
    for id_ in (1, 2, 3):
        client.get(f"/api/images/{id_}")
    client.get("/api/search?q=red")
    client.get("/wp-admin/setup.php")
    client.get("/tags/cat")
    client.get("/api/status", headers={"host": "evil.example"})
    client.request("BREW", "/api/status")
    found = figures(client)

    def requests(method: str, route: str, status: str) -> float:
        labels = (("method", method), ("route", route), ("status", status))
        return found["soutu_http_requests_total", labels]

    assert requests("GET", "/api/images/{id_}", "404") == 3
    assert requests("GET", "/api/search", "200") == 1
    assert requests("GET", "page", "404") == 1
    assert requests("GET", "page", "200") == 1
    assert requests("GET", "page", "403") == 1
    assert requests("other", "/api/status", "405") == 1
    labels = (("method", "GET"), ("route", "/api/search"))
    assert found["soutu_http_request_seconds_count", labels] == 1
    assert found["soutu_pictures", ()] == 2
    assert found["soutu_jobs", (("state", "running"),)] == 0
    assert found["soutu_event_streams", ()] == 0
    assert found["soutu_http_requests_open", ()] == 1
    assert found["process_resident_memory_bytes", ()] > 0


def test_two_servers_of_one_process(tmp_path: Path) -> None:
    """Each counts its own requests."""
    with (
        small_server(tmp_path / "a") as a,
        small_server(tmp_path / "b", colours=()) as b,
        client_of(a) as one,
        client_of(b) as other,
    ):
        one.get("/healthz")
        labels = (("method", "GET"), ("route", "/healthz"), ("status", "200"))
        assert figures(one)["soutu_http_requests_total", labels] == 1
        assert ("soutu_http_requests_total", labels) not in figures(other)
        assert figures(other)["soutu_pictures", ()] == 0


def test_openapi(client: TestClient) -> None:
    """The document describes these endpoints, their answers and the stream of events."""
    found = client.get("/openapi.json").json()
    paths = found["paths"]
    for path in ("/api/jobs", "/api/jobs/index", "/api/jobs/{id_}/events", "/api/models",
                 "/api/folders", "/api/status", "/api/session", "/metrics"):  # fmt: skip
        assert path in paths
    assert "text/event-stream" in paths["/api/events"]["get"]["responses"]["200"]["content"]
    assert "Job" in found["components"]["schemas"]
