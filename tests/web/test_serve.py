"""`soutu serve` as people run it: a process on a port."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from click.testing import CliRunner
from painting import paint
from small_server import SOUTU, Running, running

from soutu.cli.app import app
from soutu.errors import LibraryBusy
from soutu.library.owner import SERVE, hold, serving
from soutu.web.serve import Ready
from soutu.web.settings import Settings

TOKEN = "0123456789abcdef"
SLOW = [sys.executable, str(Path(__file__).with_name("slow_server.py"))]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return tmp_path / "library"


@pytest.fixture
def server(library: Path, home: Path) -> Iterator[Running]:
    with running("--library", str(library), home=home) as found:
        yield found


def soutu(*args: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SOUTU, *args],
        env={**os.environ, "SOUTU_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def indexed(server: Running, folder: Path) -> None:
    """Index a folder through the server, and wait for the end."""
    body = {"paths": [str(folder)]}
    job = httpx.post(f"{server.url}/api/jobs/index", json=body).json()
    events = httpx.get(f"{server.url}/api/jobs/{job['id']}/events", timeout=120).text
    assert '"state": "done"' in events


def test_a_new_user(server: Running, library: Path, tmp_path: Path) -> None:
    """The library is made, a folder indexed and searched; SIGTERM ends the server quietly."""
    assert (library / "catalog.db").is_file()
    assert httpx.get(f"{server.url}/").headers["content-type"].startswith("text/html")
    assert httpx.get(f"{server.url}/readyz").text == "ready\n"
    paint(tmp_path / "photos" / "red.png", "red")
    indexed(server, tmp_path / "photos")
    hit = httpx.get(f"{server.url}/api/search?q=red").json()["hits"][0]
    assert hit["path"] == str(tmp_path / "photos" / "red.png")
    assert server.stop() == (0, "")


def test_the_note(server: Running, library: Path, home: Path) -> None:
    """Others find the server by the library's folder, for as long as it lives."""
    note = serving(library)
    assert note is not None
    assert (note.url, note.pid, note.token_file) == (server.url, server.process.pid, None)
    done = soutu("serve", "--port", "0", "--library", str(library), home=home)
    assert done.returncode == 3
    assert f"served already, at {server.url}" in done.stderr
    server.stop()
    assert serving(library) is None


def test_a_server_that_was_killed(server: Running, library: Path, home: Path) -> None:
    """Its note means nothing, and the next server takes its place."""
    server.process.kill()
    server.process.wait()
    assert (library / "serve.owner.json").exists()
    assert serving(library) is None
    with running("--library", str(library), home=home) as next_:
        note = serving(library)
        assert note is not None
        assert note.url == next_.url


def test_no_server(tmp_path: Path) -> None:
    """A folder without a note, with a bad one, or with a held lock and no address."""
    assert serving(tmp_path) is None
    (tmp_path / "serve.owner.json").write_text("{")
    assert serving(tmp_path) is None
    held = hold(tmp_path, SERVE, task=SERVE)
    assert serving(tmp_path) is None
    with pytest.raises(LibraryBusy):
        hold(tmp_path, SERVE, task=SERVE)
    held.tell(url="http://127.0.0.1:1", token_file="/t")
    note = serving(tmp_path)
    assert note is not None
    assert (note.url, note.token_file) == ("http://127.0.0.1:1", Path("/t"))
    held.release()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_under_way(
    library: Path, home: Path, tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is answered after the signal, before the end; streams of events end by themselves."""
    note = tmp_path / "began"
    monkeypatch.setenv("SOUTU_TEST_NOTE", str(note))
    answers: list[httpx.Response] = []
    with running("--library", str(library), home=home, program=SLOW) as server:
        url = server.url
        asking = threading.Thread(
            target=lambda: answers.append(httpx.get(f"{url}/api/search?q=slow", timeout=60))
        )
        listening = threading.Thread(
            target=lambda: answers.append(httpx.get(f"{url}/api/events", timeout=60))
        )
        asking.start()
        listening.start()
        while not note.exists():
            time.sleep(0.01)
        server.process.send_signal(number)
        _, errors = server.process.communicate(timeout=60)
        asking.join()
        listening.join()
        assert [answer.status_code for answer in answers] == [200, 200]
        assert (server.process.returncode, errors) == (0, "")


def test_a_second_signal(
    library: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends the process at once, and the locks with it."""
    note = tmp_path / "began"
    monkeypatch.setenv("SOUTU_TEST_NOTE", str(note))
    with running("--library", str(library), home=home, program=SLOW) as server:
        place = urlsplit(server.url)
        assert place.hostname is not None
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=60)
        connection.request("GET", "/api/search?q=slow")
        while not note.exists():
            time.sleep(0.01)
        server.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 60
        while server.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.15)
            server.process.send_signal(signal.SIGTERM)
        assert server.process.returncode == 128 + signal.SIGTERM
        connection.close()
    hold(library, SERVE, task=SERVE).release()


def test_a_job_under_way(server: Running, tmp_path: Path, home: Path, library: Path) -> None:
    """Indexing stops at a batch; the library is whole, and goes on the next time."""
    for number in range(300):
        paint(tmp_path / "photos" / f"{number}.png", "red", seed=number)
    body = {"paths": [str(tmp_path / "photos")]}
    job = httpx.post(f"{server.url}/api/jobs/index", json=body).json()
    while httpx.get(f"{server.url}/api/jobs/{job['id']}").json()["state"] == "waiting":
        time.sleep(0.01)
    assert server.stop() == (0, "")
    done = soutu("index", str(tmp_path / "photos"), "--library", str(library), home=home)
    assert (done.returncode, done.stderr) == (0, "")
    status = soutu("status", "--json", "--library", str(library), home=home)
    assert json.loads(status.stdout)["images"] == 300


def test_a_token(library: Path, home: Path, tmp_path: Path) -> None:
    """Nothing without it; with it as a bearer's or in a cookie, everything. Others may find it."""
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o600)
    options = ["--library", str(library), "--token-file", str(file)]
    with running(*options, home=home) as server, httpx.Client(base_url=server.url) as client:
        assert client.get("/api/status").status_code == 401
        bearer = {"authorization": f"Bearer {TOKEN}"}
        assert client.get("/api/status", headers=bearer).status_code == 200
        assert client.post("/api/session", json={"token": TOKEN}).status_code == 204
        assert client.get("/api/status").status_code == 200
        note = serving(library)
        assert note is not None
        assert note.token_file == file
        assert server.stop() == (0, "")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--host", "0.0.0.0"], "--token-file FILE"),
        (["--token-file", "missing"], "openssl rand -hex 32"),
        (["--host", "192.0.2.7", "--token-file", "token"], "cannot serve at 192.0.2.7"),
        (["--host", "no.such.invalid", "--token-file", "token"], "no address 'no.such.invalid'"),
        (["--read-only", "--library", "missing"], "there is no library"),
    ],
)
def test_servers_that_do_not_start(
    options: list[str], said: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line says why."""
    monkeypatch.chdir(tmp_path)
    Path("token").write_text(TOKEN)
    Path("token").chmod(0o600)
    done = soutu("serve", "--port", "0", *options, home=home)
    assert done.returncode in {1, 2}
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_port_that_is_taken(home: Path) -> None:
    """The error names it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = soutu("serve", "--port", str(port), home=home)
    assert done.returncode == 2
    assert f"cannot serve at 127.0.0.1 port {port}: address already in use" in done.stderr


def test_others_can_read_the_token(library: Path, home: Path, tmp_path: Path) -> None:
    """The server warns, and starts."""
    file = tmp_path / "token"
    file.write_text(TOKEN)
    file.chmod(0o644)
    with running("--library", str(library), "--token-file", str(file), home=home) as server:
        code, errors = server.stop()
    assert code == 0
    assert "chmod 600" in errors


def test_open(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The browser gets the address once the server answers; the options become its settings."""
    opened: SimpleQueue[str] = SimpleQueue()
    asked: list[Settings] = []

    def serve(_where: object, *, settings: Settings, on_ready: Any, **_: object) -> None:
        asked.append(settings)
        on_ready(Ready(url="http://127.0.0.1:7", library=tmp_path, grpc_port=8))

    monkeypatch.setattr("soutu.web.serve.serve", serve)
    monkeypatch.setattr("webbrowser.open", opened.put)
    options = ["--open", "--read-only", "--allow-urls", "--allow-host", "a", "--allow-host", "b"]
    done = CliRunner().invoke(app, ["serve", *options])
    said = f"Serving {tmp_path} at http://127.0.0.1:7  (Ctrl-C stops it)\ngRPC on port 8\n"
    assert (done.exit_code, done.output) == (0, said)
    assert opened.get(timeout=60) == "http://127.0.0.1:7"
    assert asked == [Settings(read_only=True, urls=True, hosts=("a", "b"))]


def test_over_the_network(server: Running) -> None:
    """What the guard refuses is refused here too, with bodies of known and unknown length."""
    place = urlsplit(server.url)
    assert place.hostname is not None
    for headers in ({"host": "evil.example"}, {"origin": "http://evil.example"}):
        assert httpx.get(f"{server.url}/api/status", headers=headers).status_code == 403
    answer = httpx.post(f"{server.url}/api/search", content=iter([b"x" * 2**20] * 65), timeout=60)
    assert answer.status_code == 413
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=60)
    connection.putrequest("POST", "/api/search")
    connection.putheader("content-length", str(2**40))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()
    for path in ("/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/api/../../etc/passwd"):
        connection.request("GET", path)
        assert b"root:" not in connection.getresponse().read()
        connection.close()


def test_idle_and_broken_connections(server: Running) -> None:
    """A hundred that say nothing, or half a request and go, keep nobody from being answered."""
    place = urlsplit(server.url)
    idle = [socket.create_connection((place.hostname, place.port)) for _ in range(100)]
    for number, each in enumerate(idle):
        if number % 2:
            each.sendall(
                b"POST /api/search HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 9\r\n\r\n{"
            )
        if number % 4 == 1:
            each.close()
    assert httpx.get(f"{server.url}/api/status").status_code == 200
    for each in idle:
        each.close()
    assert server.stop() == (0, "")


def test_grpc_beside_it(library: Path, home: Path) -> None:
    """The second line says where; both end together."""
    with running("--library", str(library), "--grpc-port", "0", home=home) as server:
        assert server.process.stdout is not None
        said = server.process.stdout.readline()
        port = int(said.removeprefix("gRPC on port "))
        with socket.create_connection(("127.0.0.1", port)):
            pass
        assert server.stop() == (0, "")
