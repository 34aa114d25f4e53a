"""A small hub on 127.0.0.1 that answers as Hugging Face's does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = 20_000
"""Bytes from which on a file is stored apart, known by its sha256 and served by redirect."""


@dataclass
class Hub:
    """What the server holds and what happened to it.

    `cut_after` ends that many next answers after so many bytes, as a lost connection does.
    """

    repository: str
    files: dict[str, bytes]
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)
    damaged: set[str] = field(default_factory=set)
    address: str = ""

    def fetched(self) -> list[str]:
        """Name the files that were asked for, in order."""
        return [path for path, _ in self.requests if not path.startswith("/api")]


def files_of(folder: Path) -> dict[str, bytes]:
    """Read a folder as a repository."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@contextmanager
def serve(hub: Hub) -> Iterator[Hub]:
    """Answer on a free port until the block ends."""
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def do_GET(self) -> None:
        hub, path = self.hub, unquote(urlsplit(self.path).path)
        api = f"/api/models/{hub.repository}/revision/"
        name = path.removeprefix(f"/{hub.repository}/resolve/{COMMIT}/").removeprefix("/cdn/")
        if path in (f"{api}main", f"{api}{COMMIT}"):
            hub.requests.append((path, None))
            self._send(json.dumps(_listing(hub)).encode())
        elif name not in hub.files:
            self._empty(404, "X-Error-Code", "RepoNotFound")
        elif len(hub.files[name]) >= LARGE and not path.startswith("/cdn/"):
            self._empty(302, "Location", f"/cdn/{name}")
        else:
            hub.requests.append((name, self.headers.get("Range")))
            size = len(hub.files[name])
            self._send(b"x" * size if name in hub.damaged else hub.files[name])

    def _send(self, content: bytes) -> None:
        start = 0
        asked = self.headers.get("Range")
        if asked:
            start = int(asked.removeprefix("bytes=").split("-")[0])
        body = content[start:]
        self.send_response(206 if asked else 200)
        if asked:
            whole = len(content)
            self.send_header("Content-Range", f"bytes {start}-{whole - 1}/{whole}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if len(content) >= LARGE and self.hub.cuts:
            body = body[: self.hub.cuts.pop(0)]
            self.close_connection = True
        self.wfile.write(body)

    def _empty(self, status: int, header: str, value: str) -> None:
        self.send_response(status)
        self.send_header(header, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _listing(hub: Hub) -> dict[str, object]:
    return {
        "id": hub.repository,
        "sha": COMMIT,
        "siblings": [_sibling(name, content) for name, content in hub.files.items()],
    }


def _sibling(name: str, content: bytes) -> dict[str, object]:
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    one: dict[str, object] = {"rfilename": name, "size": len(content), "blobId": blob}
    if len(content) >= LARGE:
        sha256 = hashlib.sha256(content).hexdigest()
        one["lfs"] = {"size": len(content), "sha256": sha256, "pointerSize": 128}
    return one
