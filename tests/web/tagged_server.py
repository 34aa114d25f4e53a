"""A server over a small real library, for the tests of what the API says of tags and labels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from painting import ColourEncoder, FakeStore, paint
from starlette.testclient import TestClient

from soutu.library.folder import FolderLibrary
from soutu.web.app import create_app
from soutu.web.jobs import Jobs
from soutu.web.server import Server
from soutu.web.settings import Settings
from soutu.web.thumbnails import Thumbnails

STRANGE = ("猫/狗", 'a "quoted", name', "50% & more? #1", "l'été\\ñ", "<b>", "a/b/../c")
"""Names of tags that addresses, files and pages could stumble over."""


@contextmanager
def served(folder: Path, **settings: Any) -> Iterator[tuple[TestClient, FolderLibrary]]:
    """Serve a library of five pictures: three red ones, a green and a blue one."""
    photos = folder / "照片"
    paint_photos(photos)
    with library_in(folder / "library") as library:
        library.add([photos])
        server = Server(
            library=library,
            store=cast("Any", FakeStore(ColourEncoder())),
            settings=Settings(**settings),
            jobs=Jobs(),
            thumbnails=Thumbnails(folder / "thumbnails", max_pixels=10**6),
        )
        with TestClient(create_app(server), base_url="http://localhost") as client:
            yield client, library


def paint_photos(photos: Path) -> None:
    """Paint three red pictures, a green and a blue one."""
    for number in range(3):
        paint(photos / f"red{number}.png", (255, number, 0), seed=number)
    paint(photos / "green, 绿.png", "green")
    paint(photos / "sub" / "blue.png", "blue")


def library_in(folder: Path) -> FolderLibrary:
    """Make a library with an encoder that needs no files."""
    store = cast("Any", FakeStore(ColourEncoder()))
    return FolderLibrary(folder, store=store, model="colour", create=True)


def id_of(library: FolderLibrary, name: str) -> int:
    """Return the id of the picture whose file's name begins like this."""
    return next(each.id for each in library.pictures() if each.path.name.startswith(name))


def told(answer: Any) -> tuple[int, str, str]:
    """Return the status, kind and message of an error."""
    said = answer.json()["error"]
    return answer.status_code, said["kind"], said["message"]
