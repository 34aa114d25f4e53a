"""Thresholds that give the best F1 on labelled scores; a decision is `scores >= threshold`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from soutu.metrics.masks import masks, require_alike
from soutu.metrics.ranking import last_of_ties

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.metrics.masks import Labels, Scores

UNSURE = 0.5
"""The threshold where nothing is known to hold, so that nothing can be tuned."""


def tuned_thresholds(
    scores: Scores, labels: Labels, *, default: float = UNSURE
) -> NDArray[np.floating[Any]]:
    """Find for each label of [n, labels] the threshold with the best F1; shape [labels].

    It lies halfway between the last score that is taken and the first that is not, and of several
    that are as good it is the highest. `default` for labels of which no example holds. The
    answer has the scores' dtype, so that no rounding changes a decision.
    """
    require_alike(scores, labels, axes=2)
    yes, known = masks(labels)
    by_label = np.ascontiguousarray(scores.T)
    found = [
        _best(by_label[j][known[:, j]], yes[known[:, j], j], default)
        for j in range(labels.shape[1])
    ]
    return np.array(found, scores.dtype)


def tuned_global(scores: Scores, labels: Labels, *, default: float = UNSURE) -> float:
    """Find the one threshold for all labels with the best micro F1."""
    require_alike(scores, labels, axes=2)
    yes, known = masks(labels)
    return float(_best(scores[known], yes[known], default))


def _best(scores: Scores, yes: NDArray[np.bool_], default: float) -> Any:
    total = int(yes.sum())
    if total == 0:
        return default
    order = np.argsort(-scores)
    ranked = scores[order]
    ends = last_of_ties(ranked)
    hits = np.cumsum(yes[order])[ends]
    best = ends[int(np.argmax(hits / (ends + 1 + total)))]  # F1 is twice this
    taken = ranked[best]
    if best + 1 == len(ranked):
        return taken
    left = ranked[best + 1]
    between = left + (taken - left) / 2
    return between if left < between <= taken else taken
