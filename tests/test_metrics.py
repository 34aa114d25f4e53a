"""Metrics give known answers, and scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score
from sklearn.metrics import hamming_loss as sk_hamming

from soutu.metrics import average_precision, f1, hamming_loss, mean_average_precision, recall_at_k


def test_recall_counts_the_first_k_whatever_their_order() -> None:
    """Two of three found is 2/3; what is found at rank 4 does not count."""
    true = np.array([[1, 2, 3], [4, 5, 6]])
    found = np.array([[3, 1, 9, 2], [6, 5, 4, 0]])
    assert recall_at_k(found, true, 3) == pytest.approx((2 / 3 + 1) / 2)
    assert recall_at_k(found, true, 1) == 0.0
    with pytest.raises(ValueError, match="recall@4 needs 4 true ids"):
        recall_at_k(found, true, 4)


def test_average_precision_by_hand() -> None:
    """Relevant at ranks 1 and 3: (1/1 + 2/3) / 2."""
    relevant = np.array([True, False, True, False])
    assert average_precision(relevant, np.array([4.0, 3, 2, 1])) == pytest.approx(5 / 6)
    assert np.isnan(average_precision(np.zeros(3, bool), np.zeros(3)))


@given(st.integers(0, 10**6))
def test_scikit_learn_agrees(seed: int) -> None:
    """To 1e-9, ties among scores included."""
    rng = np.random.default_rng(seed)
    truth = rng.random((20, 4)) < 0.4
    truth[0] = True
    scores = rng.integers(0, 6, (20, 4)).astype(np.float64)
    predicted = scores > 3
    assert mean_average_precision(truth, scores) == pytest.approx(
        average_precision_score(truth, scores, average="macro"), abs=1e-9
    )
    for average in ("micro", "macro"):
        expected = f1_score(truth, predicted, average=average, zero_division=0)
        assert f1(truth, predicted, average) == pytest.approx(expected, abs=1e-9)
    assert hamming_loss(truth, predicted) == pytest.approx(sk_hamming(truth, predicted), abs=1e-9)


def test_labels_that_nobody_has() -> None:
    """They leave the mean of average precisions alone."""
    truth = np.array([[True, False], [False, False]])
    scores = np.array([[0.9, 0.9], [0.1, 0.8]])
    assert mean_average_precision(truth, scores) == 1.0
