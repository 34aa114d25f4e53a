"""Pictures and filters in the types of Qdrant Edge."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import qdrant_edge as q

from soutu.index.base import Found, check_filter, storable, storable_payload, tightest
from soutu.index.edge_folder import IMAGE, WORDS
from soutu.types import All, AnyOf, HasId, Match, Not, Range

if TYPE_CHECKING:
    from soutu.types import Filter, Payload


def as_point(
    id_: int,
    image: memoryview | list[float],
    payload: Payload,
    words: q.SparseVector | None,
) -> q.Point:
    """Make a point. A text without tokens has no vector at all, so it does not count for IDF."""
    vectors: dict[str, object] = {IMAGE: image}
    if words is not None:
        vectors[WORDS] = words
    return q.Point(id_, vectors, storable_payload(payload))  # type: ignore[arg-type]


def as_sparse(text: str) -> q.SparseVector | None:
    """Make the BM25 vector of a text, None for one without tokens."""
    # Imported here: a search by picture never needs it.
    from soutu.index import keywords

    ids, weights = keywords.document(text)
    return q.SparseVector(ids, weights) if ids else None


def id_of(record: q.Record) -> int:
    """Return the id of a stored point; soutu only uses integers."""
    return cast("int", record.id)


def vectors_of(record: q.Record) -> tuple[list[float], q.SparseVector | None]:
    """Return the image vector of a stored point and its BM25 vector, if it has one."""
    named = cast("dict[str, object]", record.vector)
    return cast("list[float]", named[IMAGE]), cast("q.SparseVector | None", named.get(WORDS))


def as_found(points: list[q.ScoredPoint]) -> Found:
    """Read hits, best first; the engine leaves the order of equal scores open."""
    ids = np.fromiter((cast("int", p.id) for p in points), np.int64, len(points))
    scores = np.fromiter((p.score for p in points), np.float32, len(points))
    order = np.lexsort((ids, -scores))
    return Found(ids[order], scores[order])


def as_filter(where: Filter | None) -> q.Filter | None:
    """Translate a filter; raises QueryError for an unknown field."""
    check_filter(where)
    return None if where is None else q.Filter(must=[_condition(where)])


def _condition(where: Filter) -> q.ConditionType:
    match where:
        case Match(field, values):
            return _match(field, values)
        case Range(field=field):
            kept = tightest(where)
            bounds = q.RangeFloat(gte=kept.gte, gt=kept.gt, lte=kept.lte, lt=kept.lt)
            return q.FieldCondition(field, range=bounds)
        case HasId(ids):
            return q.HasIdCondition(set(ids))
        case All(parts):
            return q.Filter(must=[_condition(part) for part in parts])
        case AnyOf(parts):
            # The engine takes an empty `should` for no condition at all.
            return q.Filter(should=[_condition(part) for part in parts]) if parts else _NOTHING
        case Not(part):
            return q.Filter(must_not=[_condition(part)])


_NOTHING = q.HasIdCondition(set())


def _match(field: str, values: tuple[object, ...]) -> q.ConditionType:
    texts = [storable(v) for v in values if isinstance(v, str)]
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    either: list[q.ConditionType] = []
    if texts:
        either.append(q.FieldCondition(field, match=q.MatchAny(texts)))
    # The engine matches integers only; a range finds 3000 and 3000.0 alike.
    either += [q.FieldCondition(field, range=q.RangeFloat(gte=v, lte=v)) for v in numbers]
    return q.Filter(should=either) if either else _NOTHING
