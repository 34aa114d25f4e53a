"""Fixtures of the library tests: a folder of painted pictures and a library to index it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from library_doors import door, empty_door, still_door
from painting import ColourEncoder, FakeStore, paint

from soutu.library.folder import FolderLibrary

__all__ = ["OpenFolder", "door", "empty_door", "still_door"]

OpenFolder = Callable[..., FolderLibrary]


@pytest.fixture
def store() -> FakeStore:
    return FakeStore(ColourEncoder(), ColourEncoder("other", "r2", dim=6))


@pytest.fixture
def open_folder(tmp_path: Path, store: FakeStore) -> Iterator[OpenFolder]:
    """Open the test's library; every library opened through it is closed at the end."""
    opened: list[FolderLibrary] = []

    def open_(
        path: Path | None = None, *, model: str | None = "colour", create: bool = True
    ) -> FolderLibrary:
        library = FolderLibrary(
            path or tmp_path / "library", store=store, model=model, create=create
        )
        opened.append(library)
        return library

    yield open_
    for library in opened:
        library.close()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with a red, a green and a blue picture, one of them deeper down."""
    folder = tmp_path / "photos"
    paint(folder / "red.png", "red")
    paint(folder / "green.png", "green")
    paint(folder / "sub" / "blue.png", "blue")
    return folder
