"""Intervals and comparisons: figures of resamples, coverage, verdicts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from metric_data import Drawn, few, labelled_scores

from soutu.metrics import (
    bootstrap,
    bootstrap_mean,
    calibration_error,
    estimated,
    f1,
    f1_parts,
    figure_of_calibration,
    figure_of_hamming,
    figure_of_map,
    figure_of_mean,
    figure_of_median,
    figure_of_parts,
    figure_of_ratio,
    figure_of_rows,
    hamming_loss,
    mean_average_precision,
    paired,
    paired_means,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from soutu.metrics import Figure

RNG = np.random.default_rng(0)


@few
@given(labelled_scores(masked=True, rows=9))
def test_a_figure_of_counts_is_that_of_the_repeated_rows(drawn: Drawn) -> None:
    """However often rows count, a figure is what the plain function gives of rows written out."""
    scores, truth = drawn
    predicted = drawn.decisions
    parts = f1_parts(predicted, truth)
    pairs: list[tuple[Figure, Callable[[np.ndarray], float]]] = [
        (figure_of_map(scores, truth), lambda r: mean_average_precision(scores[r], truth[r])),
        (figure_of_hamming(predicted, truth), lambda r: _hamming(predicted[r], truth[r])),
        (figure_of_calibration(scores, truth), lambda r: calibration_error(scores[r], truth[r])),
        (figure_of_median(scores[:, 0]), lambda r: float(np.median(scores[r, 0]))),
        (figure_of_mean(scores[:, 0]), lambda r: float(np.mean(scores[r, 0]))),
        (figure_of_parts(parts, "micro"), lambda r: f1(predicted[r], truth[r]).micro),
        (figure_of_parts(parts, "macro"), lambda r: f1(predicted[r], truth[r]).macro),
    ]
    counts = np.random.default_rng(1).integers(0, 4, (len(scores), 6)).astype(np.float32)
    counts[:, counts.sum(axis=0) == 0] = 1
    for figure, plain in pairs:
        expected = figure_of_rows(lambda rows, plain=plain: plain(rows))(counts)  # type: ignore[misc]
        np.testing.assert_allclose(figure(counts), expected, rtol=1e-9, atol=1e-12)


def _hamming(predicted: np.ndarray, truth: np.ndarray) -> float:
    return hamming_loss(predicted, truth) if (truth >= 0).any() else math.nan


def test_f1_of_samples_does_not_count_rows_that_nobody_knows() -> None:
    """Such a row has no F1, however often it is drawn."""
    truth = np.array([[1, 0], [-1, -1], [1, 1]], np.int8)
    figure = figure_of_parts(f1_parts(truth == 1, truth), "samples")
    assert figure(np.array([[1], [5], [2]], np.float32)) == [1.0]
    assert np.isnan(figure(np.array([[0], [5], [0]], np.float32))).all()


def test_medians_and_means_leave_nan_out() -> None:
    """Queries that do not count, do not count here either."""
    values = np.array([np.nan, 1.0, 3.0, 10.0])
    assert estimated(figure_of_median(values), 4) == 3.0
    assert estimated(figure_of_mean(values), 4) == pytest.approx(14 / 3)
    assert math.isnan(estimated(figure_of_median(values[:1]), 1))
    assert math.isnan(estimated(figure_of_mean(values[:1]), 1))


# --- Intervals. ---


def test_the_interval_of_a_mean_is_the_normal_one() -> None:
    """For many rows: estimate plus and minus 1.96 standard errors."""
    values = RNG.normal(5, 2, 4000)
    found = bootstrap_mean(values, resamples=2000)
    error = 1.96 * values.std() / math.sqrt(len(values))
    assert found.estimate == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - error, abs=error / 8)
    assert found.high == pytest.approx(values.mean() + error, abs=error / 8)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Of the mean of a skewed distribution: 95 of 100, to what 300 trials can tell."""
    rng = np.random.default_rng(3)
    hits = 0
    for trial in range(300):
        found = bootstrap_mean(rng.exponential(1, 60), resamples=400, seed=trial)
        hits += found.low <= 1 <= found.high
    assert 0.90 <= hits / 300 <= 0.98


def test_the_interval_of_map_lies_around_its_estimate() -> None:
    """Resampling moves mAP up, most for rare labels; the interval makes up for it."""
    rng = np.random.default_rng(4)
    truth = rng.random((200, 6)) < 0.05
    scores = rng.random((200, 6)) + 0.3 * truth
    figure = figure_of_map(scores, truth)
    counts = np.stack([np.bincount(rng.integers(200, size=200), minlength=200) for _ in range(200)])
    plain = figure(counts.T.astype(np.float32))
    found = bootstrap(figure, 200)
    assert np.median(plain) > found.estimate
    assert found.low < found.estimate < found.high
    assert found.high < np.quantile(plain, 0.975)


def test_the_same_seed_gives_the_same_interval() -> None:
    """And another one another."""
    values = RNG.random(50)
    assert bootstrap_mean(values, seed=1) == bootstrap_mean(values, seed=1)
    assert bootstrap_mean(values, seed=1) != bootstrap_mean(values, seed=2)


def test_blocks_of_resamples_give_what_one_block_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded without changing the answer."""
    values = RNG.random(50)
    whole = bootstrap_mean(values)
    monkeypatch.setattr("soutu.metrics.resampling._BLOCK", 130)
    assert bootstrap_mean(values) == whole


def test_degenerate_figures_have_degenerate_intervals() -> None:
    """A constant has no width; no rows, one row, or no value have no interval."""
    assert bootstrap_mean(np.ones(20)) == (1.0, 1.0, 1.0)
    nothing = bootstrap(figure_of_ratio(np.zeros(5), np.zeros(5)), 5)
    assert np.isnan(nothing).all()
    assert np.isnan(bootstrap_mean(np.array([]))).all()
    one = bootstrap_mean(np.array([2.0]))
    assert one.estimate == 2.0
    assert math.isnan(one.low)
    with pytest.raises(ValueError, match="0 resamples"):
        bootstrap_mean(np.ones(3), resamples=0)


def test_resamples_without_a_value_are_left_out() -> None:
    """A figure that only some rows carry keeps an interval."""
    counted = np.zeros(20)
    counted[0] = 1
    found = bootstrap(figure_of_ratio(0.3 * counted, counted), 20)
    assert found == pytest.approx((0.3, 0.3, 0.3))


# --- Comparisons. ---


def test_a_clear_difference_has_a_verdict_and_an_unclear_one_has_none() -> None:
    """In both directions, and for figures of which less is better."""
    a = RNG.random(200)
    b = a + 0.05 + 0.1 * RNG.standard_normal(200)
    found = paired_means(a, b)
    assert found.verdict == "B is better"
    assert found.b - found.a == pytest.approx(found.difference.estimate)
    assert paired_means(b, a).verdict == "A is better"
    assert paired_means(a, b, higher_is_better=False).verdict == "A is better"
    assert paired_means(b, a, higher_is_better=False).verdict == "B is better"
    assert paired_means(a, a + 0.1 * RNG.standard_normal(200)).verdict == "no difference shown"
    assert paired_means(a, a).verdict == "no difference shown"


def test_pairing_shows_what_two_intervals_would_not() -> None:
    """Rows differ far more than the systems do; each row is compared with itself."""
    a = RNG.normal(0, 10, 300)
    b = a + 0.2 + 0.5 * RNG.standard_normal(300)
    assert bootstrap_mean(a).high > bootstrap_mean(b).low
    assert paired_means(a, b).verdict == "B is better"


def test_few_rows_have_no_verdict() -> None:
    """Five rows that all speak for B are still chance; six are not."""
    a = np.zeros(1000)
    b = a.copy()
    b[:5] = 1
    assert paired_means(a, b).difference.low > 0
    assert paired_means(a, b).verdict == "no difference shown"
    b[5] = 1
    assert paired_means(a, b).verdict == "B is better"


def test_systems_that_are_alike_rarely_have_a_verdict() -> None:
    """At most about 5 of 100 comparisons of equal systems name a winner."""
    rng = np.random.default_rng(5)
    named = 0
    for seed in range(200):
        a, b = (rng.random((2, 80)) < 0.5).astype(float)
        named += paired_means(a, b, resamples=300, seed=seed).verdict != "no difference shown"
    assert named / 200 < 0.1


def test_rankings_are_compared_by_their_map() -> None:
    """A ranking with less noise is found to be better."""
    truth = RNG.random((300, 4)) < 0.3
    noise = RNG.standard_normal((2, 300, 4))
    a, b = figure_of_map(truth + noise[0], truth), figure_of_map(truth + 0.5 * noise[1], truth)
    assert paired(a, b, 300).verdict == "B is better"


def test_rows_where_either_has_no_value_do_not_count() -> None:
    """Both means are of the same rows; other lengths are refused."""
    a, b = np.array([1.0, np.nan, 3.0]), np.array([2.0, 5.0, np.nan])
    found = paired_means(a, b)
    assert (found.a, found.b) == (1.0, 2.0)
    with pytest.raises(ValueError, match="same rows"):
        paired_means(a, b[:2])
