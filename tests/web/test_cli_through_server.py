"""Commands on a library that a server owns: they go through the server."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from painting import paint
from small_server import SOUTU, Running, running

from soutu.errors import LibraryBusy
from soutu.library.folder import FolderLibrary
from soutu.library.owner import serving
from soutu.models.store import ModelStore

TOKEN = "0123456789abcdef"


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return tmp_path / "library"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A red picture and a blue one."""
    for colour in ("red", "blue"):
        paint(tmp_path / "photos" / f"{colour}.png", colour, size=64)
    return tmp_path / "photos"


@pytest.fixture(params=[False, True], ids=["open", "token"])
def server(request: pytest.FixtureRequest, library: Path, tmp_path: Path) -> Iterator[Running]:
    """A server of the library, without and with a token."""
    options = []
    if request.param:
        file = tmp_path / "token"
        file.write_text(TOKEN)
        file.chmod(0o600)
        options = ["--token-file", str(file)]
    with running("--library", str(library), *options, home=tmp_path / "home") as found:
        yield found


def soutu(library: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Run a command on the library's folder."""
    known = {name: value for name, value in os.environ.items() if name != "SOUTU_TOKEN"}
    return subprocess.run(
        [*SOUTU, *args, "--library", str(library)],
        env={**known, "SOUTU_HOME": str(library.parent / "home")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def said(library: Path, *args: str) -> str:
    """Run a command that ends well; return what it printed."""
    done = soutu(library, *args)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_commands(server: Running, library: Path, photos: Path) -> None:
    """Indexing, searching, tagging and labelling work on the folder while the server has it."""
    said(library, "index", str(photos))
    with pytest.raises(LibraryBusy), FolderLibrary(library, store=ModelStore(library)) as second:
        second.search("red")
    status = json.loads(said(library, "status", "--json"))
    assert (status["path"], status["images"]) == (str(library), 2)
    red, blue = photos / "red.png", photos / "blue.png"
    hits = said(library, "search", "--image", str(blue), "-k", "2", "--all", "--format", "paths")
    assert hits == f"{red}\n"  # the picture itself is no answer
    said(library, "tags", "add", "红色", "--alias", "red")
    assert "红色" in said(library, "tags", "list")
    said(library, "label", str(red), "--yes", "red")
    tags = said(library, "tag", str(red), "--tag", "红色")
    assert "红色" in tags
    said(library, "remove", str(blue))
    assert json.loads(said(library, "status", "--json"))["images"] == 1
    refused = soutu(library, "tags", "add", "red")
    assert refused.returncode == 2
    assert "is an alias of '红色' already" in refused.stderr
    assert server.stop() == (0, "")
    assert json.loads(said(library, "status", "--json"))["images"] == 1


def test_a_token_that_cannot_be_read(library: Path, tmp_path: Path) -> None:
    """The command says where it should be, and how else to give it."""
    file = tmp_path / "token"
    file.write_text(TOKEN)
    file.chmod(0o600)
    with running(
        "--library", str(library), "--token-file", str(file), home=tmp_path / "home"
    ) as server:
        file.unlink()
        done = soutu(library, "status")
        assert done.returncode != 0
        assert f"served at {server.url}" in done.stderr
        assert "SOUTU_TOKEN" in done.stderr


def test_a_server_that_was_killed(library: Path, photos: Path, tmp_path: Path) -> None:
    """Its note names a process that is gone: commands open the folder by themselves again."""
    with running("--library", str(library), home=tmp_path / "home") as server:
        said(library, "index", str(photos))
        server.process.kill()
        server.process.wait()
    note = library / "serve.owner.json"
    assert note.exists()
    assert serving(library) is None
    assert json.loads(said(library, "status", "--json"))["images"] == 2
    said(library, "remove", str(photos / "red.png"))
    assert json.loads(said(library, "status", "--json"))["images"] == 1
