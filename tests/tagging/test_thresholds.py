"""Thresholds that maximise expected F1."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soutu.heads.base import sigmoid
from soutu.library.tagging.thresholds import (
    LEAST,
    MOST,
    bias_for_mean,
    blend,
    f1_threshold,
    logit,
)


def expected_f1(p: np.ndarray, chosen: np.ndarray) -> float:
    return float(2 * p[chosen].sum() / max(chosen.sum() + p.sum(), 1e-12))


def test_no_other_cut_has_a_higher_expected_f1() -> None:
    """The threshold is as good as the best of all cuts, for many kinds of distributions."""
    rng = np.random.default_rng(0)
    rows = np.stack([rng.beta(a, b, 300) for a, b in ((0.2, 4), (1, 1), (0.5, 9), (3, 1))])
    for p, threshold in zip(rows, f1_threshold(rows), strict=True):
        if LEAST < threshold < MOST:
            best = max(expected_f1(p, p >= cut) for cut in p)
            assert expected_f1(p, p >= threshold) == pytest.approx(best, rel=1e-6)


def test_a_sure_tag_is_cut_at_one_half() -> None:
    """With probabilities of 0 and 1 the best F1 is 1, and half of it is 0.5."""
    p = np.array([[0.0] * 90 + [1.0] * 10])
    assert f1_threshold(p)[0] == pytest.approx(0.5)


def test_thresholds_stay_within_bounds() -> None:
    """A tag that is nowhere likely is not cut at nothing."""
    p = np.full((1, 100), 1e-5)
    assert f1_threshold(p)[0] == LEAST


def test_no_pictures_is_an_error() -> None:
    """Without a distribution there is no threshold to find."""
    with pytest.raises(ValueError, match="no pictures"):
        f1_threshold(np.zeros((3, 0)))


def test_blend_moves_from_the_common_threshold_to_the_own_one() -> None:
    """Share 0 gives the common threshold, 1 the own one, and in between it lies between."""
    own = np.array([0.02, 0.4])
    np.testing.assert_allclose(blend(own, 0.1, 0.0), [0.1, 0.1])
    np.testing.assert_allclose(blend(own, 0.1, 1.0), own)
    half = blend(own, 0.1, 0.5)
    assert 0.02 < half[0] < 0.1 < half[1] < 0.4


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=50), st.floats(0.001, 0.9))
def test_the_bias_gives_the_mean_that_is_asked_for(scores: list[float], target: float) -> None:
    """Whatever the scores, the mean probability meets the target."""
    values = np.array(scores)
    found = sigmoid(values + bias_for_mean(values, target)).mean()
    assert found == pytest.approx(target, rel=0.01)


def test_sigmoid_and_logit_are_inverse_and_survive_extremes() -> None:
    """No overflow, and certainty maps to infinity."""
    p = np.array([0.001, 0.3, 0.999])
    np.testing.assert_allclose(sigmoid(logit(p)), p)
    assert sigmoid(np.array([-1e9, 1e9])) == pytest.approx([0, 1], abs=1e-9)
    assert logit(np.array([0.0, 1.0])).tolist() == [-np.inf, np.inf]
