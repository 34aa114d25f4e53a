"""What a page of hits shows of pictures: their paths and facts, quickly."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import sqlalchemy as sa

from soutu.catalog import schema
from soutu.types import ImageInfo

if TYPE_CHECKING:
    from soutu.catalog.catalog import Catalog

Facts: TypeAlias = tuple[Path, ImageInfo]

_NAMES = ("width", "height", "format", "taken_at", "camera", "latitude", "longitude")
_INFO = tuple(schema.images.c[name] for name in _NAMES)
_KEPT = 20_000  # pictures, of about a kilobyte each
_images = schema.images
# The path as it is stored: SQLAlchemy's own conversion costs more than the query. The ids as one
# value: the statement is the same for any number of them, so that it is made once.
_LOOK_UP = sa.select(_images.c.id, sa.type_coerce(_images.c.path, sa.LargeBinary), *_INFO).where(
    _images.c.id.in_(sa.text("SELECT value FROM json_each(:ids)"))
)


class Shown:
    """Look pictures up, and keep those looked up last until something in the catalog changes.

    Safe to use from many threads.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._lock = threading.Lock()
        self._kept: tuple[int, dict[int, Facts]] = (0, {})

    def get(self, ids: Sequence[int]) -> dict[int, Facts]:
        """Return paths and facts by id; unknown ids are left out."""
        stamp = self._catalog.stamp()
        with self._lock:
            if self._kept[0] != stamp or len(self._kept[1]) > _KEPT:
                self._kept = (stamp, {})
            kept = self._kept[1]
        missing = [id_ for id_ in ids if id_ not in kept]
        if missing:
            kept.update(self._read(missing))
        return {id_: kept[id_] for id_ in ids if id_ in kept}

    def _read(self, ids: list[int]) -> Iterator[tuple[int, Facts]]:
        with self._catalog.reading() as c:
            for id_, raw, *facts in c.execute(_LOOK_UP, {"ids": json.dumps(ids)}).all():
                info = ImageInfo(**dict(zip(_NAMES, facts, strict=True)))
                yield id_, (Path(os.fsdecode(raw)), info)
