"""Make a space hold exactly the vectors of the catalog's pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from soutu.catalog.catalog import Catalog, ImageRow
from soutu.images.source import FileEntry
from soutu.library.pipeline import Batch, encode_files
from soutu.library.record import payload_of, words_of
from soutu.types import Failure, Progress

if TYPE_CHECKING:
    from soutu.library.base import Stop, Watcher
    from soutu.library.spaces import Space
    from soutu.models.base import Encoder
    from soutu.types import Ids

_CHUNK = 1000


def mend(
    catalog: Catalog,
    space: Space,
    encoder: Callable[[], Encoder],
    *,
    on_progress: Watcher | None = None,
    should_stop: Stop | None = None,
) -> list[Failure]:
    """Drop vectors without a row, encode rows without a vector (or with an outdated one).

    This is what repairs a library whose last run was killed, and what fills a new space. Returns
    the files that could not be encoded; their rows stay, for the next scan to judge.
    """
    known, stored = catalog.ids(), space.index.ids()
    outdated = catalog.stale(space.row.name)
    orphans = np.setdiff1d(stored, known)
    if len(orphans):
        space.index.delete(orphans)
    missing = np.union1d(np.setdiff1d(known, stored), np.intersect1d(outdated, known))
    if not len(missing):
        catalog.freshen(space.row.name, outdated)
        return []
    fill = _Fill(catalog, space, missing, on_progress or (lambda _: None))
    with closing(encode_files(fill.entries(), encoder(), should_stop=should_stop)) as batches:
        for batch in batches:
            fill.write(batch)
    return fill.failures


class _Fill:
    def __init__(self, catalog: Catalog, space: Space, ids: Ids, on_progress: Watcher) -> None:
        self._catalog, self._space, self._ids = catalog, space, ids
        self._on_progress = on_progress
        self._rows: dict[Path, ImageRow] = {}
        self._done = 0
        self.failures: list[Failure] = []

    def entries(self) -> Iterator[FileEntry]:
        for start in range(0, len(self._ids), _CHUNK):
            chunk = self._ids[start : start + _CHUNK].tolist()
            for row in self._catalog.with_ids(chunk).values():
                self._rows[row.path] = row
                yield FileEntry(
                    path=row.path, root=row.path.parent, size=row.size, mtime_ns=row.mtime_ns
                )

    def write(self, batch: Batch) -> None:
        rows, vectors = [], []
        for item, vector in zip(batch.encoded, batch.vectors, strict=True):
            row = self._rows.pop(item.entry.path)
            if item.digest == row.digest:
                rows.append(row)
                vectors.append(vector)
            else:
                self._fail(row.path, "changed since it was indexed; run soutu index on its folder")
        for entry, reason in batch.failures:
            self._rows.pop(entry.path, None)
            self._fail(entry.path, reason)
        if rows:
            ids = np.array([row.id for row in rows], dtype=np.int64)
            self._space.index.upsert(
                ids,
                np.array(vectors, dtype=np.float32),
                [payload_of(row) for row in rows],
                [words_of(row) for row in rows],
            )
            self._catalog.freshen(self._space.row.name, ids)
        self._done += len(rows)
        self._on_progress(
            Progress(
                stage="fill",
                done=self._done + len(self.failures),
                total=len(self._ids),
                failed=len(self.failures),
            )
        )

    def _fail(self, path: Path, reason: str) -> None:
        self.failures.append(Failure(path=path, reason=reason))
