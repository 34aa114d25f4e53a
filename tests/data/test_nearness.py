"""Near-duplicates: the banded search finds what comparing each with each finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from soutu.data import nearness
from soutu.data.nearness import alike, alike_by_vectors, close_codes, groups


def all_pairs(codes: NDArray[np.uint64], most_bits: int) -> list[list[int]]:
    """Compare each with each."""
    return [
        [a, b]
        for a in range(len(codes))
        for b in range(a + 1, len(codes))
        if int(codes[a] ^ codes[b]).bit_count() <= most_bits
    ]


def flipped(code: int, bits: list[int]) -> int:
    for bit in bits:
        code ^= 1 << bit
    return code


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 2**64 - 1), max_size=6),
    st.lists(
        st.tuples(st.integers(0, 5), st.lists(st.integers(0, 63), max_size=10, unique=True)),
        max_size=20,
    ),
    st.integers(0, 9),
)
def test_banded_search_finds_every_pair(
    seeds: list[int], copies: list[tuple[int, list[int]]], most_bits: int
) -> None:
    """Wherever the differing bits are, up to the distance that the bands promise."""
    codes = [*seeds, *(flipped(seeds[at], bits) for at, bits in copies if at < len(seeds))]
    array = np.array(codes, np.uint64)
    assert close_codes(array, most_bits=most_bits).tolist() == all_pairs(array, most_bits)


def test_many_codes_in_small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cutting the work into blocks loses nothing, and only what is asked for is promised."""
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 2**63, 1500, dtype=np.uint64)
    codes[::5] = codes[1::5] ^ np.uint64(0b101010101 << 20)
    monkeypatch.setattr(nearness, "_BLOCK", 100)
    assert close_codes(codes).tolist() == all_pairs(codes, 8)
    with pytest.raises(ValueError, match="0 to 9"):
        close_codes(codes, most_bits=10)


def test_pictures_that_are_all_alike_stay_cheap() -> None:
    """A crowd is compared with its neighbours only, and is one group all the same."""
    codes = np.full(5000, 0x0123456789ABCDEF, np.uint64)
    pairs = close_codes(codes)
    assert len(pairs) <= len(codes) * nearness.NEIGHBOURS
    assert groups(pairs) == [tuple(range(5000))]


def test_thumbnails_tell_chance_from_copies() -> None:
    """Close codes alone are not enough; brightness and contrast do not matter."""
    rng = np.random.default_rng(2)
    one = rng.integers(60, 180, (16, 16, 3), dtype=np.uint8)
    brighter = (one * 1.2 + 10).astype(np.uint8)
    other = rng.integers(60, 180, (16, 16, 3), dtype=np.uint8)
    codes = np.array([7, 7, 6, 2**60 - 1], np.uint64)
    near = alike(codes, np.stack([one, other, brighter, one]), np.array([0, 1, 2, 3]))
    assert near.pairs.tolist() == [[0, 2]]
    assert near.likeness[0] > 0.99
    assert alike(codes, np.stack([one] * 4), np.array([1, 3])).pairs.tolist() == []
    none = alike(codes[:0], np.zeros((0, 16, 16, 3), np.uint8), np.array([], np.intp))
    assert none.pairs.shape == (0, 2)


def test_vectors_find_pairs_above_a_cosine() -> None:
    """Nearly all pairs at the border, and none below it."""
    rng = np.random.default_rng(3)
    base = rng.normal(size=(2000, 64))
    copies = base[:200] + rng.normal(size=(200, 64)) * 0.22
    vectors = np.concatenate([base, copies]).astype(np.float32) + 1.0
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = vectors @ vectors.T
    true = {(a, b) for a, b in np.argwhere(cosines >= 0.98).tolist() if a < b}
    near = alike_by_vectors(vectors, np.arange(len(vectors)), least_cosine=0.98)
    found = set(map(tuple, near.pairs.tolist()))
    assert len(true) > 100
    assert found <= true
    assert len(found) >= 0.95 * len(true)
    assert len(alike_by_vectors(vectors, np.array([], np.intp)).pairs) == 0


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=15))
def test_groups_are_what_pairs_connect(pairs: list[tuple[int, int]]) -> None:
    """Each row is in one group, and pairs never cross groups."""
    found = groups(np.array(pairs, np.intp).reshape(-1, 2))
    home = {row: at for at, rows in enumerate(found) for row in rows}
    assert sorted(home) == sorted({row for pair in pairs for row in pair})
    assert sum(map(len, found)) == len(home)
    assert all(home[a] == home[b] for a, b in pairs)
