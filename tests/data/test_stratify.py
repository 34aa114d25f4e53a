"""Splits of multi-label data: complete, repeatable, and even in every label."""

from __future__ import annotations

import numpy as np
import pytest
from data_sets import made
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from soutu.data import YES, LabelledData, stratified
from soutu.errors import InputError

SHARES = {"train": 0.7, "val": 0.1, "test": 0.2}
TABLES = st.tuples(st.integers(10, 60), st.integers(1, 5)).flatmap(
    lambda shape: arrays(np.int8, shape, elements=st.integers(-1, 1))
)


def distances(data: LabelledData) -> NDArray[np.float64]:
    """Return by how many pictures each label [splits, classes] misses its share."""
    yes = data.labels == YES
    splits = np.array(data.splits)
    got = [yes[splits == name].sum(axis=0) for name in SHARES]
    missed: NDArray[np.float64] = np.abs(
        np.array(got) - np.outer(list(SHARES.values()), yes.sum(axis=0))
    )
    return missed


def at_random(data: LabelledData, seed: int) -> LabelledData:
    """Split by shuffling, with exact sizes."""
    sizes = [round(share * len(data)) for share in SHARES.values()]
    sizes[0] += len(data) - sum(sizes)
    names = np.random.default_rng(seed).permutation(np.repeat(list(SHARES), sizes))
    return made(data.labels, splits=tuple(names.tolist()))


@settings(deadline=None)
@given(TABLES, st.integers(0, 3), st.sampled_from([1, 2]))
def test_every_picture_is_in_one_split(table: NDArray[np.int8], seed: int, order: int) -> None:
    """Nothing but the splits changes, sizes fit, and the same seed gives the same ones."""
    data = made(table)
    done = stratified(data, SHARES, seed=seed, order=order)
    assert done.splits is not None
    assert len(done.splits) == len(data)
    assert done.paths == data.paths
    assert (done.labels == data.labels).all()
    for name, share in SHARES.items():
        assert abs(done.splits.count(name) - share * len(data)) <= 3
    assert stratified(data, SHARES, seed=seed, order=order).splits == done.splits


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), min_size=10, max_size=80), st.integers(0, 3))
def test_single_labels_are_within_one(classes: list[int], seed: int) -> None:
    """Where each picture has one class, every class misses its share by one picture at most."""
    data = made(np.eye(5, dtype=np.int8)[classes])
    assert distances(stratified(data, SHARES, seed=seed)).max() <= 1


@settings(deadline=None)
@given(TABLES, st.integers(0, 3))
def test_frequent_labels_are_near_their_shares(table: NDArray[np.int8], seed: int) -> None:
    """Labels of ten pictures and more are within one of their share on average."""
    done = stratified(made(table), SHARES, seed=seed)
    frequent = (table == YES).sum(axis=0) >= 10
    if frequent.any():
        assert distances(done)[:, frequent].mean() <= 1


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("order", [1, 2])
def test_better_than_random(seed: int, order: int) -> None:
    """Of 12 labels that go together, all come within two pictures; shuffling misses by far more."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(600, 3)) @ rng.normal(size=(3, 12)) + rng.normal(size=(600, 12))
    data = made((hidden > rng.uniform(0, 3, 12)).astype(np.int8))
    done = distances(stratified(data, SHARES, seed=seed, order=order))
    random = distances(at_random(data, seed))
    assert done.max() <= 2
    assert done.mean() < random.mean() / 3


def test_pairs_are_spread_too() -> None:
    """With order 2 what goes together only rarely does so in every split."""
    rng = np.random.default_rng(5)
    labels = (rng.random((400, 6)) < 0.25).astype(np.int8)
    pairs = np.stack([labels[:, a] & labels[:, b] for a in range(6) for b in range(a)], axis=1)
    missed = dict.fromkeys((1, 2), 0.0)
    for order in missed:
        for seed in range(3):
            splits = stratified(made(labels), SHARES, seed=seed, order=order).splits
            missed[order] += float(distances(made(pairs, splits=splits)).mean())
    assert missed[2] < missed[1]


def test_bad_shares_are_refused() -> None:
    """Shares are positive, orders 1 and 2, and no split is left empty."""
    data = made([[1], [0], [1]])
    with pytest.raises(InputError, match=r"share of split 'val' is 0\.0"):
        stratified(data, {"train": 1.0, "val": 0.0})
    with pytest.raises(InputError, match="no splits are named"):
        stratified(data, {})
    with pytest.raises(InputError, match="3 pictures cannot make 4 splits"):
        stratified(data, dict.fromkeys("abcd", 1.0))
    with pytest.raises(InputError, match="not 3"):
        stratified(data, SHARES, order=3)
