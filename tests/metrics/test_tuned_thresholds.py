"""Thresholds that are tuned on labelled scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from metric_data import Drawn, few, labelled_scores

from soutu.metrics import f1, per_label, tuned_global, tuned_thresholds


@few
@given(labelled_scores(masked=True))
def test_no_other_threshold_gives_a_better_f1(drawn: Drawn) -> None:
    """Each label's is at least that at any score; the common one's micro F1 too."""
    scores, truth = drawn
    best = per_label(scores >= tuned_thresholds(scores, truth), truth).f1
    common = f1(scores >= tuned_global(scores, truth), truth).micro
    for cut in np.unique(scores):
        other = per_label(scores >= cut, truth).f1
        held = (truth == 1).any(axis=0)
        assert (best[held] >= other[held]).all()
        assert not (truth == 1).any() or common >= f1(scores >= cut, truth).micro


def test_a_threshold_lies_between_the_last_taken_and_the_first_left() -> None:
    """Halfway; at the end of the ranking on the last score; the default where nothing holds."""
    scores = np.array([[0.9, 0.9, 0.3], [0.8, 0.8, 0.2], [0.4, 0.4, 0.1]], np.float32)
    truth = np.array([[1, 1, 0], [1, 0, 0], [0, 1, -1]], np.int8)
    found = tuned_thresholds(scores, truth)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [0.6, 0.4, 0.5], rtol=1e-6)
    assert tuned_thresholds(scores, truth, default=0.7)[2] == np.float32(0.7)
    assert tuned_global(scores[:, 2:], truth[:, 2:]) == 0.5


def test_neighbours_in_float32_stay_apart() -> None:
    """Where no number lies between two scores, the threshold is the upper one."""
    low = np.float32(0.5)
    high = np.nextafter(low, np.float32(1))
    scores = np.array([[high], [low]], np.float32)
    found = tuned_thresholds(scores, np.array([[1], [0]], np.int8))
    assert (scores >= found).ravel().tolist() == [True, False]


def test_with_a_prior_few_examples_lean_on_all_labels() -> None:
    """Many yes's move a label's own threshold, one odd yes does not, and none gives the common."""
    draws = np.random.default_rng(0)
    truth = (draws.random((600, 4)) < [0.3, 0.3, 0, 0]).astype(np.int8)
    scores = (0.4 + 0.4 * truth + draws.normal(0, 0.05, truth.shape)).astype(np.float32)
    scores[:, 1] -= 0.3  # its yes's lie lower than those of the others
    truth[0, 2], scores[0, 2] = 1, 0.42
    found = tuned_thresholds(scores, truth, prior=5)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [0.6, 0.3, 0.55, 0.55], atol=0.1)
    assert tuned_thresholds(scores, truth)[2] < 0.45
    heard = np.where(draws.random(truth.shape) < 0.5, truth, -1).astype(np.int8)
    np.testing.assert_allclose(tuned_thresholds(scores, heard, prior=5), found, atol=0.1)


def test_a_prior_without_any_yes_gives_the_default() -> None:
    """There is nothing to lean on."""
    found = tuned_thresholds(np.ones((3, 2)), np.zeros((3, 2), np.int8), prior=5)
    assert found.tolist() == [0.5, 0.5]


def test_unequal_shapes_are_refused() -> None:
    """Scores and labels must pair up."""
    with pytest.raises(ValueError, match="labels"):
        tuned_thresholds(np.zeros((2, 3)), np.zeros((3, 2), np.int8))
