"""The current space of an open library, with its encoder; many threads may ask at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

from soutu.errors import LibraryError, ModelError
from soutu.library.batching import BatchingEncoder
from soutu.library.spaces import (
    CURRENT,
    count_vectors,
    current_row,
    open_space,
    row_for,
    status_of,
)
from soutu.models.base import PrecisionChoice

if TYPE_CHECKING:
    from soutu.catalog.catalog import Catalog, SpaceRow
    from soutu.library.spaces import Space
    from soutu.models.base import Encoder, EncoderSource
    from soutu.types import SpaceStatus

DEFAULT_MODEL = "mini"
_ENCODERS = 2  # kept open: that of the current space, and that of an experiment


class CurrentSpace:
    """Open the space that the catalog names, and follow it when another one becomes current.

    Safe to call from many threads. A space that is no longer current stays open, for searches
    that are under way in it, until `release` or `close`.
    """

    def __init__(
        self,
        path: Path,
        catalog: Catalog,
        store: EncoderSource,
        *,
        model: str | None,
        precision: PrecisionChoice,
        concepts: Path | None,
        on_switch: Callable[[], None],
    ) -> None:
        self._path, self._catalog, self._store = path, catalog, store
        self._wanted, self._precision, self._concepts = model, precision, concepts
        self._on_switch = on_switch
        self._lock = threading.RLock()
        self._open: dict[str, Space] = {}
        self._name: str | None = None  # of the space that was current when last asked
        self._row: tuple[int, SpaceRow | None] | None = None
        self._encoders: dict[str, Encoder] = {}  # by space, the last one opened last
        self.task = "search"

    def row(self) -> SpaceRow | None:
        """Return the current space's row, None in a library that has none yet."""
        with self._lock:
            stamp = self._catalog.stamp()
            if self._row is None or self._row[0] != stamp:
                self._row = (stamp, current_row(self._catalog))
            return self._row[1]

    def space(self) -> Space | None:
        """Return the current space, opened; None in a library that has none yet.

        Raises ModelError where it is not the one of the model that the library was opened for.
        """
        with self._lock:
            row = self.row()
            if row is None:
                return None
            self._refuse_other_model(row)
            if self._name not in (None, row.name):
                self._on_switch()
            self._name = row.name
            return self.opened(row)

    def opened(self, row: SpaceRow) -> Space:
        """Return a space, opening it unless it is open."""
        with self._lock:
            if row.name not in self._open:
                self._open[row.name] = open_space(
                    self._path, row, task=self.task, concepts=self._concepts
                )
            return self._open[row.name]

    def if_open(self, row: SpaceRow) -> Space | None:
        """Return a space if it is open here."""
        return self._open.get(row.name)

    def make(self) -> Space:
        """Return the current space; in a new library, first make one for the wanted model."""
        with self._lock:
            if self.row() is None:
                source = self._wanted or DEFAULT_MODEL
                encoder = self._store.load(source, precision=self._precision, threads=1)
                row = row_for(encoder.facts, source)
                self._keep(row, encoder)
                self._catalog.put_space(row)
                self._catalog.set_setting(CURRENT, row.name)
            space = self.space()
            assert space is not None
            return space

    def encoder(self) -> Encoder:
        """Return the encoder of the current space, at exactly the revision of its vectors."""
        with self._lock:
            row = self.row()
            if row is None:
                msg = f"the library {self._path} is empty. Run: soutu index FOLDER"
                raise LibraryError(msg)
            return self.encoder_of(row)

    def encoder_of(self, row: SpaceRow) -> Encoder:
        """Return the encoder of a space, at exactly the revision of its vectors."""
        with self._lock:
            if row.name in self._encoders:
                return self._encoders[row.name]
            encoder = self._store.load(
                row.source, precision=checked_precision(row.precision), threads=1
            )
            if encoder.facts.revision != row.revision:
                encoder.close()
                msg = (
                    f"the model {row.model} has changed since {self._path} was indexed (revision "
                    f"{row.revision[:12]} then, {encoder.facts.revision[:12]} now). "
                    f"Run: soutu models use {row.source}"
                )
                raise ModelError(msg)
            return self._keep(row, encoder)

    def statuses(self) -> tuple[SpaceStatus, ...]:
        """Describe every space of the library."""
        current = self.row()
        return tuple(
            status_of(
                row,
                vectors=space.index.count()
                if (space := self.if_open(row)) is not None
                else count_vectors(self._path, row),
                current=row == current,
            )
            for row in self._catalog.spaces()
        )

    def droppable(self, model: str) -> list[SpaceRow]:
        """Return the spaces of a model that may be deleted.

        Raises ModelError where there is none, and for the model in use.
        """
        rows = [r for r in self._catalog.spaces() if model in (r.model, r.source, r.name)]
        if not rows:
            held = ", ".join(sorted({r.model for r in self._catalog.spaces()})) or "none"
            msg = f"the library {self._path} holds no vectors of {model!r}; it holds: {held}"
            raise ModelError(msg)
        droppable = [row for row in rows if row != self.row()]
        if not droppable:
            msg = (
                f"{model} is the model in use in {self._path}. Switch first: soutu models use OTHER"
            )
            raise ModelError(msg)
        return droppable

    def switch(self, row: SpaceRow, encoder: Encoder) -> None:
        """Make a space the current one. One row of one table: searches see the old or the new."""
        with self._lock:
            self._catalog.set_setting(CURRENT, row.name)
            self._encoders.clear()
            self._keep(row, encoder)
            self._on_switch()
            self._name = row.name

    def release(self, row: SpaceRow) -> None:
        """Close a space if it is open here, so that others can have it."""
        with self._lock:
            space = self._open.pop(row.name, None)
        if space is not None:
            space.close()

    def close(self) -> None:
        """Release every space and the encoder; safe to call twice."""
        with self._lock:
            while self._open:
                self._open.popitem()[1].close()
            while self._encoders:
                self._encoders.popitem()[1].close()

    def _keep(self, row: SpaceRow, encoder: Encoder) -> Encoder:
        # Old ones are not closed: a search may be using them. They go with their last user.
        while len(self._encoders) >= _ENCODERS:
            del self._encoders[next(iter(self._encoders))]
        self._encoders[row.name] = BatchingEncoder(encoder)
        return self._encoders[row.name]

    def _refuse_other_model(self, row: SpaceRow) -> None:
        if self._wanted is None or self._wanted in (row.source, row.model):
            return
        msg = (
            f"the library {self._path} holds {row.dim}-d vectors of {row.model}, not of "
            f"{self._wanted}. Run: soutu models use {self._wanted}"
        )
        raise ModelError(msg)


def checked_precision(text: str) -> PrecisionChoice:
    """Return a precision. Raises ModelError for an unknown one."""
    if text not in get_args(PrecisionChoice):
        msg = f"unknown precision {text!r}. Choose auto, fp32 or int8"
        raise ModelError(msg)
    return cast("PrecisionChoice", text)
