"""A server over a small library, in this process and in one of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from painting import ColourEncoder, FakeStore, paint

from soutu.library.folder import FolderLibrary
from soutu.models.store import ModelStore
from soutu.web.app import create_app
from soutu.web.jobs import Jobs
from soutu.web.server import Server
from soutu.web.settings import Settings
from soutu.web.thumbnails import Thumbnails

SOUTU = [sys.executable, "-c", "from soutu.cli import main; main()"]


@contextmanager
def small_server(
    folder: Path, *, colours: tuple[str, ...] = ("red", "green"), **settings: Any
) -> Iterator[Server]:
    """Make a library of a few painted pictures, and what serves it."""
    store = FakeStore(ColourEncoder(), ColourEncoder("other", "r2", dim=6))
    for colour in colours:
        paint(folder / "photos" / f"{colour}.png", colour)
    with FolderLibrary(folder / "library", store=store, model="colour", create=True) as library:
        if colours:
            library.add([folder / "photos"])
        yield Server(
            library=library,
            store=ModelStore(folder / "models"),
            settings=Settings(**settings),
            jobs=Jobs(),
            thumbnails=Thumbnails(folder / "thumbnails", max_pixels=10**6),
        )


@contextmanager
def client_of(server: Server) -> Iterator[TestClient]:
    """Start the application, without a network."""
    with TestClient(
        create_app(server), base_url="http://127.0.0.1:8770", raise_server_exceptions=False
    ) as client:
        yield client


@contextmanager
def running(*args: str, home: Path, program: list[str] | None = None) -> Iterator[Running]:
    """Run `soutu serve` on a free port until the end of the block."""
    process = subprocess.Popen(
        [*(program or SOUTU), "serve", "--port", "0", *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "SOUTU_HOME": str(home), "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        if " at http://" not in said:
            raise AssertionError(process.communicate(timeout=60))
        yield Running(process, said.partition(" at ")[2].split()[0])
    finally:
        process.kill()
        process.communicate()


class Running:
    """A server in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process, self.url = process, url

    def stop(self) -> tuple[int, str]:
        """Send SIGTERM and return the exit code, and what was said on stderr."""
        self.process.send_signal(signal.SIGTERM)
        _, errors = self.process.communicate(timeout=60)
        return self.process.returncode, errors
