"""Quality figures of retrieval and of multi-label tagging, in plain numpy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Scores = NDArray[np.floating[Any]]
    """Any real scores, higher is better."""
    Labels = NDArray[np.bool_]
    """True where a label holds."""


class F1(NamedTuple):
    """F1 over all decisions at once (micro) and as the mean over labels (macro)."""

    micro: float
    macro: float


def recall_at_k(
    found: Sequence[Sequence[int]] | NDArray[np.int64],
    true: Sequence[Sequence[int]] | NDArray[np.int64],
    k: int,
) -> float:
    """Average over queries the share of the true ids that are among the first k found.

    `found` are ids best first; rows may be shorter than k. Queries without true ids do not count;
    without any query that does, the answer is NaN.
    """
    if len(found) != len(true):
        raise ValueError(f"{len(found)} answers for {len(true)} queries")
    shares = []
    for answer, wanted in zip(found, true, strict=True):
        targets = {int(i) for i in wanted}
        if targets:
            hits = targets & {int(i) for i in answer[:k]}
            shares.append(len(hits) / len(targets))
    return float(np.mean(shares)) if shares else float("nan")


def average_precision(scores: Scores, relevant: Labels) -> float:
    """Sum precision times the gain in recall down the ranking: the step-wise area under the curve.

    `scores` [n], `relevant` [n]. Equal scores count as one step, so the order of the input does
    not matter. NaN where nothing is relevant.
    """
    total = int(relevant.sum())
    if total == 0:
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(relevant[order])
    last_of_ties = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    precision = hits[last_of_ties] / (last_of_ties + 1)
    recall = hits[last_of_ties] / total
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def mean_average_precision(scores: Scores, relevant: Labels) -> float:
    """Average the average precision over labels (columns) that hold for any row.

    `scores` and `relevant` [n, labels]. NaN where no label holds anywhere.
    """
    each = [
        average_precision(scores[:, j], relevant[:, j])
        for j in range(relevant.shape[1])
        if relevant[:, j].any()
    ]
    return float(np.mean(each)) if each else float("nan")


def f1(predicted: Labels, true: Labels) -> F1:
    """Compute micro and macro F1 of decisions [n, labels].

    A label that neither holds nor is predicted anywhere has F1 0, as in scikit-learn.
    """
    hits = (predicted & true).sum(axis=0)
    claims = predicted.sum(axis=0) + true.sum(axis=0)
    per_label = np.divide(2.0 * hits, claims, out=np.zeros(len(hits)), where=claims > 0)
    micro = 2.0 * hits.sum() / claims.sum() if claims.sum() else 0.0
    return F1(micro=float(micro), macro=float(per_label.mean()) if len(hits) else 0.0)


def hamming_loss(predicted: Labels, true: Labels) -> float:
    """Compute the share of single decisions [n, labels] that are wrong."""
    return float(np.mean(predicted != true)) if true.size else 0.0
