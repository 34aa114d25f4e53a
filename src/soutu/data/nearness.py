"""Find pictures that look nearly the same, without comparing each with each.

Codes of 64 bits are cut into five bands. Two codes that differ in at most MOST_BITS places differ
in at most one place in one of the bands (there are not enough differences for two in each), so it
is enough to look into the buckets of each band's value and of its neighbours at one bit:
multi-index hashing, Norouzi, Punjani and Fleet, Fast Search in Hamming Space with Multi-Index
Hashing, 2012.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.types import Vectors

Codes: TypeAlias = "NDArray[np.uint64]"
Ranks: TypeAlias = "NDArray[np.intp]"
Pairs: TypeAlias = "NDArray[np.intp]"
"""Row numbers, the smaller one first, sorted and each pair once, shape [pairs, 2]."""

MOST_BITS = 8
"""How many of 64 bits two codes may differ in. Photos saved again at JPEG quality 15 or at half
their size differ in 2 to 6, different photos in 20 and more."""
LEAST_CORRELATION = 0.95
"""How alike thumbnails of copies are, at the least; the next alike of different photos: 0.86."""
LEAST_COSINE = 0.97
CROWDED = 64
"""Members of a bucket above which each is compared only with NEIGHBOURS of them, the next ones in
order: a collection of pictures that are all alike must not cost the square of its size. Evenly
spread, a bucket holds 12 of 100,000 codes."""
NEIGHBOURS = 16
FEW = 1000
"""Vectors up to which each is compared with each."""

_BANDS = ((0, 13), (13, 13), (26, 13), (39, 13), (52, 12))  # first bit from the top, bits
_TABLES = 4
_BLOCK = 1 << 22  # candidates looked at together


class Near(NamedTuple):
    """Pairs of rows that look nearly the same, and how alike they are: float64 [pairs], up to 1."""

    pairs: Pairs
    likeness: NDArray[np.float64]


def close_codes(codes: Codes, *, most_bits: int = MOST_BITS) -> Pairs:
    """Return the pairs of codes that differ in at most `most_bits` (0 to 9) places.

    All of them, but where a bucket holds more than CROWDED codes.
    """
    if not 0 <= most_bits < 2 * len(_BANDS):
        raise ValueError(f"most_bits is {most_bits}; the bands find 0 to {2 * len(_BANDS) - 1}")
    found = [np.zeros(0, np.int64)]
    for start, width in _BANDS:
        turned = (codes << np.uint64(start)) | (codes >> np.uint64(64 - start)) if start else codes
        order = np.argsort(turned, kind="stable")
        ranked = turned[order]
        for left, right in _candidates(ranked, width):
            near = np.bitwise_count(ranked[left] ^ ranked[right]) <= most_bits
            first, second = order[left[near]], order[right[near]]
            low, high = np.minimum(first, second), np.maximum(first, second)
            found.append(np.unique(low * len(codes) + high))
    pairs = np.unique(np.concatenate(found))
    return np.stack(np.divmod(pairs, max(len(codes), 1)), axis=1).astype(np.intp)


def _candidates(ranked: Codes, width: int) -> Iterator[tuple[Ranks, Ranks]]:
    """Yield ranks of codes whose first `width` bits are the same or differ in one, in blocks."""
    rest = np.uint64((1 << (64 - width)) - 1)
    ranks = np.arange(len(ranked))
    for flip in (0, *(1 << (63 - bit) for bit in range(width))):
        wanted = ranked ^ np.uint64(flip)
        low = np.searchsorted(ranked, wanted & ~rest)
        high = np.searchsorted(ranked, wanted | rest, side="right")
        crowded = high - low > CROWDED
        if flip:  # a crowded neighbour is not looked into
            high = np.where(crowded, low, high)
        else:  # what comes before a code has that code after it
            low = ranks + 1
            high = np.where(crowded, np.minimum(high, low + NEIGHBOURS), high)
        yield from _spelled(ranks, low, high)


def _spelled(ranks: Ranks, low: Ranks, high: Ranks) -> Iterator[tuple[Ranks, Ranks]]:
    """Turn the range [low, high) of each rank into pairs, about _BLOCK of them at a time."""
    total = np.cumsum(high - low)
    every = np.arange(_BLOCK, total[-1] if len(total) else 0, _BLOCK)
    cuts = np.searchsorted(total, every)
    for part in np.split(ranks, np.unique(cuts)):
        many = (high - low)[part]
        left = np.repeat(part, many)
        offset = np.arange(len(left)) - np.repeat(np.cumsum(many) - many, many)
        yield left, np.repeat(low[part], many) + offset


def alike(codes: Codes, thumbnails: NDArray[np.uint8], rows: NDArray[np.intp]) -> Near:
    """Find pictures, among `rows`, whose codes are close and whose thumbnails correlate."""
    pairs = rows[close_codes(codes[rows])]
    values = np.zeros(len(pairs))
    for at in _blocks(len(pairs), thumbnails[0].size if len(thumbnails) else 1):
        first, second = (_standard(thumbnails[pairs[at, side]]) for side in (0, 1))
        values[at] = np.einsum("ij,ij->i", first, second)
    kept = values >= LEAST_CORRELATION
    return Near(pairs[kept], values[kept])


def _standard(thumbnails: NDArray[np.uint8]) -> NDArray[np.float32]:
    flat = thumbnails.reshape(len(thumbnails), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    found: NDArray[np.float32] = flat / np.maximum(length, 1e-6)
    return found


def alike_by_vectors(
    vectors: Vectors, rows: NDArray[np.intp], *, least_cosine: float = LEAST_COSINE
) -> Near:
    """Find pictures, among `rows`, whose unit vectors have a cosine of at least `least_cosine`.

    Of more than FEW rows, those are compared whose signs on 64 random planes agree but for
    MOST_BITS, in one of four draws (Charikar, Similarity Estimation Techniques from Rounding
    Algorithms, 2002): of pairs whose cosine is 0.94 after centring, 99 of 100 are found, and
    nearly all above.
    """
    chosen = vectors[rows].astype(np.float32)
    if len(chosen) <= FEW:
        pairs = np.argwhere(np.triu(chosen @ chosen.T >= least_cosine, k=1))
    else:
        pairs = _same_side(chosen - chosen.mean(axis=0))
    values = np.zeros(len(pairs))
    for at in _blocks(len(pairs), vectors.shape[1]):
        values[at] = np.einsum("ij,ij->i", chosen[pairs[at, 0]], chosen[pairs[at, 1]])
    kept = values >= least_cosine
    return Near(rows[pairs[kept]], values[kept])


def _same_side(centred: NDArray[np.float32]) -> Pairs:
    """Return pairs of vectors that lie on the same side of nearly all planes of a draw."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(_TABLES):
        planes = rng.standard_normal((centred.shape[1], 64)).astype(np.float32)
        signs = np.packbits(centred @ planes > 0, axis=1)
        found.append(close_codes(signs.view(">u8")[:, 0].astype(np.uint64)))
    return np.unique(np.concatenate(found), axis=0)


def _blocks(length: int, width: int) -> Iterator[slice]:
    step = max(1, _BLOCK // max(width, 1))
    for start in range(0, length, step):
        yield slice(start, start + step)


def groups(pairs: Pairs) -> list[tuple[int, ...]]:
    """Join pairs that share a row into groups of rows, each sorted, by their first rows."""
    parent: dict[int, int] = {}

    def top(row: int) -> int:
        while parent.setdefault(row, row) != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    for left, right in pairs.tolist():
        first, second = sorted((top(left), top(right)))
        parent[second] = first
    members: dict[int, list[int]] = {}
    for row in sorted(parent):
        members.setdefault(top(row), []).append(row)
    return [tuple(rows) for rows in members.values()]
