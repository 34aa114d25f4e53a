"""Places on the server's machine, for choosing what to index. Names only; nothing is opened."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from soutu.errors import InputError
from soutu.images.source import SKIPPED_FOLDERS, SUFFIXES


@dataclass(frozen=True, kw_only=True)
class FolderName:
    """A folder to go on with."""

    name: str
    path: Path


@dataclass(frozen=True, kw_only=True)
class Folders:
    """The folders in a folder, and how many picture files lie in it (not those below).

    `path` is empty for the list of places to begin at, `parent` None there.
    """

    path: str
    parent: str | None
    folders: tuple[FolderName, ...]
    pictures: int = 0


def absolute_path(path: str) -> Path:
    """Return a path of the server's machine. Raises InputError for one that is not absolute."""
    found = Path(path)
    if "\0" in path or not found.is_absolute():
        raise InputError(f"the path {path!r} is not absolute")
    return found


def look_into(path: str) -> Folders:
    """List the folders in a folder, by name, without hidden ones; "" lists where to begin.

    Raises InputError for a path that is not absolute, or that cannot be listed.
    """
    if not path:
        return Folders(path="", parent=None, folders=_beginnings())
    place = Path(os.path.normpath(absolute_path(path)))
    found, pictures = [], 0
    try:
        with os.scandir(place) as entries:
            for entry in entries:
                if _is_folder(entry):
                    found.append(FolderName(name=entry.name, path=place / entry.name))
                elif entry.name.rpartition(".")[2].lower() in SUFFIXES:
                    pictures += not entry.name.startswith(".")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"cannot list {place}: {reason}") from error
    found.sort(key=lambda each: each.name.casefold())
    parent = "" if place.parent == place else str(place.parent)
    return Folders(path=str(place), parent=parent, folders=tuple(found), pictures=pictures)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Tell whether an entry is a folder that is shown; a link to one is."""
    if entry.name.startswith(".") or entry.name.lower() in SKIPPED_FOLDERS:
        return False
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle
        return False


def _beginnings() -> tuple[FolderName, ...]:
    home = Path.home()
    root = Path(home.anchor)
    return (
        FolderName(name=home.name or str(home), path=home),
        FolderName(name=str(root), path=root),
    )
