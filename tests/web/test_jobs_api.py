"""Long work over HTTP: started, followed, stopped."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from painting import paint
from slow_work import Json, Slow, told
from small_server import client_of, small_server

from soutu.library.base import Stop, Watcher
from soutu.web.jobs import Jobs, JobStopped
from soutu.web.server import Server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with small_server(tmp_path) as found:
        yield found


@pytest.fixture
def client(server: Server) -> Iterator[TestClient]:
    with client_of(server) as found:
        yield found


def ended(client: TestClient, job: Json) -> Json:
    """Follow a job's events to their end, and return the job as the last of them told it."""
    answer = client.get(f"/api/jobs/{job['id']}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    return told(answer.content)[-1][1]


# --- jobs ---


def test_index(client: TestClient, tmp_path: Path) -> None:
    """A folder is taken in; the job ends with the report."""
    paint(tmp_path / "more" / "blue.png", "blue")
    (tmp_path / "more" / "bad.png").write_bytes(b"no picture")
    paths = [str(tmp_path / "more")]
    answer = client.post("/api/jobs/index", json={"paths": paths, "exclude": ["x/**"]})
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/api/jobs/{answer.json()['id']}"
    job = ended(client, answer.json())
    assert (job["kind"], job["state"], job["error"]) == ("index", "done", None)
    assert job["title"] == {"paths": paths, "include": [], "exclude": ["x/**"]}
    assert job["result"]["added"] == 1
    assert job["result"]["failures"][0]["path"].endswith("bad.png")
    assert client.get(f"/api/jobs/{job['id']}").json() == job
    assert client.get("/api/jobs").json() == [job]
    assert client.get("/api/search?q=blue").json()["hits"][0]["path"].endswith("blue.png")


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"paths": ["/no/such/folder"]}, 400, "there is no file or folder '/no/such/folder'"),
        ({"paths": ["photos"]}, 400, "not absolute"),
        ({"paths": ["/a\0b"]}, 400, "not absolute"),
        ({}, 422, "paths"),
        ({"paths": ["/tmp"], "precise": 1}, 422, "precise"),
    ],
)
def test_index_nothing(client: TestClient, body: Json, status: int, said: str) -> None:
    """What cannot be indexed is refused before there is a job."""
    answer = client.post("/api/jobs/index", json=body)
    assert answer.status_code == status
    assert said in answer.json()["error"]["message"]
    assert client.get("/api/jobs").json() == []


def test_use_model(client: TestClient) -> None:
    """Another space is filled and becomes the current one; the old one can be dropped."""
    job = ended(client, client.post("/api/jobs/use-model", json={"model": "other"}).json())
    assert job["state"] == "done"
    assert (job["result"]["model"], job["result"]["current"]) == ("other", True)
    models = {each["name"]: each for each in client.get("/api/models").json()}
    assert (models["other"]["current"], models["other"]["vectors"]) == (True, 2)
    assert (models["colour"]["current"], models["colour"]["vectors"]) == (False, 2)
    refused = client.delete("/api/models/vectors", params={"model": "other"})
    assert (refused.status_code, refused.json()["error"]["kind"]) == (400, "ModelError")
    assert client.delete("/api/models/vectors", params={"model": "colour"}).status_code == 204
    assert "colour" not in {each["name"] for each in client.get("/api/models").json()}


def test_models(client: TestClient) -> None:
    """The bundled one and the catalogue are listed, with what is known of each."""
    models = {each["name"]: each for each in client.get("/api/models").json()}
    assert models["mini"]["present"]
    assert models["mini"]["origin"] == "bundled"
    assert not models["clip-vit-b-32"]["present"]
    assert models["clip-vit-b-32"]["download_mb"] == 606
    assert (models["colour"]["current"], models["colour"]["vectors"]) == (True, 2)


def test_a_job_that_fails(client: TestClient) -> None:
    """It says why, with the kind of error."""
    body = {"model": "no-such-model"}
    job = ended(client, client.post("/api/jobs/add-model", json=body).json())
    assert (job["state"], job["error"]["kind"]) == ("failed", "ModelError")
    assert "no-such-model" in job["error"]["message"]


def test_add_the_bundled_model(client: TestClient) -> None:
    """It is here already."""
    job = ended(client, client.post("/api/jobs/add-model", json={"model": "mini"}).json())
    assert (job["state"], job["result"]["name"]) == ("done", "mini")


def test_write_tags(client: TestClient, tmp_path: Path) -> None:
    """Sidecars are written, or counted."""
    paths = [str(tmp_path / "photos")]
    body = {"paths": paths, "dry_run": True}
    job = ended(client, client.post("/api/jobs/write-tags", json=body).json())
    assert job["kind"] == "write-tags"
    assert job["state"] in {"done", "failed"}  # a library without tags has nothing to write
    assert client.post("/api/jobs/write-tags", json={"paths": ["x"]}).status_code == 400


def test_stop(server: Server, client: TestClient) -> None:
    """A running job ends at its next step with what it has; one that waits never begins."""
    slow = Slow()
    running, waiting = server.jobs.start("index", slow), server.jobs.start("index", slow)
    assert slow.began.wait(60)
    assert client.get("/api/status").json()["busy"]["id"] == running.id
    assert client.post(f"/api/jobs/{waiting.id}/stop").json()["state"] == "stopped"
    client.post(f"/api/jobs/{running.id}/stop")
    job = ended(client, {"id": running.id})
    assert (job["state"], job["result"]["interrupted"]) == ("stopped", True)
    assert job["progress"]["done"] == 1
    assert client.get("/api/status").json()["busy"] is None
    assert client.post(f"/api/jobs/{running.id}/stop").json() == job


def test_a_stop_that_came_too_late(server: Server) -> None:
    """Work that was finished before it looked is done."""
    slow = Slow()
    job = server.jobs.start("index", slow)
    assert slow.began.wait(60)
    slow.may_end.set()
    server.jobs.stop(job.id)
    server.jobs.close()
    found = server.jobs.get(job.id)
    assert found is not None
    assert found.state == ("stopped" if found.result.interrupted else "done")


def test_work_that_is_stopped_from_its_watcher(server: Server) -> None:
    """A download knows no other way."""

    def work(_watch: Watcher, _should_stop: Stop) -> object:
        raise JobStopped

    job = server.jobs.start("add-model", work)
    server.jobs.stop(job.id)
    server.jobs.close()
    found = server.jobs.get(job.id)
    assert found is not None
    assert (found.error, found.result) == (None, None)


@pytest.mark.parametrize("path", ["/api/jobs/7", "/api/jobs/x/events"])
def test_unknown_jobs(client: TestClient, path: str) -> None:
    """They are told apart from an empty answer."""
    answer = client.get(path)
    assert (answer.status_code, answer.json()["error"]["kind"]) == (404, "NotFound")
    assert client.post("/api/jobs/7/stop").status_code == 404


# --- folders ---


def test_folders(client: TestClient, tmp_path: Path) -> None:
    """Names of folders and the number of pictures; hidden ones and other files are left out."""
    for name in ("b", "A", ".hidden", "node_modules"):
        (tmp_path / "place" / name).mkdir(parents=True)
    for name in ("1.jpg", "2.HEIC", ".3.jpg", "notes.txt"):
        (tmp_path / "place" / name).touch()
    (tmp_path / "place" / "link").symlink_to(tmp_path / "photos")
    found = client.get("/api/folders", params={"path": str(tmp_path / "place")}).json()
    assert found == {
        "path": str(tmp_path / "place"),
        "parent": str(tmp_path),
        "folders": [
            {"name": name, "path": str(tmp_path / "place" / name)} for name in ("A", "b", "link")
        ],
        "pictures": 2,
    }


def test_where_to_begin(client: TestClient) -> None:
    """At home, or at the root, whose parent is this list again."""
    found = client.get("/api/folders").json()
    assert found["parent"] is None
    assert str(Path.home()) in {each["path"] for each in found["folders"]}
    assert client.get("/api/folders", params={"path": "/"}).json()["parent"] == ""


@pytest.mark.parametrize(
    ("path", "said"),
    [("photos", "not absolute"), ("/no/such", "cannot list /no/such: no such file"),
     ("/etc/hostname/x", "cannot list"), ("/a\0b", "not absolute")],
)  # fmt: skip
def test_folders_that_cannot_be_listed(client: TestClient, path: str, said: str) -> None:
    """The reason is told."""
    answer = client.get("/api/folders", params={"path": path})
    assert answer.status_code == 400
    assert said in answer.json()["error"]["message"]


def test_jobs_end_with_the_server() -> None:
    """The running one is stopped, those that wait never begin, and more are refused."""
    jobs, slow = Jobs(), Slow()
    jobs.start("index", slow)
    jobs.start("index", slow)
    assert slow.began.wait(60)
    started = time.monotonic()
    jobs.close()
    jobs.close()
    assert [job.state for job in jobs.list()] == ["stopped", "stopped"]
    assert time.monotonic() - started < 60
