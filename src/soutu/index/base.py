"""The `VectorIndex` protocol: what every engine must do, and nothing that only some can.

The checks at the end are shared, so that every engine refuses the same things in the same words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from soutu.errors import InputError, ModelError, QueryError
from soutu.types import All, AnyOf, HasId, Match, Not, Range

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.types import Filter, Ids, Payload, Scalar, Vectors

FieldKind = Literal["keyword", "number"]

FIELDS: Mapping[str, FieldKind] = {
    "folder": "keyword",  # every ancestor folder of the picture, so that a match is a subtree
    "name": "keyword",
    "format": "keyword",
    "camera": "keyword",
    "width": "number",
    "height": "number",
    "bytes": "number",
    "taken": "number",  # seconds since 1970, the camera's local time read as UTC
    "modified": "number",  # seconds since 1970
    "latitude": "number",
    "longitude": "number",
}
"""Payload fields that filters and facets may name. A missing field passes no filter on it."""

MAX_ID = 2**53 - 1
"""The largest id: JSON readers keep integers up to here exact."""


@dataclass(frozen=True)
class Found:
    """Ids and scores of one query, best first. Scores are cosines (or BM25 for words)."""

    ids: Ids
    scores: NDArray[np.float32]


class VectorIndex(Protocol):
    """Hold unit vectors with payloads under stable ids, and search them.

    Ids are positive and below 2**53. `upsert` and `delete` are durable when they return: a killed
    process loses none of them. Searches see them at once.
    """

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        ...

    def upsert(
        self,
        ids: Ids,
        vectors: Vectors,
        payloads: Sequence[Payload],
        words: Sequence[str] | None = None,
    ) -> None:
        """Store vectors [n, dim], replacing those with the same ids.

        `words` is the text that `search_words` looks through (file name, captions); None stores
        none. Of an id that comes twice the last one counts.
        """
        ...

    def set_payload(
        self, ids: Ids, payloads: Sequence[Payload], words: Sequence[str] | None = None
    ) -> None:
        """Replace the payloads (and words, unless None) of stored ids, keeping their vectors.

        Unknown ids are ignored.
        """
        ...

    def delete(self, ids: Ids) -> None:
        """Remove ids; unknown ones are ignored."""
        ...

    def search(
        self,
        queries: Vectors,
        *,
        k: int,
        where: Filter | None = None,
        exact: bool = False,
        min_score: float | None = None,
    ) -> list[Found]:
        """Find the k nearest vectors by dot product for each query [q, dim].

        Equal scores are ordered by id; those below `min_score` are left out. `exact` looks at
        every vector instead of using what `optimize` built. Raises ModelError for queries of
        another length, QueryError for a filter on an unknown field.
        """
        ...

    def search_words(self, words: str, *, k: int, where: Filter | None = None) -> Found:
        """Find the k pictures whose words match best (BM25); those that share none are absent.

        An engine may count deleted pictures in a word's rarity until `optimize` runs.
        """
        ...

    def get(self, ids: Ids) -> tuple[Ids, Vectors]:
        """Return those of the ids that are stored, and their vectors, in the order asked for."""
        ...

    def ids(self, where: Filter | None = None) -> Ids:
        """Return the stored ids that pass the filter, ascending."""
        ...

    def sample(self, n: int) -> Vectors:
        """Return up to n stored vectors, spread evenly over the ascending ids; repeatable."""
        ...

    def count(self, where: Filter | None = None) -> int:
        """Count the stored vectors that pass the filter."""
        ...

    def facet(self, field: str, where: Filter | None = None) -> dict[str, int]:
        """Count pictures for each value of a keyword field, most frequent first, then by value.

        Raises QueryError for a field that is not a keyword field.
        """
        ...

    def optimize(self) -> None:
        """Build what makes searches fast; a no-op when nothing changed. Blocks until done."""
        ...

    def close(self) -> None:
        """Flush and release everything; the index cannot be used afterwards."""
        ...


# --- Checks and conventions that every engine shares. ---


def check_rows(
    dim: int,
    ids: Ids,
    vectors: Vectors | None,
    payloads: Sequence[Payload],
    words: Sequence[str] | None,
) -> None:
    """Refuse rows that do not belong together, ids out of range, and vectors that do not fit.

    Raises ModelError for vectors of another length or with NaN, InputError for the rest.
    """
    n = len(ids)
    if len(payloads) != n or (words is not None and len(words) != n):
        counts = f"{n} ids, {len(payloads)} payloads"
        raise InputError(f"one payload (and text) is needed for each id; got {counts}")
    if n and (int(ids.min()) < 1 or int(ids.max()) > MAX_ID):
        raise InputError(f"ids must lie in 1 .. {MAX_ID}; got {ids.min()} .. {ids.max()}")
    if vectors is None:
        return
    check_vectors(dim, vectors)
    if len(vectors) != n:
        raise InputError(f"one vector is needed for each id; got {n} ids, {len(vectors)} vectors")


def check_vectors(dim: int, vectors: Vectors) -> None:
    """Refuse vectors that are not rows of `dim` finite numbers with ModelError."""
    if vectors.ndim != 2 or vectors.shape[1] != dim:
        raise ModelError(
            f"the index holds {dim}-d vectors; got an array of shape {vectors.shape}. "
            "Search with the model that filled it, or run: soutu models use NAME"
        )
    if not np.isfinite(vectors).all():
        raise ModelError("a vector holds NaN or infinity: the model's output is broken")


def check_filter(where: Filter | None) -> None:
    """Refuse a filter that names an unknown field with QueryError."""
    match where:
        case Match(field=field) | Range(field=field):
            require_field(field)
        case All(parts=parts) | AnyOf(parts=parts):
            for part in parts:
                check_filter(part)
        case Not(part=part):
            check_filter(part)
        case HasId() | None:
            pass


def tightest(bounds: Range) -> Range:
    """Keep one lower and one upper bound: of two on a side, the engine heeds a single one."""
    gte, gt, lte, lt = bounds.gte, bounds.gt, bounds.lte, bounds.lt
    if gte is not None and gt is not None:
        gte, gt = (None, gt) if gt >= gte else (gte, None)
    if lte is not None and lt is not None:
        lte, lt = (None, lt) if lt <= lte else (lte, None)
    return Range(field=bounds.field, gte=gte, gt=gt, lte=lte, lt=lt)


def require_field(field: str, *, kind: FieldKind | None = None) -> None:
    """Refuse a payload field that no filter (or no facet, if `kind` is given) can name."""
    known = [name for name in FIELDS if kind is None or FIELDS[name] == kind]
    if field not in known:
        raise QueryError(f"there is no {kind or 'payload'} field {field!r}; use {', '.join(known)}")


def storable(text: str) -> str:
    r"""Spell out what UTF-8 cannot hold: a file name's stray byte 0xFF becomes `\udcff`.

    Payloads and filters both pass through here, so such names still match themselves.
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def storable_payload(payload: Payload) -> dict[str, object]:
    """Make every text of a payload storable."""
    return {key: _storable_value(value) for key, value in payload.items()}


def _storable_value(value: Scalar | list[str]) -> object:
    if isinstance(value, str):
        return storable(value)
    return [storable(v) for v in value] if isinstance(value, list) else value


def spread(ids: Ids, n: int) -> Ids:
    """Pick up to n of the ids, evenly spaced, first and last included."""
    if n >= len(ids):
        return ids
    return ids[np.linspace(0, len(ids) - 1, num=max(n, 0)).round().astype(np.int64)]
