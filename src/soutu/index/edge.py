"""Qdrant Edge in-process (interim: enough for the library until the tuned one lands)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import qdrant_edge as q

from soutu.errors import LibraryBroken, LibraryBusy
from soutu.index.base import FIELDS, Found
from soutu.types import All, AnyOf, Filter, HasId, Ids, Match, Not, Payload, Range, Vectors


class EdgeIndex:
    """Vectors in a folder."""

    def __init__(self, shard: q.EdgeShard, dim: int) -> None:
        self._shard: q.EdgeShard | None = shard
        self._dim = dim

    @classmethod
    def open(cls, folder: Path, *, dim: int) -> EdgeIndex:
        try:
            if (folder / "edge_config.json").exists():
                return cls(q.EdgeShard.load(str(folder)), dim)
            folder.mkdir(parents=True, exist_ok=True)
            config = q.EdgeConfig(
                vectors=q.EdgeVectorParams(size=dim, distance=q.Distance.Dot),
            )
            shard = q.EdgeShard.create(str(folder), config)
            for name, kind in FIELDS.items():
                params: Any = q.KeywordIndexParams() if kind == "keyword" else q.FloatIndexParams()
                shard.update(q.UpdateOperation.create_field_index(name, params))
            return cls(shard, dim)
        except Exception as error:
            if "WouldBlock" in str(error):
                raise LibraryBusy(f"{folder} is in use") from error
            raise LibraryBroken(f"{folder}: {error}") from error

    @property
    def dim(self) -> int:
        return self._dim

    @property
    def _s(self) -> q.EdgeShard:
        assert self._shard is not None
        return self._shard

    def upsert(self, ids: Ids, vectors: Vectors, payloads: Sequence[Payload], words: Sequence[str] | None = None) -> None:
        points = [q.Point(int(i), v.tolist(), _payload(p)) for i, v, p in zip(ids, vectors, payloads, strict=True)]
        if points:
            self._s.update(q.UpdateOperation.upsert_points(points))

    def set_payload(self, ids: Ids, payloads: Sequence[Payload], words: Sequence[str] | None = None) -> None:
        for i, p in zip(ids, payloads, strict=True):
            self._s.update(q.UpdateOperation.overwrite_payload([int(i)], _payload(p)))

    def delete(self, ids: Ids) -> None:
        if len(ids):
            self._s.update(q.UpdateOperation.delete_points([int(i) for i in ids]))

    def search(self, queries: Vectors, *, k: int, where: Filter | None = None, exact: bool = False) -> list[Found]:
        out = []
        for v in queries:
            hits = self._s.query(q.QueryRequest(k, query=q.Query.Nearest(v.tolist()), filter=_filter(where)))
            out.append(Found(np.array([h.id for h in hits], dtype=np.int64), np.array([h.score for h in hits], dtype=np.float32)))
        return out

    def search_words(self, words: str, *, k: int, where: Filter | None = None) -> Found:
        return Found(np.empty(0, np.int64), np.empty(0, np.float32))

    def get(self, ids: Ids) -> tuple[Ids, Vectors]:
        found = {r.id: r.vector for r in self._s.retrieve([int(i) for i in ids], with_payload=False, with_vector=True)}
        kept = [int(i) for i in ids if int(i) in found]
        return np.array(kept, dtype=np.int64), np.array([found[i] for i in kept], dtype=np.float32).reshape(-1, self._dim)

    def ids(self, where: Filter | None = None) -> Ids:
        found: list[int] = []
        offset: Any = None
        while True:
            records, offset = self._s.scroll(q.ScrollRequest(offset=offset, limit=10000, filter=_filter(where), with_payload=False))
            found += [int(r.id) for r in records]  # type: ignore[arg-type]
            if offset is None:
                return np.array(sorted(found), dtype=np.int64)

    def sample(self, n: int) -> Vectors:
        ids = self.ids()
        return self.get(ids[np.linspace(0, len(ids) - 1, min(n, len(ids))).astype(int)])[1] if len(ids) else np.empty((0, self._dim), np.float32)

    def count(self, where: Filter | None = None) -> int:
        return self._s.count(q.CountRequest(exact=True, filter=_filter(where)))

    def optimize(self) -> None:
        self._s.optimize()

    def close(self) -> None:
        if self._shard is not None:
            self._shard.flush()
            self._shard.close()
            self._shard = None


def _payload(p: Payload) -> dict[str, Any]:
    return {k: float(v) if FIELDS[k] == "number" else v for k, v in p.items()}  # type: ignore[arg-type]


def _filter(f: Filter | None) -> q.Filter | None:
    if f is None:
        return None
    if isinstance(f, Match):
        return q.Filter(must=[q.FieldCondition(f.field, match=q.MatchAny([str(v) for v in f.values]))])
    if isinstance(f, Range):
        return q.Filter(must=[q.FieldCondition(f.field, range=q.RangeFloat(gte=f.gte, gt=f.gt, lte=f.lte, lt=f.lt))])
    if isinstance(f, HasId):
        return q.Filter(must=[q.HasIdCondition(set(f.ids))])
    if isinstance(f, All):
        return q.Filter(must=[x for x in map(_filter, f.parts) if x])
    if isinstance(f, AnyOf):
        return q.Filter(should=[x for x in map(_filter, f.parts) if x])
    assert isinstance(f, Not)
    return q.Filter(must_not=[x for x in [_filter(f.part)] if x])
