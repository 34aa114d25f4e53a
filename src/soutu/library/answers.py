"""Answers to queries, kept until the library changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import TYPE_CHECKING

import xxhash

if TYPE_CHECKING:
    from soutu.types import Hit, Query

_KEPT = 1024  # answers
_DEEP = 1000  # hits from which on an answer is large; only a few of those are kept
_KEPT_DEEP = 4


class Answers:
    """Keep the last answers. Safe to call from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._few: OrderedDict[Hashable, list[Hit]] = OrderedDict()
        self._deep: OrderedDict[Hashable, list[Hit]] = OrderedDict()

    def get(self, key: Hashable, *, k: int, compute: Callable[[], list[Hit]]) -> list[Hit]:
        """Return the answer of up to k hits under a key, computing it unless it is kept."""
        kept, limit = (self._few, _KEPT) if k < _DEEP else (self._deep, _KEPT_DEEP)
        with self._lock:
            found = kept.get(key)
            if found is not None:
                kept.move_to_end(key)
                return found
        found = compute()
        with self._lock:
            kept[key] = found
            while len(kept) > limit:
                kept.popitem(last=False)
        return found

    def clear(self) -> None:
        """Forget every answer."""
        with self._lock:
            self._few.clear()
            self._deep.clear()


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
