"""Figures of search, by hand and against scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from metric_data import Drawn, few, labelled_scores
from sklearn import metrics as reference

from soutu.metrics import (
    first_ranks,
    ndcgs_at_k,
    precisions_at_k,
    query_average_precisions,
    rank_figures,
    recall_at_k,
    recalls_at_k,
)

EXACT = 1e-9


@pytest.mark.parametrize(
    ("found", "true", "k", "expected"),
    [
        ([[1, 2, 3]], [[1, 2, 3]], 3, 1.0),
        ([[3, 9, 1]], [[1, 2, 3]], 3, 2 / 3),
        ([[9, 1]], [[1]], 1, 0.0),
        ([[9, 1]], [[1]], 2, 1.0),
        ([[1], [5, 6]], [[1, 2], [6, 5]], 2, 0.75),
        ([[]], [[1]], 10, 0.0),
        ([[1], [2]], [[1], []], 5, 1.0),
    ],
)
def test_recall_at_k(
    found: list[list[int]], true: list[list[int]], k: int, expected: float
) -> None:
    """The share of true ids among the first k, averaged over queries that have any."""
    assert recall_at_k(found, true, k) == pytest.approx(expected)


def test_recall_at_k_takes_arrays_and_refuses_unequal_lengths() -> None:
    """Arrays of ids work like lists; answers and queries must pair up."""
    ids = np.arange(6).reshape(2, 3)
    assert recall_at_k(ids, ids[:, ::-1], 3) == 1.0
    assert math.isnan(recall_at_k([[1]], [[]], 1))
    np.testing.assert_array_equal(recalls_at_k([[1], [1]], [[], [1, 2]], 1), [np.nan, 0.5])
    with pytest.raises(ValueError, match="1 answers for 2 queries"):
        recall_at_k([[1]], [[1], [2]], 1)


def test_first_ranks_by_hand() -> None:
    """First; second; behind all it ties with; left out items do not stand before it; none."""
    scores = np.array([[3, 2, 1], [3, 2, 1], [1, 1, 1], [3, 2, 1], [3, 2, 1]], float)
    relevant = np.array([[1, 0, 1], [0, 1, 0], [0, 1, 0], [-1, 1, 0], [0, 0, 0]], np.int8)
    ranks = first_ranks(scores, relevant)
    np.testing.assert_array_equal(ranks, [1, 2, 3, 1, np.nan])
    figures = rank_figures(ranks, (1, 2))
    assert figures == ({1: 0.5, 2: 0.75}, 1.75, 1.5)
    none = rank_figures(ranks[4:])
    assert math.isnan(none.mean)
    assert math.isnan(none.recall[10])


def test_precision_at_k_by_hand() -> None:
    """Two of three; ties for the last place by their share; few items; the query left out."""
    scores = np.array([[4, 3, 2, 1], [4, 1, 1, 1], [4, 3, 2, 1]], float)
    relevant = np.array([[1, 0, 1, 1], [0, 1, 1, 0], [-1, 1, 1, 1]], np.int8)
    np.testing.assert_allclose(precisions_at_k(scores, relevant, 3), [2 / 3, 4 / 9, 1])
    np.testing.assert_allclose(precisions_at_k(scores, relevant, 6), [3 / 6, 2 / 6, 3 / 6])
    assert np.isnan(precisions_at_k(scores, 0 * relevant, 2)).all()
    assert np.isnan(precisions_at_k(np.zeros((2, 0)), np.zeros((2, 0), bool), 2)).all()
    with pytest.raises(ValueError, match="k is 0"):
        precisions_at_k(scores, relevant, 0)


@few
@given(labelled_scores(labels=8), st.sampled_from([1, 2, 3, 10, None]))
def test_ndcg_is_scikit_learns(drawn: Drawn, k: int | None) -> None:
    """With ties and graded gains; queries without any gain do not count."""
    # scikit-learn refuses rankings of a single item.
    scores, gains = np.pad(drawn.scores, ((0, 0), (0, 1))), np.pad(drawn.labels, ((0, 0), (0, 1)))
    gains[:, ::2] *= 3
    found = ndcgs_at_k(scores, gains, k)
    for row in range(len(scores)):
        if gains[row].any():
            expected = reference.ndcg_score(gains[[row]], scores[[row]], k=k)
            assert found[row] == pytest.approx(expected, abs=EXACT)
        else:
            assert np.isnan(found[row])


@few
@given(labelled_scores(masked=True, labels=8), st.integers(1, 4))
def test_leaving_items_out_is_not_having_them(drawn: Drawn, k: int) -> None:
    """Masked items change no figure of their query."""
    scores, relevant = drawn
    found = {
        "map": query_average_precisions(scores, relevant),
        "rank": first_ranks(scores, relevant),
        "precision": precisions_at_k(scores, relevant, k),
        "ndcg": ndcgs_at_k(scores, relevant, k),
    }
    for row in range(len(scores)):
        kept = relevant[row] >= 0
        few = scores[[row]][:, kept], relevant[[row]][:, kept]
        np.testing.assert_allclose(found["map"][[row]], query_average_precisions(*few))
        np.testing.assert_allclose(found["rank"][[row]], first_ranks(*few))
        np.testing.assert_allclose(found["precision"][[row]], precisions_at_k(*few, k))
        np.testing.assert_allclose(found["ndcg"][[row]], ndcgs_at_k(*few, k))


@few
@given(labelled_scores(labels=8))
def test_average_precision_of_queries_is_scikit_learns(drawn: Drawn) -> None:
    """One ranking for each query."""
    found = query_average_precisions(drawn.scores, drawn.labels)
    for row in np.flatnonzero(drawn.labels.any(axis=1)):
        expected = reference.average_precision_score(drawn.labels[row], drawn.scores[row])
        assert found[row] == pytest.approx(expected, abs=EXACT)
