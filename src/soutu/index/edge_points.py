"""Pictures and filters in the types of Qdrant Edge."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import qdrant_edge as q

from soutu.index.base import Found, require_field, storable, storable_payload
from soutu.index.edge_folder import IMAGE, WORDS
from soutu.types import All, AnyOf, HasId, Match, Not, Range

if TYPE_CHECKING:
    from soutu.types import Filter, Payload


def _point(
    id_: int, vector: object, payload: Payload, words: q.SparseVector | object | None
) -> q.Point:
    # A text without tokens stores no vector at all, so that it does not count for the IDF.
    vectors = {_IMAGE: vector} if words is None else {_IMAGE: vector, _WORDS: words}
    return q.Point(id_, vectors, _payload(payload))  # type: ignore[arg-type]


def _payload(payload: Payload) -> dict[str, object]:
    return {
        key: storable(value)
        if isinstance(value, str)
        else ([storable(v) for v in value] if isinstance(value, list) else value)
        for key, value in payload.items()
    }


def _sparse(text: str) -> q.SparseVector | None:
    from soutu.index import keywords

    ids, weights = keywords.document(text)
    return q.SparseVector(ids, weights) if ids else None


def _id(record: q.Record | q.ScoredPoint) -> int:
    return int(str(record.id))


def _named(record: q.Record) -> dict[str, object]:
    assert isinstance(record.vector, dict)
    return dict(record.vector)


def _found(points: list[q.ScoredPoint]) -> Found:
    ids = np.fromiter((p.id for p in points), np.int64, len(points))
    scores = np.fromiter((p.score for p in points), np.float32, len(points))
    order = np.lexsort((ids, -scores))
    return Found(ids[order], scores[order])


def _filter(where: Filter | None) -> q.Filter | None:
    return None if where is None else q.Filter(must=[_condition(where)])


def _condition(where: Filter) -> q.ConditionType:
    match where:
        case Match(field, values):
            require_field(field)
            return _match(field, values)
        case Range(field=field):
            require_field(field)
            bounds = q.RangeFloat(gte=where.gte, gt=where.gt, lte=where.lte, lt=where.lt)
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
