"""How a picture is written down: its id, its payload in the index, the words it is found by."""

from __future__ import annotations

import os
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

import xxhash

if TYPE_CHECKING:
    from collections.abc import Callable

    from soutu.catalog.catalog import ImageRow
    from soutu.types import Payload, Scalar

_BITS = 53  # the integers that JSON readers keep exact


def new_id(path: Path, digest: bytes, *, taken: Callable[[int], bool] = lambda _: False) -> int:
    """Derive a fresh id from where a picture is and what it holds.

    The same file gives the same id, so that a run that was killed between storing the vector and
    storing the row overwrites that vector instead of leaving a second one. `taken` says whether
    an id belongs to another picture.
    """
    seed = 0
    while True:
        value = xxhash.xxh3_64_intdigest(digest + os.fsencode(path), seed=seed) >> (64 - _BITS)
        if value and not taken(value):
            return value
        seed += 1


def payload_of(row: ImageRow) -> Payload:
    """Return what the index filters and counts by; see `index.base.FIELDS`."""
    info = row.info
    found: dict[str, Scalar | list[str] | None] = {
        "folder": [_plain(str(parent)) for parent in row.path.parents],
        "name": _plain(row.path.name),
        "format": info.format,
        "camera": info.camera,
        "width": info.width,
        "height": info.height,
        "bytes": row.size,
        "taken": info.taken_at.replace(tzinfo=UTC).timestamp() if info.taken_at else None,
        "modified": row.mtime_ns / 1e9,
        "latitude": info.latitude,
        "longitude": info.longitude,
    }
    return {key: value for key, value in found.items() if value is not None}


def words_of(row: ImageRow) -> str:
    """Return the text that keyword search looks through."""
    return _plain(f"{row.path.parent.name} {row.path.stem}")


def _plain(text: str) -> str:
    """Replace what is not valid Unicode: engines store UTF-8, file names may be any bytes."""
    return text.encode("utf-8", "replace").decode("utf-8")
