"""The `VectorIndex` protocol: what every engine must do, and nothing that only some can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from soutu.types import Filter, Ids, Payload, Vectors

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

        `words` is the text that `search_words` looks through (file name, captions).
        """
        ...

    def set_payload(
        self, ids: Ids, payloads: Sequence[Payload], words: Sequence[str] | None = None
    ) -> None:
        """Replace the payloads (and words) of stored ids, keeping their vectors."""
        ...

    def delete(self, ids: Ids) -> None:
        """Remove ids; unknown ones are ignored."""
        ...

    def search(
        self, queries: Vectors, *, k: int, where: Filter | None = None, exact: bool = False
    ) -> list[Found]:
        """Find the k nearest vectors by dot product for each query [q, dim]."""
        ...

    def search_words(self, words: str, *, k: int, where: Filter | None = None) -> Found:
        """Find the k pictures whose words match best (BM25); those that share none are absent."""
        ...

    def get(self, ids: Ids) -> tuple[Ids, Vectors]:
        """Return those of the ids that are stored, and their vectors, in the order asked for."""
        ...

    def ids(self, where: Filter | None = None) -> Ids:
        """Return all stored ids, ascending."""
        ...

    def sample(self, n: int) -> Vectors:
        """Return up to n stored vectors, spread evenly over the ids; the same each time."""
        ...

    def count(self, where: Filter | None = None) -> int:
        """Count stored vectors."""
        ...

    def facet(self, field: str, where: Filter | None = None) -> dict[str, int]:
        """Count pictures for each value of a keyword field, most frequent first."""
        ...

    def optimize(self) -> None:
        """Build what makes searches fast; a no-op when nothing changed. Blocks until done."""
        ...

    def close(self) -> None:
        """Flush and release everything; the index cannot be used afterwards."""
        ...
