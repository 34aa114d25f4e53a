"""Two libraries over the same pictures: one behind a door to be tested, one that is the oracle."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, cast

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient
from painting import ColourEncoder, FakeStore, paint
from PIL import Image

from soutu.errors import SoutuError
from soutu.images.sidecar import write_sidecar
from soutu.library import Library
from soutu.library.folder import FolderLibrary
from soutu.library.remote.library import RemoteLibrary
from soutu.types import IndexReport, Label, LibraryStatus, Picture
from soutu.web.app import create_app
from soutu.web.jobs import Jobs
from soutu.web.server import Server
from soutu.web.settings import Settings
from soutu.web.thumbnails import Thumbnails

Kind = Literal["folder", "http"]
Ask = Callable[[Library], Any]
Asks = Mapping[str, Callable[[Any, "Doors"], Any]]
"""What is asked of a library, by a name for the report of a test that fails.

Much of it is wrong on purpose, types too: they are not checked here.
"""
STRANGE = os.fsdecode(b"caf\xe9.png")
"""A file name that is not UTF-8."""


@dataclass(frozen=True, kw_only=True)
class Doors:
    """A library behind a door, and the oracle, which holds the same under the same ids.

    `other` is a folder of pictures that neither holds.
    """

    library: Library
    oracle: FolderLibrary
    photos: Path
    other: Path

    def same(self, *asks: Ask) -> Any:
        """Ask both the same, one thing after the other, and return the last answer.

        An error is the answer (type, message). What a clock says counts for nothing.
        """
        found = None
        for ask in asks:
            wanted = outcome(ask, self.oracle)
            found = outcome(ask, self.library)
            assert plain(found) == plain(wanted)
            assert repr(plain(found)) == repr(plain(wanted))  # 1 is not 1.0, nor True
        return found

    def same_all(self, asks: Asks) -> None:
        """Ask both everything of a table, in its order."""
        for name, ask in asks.items():
            before = self.library.changes()
            try:
                found = self.same(lambda library, ask=ask: ask(library, self))  # type: ignore[misc]
            except BaseException as error:
                error.add_note(f"when asked: {name}")
                raise
            refused = isinstance(found, tuple) and found and isinstance(found[0], type)
            assert not refused or self.library.changes() == before, name

    @property
    def red(self) -> int:
        """The id of a picture."""
        return self.picture("red.png").id

    @property
    def blue(self) -> Path:
        """Where another one is."""
        return self.photos / "sub" / "blue.png"

    @property
    def strange(self) -> Path:
        """Where the one is whose name is not UTF-8."""
        return self.photos / STRANGE

    def file(self, name: str, content: str | bytes) -> Path:
        """Write a file to import."""
        path = self.photos.parent / "files" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def picture(self, start: str) -> Picture:
        """Return the picture whose file's name begins like this."""
        return next(each for each in self.oracle.pictures() if each.path.name.startswith(start))


def outcome(ask: Ask, library: Library) -> Any:
    """Return what is answered, or the error; bugs are not caught."""
    try:
        found = ask(library)
        return list(found) if isinstance(found, Iterator) else found
    except SoutuError as error:
        return type(error), str(error)


def saved(library: Library, door: Doors, what: str, name: str) -> tuple[int, str]:
    """Save the tags or the labels; return how many, and the file without its times."""
    path = door.other / name
    number = getattr(library, what).save(path)
    text = path.read_text(encoding="utf-8", errors="surrogateescape")
    path.unlink()
    return number, re.sub(r"20\d\d-[^,\n]*", "AT", text) if what == "labels" else text


def plain(value: Any) -> Any:
    """Return a value as plain ones, without what a clock or a folder's own size makes differ."""
    if isinstance(value, str):  # messages name the folder of the library
        return value.replace("/oracle", "/library")
    if is_dataclass(value) and not isinstance(value, type):
        given = {each.name: plain(getattr(value, each.name)) for each in fields(value)}
        if isinstance(value, IndexReport):
            given["seconds"] = 0.0
        if isinstance(value, LibraryStatus):
            given |= {"path": None, "bytes_on_disk": 0}
        if isinstance(value, Label) or "action" in given:
            at = cast("datetime", getattr(value, "at", None))
            given["at"] = None if at is None else at.tzinfo
        return type(value).__name__, given
    if isinstance(value, np.ndarray):
        return value.dtype.name, value.tolist()
    if isinstance(value, dict):
        return [(key, plain(each)) for key, each in value.items()]
    if isinstance(value, list | tuple):
        return type(value)(plain(each) for each in value)
    return value


def paint_all(photos: Path, other: Path) -> None:
    """Paint what both libraries hold, and what neither does."""
    paint(photos / "red.png", "red")
    paint(photos / "red2.png", (250, 10, 5))
    paint(photos / "green.png", "green")
    paint(photos / "sub" / "blue.png", "blue")
    paint(photos / "sub" / "blue2.png", (10, 5, 240))
    paint(photos / "照片" / "绿 猫.png", (10, 240, 0))
    paint(photos / STRANGE, (200, 200, 0))
    (photos / "broken.jpg").write_bytes(b"no picture")
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0132] = "Canon", "EOS", "2024:05:06 07:08:09"
    Image.new("RGB", (40, 20), (255, 255, 255)).save(photos / "white.jpg", exif=exif)
    write_sidecar(photos / "red.png", [("cat",), ("sunset",)])
    write_sidecar(photos / "green.png", [("sunset",)])
    paint(other / "pink.png", (255, 80, 80))
    paint(other / "新.png", (0, 0, 200))
    (other / "broken.png").write_bytes(b"\x89PNG no picture")


@contextmanager
def doors_of(kind: Kind, folder: Path, *, indexed: bool = True) -> Iterator[Doors]:
    """Make both libraries, and the door to one of them."""
    photos, other = folder / "photos", folder / "other"
    paint_all(photos, other)
    with library_in(folder / "oracle") as oracle, library_in(folder / "library") as held:
        if indexed:
            for each in (oracle, held):
                each.add([photos])
        with behind(kind, held, folder) as library:
            yield Doors(library=library, oracle=oracle, photos=photos, other=other)


def library_in(folder: Path) -> FolderLibrary:
    """Open a library with encoders that need no files."""
    return FolderLibrary(folder, store=store(), model="colour", create=True)


def store() -> Any:
    """Return two encoders by name."""
    return FakeStore(ColourEncoder(), ColourEncoder("other", "r2", dim=6))


@contextmanager
def behind(kind: Kind, held: FolderLibrary, folder: Path) -> Iterator[Library]:
    """Open a door to a library."""
    if kind == "folder":
        yield held
        return
    server = Server(
        library=held,
        store=store(),
        settings=Settings(),
        jobs=Jobs(),
        thumbnails=Thumbnails(folder / "thumbnails", max_pixels=10**6),
    )
    with (
        TestClient(
            create_app(server), base_url="http://localhost", raise_server_exceptions=False
        ) as client,
        RemoteLibrary("http://localhost", transport=Straight(client)) as library,
    ):
        yield library


class Straight(httpx.BaseTransport):
    """Bring requests to an application of this process, without a network."""

    def __init__(self, client: TestClient) -> None:
        self._client = client

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Ask the application."""
        answer = self._client.request(
            request.method,
            str(request.url),
            content=request.read(),
            headers=dict(request.headers),
            follow_redirects=False,
        )
        headers = [each for each in answer.headers.items() if each[0] != "content-encoding"]
        return httpx.Response(answer.status_code, headers=headers, content=answer.content)


@pytest.fixture(params=["folder", "http"])
def door(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Doors]:
    """Both libraries, to change."""
    with doors_of(request.param, tmp_path) as found:
        yield found


@pytest.fixture(params=["folder", "http"])
def empty_door(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Doors]:
    """Both libraries, without pictures."""
    with doors_of(request.param, tmp_path, indexed=False) as found:
        yield found


@pytest.fixture(scope="session", params=["folder", "http"])
def still_door(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Doors]:
    """Both libraries with tags and labels, to be asked only."""
    with doors_of(request.param, tmp_path_factory.mktemp("doors")) as found:
        teach(found)
        yield found


def teach(door: Doors) -> None:
    """Give both libraries the same tags and labels."""
    red, green = door.picture("red.png").id, door.picture("green").id
    door.same(
        lambda library: library.tags.add("red", aliases=["红"], prompts=["a {} thing"], who="ana"),
        lambda library: library.tags.add("colour", who="ana"),
        lambda library: library.tags.add("绿色", aliases=["green"], parent="colour", who="ana"),
        lambda library: library.tags.add("blue", group="main", threshold=0.4, who="ana"),
        lambda library: library.tags.add("white", group="main", who="ana"),
        lambda library: library.tags.add("sunset", who="ana"),
        lambda library: library.tags.add("bluish", who="ana"),
        lambda library: library.labels.set(red, yes=["红"], no=["blue"], who="ana"),
        lambda library: library.labels.set(green, yes=["green"], who="bo", source="import"),
    )
