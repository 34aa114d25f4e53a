"""Decisions and rankings of labels: known answers by hand, and agreement with scikit-learn."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from metric_data import Drawn, few, labelled_scores
from sklearn import metrics as reference

from soutu.metrics import (
    average_precision,
    average_precisions,
    coverage_error,
    coverage_errors,
    f1,
    hamming_loss,
    mean_average_precision,
    micro_average_precision,
    one_error,
    one_errors,
    per_label,
    precision,
    ranking_loss,
    ranking_losses,
    recall,
    subset_accuracy,
)

EXACT = 1e-9


def labels(*rows: str) -> np.ndarray[tuple[int, int], np.dtype[np.int8]]:
    """Write labels as 1, 0 and ? for unknown."""
    return np.array([[{"1": 1, "0": 0, "?": -1}[c] for c in row] for row in rows], np.int8)


def decisions(*rows: str) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    return np.array([[c == "1" for c in row] for row in rows])


# --- By hand. ---


@pytest.mark.parametrize(
    ("scores", "relevant", "expected"),
    [
        ([0.9, 0.8, 0.7], "100", 1.0),
        ([0.9, 0.8, 0.7], "001", 1 / 3),
        ([0.9, 0.8, 0.7, 0.6], "1010", (1 + 2 / 3) / 2),
        ([0.5, 0.5, 0.5, 0.5], "0010", 0.25),  # ties: the order of the rows must not matter
        ([0.9, 0.5, 0.5], "110", (1 + 2 / 3) / 2),
        ([0.9, 0.8, 0.7], "?01", 1 / 2),
    ],
)
def test_average_precision(scores: list[float], relevant: str, expected: float) -> None:
    """Precision at each relevant rank, averaged; ties form one step, unknown ones do not exist."""
    assert average_precision(np.array(scores), labels(relevant)[0]) == pytest.approx(expected)


def test_nothing_relevant_has_no_average_precision() -> None:
    """Without anything to find there is no figure, and it does not enter the mean."""
    scores = np.array([[0.9, 0.1], [0.2, 0.8]])
    assert math.isnan(average_precision(scores[:, 0], labels("00")[0]))
    assert mean_average_precision(scores, labels("10", "00")) == 1.0
    assert math.isnan(mean_average_precision(scores, labels("00", "00")))
    assert math.isnan(mean_average_precision(scores, labels("??", "??")))


def test_f1_by_hand() -> None:
    """Label A: 1 hit, 1 false, 1 missed; label B: 1 hit; label C: never."""
    result = f1(decisions("110", "100", "000"), labels("110", "000", "100"))

    assert result.micro == pytest.approx(2 * 2 / (3 + 3))
    assert result.macro == pytest.approx((0.5 + 1.0 + 0.0) / 3)
    assert result.samples == pytest.approx((1.0 + 0.0 + 0.0) / 3)


def test_hamming_loss_and_subset_accuracy_by_hand() -> None:
    """Two wrong decisions of six; with one of them unknown, one of five, and a row all right."""
    predicted = decisions("110", "000")
    assert hamming_loss(predicted, labels("100", "001")) == pytest.approx(2 / 6)
    assert hamming_loss(predicted, labels("1?0", "001")) == pytest.approx(1 / 5)
    assert subset_accuracy(predicted, labels("100", "001")) == 0.0
    assert subset_accuracy(predicted, labels("1?0", "001")) == 0.5


def test_one_error_by_hand() -> None:
    """Right, wrong, tied between both, and a row where nothing could be right."""
    scores = np.array([[0.9, 0.1], [0.1, 0.9], [0.5, 0.5], [0.1, 0.2]])
    truth = labels("10", "10", "10", "00")
    np.testing.assert_array_equal(one_errors(scores, truth), [0, 1, 0.5, np.nan])
    assert one_error(scores, truth) == 0.5


def test_unknown_entries_do_not_exist() -> None:
    """A row's figures are those of its known labels alone; of no known labels there are none."""
    scores = np.array([[0.9, 0.8, 0.7], [0.9, 0.8, 0.7]])
    truth = labels("?01", "???")
    np.testing.assert_array_equal(one_errors(scores, truth), [1, np.nan])
    np.testing.assert_array_equal(coverage_errors(scores, truth), [2, np.nan])
    np.testing.assert_array_equal(ranking_losses(scores, truth), [1, np.nan])
    found = per_label(scores > 0.75, truth)
    np.testing.assert_array_equal(found.f1, [np.nan, 0, 0])
    np.testing.assert_array_equal(found.precision, [np.nan, 0, 0])
    np.testing.assert_array_equal(found.recall, [np.nan, 0, 0])
    assert f1(scores > 0.75, labels("1??", "???")) == (1.0, 1.0, 1.0)


@few
@given(labelled_scores(masked=True))
def test_what_is_scored_where_nothing_is_known_changes_nothing(drawn: Drawn) -> None:
    """Any score at a masked entry gives the same figures."""
    scores, truth = drawn
    other = np.where(truth == -1, 1 - scores, scores)
    for figure in (average_precisions, one_errors, coverage_errors, ranking_losses):
        np.testing.assert_array_equal(figure(scores, truth), figure(other, truth))
    for decided in (f1, precision, recall, hamming_loss, subset_accuracy):
        np.testing.assert_array_equal(decided(scores >= 0.5, truth), decided(other >= 0.5, truth))


@few
@given(labelled_scores(masked=True))
def test_the_order_of_rows_and_labels_changes_nothing(drawn: Drawn) -> None:
    """Ties are settled without looking at the order of the input."""
    scores, truth = drawn
    turned = scores[::-1, ::-1], truth[::-1, ::-1]
    np.testing.assert_allclose(average_precisions(*turned)[::-1], average_precisions(*drawn))
    for figure in (one_error, coverage_error, ranking_loss, micro_average_precision):
        np.testing.assert_allclose(figure(*turned), figure(*drawn))


# --- Against scikit-learn. ---


@few
@given(labelled_scores())
def test_average_precision_is_scikit_learns(drawn: Drawn) -> None:
    """Each label's, where it holds anywhere; macro over those; micro."""
    scores, truth = drawn
    found = average_precisions(scores, truth)
    held = truth.any(axis=0)
    assert np.isnan(found[~held]).all()
    for j in np.flatnonzero(held):
        expected = reference.average_precision_score(truth[:, j], scores[:, j])
        assert found[j] == pytest.approx(expected, abs=EXACT)
    if held.any():
        micro = reference.average_precision_score(truth, scores, average="micro")
        assert micro_average_precision(scores, truth) == pytest.approx(micro, abs=EXACT)
        # Of a single column scikit-learn makes a binary problem, of which there is no macro.
        macro = np.mean(
            [reference.average_precision_score(truth[:, [j]], scores[:, [j]])
             for j in np.flatnonzero(held)]
        )  # fmt: skip
        assert mean_average_precision(scores, truth) == pytest.approx(macro, abs=EXACT)


@few
@given(labelled_scores(labels=5))
def test_decisions_are_scikit_learns(drawn: Drawn) -> None:
    """Precision, recall and F1 in all averages and per label; Hamming and subset accuracy."""
    predicted, truth = drawn.decisions, drawn.labels
    # A single column would be taken for a binary problem: a second one makes it multi-label.
    predicted = np.concatenate([predicted, predicted[:, :1]], axis=1)
    truth = np.concatenate([truth, truth[:, :1]], axis=1)
    pairs = {
        precision: reference.precision_score,
        recall: reference.recall_score,
        f1: reference.f1_score,
    }
    for ours, theirs in pairs.items():
        expected = [
            theirs(truth, predicted, average=average, zero_division=0)
            for average in ("micro", "macro", "samples")
        ]
        np.testing.assert_allclose(ours(predicted, truth), expected, atol=EXACT, rtol=0)
    every = reference.precision_recall_fscore_support(
        truth, predicted, average=None, zero_division=0
    )
    np.testing.assert_allclose(per_label(predicted, truth), every[:3], atol=EXACT, rtol=0)
    assert hamming_loss(predicted, truth) == pytest.approx(
        reference.hamming_loss(truth, predicted), abs=EXACT
    )
    assert subset_accuracy(predicted, truth) == pytest.approx(
        reference.accuracy_score(truth, predicted), abs=EXACT
    )


@few
@given(labelled_scores())
def test_rankings_are_scikit_learns(drawn: Drawn) -> None:
    """Coverage error and ranking loss."""
    scores, truth = drawn
    # A single column would be taken for a binary problem.
    scores = np.concatenate([scores, np.zeros_like(scores[:, :2])], axis=1)
    truth = np.concatenate([truth, np.zeros_like(truth[:, :2])], axis=1)
    scores, truth = np.pad(scores, ((0, 0), (0, 1))), np.pad(truth, ((0, 0), (0, 1)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of rows where all labels hold, or none
        assert coverage_error(scores, truth) == pytest.approx(
            reference.coverage_error(truth, scores), abs=EXACT
        )
        assert ranking_loss(scores, truth) == pytest.approx(
            reference.label_ranking_loss(truth, scores), abs=EXACT
        )


@few
@given(labelled_scores(masked=True))
def test_a_masked_label_is_scikit_learns_of_what_is_left(drawn: Drawn) -> None:
    """Per label, leaving rows out and masking them is the same."""
    scores, truth = drawn
    found, decided = average_precisions(scores, truth), per_label(scores >= 0.5, truth)
    for j in range(truth.shape[1]):
        kept = truth[:, j] >= 0
        if truth[kept, j].any():
            expected = reference.average_precision_score(truth[kept, j], scores[kept, j])
            assert found[j] == pytest.approx(expected, abs=EXACT)
        if kept.any():
            expected = reference.f1_score(truth[kept, j], scores[kept, j] >= 0.5, zero_division=0)
            assert decided.f1[j] == pytest.approx(expected, abs=EXACT)


# --- Bad and empty input. ---


def test_empty_input_has_no_errors() -> None:
    """No rows: nothing wrong, nothing found."""
    empty = np.zeros((0, 3), bool)
    assert hamming_loss(empty, empty) == 0.0
    assert f1(empty, empty) == (0.0, 0.0, 0.0)
    for figure in (one_error, coverage_error, ranking_loss, mean_average_precision):
        assert math.isnan(figure(np.zeros((0, 3)), empty))
        assert math.isnan(figure(np.zeros((3, 0)), np.zeros((3, 0), bool)))


def test_what_cannot_be_measured_is_refused() -> None:
    """Other shapes, NaN scores and labels that are none say what is wrong."""
    scores = np.array([[0.5, np.nan]])
    with pytest.raises(ValueError, match=r"\(1, 2\) scores or decisions for \(2, 1\) labels"):
        one_error(scores, labels("1", "0"))
    with pytest.raises(ValueError, match="both must be"):
        average_precision(scores, labels("10"))
    with pytest.raises(ValueError, match="1 of 2 scores are NaN"):
        ranking_loss(scores, labels("10"))
    with pytest.raises(ValueError, match=r"labels are 1, 0 or -1, not 0 .. 2"):
        f1(scores > 0, np.array([[0, 2]], np.int8))
