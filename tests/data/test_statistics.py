"""Figures of labels, against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from data_sets import made
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from soutu.data import statistics as module
from soutu.data.statistics import statistics


def test_figures_by_hand() -> None:
    """Unknown labels count nowhere."""
    labels = [[1, 1, 0], [1, 0, -1], [1, -1, -1], [0, 0, 0]]
    figures = statistics(made(labels, splits=("train", "train", "val", "train")))
    assert figures.yes.tolist() == [3, 1, 0]
    assert figures.no.tolist() == [1, 2, 2]
    assert figures.unknown.tolist() == [0, 1, 2]
    assert figures.splits == {"train": 3, "val": 1}
    assert figures.cardinality == 1.0
    assert figures.density == 4 / 9
    assert (figures.label_sets, figures.bare) == (4, 1)
    assert figures.together.tolist() == [[3, 1, 0], [1, 1, 0], [0, 0, 0]]
    np.testing.assert_array_equal(figures.given[:2], [[1, 1 / 2, 0], [1, 1, 0]])
    assert np.isnan(figures.given[2]).all()
    assert figures.imbalance.tolist() == [1, 3, np.inf]
    assert (figures.mean_imbalance, figures.worst_imbalance) == (2, 3)
    (pair,) = figures.top_pairs(5)
    assert (pair.a, pair.b, pair.both) == ("c1", "c0", 1)
    assert (pair.b_given_a, pair.a_given_b) == (1, 1 / 2)
    assert pair.lift == pytest.approx(1 / (3 / 4))


@settings(deadline=None)
@given(
    st.tuples(st.integers(0, 12), st.integers(1, 4)).flatmap(
        lambda shape: arrays(np.int8, shape, elements=st.integers(-1, 1))
    )
)
def test_figures_hold_for_any_labels(table: NDArray[np.int8]) -> None:
    """Counts add up, and probabilities are the ones that counting one by one gives."""
    before, module._BLOCK = module._BLOCK, 8
    try:
        figures = statistics(made(table))
    finally:
        module._BLOCK = before
    assert (figures.yes + figures.no + figures.unknown == len(table)).all()
    assert (figures.together == figures.together.T).all()
    for a in range(table.shape[1]):
        for b in range(table.shape[1]):
            known = table[(table[:, a] == 1) & (table[:, b] >= 0), b]
            expected = known.mean() if len(known) else np.nan
            np.testing.assert_allclose(figures.given[a, b], expected)
    assert all(pair.both > 0 for pair in figures.top_pairs(10))
