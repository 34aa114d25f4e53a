"""The exact index in RAM: small, obviously right, and the oracle of the contract tests."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from soutu.index import keywords
from soutu.index.base import (
    Found,
    check_filter,
    check_rows,
    check_vectors,
    require_field,
    spread,
    storable,
    storable_payload,
)
from soutu.types import All, AnyOf, HasId, Match, Not, Range

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.types import Filter, Ids, Payload, Vectors


class MemoryIndex:
    """Hold vectors in one numpy array and look at all of them for each query.

    Implements `VectorIndex`; nothing is stored on disk. Safe to call from many threads.
    """

    def __init__(self, dim: int) -> None:
        self._dim = dim
        self._lock = threading.RLock()
        self._row: dict[int, int] = {}  # id -> row
        self._ids: Ids = np.empty(0, np.int64)  # rows up to len(self._row) are in use
        self._vectors: Vectors = np.empty((0, dim), np.float32)
        self._payloads: dict[int, dict[str, object]] = {}
        self._words: dict[int, dict[int, float]] = {}  # only ids whose text has tokens

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
        with self._lock:
            self._reserve(len(self._row) + len(ids))
            for i, id_ in enumerate(ids.tolist()):
                row = self._row.setdefault(id_, len(self._row))
                self._ids[row] = id_
                self._vectors[row] = vectors[i]
                self._describe(id_, payloads[i], words[i] if words else "")

    def set_payload(
        self, ids: Ids, payloads: Sequence[Payload], words: Sequence[str] | None = None
    ) -> None:
        """Replace the payloads (and words, unless None) of stored ids."""
        check_rows(self._dim, ids, None, payloads, words)
        with self._lock:
            for i, id_ in enumerate(ids.tolist()):
                if id_ in self._row:
                    self._describe(id_, payloads[i], words[i] if words is not None else None)

    def delete(self, ids: Ids) -> None:
        """Remove ids; the last row moves into each gap."""
        with self._lock:
            for id_ in ids.tolist():
                if id_ not in self._row:
                    continue
                row, last = self._row.pop(id_), len(self._row)
                if row != last:
                    moved = int(self._ids[last])
                    self._ids[row], self._vectors[row] = moved, self._vectors[last]
                    self._row[moved] = row
                del self._payloads[id_]
                self._words.pop(id_, None)

    def search(
        self,
        queries: Vectors,
        *,
        k: int,
        where: Filter | None = None,
        exact: bool = False,  # noqa: ARG002 - every search here is exact
        min_score: float | None = None,
    ) -> list[Found]:
        """Find the k nearest vectors for each query."""
        check_vectors(self._dim, queries)
        with self._lock:
            rows = self._rows(where)
            ids = self._ids[rows]
            vectors = self._vectors[rows]
            # Row by row, unlike a matrix product, so that equal vectors get equal scores.
            return [_best(ids, np.vecdot(vectors, query), k, min_score) for query in queries]

    def search_words(self, words: str, *, k: int, where: Filter | None = None) -> Found:
        """Find the k pictures whose words match best."""
        with self._lock:
            tokens = keywords.query(words)
            texts = self._words.values()
            idf = {t: keywords.idf(len(texts), sum(t in d for d in texts)) for t in tokens}
            wanted = set(self.ids(where).tolist())
            scores = {
                id_: sum(idf[t] * text[t] for t in tokens if t in text)
                for id_, text in self._words.items()
                if id_ in wanted and not text.keys().isdisjoint(tokens)
            }
            return _best(
                np.fromiter(scores.keys(), np.int64, len(scores)),
                np.fromiter(scores.values(), np.float32, len(scores)),
                k,
            )

    def get(self, ids: Ids) -> tuple[Ids, Vectors]:
        """Return those of the ids that are stored, and their vectors, in the order asked for."""
        with self._lock:
            rows = np.array([self._row[i] for i in ids.tolist() if i in self._row], np.int64)
            return self._ids[rows], self._vectors[rows]

    def ids(self, where: Filter | None = None) -> Ids:
        """Return the stored ids that pass the filter, ascending."""
        with self._lock:
            return np.sort(self._ids[self._rows(where)])

    def sample(self, n: int) -> Vectors:
        """Return up to n stored vectors, spread evenly over the ids."""
        with self._lock:
            return self.get(spread(self.ids(), n))[1]

    def count(self, where: Filter | None = None) -> int:
        """Count the stored vectors that pass the filter."""
        return len(self.ids(where))

    def facet(self, field: str, where: Filter | None = None) -> dict[str, int]:
        """Count pictures for each value of a keyword field."""
        require_field(field, kind="keyword")
        with self._lock:
            counts = Counter(
                str(value)
                for id_ in self.ids(where).tolist()
                for value in set(_values(self._payloads[id_], field))
            )
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    def optimize(self) -> None:
        """Do nothing: there is nothing to build."""

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            self._row.clear()
            self._payloads.clear()
            self._words.clear()
            self._ids, self._vectors = self._ids[:0].copy(), self._vectors[:0].copy()

    def _reserve(self, rows: int) -> None:
        capacity = len(self._ids)
        if rows > capacity:
            more = max(rows, 2 * capacity) - capacity
            self._ids = np.concatenate([self._ids, np.empty(more, np.int64)])
            room = np.empty((more, self._dim), np.float32)
            self._vectors = np.concatenate([self._vectors, room])

    def _describe(self, id_: int, payload: Payload, words: str | None) -> None:
        self._payloads[id_] = storable_payload(payload)
        if words is not None:
            text = dict(zip(*keywords.document(words), strict=True))
            if text:
                self._words[id_] = text
            else:
                self._words.pop(id_, None)

    def _rows(self, where: Filter | None) -> slice | NDArray[np.int64]:
        """Return the rows in use that pass the filter; a slice, which copies nothing, for all."""
        check_filter(where)
        if where is None:
            return slice(len(self._row))
        return np.array(
            [row for id_, row in self._row.items() if _passes(where, id_, self._payloads[id_])],
            np.int64,
        )


def _best(ids: Ids, scores: NDArray[np.float32], k: int, min_score: float | None = None) -> Found:
    """Order by score, then by id, and keep the first k, but nothing below `min_score`."""
    if min_score is not None:
        kept = np.flatnonzero(scores >= min_score)
        ids, scores = ids[kept], scores[kept]
    if 0 < k < len(ids):
        # Everything that ties with the k-th stays in, so that the ids decide about it.
        kth = scores[np.argpartition(scores, len(ids) - k)[len(ids) - k]]
        kept = np.flatnonzero(scores >= kth)
        ids, scores = ids[kept], scores[kept]
    order = np.lexsort((ids, -scores))[: max(k, 0)]
    return Found(ids[order], scores[order])


def _values(payload: dict[str, object], field: str) -> list[object]:
    value = payload.get(field, [])
    return value if isinstance(value, list) else [value]


def _passes(where: Filter, id_: int, payload: dict[str, object]) -> bool:
    match where:
        case Match(field, values):
            wanted = [storable(v) if isinstance(v, str) else v for v in values]
            return any(_equal(v, w) for v in _values(payload, field) for w in wanted)
        case Range(field=field):
            return any(_within(where, value) for value in _values(payload, field))
        case HasId(ids):
            return id_ in ids
        case All(parts):
            return all(_passes(part, id_, payload) for part in parts)
        case AnyOf(parts):
            return any(_passes(part, id_, payload) for part in parts)
        case Not(part):
            return not _passes(part, id_, payload)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _equal(value: object, wanted: object) -> bool:
    """Compare text with text and numbers with numbers; fields hold nothing else."""
    same_kind = (isinstance(value, str) and isinstance(wanted, str)) or (
        _is_number(value) and _is_number(wanted)
    )
    return same_kind and value == wanted


def _within(bounds: Range, value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return (
        (bounds.gte is None or value >= bounds.gte)
        and (bounds.gt is None or value > bounds.gt)
        and (bounds.lte is None or value <= bounds.lte)
        and (bounds.lt is None or value < bounds.lt)
    )
