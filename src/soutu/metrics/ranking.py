"""Figures of scores for many labels at once: average precision, one-error, coverage, ranking.

The last three are those of Tsoumakas, Katakis and Vlahavas, "Mining Multi-label Data" (2010).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from soutu.metrics.masks import masks, mean, quotient, require_alike

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.metrics.masks import Figures, Labels, Scores


def average_precision(scores: Scores, relevant: Labels) -> float:
    """Sum precision times the gain in recall down the ranking: the step-wise area under the curve.

    `scores` [n], `relevant` [n]. Equal scores count as one step, so the order of the input does
    not matter. NaN where nothing is relevant.
    """
    require_alike(scores, relevant, axes=1)
    yes, known = masks(relevant)
    return _average_precision(scores[known], yes[known])


def average_precisions(scores: Scores, labels: Labels) -> Figures:
    """Compute the average precision of each label (column) of [n, labels]; NaN where none holds."""
    require_alike(scores, labels, axes=2)
    yes, known = masks(labels)
    by_label = np.ascontiguousarray(scores.T)
    return np.array(
        [
            _average_precision(by_label[j][known[:, j]], yes[known[:, j], j])
            for j in range(labels.shape[1])
        ],
        np.float64,
    )


def mean_average_precision(scores: Scores, relevant: Labels) -> float:
    """Average the average precision over labels (columns) that hold for any row: macro mAP.

    `scores` and `relevant` [n, labels]. NaN where no label holds anywhere.
    """
    return mean(average_precisions(scores, relevant))


def micro_average_precision(scores: Scores, labels: Labels) -> float:
    """Compute the average precision of all entries of [n, labels] in one ranking: micro mAP."""
    require_alike(scores, labels, axes=2)
    return average_precision(scores.ravel(), labels.ravel())


def one_errors(scores: Scores, labels: Labels) -> Figures:
    """Say of each row whether its best-scored label is wrong: 1, 0, or between for ties.

    Of labels that tie for the best, the share that is wrong counts. Rows without a label that
    holds do not count (NaN): no ranking could be right there.
    """
    yes, known, values = _rows(scores, labels)
    best = known & (values == values.max(axis=1, keepdims=True, initial=-np.inf))
    with np.errstate(invalid="ignore"):
        wrong = (best & ~yes).sum(axis=1) / best.sum(axis=1)
    return np.where(yes.any(axis=1), wrong, np.nan)


def one_error(scores: Scores, labels: Labels) -> float:
    """Compute the share of rows whose best-scored label does not hold."""
    return mean(one_errors(scores, labels))


def coverage_errors(scores: Scores, labels: Labels) -> Figures:
    """Count for each row how far down its ranking the last label that holds is found.

    Labels of equal score are all counted. 0 for rows where no label holds, as in scikit-learn;
    NaN for those where nothing is known.
    """
    yes, known, values = _rows(scores, labels)
    worst = np.where(yes, values, np.inf).min(axis=1, keepdims=True, initial=np.inf)
    depth = (known & (values >= worst) & yes.any(axis=1, keepdims=True)).sum(axis=1)
    return np.where(known.any(axis=1), depth, np.nan)


def coverage_error(scores: Scores, labels: Labels) -> float:
    """Average how many labels must be taken from the top for all that hold to be among them."""
    return mean(coverage_errors(scores, labels))


def ranking_losses(scores: Scores, labels: Labels) -> Figures:
    """Compute for each row the share of pairs (holds, does not hold) in the wrong order.

    Ties are wrong. 0 for rows without any such pair, as in scikit-learn; NaN for those where
    nothing is known.
    """
    yes, known, values = _rows(scores, labels)
    no = known & ~yes
    # From the lowest score up, with what holds before what does not among equals: then the wrong
    # pairs of a label that does not hold are all the holding ones before it.
    order = np.lexsort((no, values), axis=1)
    below = np.cumsum(np.take_along_axis(yes, order, 1), axis=1, dtype=np.int64)
    wrong = np.where(np.take_along_axis(no, order, 1), below, 0).sum(axis=1, dtype=np.float64)
    pairs = yes.sum(axis=1) * no.sum(axis=1)
    return np.where(known.any(axis=1), quotient(wrong, pairs, empty=0.0), np.nan)


def ranking_loss(scores: Scores, labels: Labels) -> float:
    """Average over rows the share of pairs (holds, does not hold) in the wrong order."""
    return mean(ranking_losses(scores, labels))


def last_of_ties(ranked: Scores) -> NDArray[np.intp]:
    """Return the last position of each run of equal scores in a ranking [n]."""
    return np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))


def _average_precision(scores: Scores, yes: NDArray[np.bool_]) -> float:
    total = int(yes.sum())
    if total == 0:
        return float("nan")
    order = np.argsort(-scores)
    ends = last_of_ties(scores[order])
    hits = np.cumsum(yes[order])[ends]
    return float(np.sum(np.diff(hits, prepend=0) * (hits / (ends + 1))) / total)


def _rows(
    scores: Scores, labels: Labels
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.floating]]:
    """Return what holds, what is known, and the scores with unknown ones below all others."""
    require_alike(scores, labels, axes=2)
    yes, known = masks(labels)
    return yes, known, np.where(known, scores, -np.inf)
