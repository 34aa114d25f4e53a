"""Measures of retrieval and of multi-label tagging, in plain numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Average = Literal["micro", "macro"]


def recall_at_k(found: NDArray[np.int64], true: NDArray[np.int64], k: int) -> float:
    """Return the share of the k true neighbours that are among the first k found.

    `found` and `true` hold ids, best first, [q, >= k]; rows of `found` may be shorter, as when
    an index knows fewer. The mean over queries, as in ANN-Benchmarks (Aumueller et al., 2018).
    """
    if k < 1 or true.shape[1] < k or len(found) != len(true):
        msg = f"recall@{k} needs {k} true ids for each query, got {true.shape} for {found.shape}"
        raise ValueError(msg)
    shares = [len(np.intersect1d(a[:k], b[:k])) / k for a, b in zip(found, true, strict=True)]
    return float(np.mean(shares)) if shares else float("nan")


def average_precision(relevant: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Return the average precision of one ranking; nan where nothing is relevant.

    `relevant` and `scores` are [n]. The step-wise sum over recall levels of precision, with equal
    scores as one step, as scikit-learn's `average_precision_score` has it.
    """
    total = int(relevant.sum())
    if total == 0:
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(relevant[order])
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    gained = np.diff(hits[last], prepend=0) / total
    return float(np.sum(gained * hits[last] / (last + 1)))


def mean_average_precision(truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Return the mean over labels of `average_precision`; labels nobody has do not count.

    `truth` and `scores` are [n, labels].
    """
    each = [average_precision(truth[:, j], scores[:, j]) for j in range(truth.shape[1])]
    valid = [value for value in each if not np.isnan(value)]
    return float(np.mean(valid)) if valid else float("nan")


def f1(truth: NDArray[np.bool_], predicted: NDArray[np.bool_], average: Average) -> float:
    """Return the F1 score of multi-label predictions [n, labels].

    `micro` counts all decisions together, `macro` is the mean over labels; a label that nobody
    has and nobody predicts counts 0, as in scikit-learn.
    """
    axis = None if average == "micro" else 0
    both = np.sum(truth & predicted, axis=axis)
    either = np.sum(truth, axis=axis) + np.sum(predicted, axis=axis)
    return float(np.mean(np.where(either > 0, 2 * both / np.maximum(either, 1), 0.0)))


def hamming_loss(truth: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> float:
    """Return the share of wrong decisions in multi-label predictions [n, labels]."""
    return float(np.mean(truth != predicted))
