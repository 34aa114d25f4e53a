"""Pictures are fetched from the public internet, or from nowhere."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from soutu.errors import QueryError
from soutu.library import public
from soutu.library.fetch import fetch_image

PUBLIC = "127.0.0.1"
"""Stands for a public address: the server of these tests answers there."""


class Handler(BaseHTTPRequestHandler):
    """Answer with what the path asks for, and remember who was asked for."""

    hosts: list[str]

    def do_GET(self) -> None:
        self.hosts.append(self.headers["host"])
        kind, _, rest = self.path[1:].partition("/")
        if kind == "to":
            self.send_response(302)
            self.send_header("location", rest)
            self.send_header("content-length", "0")
            self.end_headers()
            return
        body = b"x" * int(rest or 7)
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


class Names:
    """A name server: answers by name, the last of several again and again."""

    def __init__(self) -> None:
        self.known: dict[str, list[str]] = {}
        self.asked: list[str] = []

    def __call__(self, host: str | bytes, port: int, *_: object, **__: object) -> list[Any]:
        name = host.decode() if isinstance(host, bytes) else host
        if name == PUBLIC:  # the connection itself, which names an address
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (PUBLIC, port))]
        self.asked.append(name)
        answers = self.known.get(name)
        if answers is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        address = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]


@pytest.fixture
def port() -> Iterator[int]:
    """Serve on loopback, which the tests take for the internet."""
    Handler.hosts = []
    server = ThreadingHTTPServer((PUBLIC, 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """Take the place of DNS; pics.test is public."""
    found = Names()
    found.known["pics.test"] = [PUBLIC]
    really = public.is_public
    monkeypatch.setattr(socket, "getaddrinfo", found)
    monkeypatch.setattr(public, "is_public", lambda each: each == PUBLIC or really(each))
    return found


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.9.1",
        "10.0.0.1",
        "172.16.3.4",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
        "192.0.2.1",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2002:c0a8:101::1",
    ],
)
def test_private_addresses(address: str) -> None:
    """Loopback, private, link-local, shared, multicast and reserved ones, in any clothes."""
    assert not public.is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.215.14", "2606:4700::1111"])
def test_public_addresses(address: str) -> None:
    """Ordinary hosts of the internet."""
    assert public.is_public(address)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"]
)
def test_this_machine_by_any_name(host: str, port: int) -> None:
    """Nothing is asked of it; the real resolver understands odd figures."""
    with pytest.raises(QueryError, match="no host on the public internet"):
        fetch_image(f"http://{host}:{port}/is/1", public_only=True)
    assert Handler.hosts == []


def test_the_host_is_asked_by_its_name(port: int, names: Names) -> None:
    """The connection goes to the address that was looked up, with the name in the request."""
    assert fetch_image(f"http://pics.test:{port}/is/3", public_only=True) == b"xxx"
    assert Handler.hosts == [f"pics.test:{port}"]
    assert names.asked == ["pics.test"]


def test_a_name_that_changes_its_address(port: int, names: Names) -> None:
    """The name is looked up once, so that a second answer cannot lead anywhere else."""
    names.known["pics.test"] = [PUBLIC, "10.0.0.1"]
    assert fetch_image(f"http://pics.test:{port}/is/1", public_only=True) == b"x"
    with pytest.raises(QueryError, match="no host on the public internet"):
        fetch_image(f"http://pics.test:{port}/is/1", public_only=True)
    assert len(Handler.hosts) == 1


def test_a_name_with_a_public_and_a_private_address(
    port: int, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One private address is one too many."""
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in (PUBLIC, "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
    with pytest.raises(QueryError, match="no host on the public internet"):
        fetch_image(f"http://pics.test:{port}/is/1", public_only=True)


@pytest.mark.parametrize("where", ["http://169.254.169.254/latest", "http://inside.test/x"])
def test_redirects_to_private_addresses(port: int, names: Names, where: str) -> None:
    """Every hop is checked."""
    names.known |= {"inside.test": ["192.168.0.9"], "169.254.169.254": ["169.254.169.254"]}
    with pytest.raises(QueryError, match="no host on the public internet"):
        fetch_image(f"http://pics.test:{port}/to/{where}", public_only=True)
    assert len(Handler.hosts) == 1


def test_redirects_to_other_schemes(port: int, names: Names) -> None:
    """A file of this machine is no picture on the web."""
    with pytest.raises(QueryError, match="no address on the web"):
        fetch_image(f"http://pics.test:{port}/to/file:///etc/passwd", public_only=True)


def test_redirects_are_followed(port: int, names: Names) -> None:
    """Relative ones too, three at most."""
    assert fetch_image(f"http://pics.test:{port}/to//to//is/2", public_only=True) == b"xx"
    with pytest.raises(QueryError, match="without end"):
        fetch_image(f"http://pics.test:{port}/to//to//to//to//is/2", public_only=True)


def test_size(port: int, names: Names) -> None:
    """Downloads end at the limit."""
    with pytest.raises(QueryError, match="larger than 1 MiB"):
        fetch_image(f"http://pics.test:{port}/is/1048577", max_bytes=2**20, public_only=True)


def test_nobody_there(names: Names) -> None:
    """An unknown name is told as a private one is."""
    with pytest.raises(QueryError, match=r"'none\.test' is no host on the public internet"):
        fetch_image("http://none.test/a.jpg", public_only=True)


def test_without_the_limit(port: int) -> None:
    """A person's own command line may fetch from anywhere, redirects included."""
    assert fetch_image(f"http://127.0.0.1:{port}/to//is/2") == b"xx"
