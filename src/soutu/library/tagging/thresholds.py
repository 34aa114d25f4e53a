"""Thresholds that find themselves: where to cut calibrated probabilities.

The decision that maximises expected F1 says yes from half of the best reachable F1 on (Lipton,
Elkan and Naryanaswamy 2014, Optimal Thresholding of Classifiers to Maximize F1 Measure, theorem 1).
The best F1 is expected over the library's own probabilities; no label is needed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from soutu.heads.base import sigmoid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Reals = NDArray[np.floating[Any]]


LEAST, MOST = 0.01, 0.5
"""Bounds of a threshold. F1 of at most 1 bounds it by one half; below one in a hundred, a tag is
not worth showing."""


def logit(probability: Reals) -> NDArray[np.float64]:
    """Turn probabilities into logits; 0 and 1 become -inf and inf."""
    with np.errstate(divide="ignore"):
        p = np.asarray(probability, dtype=np.float64)
        return np.asarray(np.log(p) - np.log1p(-p), dtype=np.float64)


def f1_threshold(probabilities: Reals) -> NDArray[np.float64]:
    """Return the threshold [tags] that maximises the expected F1 of each row.

    `probabilities` [tags, pictures], calibrated. Half of the best expected F1, which is
    2 * (sum of the k highest) / (k + sum of all) at its best k; kept within LEAST and MOST.
    """
    if probabilities.shape[1] == 0:
        raise ValueError("no pictures to find a threshold on")
    ranked = np.sort(probabilities, axis=1)[:, ::-1]
    gained = np.cumsum(ranked, axis=1)
    chosen = np.arange(1, ranked.shape[1] + 1, dtype=ranked.dtype)
    best = np.max(gained / (chosen + gained[:, -1:]), axis=1)
    return np.asarray(np.clip(best, LEAST, MOST), dtype=np.float64)


def blend(own: Reals, common: float, share: float | Reals) -> NDArray[np.float64]:
    """Move thresholds [tags] from a common one towards their own, by `share` 0..1, in logits."""
    middle = math.log(common / (1 - common))
    mixed = np.asarray(middle + share * (logit(own) - middle), dtype=np.float64)
    return sigmoid(mixed)


def bias_for_mean(scores: Reals, target: float) -> float:
    """Return the b with which the mean of sigmoid(scores + b) is `target`, 0 < target < 1.

    `scores` of any shape, not empty. Bisection; the mean rises with b.
    """
    values = np.asarray(scores, dtype=np.float64).ravel()
    middle = math.log(target / (1 - target))
    low, high = middle - float(values.max()), middle - float(values.min())
    for _ in range(40):
        between = (low + high) / 2
        if float(sigmoid(values + between).mean()) > target:
            high = between
        else:
            low = between
    return (low + high) / 2
