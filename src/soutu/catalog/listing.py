"""The pictures of a catalog in an order, whole."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import sqlalchemy as sa

from soutu.catalog import schema

if TYPE_CHECKING:
    from soutu.catalog.catalog import Catalog
    from soutu.types import Ids, PictureOrder


def listed(catalog: Catalog, order: PictureOrder) -> Ids:
    """Return the ids of all pictures in an order; see `PictureOrder`."""
    t = schema.images
    if order == "path":
        with catalog.reading() as c:
            found = c.execute(sa.select(t.c.id).order_by(t.c.path)).scalars().all()
        return np.array(found, dtype=np.int64)
    # Read as it is stored: turning a million texts into datetime objects takes seconds.
    taken = sa.type_coerce(t.c.taken_at, sa.Text)
    with catalog.reading() as c:
        rows = c.execute(sa.select(t.c.id, taken, t.c.mtime_ns).order_by(t.c.id)).all()
    if not rows:
        return np.empty(0, np.int64)
    ids, times, changed = zip(*rows, strict=True)
    moments = np.array([str(each)[:19] if each else "NaT" for each in times], "datetime64[s]")
    seconds = moments.astype(np.int64).astype(np.float64)
    seconds = np.where(np.isnat(moments), np.array(changed, np.float64) / 1e9, seconds)
    ranks = np.argsort(seconds if order == "oldest" else -seconds, kind="stable")
    return np.array(ids, np.int64)[ranks]


def below(catalog: Catalog, places: Iterable[Path]) -> Ids:
    """Return the ids of pictures at or below places, ascending."""
    found = [catalog.ids(place) for place in places]
    return np.unique(np.concatenate(found)) if found else np.empty(0, np.int64)
