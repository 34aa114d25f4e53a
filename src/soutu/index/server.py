"""A Qdrant server or cluster as the index: the same vectors, payloads and filters by URL.

Importing this module needs the extra `server` (qdrant-client) and raises MissingExtra without it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import numpy as np

from soutu.errors import LibraryError, MissingExtra, ModelError
from soutu.index import keywords
from soutu.index.base import (
    FIELDS,
    Found,
    check_filter,
    check_rows,
    check_vectors,
    require_field,
    spread,
    storable,
    storable_payload,
    tightest,
)
from soutu.types import All, AnyOf, HasId, Match, Not, Range

try:
    import httpx
    from qdrant_client import QdrantClient, models
    from qdrant_client.http.exceptions import ApiException
except ImportError as missing:
    raise MissingExtra(need="a Qdrant server", extra="server") from missing

if TYPE_CHECKING:
    from soutu.types import Filter, Ids, Payload, Vectors

_IMAGE = "image"
_WORDS = "words"
_CHUNK_BYTES = 2 << 20  # of vectors in one request; as JSON they take five times that
_PAGE = 10_000  # points read at once


class ServerIndex:
    """Hold vectors in a collection of a Qdrant server, creating it on first use.

    Implements `VectorIndex`. The server builds its graph by itself while vectors come in.
    """

    def __init__(
        self,
        url: str,
        *,
        collection: str,
        dim: int,
        api_key: str | None = None,
        timeout: int = 60,
        client: QdrantClient | None = None,
    ) -> None:
        """Connect to `url`; `client` takes the place of a new connection, and is closed as one.

        `timeout` is in seconds. Raises LibraryError when the server does not answer or refuses the
        key, ModelError when the collection holds other vectors.
        """
        self._url = url
        self._collection = collection
        self._dim = dim
        self._client = client or QdrantClient(
            url=url, api_key=api_key, timeout=timeout, check_compatibility=False
        )
        try:
            with self._answering():
                self._prepare()
        except BaseException:
            self._client.close()
            raise

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
        step = max(1, _CHUNK_BYTES // (4 * self._dim))
        for start in range(0, len(ids), step):
            points = []
            for i in range(start, min(start + step, len(ids))):
                named: dict[str, object] = {_IMAGE: vectors[i].tolist()}
                text = _sparse(words[i]) if words else None
                if text is not None:
                    named[_WORDS] = text
                points.append(
                    models.PointStruct(
                        id=int(ids[i]),
                        vector=cast("models.VectorStruct", named),
                        payload=storable_payload(payloads[i]),
                    )
                )
            with self._answering():
                self._client.upsert(self._collection, points, wait=True)

    def set_payload(
        self, ids: Ids, payloads: Sequence[Payload], words: Sequence[str] | None = None
    ) -> None:
        """Replace the payloads (and words, unless None) of stored ids."""
        check_rows(self._dim, ids, None, payloads, words)
        stored = set(self._stored(ids.tolist()))
        operations: list[models.UpdateOperation] = []
        for i, id_ in enumerate(ids.tolist()):
            if id_ not in stored:
                continue
            payload = models.SetPayload(payload=storable_payload(payloads[i]), points=[id_])
            operations.append(models.OverwritePayloadOperation(overwrite_payload=payload))
            if words is not None:
                operations.append(_replace_words(id_, words[i]))
        for start in range(0, len(operations), 1000):
            with self._answering():
                self._client.batch_update_points(
                    self._collection, operations[start : start + 1000], wait=True
                )

    def delete(self, ids: Ids) -> None:
        """Remove ids."""
        for start in range(0, len(ids), _PAGE):
            part = models.PointIdsList(points=ids[start : start + _PAGE].tolist())
            with self._answering():
                self._client.delete(self._collection, part, wait=True)

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
        condition = _filter(where)
        if k <= 0 or not len(queries):
            return [_found([]) for _ in queries]
        params = models.SearchParams(
            hnsw_ef=max(512, 2 * k),
            exact=exact,
            quantization=models.QuantizationSearchParams(
                ignore=exact, rescore=True, oversampling=2.0
            ),
        )
        requests = [
            models.QueryRequest(
                query=query.tolist(),
                using=_IMAGE,
                filter=condition,
                params=params,
                limit=k,
                score_threshold=min_score,
            )
            for query in queries
        ]
        with self._answering():
            answers = self._client.query_batch_points(self._collection, requests)
        return [_found(answer.points) for answer in answers]

    def search_words(self, words: str, *, k: int, where: Filter | None = None) -> Found:
        """Find the k pictures whose words match best."""
        tokens = keywords.query(words)
        condition = _filter(where)
        if k <= 0 or not tokens:
            return _found([])
        with self._answering():
            answer = self._client.query_points(
                self._collection,
                query=models.SparseVector(indices=tokens, values=[1.0] * len(tokens)),
                using=_WORDS,
                query_filter=condition,
                limit=k,
                with_payload=False,
            )
        return _found(answer.points)

    def get(self, ids: Ids) -> tuple[Ids, Vectors]:
        """Return those of the ids that are stored, and their vectors, in the order asked for."""
        found: dict[int, list[float]] = {}
        for start in range(0, len(ids), _PAGE):
            part = ids[start : start + _PAGE].tolist()
            with self._answering():
                records = self._client.retrieve(
                    self._collection, part, with_payload=False, with_vectors=[_IMAGE]
                )
            for record in records:
                named = cast("dict[str, list[float]]", record.vector)
                found[int(record.id)] = named[_IMAGE]
        kept = [i for i in ids.tolist() if i in found]
        vectors = np.array([found[i] for i in kept], np.float32).reshape(-1, self._dim)
        return np.array(kept, np.int64), vectors

    def ids(self, where: Filter | None = None) -> Ids:
        """Return the stored ids that pass the filter, ascending."""
        condition = _filter(where)
        found: list[int] = []
        offset: models.ExtendedPointId | None = None
        while True:
            with self._answering():
                records, following = self._client.scroll(
                    self._collection,
                    scroll_filter=condition,
                    limit=_PAGE,
                    offset=offset,
                    with_payload=False,
                    with_vectors=False,
                )
            found += [int(record.id) for record in records]
            if following is None:
                return np.array(sorted(found), np.int64)
            offset = cast("models.ExtendedPointId", following)

    def sample(self, n: int) -> Vectors:
        """Return up to n stored vectors, spread evenly over the ids."""
        return self.get(spread(self.ids(), n))[1]

    def count(self, where: Filter | None = None) -> int:
        """Count the stored vectors that pass the filter."""
        condition = _filter(where)
        with self._answering():
            return self._client.count(self._collection, count_filter=condition, exact=True).count

    def facet(self, field: str, where: Filter | None = None) -> dict[str, int]:
        """Count pictures for each value of a keyword field."""
        require_field(field, kind="keyword")
        condition = _filter(where)
        with self._answering():
            answer = self._client.facet(
                self._collection, field, facet_filter=condition, limit=1_000_000, exact=True
            )
        counts = [(str(hit.value), hit.count) for hit in answer.hits if hit.count]
        return dict(sorted(counts, key=lambda item: (-item[1], item[0])))

    def optimize(self) -> None:
        """Do nothing: the server optimizes by itself in the background."""

    def close(self) -> None:
        """Close the connection; safe to call twice."""
        self._client.close()

    def _prepare(self) -> None:
        if not self._client.collection_exists(self._collection):
            self._create()
            return
        vectors = self._client.get_collection(self._collection).config.params.vectors
        image = vectors.get(_IMAGE) if isinstance(vectors, dict) else None
        if image is None or image.size != self._dim:
            stored = f"{image.size}-d vectors" if image else "something else than pictures"
            raise ModelError(
                f"the collection {self._collection!r} of {self._url} holds {stored}; the model "
                f"gives {self._dim}-d vectors. Name another collection, or use the model that "
                "filled this one"
            )

    def _create(self) -> None:
        self._client.create_collection(
            self._collection,
            vectors_config={
                _IMAGE: models.VectorParams(
                    size=self._dim,
                    distance=models.Distance.DOT,
                    on_disk=True,
                    # Every version that is in use knows int8 codes.
                    quantization_config=models.ScalarQuantization(
                        scalar=models.ScalarQuantizationConfig(
                            type=models.ScalarType.INT8, always_ram=True
                        )
                    ),
                )
            },
            sparse_vectors_config={_WORDS: models.SparseVectorParams(modifier=models.Modifier.IDF)},
        )
        for field, kind in FIELDS.items():
            schema = (
                models.PayloadSchemaType.KEYWORD
                if kind == "keyword"
                else models.PayloadSchemaType.FLOAT
            )
            self._client.create_payload_index(self._collection, field, schema, wait=True)

    def _stored(self, ids: list[int]) -> list[int]:
        found: list[int] = []
        for start in range(0, len(ids), _PAGE):
            with self._answering():
                records = self._client.retrieve(
                    self._collection, ids[start : start + _PAGE], with_payload=False
                )
            found += [int(record.id) for record in records]
        return found

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Turn a server that does not answer, or refuses, into LibraryError."""
        try:
            yield
        except (ApiException, httpx.HTTPError, OSError) as error:
            reason = " ".join(str(error).split())[:300]
            raise LibraryError(
                f"the Qdrant server {self._url} failed ({reason}). Check that it runs and that "
                "the address and the API key are right, then try again"
            ) from error


def _replace_words(id_: int, text: str) -> models.UpdateOperation:
    sparse = _sparse(text)
    if sparse is None:
        gone = models.DeleteVectors(points=[id_], vector=[_WORDS])
        return models.DeleteVectorsOperation(delete_vectors=gone)
    vector = models.PointVectors(id=id_, vector={_WORDS: sparse})
    return models.UpdateVectorsOperation(update_vectors=models.UpdateVectors(points=[vector]))


def _sparse(text: str) -> models.SparseVector | None:
    ids, weights = keywords.document(text)
    return models.SparseVector(indices=ids, values=weights) if ids else None


def _found(points: list[models.ScoredPoint]) -> Found:
    ids = np.array([int(point.id) for point in points], np.int64)
    scores = np.array([point.score for point in points], np.float32)
    order = np.lexsort((ids, -scores))
    return Found(ids[order], scores[order])


def _filter(where: Filter | None) -> models.Filter | None:
    check_filter(where)
    return None if where is None else models.Filter(must=[_condition(where)])


def _condition(where: Filter) -> models.Condition:
    nothing = models.HasIdCondition(has_id=[])
    match where:
        case Match(field, values):
            either = _match(field, values)
            return models.Filter(should=either) if either else nothing
        case Range(field=field):
            kept = tightest(where)
            bounds = models.Range(gte=kept.gte, gt=kept.gt, lte=kept.lte, lt=kept.lt)
            return models.FieldCondition(key=field, range=bounds)
        case HasId(ids):
            return models.HasIdCondition(has_id=list(ids))
        case All(parts):
            return models.Filter(must=[_condition(part) for part in parts])
        case AnyOf(parts):
            either = [_condition(part) for part in parts]
            return models.Filter(should=either) if either else nothing
        case Not(part):
            return models.Filter(must_not=[_condition(part)])


def _match(field: str, values: tuple[object, ...]) -> list[models.Condition]:
    texts = [storable(v) for v in values if isinstance(v, str)]
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    either: list[models.Condition] = []
    if texts:
        either.append(models.FieldCondition(key=field, match=models.MatchAny(any=texts)))
    # The server matches integers only; a range finds 3000 and 3000.0 alike.
    for number in numbers:
        bounds = models.Range(gte=number, lte=number)
        either.append(models.FieldCondition(key=field, range=bounds))
    return either
