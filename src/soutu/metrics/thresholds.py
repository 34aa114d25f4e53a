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
_STEPS = 1001  # thresholds that all labels together are asked about


def tuned_thresholds(
    scores: Scores, labels: Labels, *, default: float = UNSURE, prior: float = 0.0
) -> NDArray[np.floating[Any]]:
    """Find for each label of [n, labels] the threshold with the best F1; shape [labels].

    It lies halfway between the last score that is taken and the first that is not, and of several
    that are as good it is the highest. `default` for labels of which no example holds. The
    answer has the scores' dtype, so that no rounding changes a decision.

    The best threshold of a handful of examples is mostly chance. With a `prior`, all labels
    together count beside each label's own examples as if they had that many yes of it: a label
    with few has nearly the common threshold, one with many nearly its own. `default` is then for
    labels of which nothing holds anywhere.
    """
    require_alike(scores, labels, axes=2)
    yes, known = masks(labels)
    if prior > 0 and yes.any():
        return _shrunk(scores, yes, known, prior)
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


def _shrunk(
    scores: Scores, yes: NDArray[np.bool_], known: NDArray[np.bool_], prior: float
) -> NDArray[np.floating[Any]]:
    common = _Taken(scores[known], yes[known])
    share = prior / common.total
    steps = np.quantile(scores[yes], np.linspace(0, 1, _STEPS), method="nearest")
    found = np.empty(scores.shape[1], scores.dtype)
    for j in range(scores.shape[1]):
        own = _Taken(scores[known[:, j], j], yes[known[:, j], j])
        cuts = np.unique(np.concatenate([steps, scores[known[:, j], j]]))
        (hits, claims), (all_hits, all_claims) = own.above(cuts), common.above(cuts)
        halved = (hits + share * all_hits) / (claims + share * all_claims + own.total + prior)
        best = int(np.flatnonzero(halved == halved.max())[-1])
        found[j] = _between(cuts[best], cuts[best - 1]) if best else cuts[0]
    return found


class _Taken:
    """How many scores, and how many of what holds, lie at or above a threshold."""

    def __init__(self, scores: Scores, yes: NDArray[np.bool_]) -> None:
        self._all, self._yes = np.sort(scores), np.sort(scores[yes])
        self.total = len(self._yes)

    def above(self, cuts: Scores) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return hits and claims of each threshold."""
        hits, claims = (len(each) - np.searchsorted(each, cuts) for each in (self._yes, self._all))
        return hits, claims


def _between(taken: Any, left: Any) -> Any:
    """Return what lies halfway, or the score that is taken where floats have nothing between."""
    between = left + (taken - left) / 2
    return between if left < between <= taken else taken


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
    return _between(taken, ranked[best + 1])
