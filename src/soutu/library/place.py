"""Places on disk: where a library may live, and how much it takes."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from soutu.errors import LibraryError, LibraryMissing, StorageError

CATALOG = "catalog.db"
"""The file whose presence makes a folder a library."""


def prepare(path: Path, *, create: bool) -> None:
    """Make the folder, or refuse one that is not a library. Raises LibraryError, StorageError."""
    if (path / CATALOG).is_file():
        return
    if not create:
        msg = f"there is no library at {path}. Make one: soutu index FOLDER"
        raise LibraryMissing(msg)
    if path.exists() and not path.is_dir():
        msg = f"{path} is a file, not a folder. Give the library a folder of its own"
        raise LibraryError(msg)
    if path.is_dir() and any(path.iterdir()):
        msg = f"{path} has other files in it. Give the library a new or empty folder"
        raise LibraryError(msg)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"cannot make the library folder {path}: {error.strerror}"
        raise StorageError(msg) from error


def absolute(path: Path | str) -> Path:
    """Return a path from the root, with ~ expanded and links kept."""
    return Path(os.path.abspath(os.path.expanduser(path)))  # noqa: PTH100, PTH111 - resolve() would follow links


def disk_use(folder: Path) -> int:
    """Return the bytes that a folder takes on disk; holes in files take none."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # a file that vanished meanwhile
                found = Path(root, name).stat()
                total += getattr(found, "st_blocks", -(-found.st_size // 512)) * 512
    return total
