"""The pictures of a library, listed and looked up."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import numpy as np

from soutu.catalog.listing import listed
from soutu.errors import InputError
from soutu.library.arguments import one_of
from soutu.library.place import absolute
from soutu.library.tagging.querying import resolved, uses_tags
from soutu.library.where import parse_where
from soutu.types import Picture, PictureOrder

if TYPE_CHECKING:
    from soutu.catalog.catalog import Catalog, ImageRow
    from soutu.library.spaces import Space
    from soutu.library.tagging.base import PictureRef
    from soutu.library.tagging.tagger import Tagger
    from soutu.types import Filter, Ids


class Pictures:
    """List pictures. Safe to call from many threads."""

    def __init__(
        self,
        catalog: Catalog,
        space: Callable[[], Space | None],
        tagger: Callable[[], Tagger],
    ) -> None:
        self._catalog, self._space, self._tagger = catalog, space, tagger
        self._lock = threading.Lock()
        self._orders: dict[PictureOrder, tuple[int, Ids]] = {}

    def list(
        self,
        where: str | Filter | None = None,
        *,
        order: PictureOrder = "newest",
        k: int = 100,
        start: int = 0,
    ) -> list[Picture]:
        """Return k pictures from place `start` on; see `Library.pictures`."""
        if start < 0 or k < 0:
            raise InputError(f"pictures {start} to {start + k}: neither may be below 0")
        one_of(order, get_args(PictureOrder), "order")
        ids = self._ordered(order)
        passing = self._filter(where)
        space = self._space()
        if passing is not None and space is not None:
            ids = ids[np.isin(ids, space.index.ids(passing))]
        wanted = ids[start : start + k].tolist()
        rows = self._catalog.with_ids(wanted)
        return [as_picture(rows[each]) for each in wanted if each in rows]

    def count(self, where: str | Filter | None = None) -> int:
        """Count pictures; see `Library.count`."""
        passing, space = self._filter(where), self._space()
        if passing is None or space is None:
            return self._catalog.count()
        return space.index.count(passing)

    def facet(self, field: str, where: str | Filter | None = None) -> dict[str, int]:
        """Count pictures for each value of a field; see `Library.facet`."""
        from soutu.index.base import require_field

        require_field(field, kind="keyword")
        passing, space = self._filter(where), self._space()
        return {} if space is None else space.index.facet(field, passing)

    def _filter(self, where: str | Filter | None) -> Filter | None:
        """Return a filter that the index can run."""
        given = parse_where(where) if isinstance(where, str) else where
        if given is not None and uses_tags(given):
            return resolved(given, self._tagger(), expand=True)
        return given

    def one(self, which: PictureRef) -> Picture:
        """Return a picture by path or id. Raises InputError where the library holds none."""
        return as_picture(picture_row(self._catalog, which))

    def _ordered(self, order: PictureOrder) -> Ids:
        version = self._catalog.version()
        with self._lock:
            known = self._orders.get(order)
            if known is None or known[0] != version:
                known = self._orders[order] = (version, listed(self._catalog, order))
            return known[1]


def picture_row(catalog: Catalog, which: PictureRef) -> ImageRow:
    """Return the row of a picture. Raises InputError where the library holds none."""
    if isinstance(which, int):
        row = catalog.with_ids([which]).get(which) if is_id(which) else None
    else:
        row = catalog.at_paths([absolute(which)]).get(absolute(which))
    if row is None:
        raise missing(which)
    return row


def check_ref(given: object) -> None:
    """Raise InputError for what names no single picture."""
    if not isinstance(given, str | int | os.PathLike):
        msg = (
            f"a picture is named by its path or its id, not by {given!r}. Label several "
            "one by one, or with set_many"
        )
        raise InputError(msg)


def is_id(number: int) -> bool:
    """Tell whether a number can be the id of a picture; see `types.Ids`."""
    return not isinstance(number, bool) and 0 < number < 2**53


def missing(which: Path | str | int) -> InputError:
    """Say that a library does not hold a picture."""
    if isinstance(which, int):
        return InputError(f"the library holds no picture with the id {which}")
    msg = f"the library does not hold {which}. Check the path, or run: soutu index {which}"
    return InputError(msg)


def as_picture(row: ImageRow) -> Picture:
    """Describe a row."""
    return Picture(
        id=row.id,
        path=row.path,
        info=row.info,
        bytes=row.size,
        modified=datetime.fromtimestamp(row.mtime_ns / 1e9, UTC),
    )
