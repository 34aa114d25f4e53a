"""Experiments over HTTP: sides stay apart in what is kept, pages go on, read-only logs nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from small_server import client_of, small_server

from soutu.catalog import schema
from soutu.catalog.catalog import Catalog
from soutu.library.experiments.drafting import chosen
from soutu.web.server import Server

COLOURS = ("red", "green", "blue", "white")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with small_server(tmp_path, colours=COLOURS) as found:
        yield found


@pytest.fixture
def client(server: Server) -> Iterator[TestClient]:
    with client_of(server) as found:
        yield found


def ask(client: TestClient, **more: Any) -> dict[str, Any]:
    body = {"terms": [{"text": "red"}], "k": 4, **more}
    answer = client.post("/api/search", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ids(page: dict[str, Any]) -> list[int]:
    return [hit["id"] for hit in page["hits"]]


def logged(folder: Path, table: sa.Table) -> list[Any]:
    catalog = Catalog.open(folder / "library" / "catalog.db")
    with catalog.reading() as c:
        found = list(c.execute(sa.select(table)))
    catalog.close()
    return found


def start(client: TestClient, **settings: Any) -> None:
    body = {"name": "varied", "diversity": 1.0, "salt": "s", **settings}
    assert client.post("/api/experiments", json=body).status_code == 201


def somebody(*, of_b: bool) -> str:
    return next(f"p{n}" for n in range(99) if chosen("s", f"p{n}", 0.5) is of_b)


def test_what_is_kept_of_one_side_is_not_given_to_the_other(client: TestClient) -> None:
    """Whoever asked first, and whoever asks without a session, in any order."""
    plain = ask(client)
    assert "impression" not in plain
    start(client, kind="split")
    a, b = somebody(of_b=False), somebody(of_b=True)
    varied = ids(ask(client, diversity=1.0))
    assert varied != ids(plain)
    for _ in range(2):
        assert ids(ask(client, session=b)) == varied
        assert ids(ask(client, session=a)) == ids(plain)
        assert ids(ask(client)) == ids(plain)
    assert client.post("/api/experiments/stop", json={"name": "varied"}).status_code == 200
    found = ask(client, session=b)
    assert ids(found) == ids(plain)
    assert (found["impression"], found["experiment"]) == (None, "")


def test_cursors_go_on_in_the_same_way(client: TestClient) -> None:
    """Also where the experiment starts or ends while somebody reads."""
    before = ask(client, k=2, session="ann")
    start(client)
    assert before["cursor"] == ask(client, k=2)["cursor"]
    rest = ask(client, k=2, session="ann", cursor=before["cursor"])
    assert rest["impression"] is None
    assert ids(before) + ids(rest) == ids(ask(client))
    first = ask(client, k=2, session="ann")
    whole = ids(ask(client, session="ann"))
    second = ask(client, k=2, session="ann", cursor=first["cursor"])
    assert first["impression"] == second["impression"] is not None
    client.post("/api/experiments/stop", json={"name": "varied"})
    after = ask(client, k=2, session="ann", cursor=first["cursor"])
    assert ids(first) + ids(second) == ids(first) + ids(after) == whole


def test_a_search_by_address_takes_part(client: TestClient) -> None:
    """GET has a session, too."""
    start(client)
    found = client.get("/api/search", params={"q": "red", "k": 4, "session": "ann"}).json()
    assert found["impression"] == ask(client, session="ann")["impression"] is not None


def test_events(client: TestClient, tmp_path: Path) -> None:
    """A click is logged once, and not of what was not shown."""
    start(client)
    page = ask(client, session="ann", k=2)
    event = {"impression": page["impression"], "picture": ids(page)[0], "action": "open"}
    for _ in range(2):
        assert client.post("/api/experiments/events", json=event).json() == {"logged": True}
    (row,) = logged(tmp_path, schema.actions)
    assert (row.image, row.action, row.place) == (ids(page)[0], "open", 0)
    absent = next(id_ for id_ in ids(ask(client)) if id_ not in ids(page))
    wrong = client.post("/api/experiments/events", json={**event, "picture": absent})
    assert wrong.status_code == 400
    assert "in no answer" in wrong.json()["error"]["message"]
    assert client.post("/api/experiments/events", json={**event, "action": "x"}).status_code == 422
    other = {"origin": "http://evil.example"}
    assert client.post("/api/experiments/events", json=event, headers=other).status_code == 403


def test_the_report(client: TestClient) -> None:
    """It is what the library says."""
    start(client)
    ask(client, session="ann")
    found = client.get("/api/experiments/report", params={"name": "varied"}).json()
    assert found["verdict"] == "too few to tell"
    assert found["a"]["impressions"] == 1
    assert client.get("/api/experiments").json()[0]["name"] == "varied"
    assert client.get("/api/experiments/report", params={"name": "x"}).status_code == 400


def test_the_status_tells_whether_one_runs(client: TestClient) -> None:
    """That is how the page knows to send a session."""
    assert client.get("/api/status").json()["experiment"] is None
    start(client)
    assert client.get("/api/status").json()["experiment"] == "varied"


def test_a_read_only_server_logs_nothing(tmp_path: Path) -> None:
    """Everybody is answered by A there, whatever runs; events are refused."""
    with small_server(tmp_path, colours=COLOURS, read_only=True) as server:
        server.library.experiments.start("varied", diversity=1.0)
        with client_of(server) as client:
            page = ask(client, session="ann")
            assert ids(page) == ids(ask(client))
            assert page["impression"] is None
            assert client.get("/api/status").json()["experiment"] is None
            event = {"impression": "0" * 32, "picture": ids(page)[0], "action": "open"}
            assert client.post("/api/experiments/events", json=event).status_code == 403
            assert client.get("/api/experiments").status_code == 200
    assert logged(tmp_path, schema.impressions) == []


def test_searches_are_kept_while_one_runs(client: TestClient, server: Server) -> None:
    """The log is no change of the library, so that what was answered stays answered."""
    start(client)
    before = server.library.changes()
    first = ask(client, session="ann")
    assert ask(client, session="ann") == first  # to the microsecond: it was not asked again
    assert server.library.changes() == before
