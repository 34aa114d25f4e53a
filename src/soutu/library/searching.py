"""Answer one query: compose, search the index, fuse, diversify, calibrate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from soutu.library.query import compose
from soutu.library.ranking import diversify, fuse
from soutu.types import All, HasId, Hit, Not

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.catalog.catalog import Catalog
    from soutu.library.query import Composed
    from soutu.library.spaces import Space
    from soutu.models.base import Encoder
    from soutu.types import Filter, Ids, Query

_WIDER = 5  # candidates per hit wanted, where a second stage reorders them
_FEWEST = 50  # candidates at least, so that the stages have something to choose from


@dataclass(frozen=True)
class _Ranked:
    ids: Ids
    scores: NDArray[np.float32]
    relevance: NDArray[np.float64]
    by_name: frozenset[int]


def answer(
    query: Query, *, k: int, catalog: Catalog, space: Space, encoder: Callable[[], Encoder]
) -> list[Hit]:
    """Return the k best hits of a query, best first. Raises QueryError."""
    ranked = (
        _by_meaning(query, k, catalog, space, encoder())
        if query.terms
        else _by_name(query, k, space)
    )
    rows = catalog.with_ids(ranked.ids.tolist())
    return [
        Hit(
            id=image_id,
            path=rows[image_id].path,
            score=float(score),
            relevance=float(relevance),
            info=rows[image_id].info,
            by_name=image_id in ranked.by_name,
        )
        for image_id, score, relevance in zip(
            ranked.ids.tolist(), ranked.scores, ranked.relevance, strict=True
        )
        if image_id in rows  # a killed run can leave vectors without rows, until the next one
    ]


def _by_name(query: Query, k: int, space: Space) -> _Ranked:
    found = space.index.search_words(query.keywords or "", k=k, where=query.where)
    literal = np.ones(len(found.ids))
    return _Ranked(found.ids, found.scores, literal, frozenset(found.ids.tolist()))


def _by_meaning(query: Query, k: int, catalog: Catalog, space: Space, encoder: Encoder) -> _Ranked:
    calibration = space.calibration(encoder)
    composed = compose(query, encoder, calibration.sample)
    where = _leaving_out(composed, query.where, catalog)
    staged = bool(query.keywords) or query.diversity > 0
    wanted = max(k * _WIDER, _FEWEST) if staged else k
    found = space.index.search(composed.vector[None], k=wanted, where=where)[0]
    ids, scores = found.ids, found.scores
    by_name: frozenset[int] = frozenset()
    if query.keywords:
        named = space.index.search_words(query.keywords, k=wanted, where=where).ids
        by_name = frozenset(named.tolist())
        ids = fuse([ids, named])
    if staged:
        ids, vectors = space.index.get(ids)
        scores = vectors @ composed.vector
        if query.diversity > 0 and len(ids):
            order = diversify(scores, vectors, k=k, diversity=query.diversity)
            ids, scores = ids[order], scores[order]
    ids, scores = ids[:k], scores[:k]
    relevance = calibration.relevance(scores, query=composed.vector, kind=composed.kind)
    return _Ranked(ids, scores, relevance, by_name)


def _leaving_out(composed: Composed, where: Filter | None, catalog: Catalog) -> Filter | None:
    """Leave out the query's own pictures: nobody asks for what they hold in their hand."""
    own = tuple(row.id for row in catalog.at_paths(list(composed.files)).values())
    if not own:
        return where
    parts = () if where is None else (where,)
    return All((*parts, Not(HasId(own))))
