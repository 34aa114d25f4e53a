"""Known answers by hand, and agreement with scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics as reference

from soutu.metrics import (
    average_precision,
    f1,
    hamming_loss,
    mean_average_precision,
    recall_at_k,
)


def labels(*rows: str) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    return np.array([[c == "1" for c in row] for row in rows])


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
    with pytest.raises(ValueError, match="1 answers for 2 queries"):
        recall_at_k([[1]], [[1], [2]], 1)


@pytest.mark.parametrize(
    ("scores", "relevant", "expected"),
    [
        ([0.9, 0.8, 0.7], "100", 1.0),
        ([0.9, 0.8, 0.7], "001", 1 / 3),
        ([0.9, 0.8, 0.7, 0.6], "1010", (1 + 2 / 3) / 2),
        ([0.5, 0.5, 0.5, 0.5], "0010", 0.25),  # ties: the order of the rows must not matter
        ([0.9, 0.5, 0.5], "110", (1 + 2 / 3) / 2),
    ],
)
def test_average_precision(scores: list[float], relevant: str, expected: float) -> None:
    """Precision at each relevant rank, averaged; ties form one step."""
    assert average_precision(np.array(scores), labels(relevant)[0]) == pytest.approx(expected)


def test_nothing_relevant_has_no_average_precision() -> None:
    """Without anything to find there is no figure, and it does not enter the mean."""
    scores = np.array([[0.9, 0.1], [0.2, 0.8]])
    assert math.isnan(average_precision(scores[:, 0], labels("00")[0]))
    assert mean_average_precision(scores, labels("10", "00")) == 1.0
    assert math.isnan(mean_average_precision(scores, labels("00", "00")))


def test_f1_by_hand() -> None:
    """Label A: 1 hit, 1 false, 1 missed; label B: 1 hit; label C: never."""
    result = f1(labels("110", "100", "000"), labels("110", "000", "100"))

    assert result.micro == pytest.approx(2 * 2 / (3 + 3))
    assert result.macro == pytest.approx((0.5 + 1.0 + 0.0) / 3)


def test_hamming_loss_by_hand() -> None:
    """Two wrong decisions of six."""
    assert hamming_loss(labels("110", "000"), labels("100", "001")) == pytest.approx(2 / 6)


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_scikit_learn(seed: int) -> None:
    """On random labels with ties in the scores every figure is scikit-learn's."""
    rng = np.random.default_rng(seed)
    true = rng.random((60, 7)) < 0.3
    true[0] = True
    scores = np.round(rng.random((60, 7)), 1)
    predicted = scores > 0.5

    assert mean_average_precision(scores, true) == pytest.approx(
        reference.average_precision_score(true, scores, average="macro")
    )
    assert f1(predicted, true).micro == pytest.approx(
        reference.f1_score(true, predicted, average="micro")
    )
    assert f1(predicted, true).macro == pytest.approx(
        reference.f1_score(true, predicted, average="macro")
    )
    assert hamming_loss(predicted, true) == pytest.approx(reference.hamming_loss(true, predicted))


def test_empty_input_has_no_errors() -> None:
    """No rows: nothing wrong, nothing found."""
    empty = np.zeros((0, 3), bool)
    assert hamming_loss(empty, empty) == 0.0
    assert f1(empty, empty) == (0.0, 0.0, 0.0)
