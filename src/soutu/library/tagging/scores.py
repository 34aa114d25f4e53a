"""What heads that are not linear say of the pictures of a space: computed once, then what changed.

A linear head is a search that the vector engine runs. Chains and networks are not, so the logits of
all their classes on all pictures are kept: in memory, and in a file of the space's folder.
"""

from __future__ import annotations

import secrets
import threading
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from soutu.catalog.said import hearing
from soutu.library.tagging.cache import among
from soutu.library.tagging.trained import HeadClass
from soutu.types import Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.catalog.catalog import Catalog
    from soutu.library.base import Watcher
    from soutu.library.spaces import Space
    from soutu.library.tagging.trained import HeadStore
    from soutu.types import Ids, Vectors

    Floats = NDArray[np.float32]

_BLOCK = 8192  # pictures scored at once
_CERTAIN = 1e-7  # probabilities nearer to 0 and 1 are rounding
_REWRITTEN = 0.02  # share of pictures that may change before the file is written anew


@dataclass(frozen=True, eq=False)
class Table:
    """The logits [n, L] of pictures ids [n], ascending, as of a version of the catalog."""

    version: int
    ids: Ids
    logits: Floats

    def at(self, ids: Ids) -> Floats | None:
        """Return the logits [m, L] of pictures ids [m]; None unless all are known."""
        if not len(self.ids):
            return None
        places = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        known = self.ids[places] == ids
        return self.logits[places] if bool(known.all()) else None


class HeadScores:
    """Score pictures of one space with heads of any kind. Safe to call from many threads."""

    def __init__(self, catalog: Catalog, space: Space, store: HeadStore) -> None:
        self._catalog, self._space, self._store = catalog, space, store
        self._lock = threading.RLock()
        self._tables: dict[str, Table] = {}
        self._written: dict[str, int] = {}  # by digest: the version of the file

    def logits(self, digest: str, ids: Ids | None, vectors: Vectors) -> Floats:
        """Return the logits [n, L] of pictures with vectors [n, dim], known by ids or not."""
        if ids is not None:
            table = self._tables.get(digest)
            if table is not None and table.version == self._catalog.version():
                found = table.at(ids)
                if found is not None:
                    return found
        return log_odds(self._store.open(digest).predict_proba(vectors))

    def table(self, digest: str, on_progress: Watcher | None = None) -> Table:
        """Return the logits of all pictures; what is not known yet is computed."""
        with self._lock:
            version = self._catalog.version()  # first: what is written meanwhile is new later
            known = self._tables.get(digest) or self._read(digest)
            if known is None or known.version != version:
                known = self._followed(digest, known, version, on_progress)
            self._tables[digest] = known
            return known

    def forget(self) -> None:
        """Drop what was computed from vectors that were made anew."""
        with self._lock:
            self._tables.clear()
            self._written.clear()
            for path in self._folder.glob("*.npz"):
                path.unlink(missing_ok=True)

    def _followed(
        self, digest: str, known: Table | None, version: int, on_progress: Watcher | None
    ) -> Table:
        here = self._catalog.ids()
        old = Table(0, np.empty(0, np.int64), np.empty((0, 0), np.float32))
        if known is None:
            changed, known = here, old
        else:
            lacking = here[~among(here, known.ids)]
            changed = np.union1d(np.intersect1d(self._catalog.ids_since(known.version), here),
                                 lacking)  # fmt: skip
        ids, logits = self._computed(digest, changed, on_progress)
        kept = among(known.ids, here) & ~among(known.ids, changed)
        if kept.any():
            ids = np.concatenate([known.ids[kept], ids])
            logits = np.concatenate([known.logits[kept], logits])
        order = np.argsort(ids)
        table = Table(version, ids[order], logits[order])
        if digest not in self._written or len(changed) > _REWRITTEN * len(here):
            self._write(digest, table)
        return table

    def _computed(
        self, digest: str, wanted: Ids, on_progress: Watcher | None
    ) -> tuple[Ids, Floats]:
        head = self._store.open(digest)
        ids, logits = [np.empty(0, np.int64)], [np.empty((0, len(head.classes_)), np.float32)]
        for at in range(0, len(wanted), _BLOCK):
            block, vectors = self._space.index.get(wanted[at : at + _BLOCK])
            ids.append(block)
            logits.append(log_odds(head.predict_proba(vectors)))
            if on_progress is not None:
                done = min(at + _BLOCK, len(wanted))
                on_progress(Progress(stage="tag", done=done, total=len(wanted)))
        return np.concatenate(ids), np.concatenate(logits)

    # --- the file ---

    @property
    def _folder(self) -> Path:
        return self._space.folder / "scores"

    def _read(self, digest: str) -> Table | None:
        with suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            with np.load(self._folder / f"{digest}.npz", allow_pickle=False) as data:
                table = Table(int(data["version"]), data["ids"], data["logits"])
            labels = len(self._store.facts(digest).classes)
            if table.logits.shape == (len(table.ids), labels):
                self._written[digest] = table.version
                return table
        return None

    def _write(self, digest: str, table: Table) -> None:
        """Write the file in one step; a disk that refuses costs only time."""
        path = self._folder / f"{digest}.npz"
        fresh = path.with_name(f".{secrets.token_hex(6)}.tmp")
        with suppress(OSError):
            try:
                self._folder.mkdir(exist_ok=True)
                with fresh.open("xb") as file:
                    np.savez(file, version=table.version, ids=table.ids, logits=table.logits)
                fresh.replace(path)
                self._written[digest] = table.version
                self._tidy()
            finally:
                fresh.unlink(missing_ok=True)

    def _tidy(self) -> None:
        """Drop what was computed with heads that no tag names any more."""
        with hearing(self._catalog) as said:
            heads = {HeadClass.read(row.head).digest for row in said.tags().values() if row.head}
        for path in self._folder.glob("*.npz"):
            if path.stem not in heads:
                path.unlink(missing_ok=True)
                self._tables.pop(path.stem, None)
                self._written.pop(path.stem, None)


def log_odds(probabilities: Floats) -> Floats:
    """Turn probabilities of any shape into finite logits."""
    p = np.clip(probabilities.astype(np.float64), _CERTAIN, 1 - _CERTAIN)
    return np.log(p / (1 - p)).astype(np.float32)
