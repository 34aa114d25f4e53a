"""Calibration of probabilities, against scikit-learn and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from metric_data import Drawn, few, labelled_scores
from sklearn import metrics as reference
from sklearn.calibration import calibration_curve

from soutu.metrics import brier, calibration_error, calibration_errors, reliability

EXACT = 1e-9


@few
@given(labelled_scores(), st.integers(1, 20))
def test_reliability_is_scikit_learns(drawn: Drawn, bins: int) -> None:
    """The bins that hold anything, of equal width or equal count."""
    probabilities, truth = drawn.scores.ravel(), drawn.labels.ravel()
    for ours, theirs in (("width", "uniform"), ("count", "quantile")):
        found = reliability(probabilities, truth, bins=bins, spacing=ours)  # type: ignore[arg-type]
        held, predicted = calibration_curve(
            truth, probabilities, n_bins=bins, strategy=theirs, pos_label=1
        )
        filled = found.counts > 0
        np.testing.assert_allclose(found.held[filled], held, atol=EXACT, rtol=0)
        np.testing.assert_allclose(found.predicted[filled], predicted, atol=EXACT, rtol=0)
        assert np.isnan(found.held[~filled]).all()
        assert found.counts.sum() == len(truth)


@few
@given(labelled_scores(masked=True))
def test_brier_score_is_scikit_learns_of_what_is_known(drawn: Drawn) -> None:
    """The squared distance over known entries; NaN without any."""
    known = drawn.labels >= 0
    found = brier(drawn.scores, drawn.labels)
    if known.any():
        expected = reference.brier_score_loss(drawn.labels[known], drawn.scores[known], pos_label=1)
        assert found == pytest.approx(expected, abs=EXACT)
    else:
        assert math.isnan(found)


def test_calibration_error_by_hand() -> None:
    """Bin 0.8..0.9 says 0.85 and holds half the time, bin 0..0.1 is right; by size."""
    probabilities = np.array([[0.85, 0.0], [0.85, 0.0]])
    truth = np.array([[1, 0], [0, 0]], np.int8)
    assert calibration_error(probabilities, truth, bins=10) == pytest.approx(0.35 / 2)
    np.testing.assert_allclose(calibration_errors(probabilities, truth, bins=10), [0.35, 0.0])
    unknown = np.full_like(truth, -1)
    assert math.isnan(calibration_error(probabilities, unknown))


def test_perfect_probabilities_have_no_calibration_error() -> None:
    """What is drawn with the probabilities themselves is calibrated, up to chance."""
    rng = np.random.default_rng(0)
    probabilities = rng.random(100_000)
    assert calibration_error(probabilities, rng.random(100_000) < probabilities) < 0.01


@pytest.mark.parametrize("wrong", [1.5, -0.1, math.nan])
def test_what_is_no_probability_is_refused(wrong: float) -> None:
    """Scores outside 0 .. 1 are no probabilities."""
    with pytest.raises(ValueError, match=r"must be 0 \.\. 1"):
        brier(np.array([wrong]), np.array([1], np.int8))


def test_unequal_shapes_and_no_bins_are_refused() -> None:
    """Both arrays must pair up, and there must be a bin."""
    with pytest.raises(ValueError, match="probabilities for"):
        brier(np.zeros(2), np.zeros(3, np.int8))
    with pytest.raises(ValueError, match="0 bins"):
        reliability(np.zeros(2), np.zeros(2, np.int8), bins=0)
