"""Answers to queries, kept until the library changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import TYPE_CHECKING, Generic, TypeVar

import xxhash

if TYPE_CHECKING:
    from soutu.library.searching import Ranked
    from soutu.types import Hit, Query

T = TypeVar("T")

_KEPT = 1024  # pages
_KEPT_RANKINGS = 16  # a deep one of a large library has megabytes
_SHALLOW = 1000


class Answers:
    """Keep the last answers. Safe to call from many threads."""

    def __init__(self) -> None:
        self._pages: Kept[list[Hit]] = Kept(_KEPT)
        self._shallow: Kept[Ranked] = Kept(_KEPT)
        self._rankings: Kept[Ranked] = Kept(_KEPT_RANKINGS)

    def page(
        self,
        key: Hashable,
        *,
        start: int,
        k: int,
        rank: Callable[[int], Ranked],
        look_up: Callable[[Ranked], list[Hit]],
    ) -> list[Hit]:
        """Return k hits from place `start` on; `rank` finds the best so many pictures.

        A first page is ranked by itself. Later ones come from one deeper ranking, which is found
        anew only each time a reader has come four times as far.
        """

        def compute() -> list[Hit]:
            if start == 0 and k <= _SHALLOW:
                return look_up(rank(k))
            return look_up(self.ranking(key, depth_of(start, k), rank)[start : start + k])

        return self._pages.get((key, start, k), compute)

    def ranking(self, key: Hashable, depth: int, rank: Callable[[int], Ranked]) -> Ranked:
        """Return the best `depth` pictures."""
        kept = self._shallow if depth < _SHALLOW else self._rankings
        return kept.get((key, depth), lambda: rank(depth))

    def clear(self) -> None:
        """Forget every answer."""
        self._pages.clear()
        self._shallow.clear()
        self._rankings.clear()


def depth_of(start: int, k: int) -> int:
    """Return how many of the best are ranked for k from place `start` on; see `Answers.page`."""
    if start == 0 and k <= _SHALLOW:
        return k
    depth = _SHALLOW
    while depth < start + k:
        depth *= 4
    return depth


class Kept(Generic[T]):
    """Keep the last values that were computed. Safe to call from many threads."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._values: OrderedDict[Hashable, T] = OrderedDict()

    def get(self, key: Hashable, compute: Callable[[], T]) -> T:
        """Return the value under a key, computing it unless it is kept."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        found = compute()
        with self._lock:
            self._values[key] = found
            while len(self._values) > self._limit:
                self._values.popitem(last=False)
        return found

    def clear(self) -> None:
        """Forget every value."""
        with self._lock:
            self._values.clear()


def query_key(query: Query) -> Hashable:
    """Return what tells queries apart, without holding on to the pictures in them."""
    pictures = tuple(
        xxhash.xxh3_128_digest(term.image) if isinstance(term.image, bytes) else None
        for term in query.terms
    )
    if not any(pictures):
        return query
    terms = tuple(
        replace(term, image="") if isinstance(term.image, bytes) else term for term in query.terms
    )
    return (replace(query, terms=terms), pictures)
