"""Qdrant Edge, in-process: the default index. One folder, one process at a time.

How it is used, with the measurements in docs/benchmarks.md:
- Vectors are unit length, so that the dot product is the cosine.
- A segment of `graph_from` vectors or more gets an HNSW graph over small codes (Malkov and
  Yashunin, arXiv:1603.09320). Smaller ones, and what was written since the last `optimize`, are
  scanned over the same codes. Either way the best candidates are scored with the full vectors.
- Filtered searches that keep few pictures scan those; the others walk the graph with ACORN (Patel
  et al., arXiv:2403.04871), because the plain walk loses its way between the pictures kept.
- Writes go to a write-ahead log first: a killed process loses nothing that was acknowledged.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import qdrant_edge as q

from soutu.index.base import check_rows, check_vectors, require_field, spread
from soutu.index.edge_folder import (
    IMAGE,
    WORDS,
    EdgeSettings,
    broken,
    check_stored,
    closed,
    create,
    create_missing_fields,
    engine_config,
    read_ahead,
    read_vectors_ahead,
    require_room,
    segment_bytes,
    translated,
)
from soutu.index.edge_points import as_filter, as_found, as_point, as_sparse, id_of, vectors_of

if TYPE_CHECKING:
    from soutu.index.base import Found
    from soutu.types import Filter, Ids, Payload, Vectors

_CHUNK_BYTES = 4 << 20  # of vectors in one write; the log replays its last write at each load
_FLUSH_BYTES = 64 << 20  # the log is only cut at a flush
_PAGE = 10_000  # points read at once

_DEFAULTS = EdgeSettings()


class EdgeIndex:
    """Hold vectors in a folder and search them in this process; see `VectorIndex`.

    Safe to call from many threads.
    """

    def __init__(self, shard: q.EdgeShard, folder: Path, dim: int, config: EdgeSettings) -> None:
        self._open: q.EdgeShard | None = shard
        self._folder = folder
        self._dim = dim
        self._config = config
        self._write = threading.RLock()
        self._unflushed = 0  # bytes in the log since the last flush
        self._read = False  # whether the full vectors were read ahead
        self._written = False  # whether the log's last entry may be a big one

    @classmethod
    def open(cls, folder: Path, *, dim: int, config: EdgeSettings = _DEFAULTS) -> EdgeIndex:
        """Open the index in a folder, creating it on first use.

        Raises LibraryBusy while another process has it open, LibraryBroken for a damaged folder,
        ModelError for a folder of other vectors, StorageError for a full disk.
        """
        settings = engine_config(dim, config)
        with translated(folder):
            if not folder.exists() or not any(folder.iterdir()):
                create(folder, settings)
            check_stored(folder, dim)
            read_ahead(folder)
            shard = q.EdgeShard.load(str(folder), settings)
            create_missing_fields(shard)
            return cls(shard, folder, dim, config)

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return self._dim

    def upsert(
        self,
        ids: Ids,
        vectors: Vectors,
        payloads: Sequence[Payload],
        words: Sequence[str] | None = None,
    ) -> None:
        """Store vectors, replacing those with the same ids."""
        check_rows(self._dim, ids, vectors, payloads, words)
        rows = np.ascontiguousarray(vectors, dtype=np.float32)
        step = max(1, _CHUNK_BYTES // (4 * self._dim))
        for start in range(0, len(ids), step):
            part = range(start, min(start + step, len(ids)))
            # The binding reads a float32 buffer directly; a list would take three times as long.
            self._put(
                [
                    as_point(
                        int(ids[i]),
                        memoryview(rows[i]),
                        payloads[i],
                        as_sparse(words[i]) if words else None,
                    )
                    for i in part
                ]
            )

    def set_payload(
        self, ids: Ids, payloads: Sequence[Payload], words: Sequence[str] | None = None
    ) -> None:
        """Replace the payloads (and words, unless None) of stored ids."""
        check_rows(self._dim, ids, None, payloads, words)
        place = {id_: i for i, id_ in enumerate(ids.tolist())}
        step = max(1, _CHUNK_BYTES // (4 * self._dim))
        wanted = list(place)
        with self._write:  # no other write may come between reading the vectors and storing them
            for start in range(0, len(wanted), step):
                with translated(self._folder):
                    records = self._shard.retrieve(wanted[start : start + step], False, True)
                points = []
                for record in records:
                    image, text = self._vectors(record)
                    i = place[id_of(record)]
                    text = as_sparse(words[i]) if words is not None else text
                    points.append(as_point(id_of(record), image, payloads[i], text))
                self._put(points)

    def delete(self, ids: Ids) -> None:
        """Remove ids."""
        for start in range(0, len(ids), _PAGE):
            part = ids[start : start + _PAGE].tolist()
            self._apply(q.UpdateOperation.delete_points(part), 8 * len(part))

    def search(
        self,
        queries: Vectors,
        *,
        k: int,
        where: Filter | None = None,
        exact: bool = False,
        min_score: float | None = None,
    ) -> list[Found]:
        """Find the k nearest vectors for each query."""
        check_vectors(self._dim, queries)
        rows = np.ascontiguousarray(queries, dtype=np.float32)
        condition = as_filter(where)
        params = self._params(k, filtered=where is not None, exact=exact)
        requests = [
            q.QueryRequest(
                max(k, 0),
                query=q.Query.Nearest(memoryview(row), using=IMAGE),  # type: ignore[arg-type]
                filter=condition,
                params=params,
                score_threshold=min_score,
            )
            for row in rows
        ]
        with translated(self._folder):
            if exact and not self._read:
                self._read = True
                read_vectors_ahead(self._folder)
            if len(requests) == 1:
                return [as_found(self._shard.query(requests[0]))]
            found = self._shard.query_batch(q.QueryBatchRequest(requests)) if requests else []
            return [as_found(points) for points in found]

    def search_words(self, words: str, *, k: int, where: Filter | None = None) -> Found:
        """Find the k pictures whose words match best."""
        from soutu.index import keywords

        tokens = keywords.query(words)
        vector = q.SparseVector(tokens, [1.0] * len(tokens))
        request = q.QueryRequest(
            max(k, 0), query=q.Query.Nearest(vector, using=WORDS), filter=as_filter(where)
        )
        with translated(self._folder):
            return as_found(self._shard.query(request) if tokens else [])

    def get(self, ids: Ids) -> tuple[Ids, Vectors]:
        """Return those of the ids that are stored, and their vectors, in the order asked for."""
        row_of: dict[int, int] = {}
        rows = np.empty((len(ids), self._dim), np.float32)
        for start in range(0, len(ids), _PAGE):
            with translated(self._folder):
                records = self._shard.retrieve(ids[start : start + _PAGE].tolist(), False, [IMAGE])
            for record in records:
                row = row_of.setdefault(id_of(record), len(row_of))
                rows[row] = self._vectors(record)[0]
        kept = np.array([i for i in ids.tolist() if i in row_of], np.int64)
        return kept, rows[[row_of[i] for i in kept.tolist()]]

    def ids(self, where: Filter | None = None) -> Ids:
        """Return the stored ids that pass the filter, ascending."""
        condition = as_filter(where)
        pages: list[Ids] = []
        offset: int | None = None
        while True:
            request = q.ScrollRequest(
                offset=offset,
                limit=_PAGE,
                filter=condition,
                with_payload=False,
                with_vector=False,
            )
            with translated(self._folder):
                records, following = self._shard.scroll(request)
            pages.append(np.fromiter((r.id for r in records), np.int64, len(records)))
            if following is None:
                return np.concatenate(pages)
            offset = int(str(following))

    def sample(self, n: int) -> Vectors:
        """Return up to n stored vectors, spread evenly over the ids."""
        return self.get(spread(self.ids(), n))[1]

    def count(self, where: Filter | None = None) -> int:
        """Count the stored vectors that pass the filter."""
        request = q.CountRequest(exact=True, filter=as_filter(where))
        with translated(self._folder):
            return self._shard.count(request)

    def facet(self, field: str, where: Filter | None = None) -> dict[str, int]:
        """Count pictures for each value of a keyword field."""
        require_field(field, kind="keyword")
        request = q.FacetRequest(field, limit=2**31, exact=True, filter=as_filter(where))
        with translated(self._folder):
            hits = self._shard.facet(request).hits
        # Values that only deleted pictures had are still listed.
        counts = [(str(hit.value), hit.count) for hit in hits if hit.count]
        return dict(sorted(counts, key=lambda item: (-item[1], item[0])))

    def tune(self, *, ef: int, oversampling: float) -> None:
        """Search with other settings from now on; see `EdgeSettings`."""
        self._config = replace(self._config, ef=ef, oversampling=oversampling)

    def optimize(self) -> None:
        """Merge segments and build the graph where enough was written since the last time.

        Raises StorageError where the disk lacks the room for a second copy.
        """
        with self._write, translated(self._folder):
            require_room(self._folder, segment_bytes(self._folder))
            if self._shard.optimize():
                self._shard.flush()
                self._unflushed = 0

    def close(self) -> None:
        """Flush and release the folder; safe to call twice."""
        with self._write:
            if self._open is None:
                return
            shard, self._open = self._open, None
            with translated(self._folder):
                try:
                    if self._written:
                        # The log keeps its last entry and replays it at the next load; a tiny
                        # one makes that load four times as fast. Nobody has the id 0.
                        shard.update(q.UpdateOperation.delete_points([0]))
                    shard.flush()
                finally:
                    shard.close()

    @property
    def _shard(self) -> q.EdgeShard:
        if self._open is None:
            raise closed(self._folder)
        return self._open

    def _vectors(self, record: q.Record) -> tuple[list[float], q.SparseVector | None]:
        try:
            return vectors_of(record)
        except KeyError:
            raise broken(self._folder, f"picture {record.id} has no vector") from None

    def _put(self, points: list[q.Point]) -> None:
        if points:
            self._apply(q.UpdateOperation.upsert_points(points), 4 * self._dim * len(points))

    def _apply(self, operation: q.UpdateOperation, size: int) -> None:
        """Write to the log and apply; `size` in bytes decides when the log is cut."""
        with self._write, translated(self._folder):
            require_room(self._folder, 4 * size)
            self._shard.update(operation)
            self._written = True
            self._unflushed += size
            if self._unflushed >= _FLUSH_BYTES:
                self._shard.flush()
                self._unflushed = 0

    def _params(self, k: int, *, filtered: bool, exact: bool) -> q.SearchParams:
        if exact:
            ignoring = q.QuantizationSearchParams(ignore=True)
            return q.SearchParams(exact=True, quantization=ignoring)
        return q.SearchParams(
            hnsw_ef=max(self._config.ef, 2 * k),
            quantization=q.QuantizationSearchParams(
                rescore=True, oversampling=self._config.oversampling
            ),
            acorn=q.AcornSearchParams(enable=True, max_selectivity=1.0) if filtered else None,
        )
