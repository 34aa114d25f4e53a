"""Long lists of values, a statement's worth at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

_CHUNK = 500  # bound parameters per statement, below every engine's limit


def chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield the values in parts that one statement can take."""
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]
