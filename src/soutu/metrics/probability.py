"""How far probabilities can be believed: calibration error, Brier score, reliability."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import numpy as np

from soutu.metrics.masks import masks, mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.metrics.masks import Figures, Labels, Scores

Spacing: TypeAlias = Literal["width", "count"]
"""Bins of equal width, or bins that hold equally many probabilities."""

BINS = 15
"""As in Guo et al. (arXiv:1706.04599)."""


class Reliability(NamedTuple):
    """What a reliability plot shows; all of shape [bins], NaN means for bins that are empty."""

    low: Figures
    high: Figures
    counts: NDArray[np.int64]
    predicted: Figures
    """Mean probability of the bin."""
    held: Figures
    """Share of the bin that holds."""


def reliability(
    probabilities: Scores, labels: Labels, *, bins: int = BINS, spacing: Spacing = "width"
) -> Reliability:
    """Compare probabilities with how often they came true, in bins.

    Both of one shape, of any axes; unknown labels do not count. A probability on the border of
    two bins is in the lower one, as in scikit-learn.
    """
    values, yes = _known(probabilities, labels)
    edges = bin_edges(values, bins, spacing)
    place = bin_of(values, edges)
    counts = np.bincount(place, minlength=bins)
    sums = np.bincount(place, values, minlength=bins), np.bincount(place, yes, minlength=bins)
    means = [np.divide(s, counts, out=np.full(bins, np.nan), where=counts > 0) for s in sums]
    return Reliability(edges[:-1], edges[1:], counts, means[0], means[1])


def calibration_error(
    probabilities: Scores, labels: Labels, *, bins: int = BINS, spacing: Spacing = "width"
) -> float:
    """Compute the expected calibration error (ECE).

    That is the mean distance between what was predicted and what held, over bins by their size
    (Naeini et al. 2015; Guo et al., arXiv:1706.04599). NaN where nothing is known.
    """
    found = reliability(probabilities, labels, bins=bins, spacing=spacing)
    total = found.counts.sum()
    if total == 0:
        return float("nan")
    distance = np.abs(found.predicted - found.held)
    return float(np.nansum(distance * found.counts) / total)


def calibration_errors(
    probabilities: Scores, labels: Labels, *, bins: int = BINS, spacing: Spacing = "width"
) -> Figures:
    """Compute the ECE of each label of [n, labels]; NaN for those of which nothing is known."""
    each = [
        calibration_error(probabilities[:, j], labels[:, j], bins=bins, spacing=spacing)
        for j in range(labels.shape[1])
    ]
    return np.array(each, np.float64)


def brier(probabilities: Scores, labels: Labels) -> float:
    """Average the squared distance between probabilities and what held (0 or 1) over all entries.

    Brier (1950). Both of one shape, of any axes. NaN where nothing is known.
    """
    values, yes = _known(probabilities, labels)
    return mean((values - yes) ** 2)


def bin_edges(values: Scores, bins: int, spacing: Spacing) -> Figures:
    """Return the edges [bins + 1] from 0 to 1, or from the least to the greatest value."""
    if bins < 1:
        raise ValueError(f"{bins} bins; at least 1 is needed")
    edges = np.linspace(0.0, 1.0, bins + 1)
    if spacing == "width" or not len(values):
        return edges
    return np.percentile(values, edges * 100).astype(np.float64)


def bin_of(values: Scores, edges: Figures) -> NDArray[np.intp]:
    """Return each value's bin."""
    return np.searchsorted(edges[1:-1], values)


def _known(probabilities: Scores, labels: Labels) -> tuple[Figures, Figures]:
    """Return the known entries in one row: probabilities, and 1.0 or 0.0 for what held."""
    if probabilities.shape != labels.shape:
        raise ValueError(f"{probabilities.shape} probabilities for {labels.shape} labels")
    yes, known = masks(labels)
    values = probabilities[known].astype(np.float64)
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError("probabilities must be 0 .. 1, without NaN")
    return values, yes[known].astype(np.float64)
