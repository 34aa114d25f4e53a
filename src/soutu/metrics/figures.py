"""Figures as functions of how often each row counts: what resampling works on.

A resample of n rows with replacement is how often it drew each row. A figure that is told so, for
many resamples at once, can sort and sum its data once and not once a resample.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from soutu.metrics.masks import masks, quotient, require_alike
from soutu.metrics.multilabel import mistakes
from soutu.metrics.probability import BINS, bin_edges, bin_of
from soutu.metrics.ranking import last_of_ties

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.metrics.masks import Figures, Labels, Scores
    from soutu.metrics.multilabel import Parts
    from soutu.metrics.probability import Spacing

Counts: TypeAlias = "NDArray[np.float32]"
"""How often each row counts in each resample, shape [rows, resamples]."""
Figure: TypeAlias = Callable[[Counts], "Figures"]
"""A figure of rows: gives one value for each resample; NaN where it has none."""


def figure_of_mean(values: Figures | NDArray[Any]) -> Figure:
    """Make a figure of the mean of one value for each row; rows of NaN do not count."""
    counted = ~np.isnan(values)
    return figure_of_ratio(np.where(counted, values, 0.0), counted)


def figure_of_ratio(above: NDArray[Any], below: NDArray[Any]) -> Figure:
    """Make a figure of one sum over rows divided by another; NaN where that is 0."""
    return figure_of_sums(
        np.stack([above, below], axis=1), lambda sums: quotient(sums[0], sums[1], empty=np.nan)
    )


def figure_of_sums(columns: NDArray[Any], combine: Callable[[Figures], Figures]) -> Figure:
    """Make a figure that depends on sums over rows alone.

    `columns` [rows, sums] are what is summed; `combine` turns the sums [sums, resamples] into
    values [resamples].
    """
    # Small whole numbers are summed exactly in float32, at twice the speed.
    exact = columns.dtype.kind in "bi" and columns.dtype.itemsize == 1
    across = np.ascontiguousarray(columns.T, np.float32 if exact else np.float64)
    return lambda counts: combine((across @ counts.astype(across.dtype, copy=False)).astype(float))


def figure_of_median(values: Figures) -> Figure:
    """Make a figure of the median of one value for each row; rows of NaN do not count."""
    kept = np.flatnonzero(~np.isnan(values))
    order = kept[np.argsort(values[kept])]
    ranked = np.append(values[order], np.nan)

    def median(counts: Counts) -> Figures:
        passed = np.cumsum(counts[order], axis=0, dtype=np.float64)
        if not len(passed):
            return np.full(counts.shape[1], np.nan)
        total = passed[-1]
        lower, upper = (passed < np.ceil(total / 2)).sum(0), (passed <= np.floor(total / 2)).sum(0)
        middle = (ranked[lower] + ranked[np.minimum(upper, len(ranked) - 1)]) / 2
        return np.where(total > 0, middle, np.nan)

    return median


def figure_of_parts(parts: Parts, average: Literal["micro", "macro", "samples"]) -> Figure:
    """Make a figure of F1, precision or recall, of `f1_parts` and its kin.

    Labels of which a resample knows nothing do not count in its macro average.
    """
    if average == "samples":
        return figure_of_mean(parts.over(axis=1))
    above, below, known = parts.above, parts.below, parts.known
    if average == "micro":
        either = np.stack([above.sum(1, dtype=np.int64), below.sum(1, dtype=np.int64)], axis=1)
        return figure_of_sums(either, lambda sums: quotient(sums[0], sums[1], empty=0.0))
    labels = above.shape[1]

    def macro(sums: Figures) -> Figures:
        each = quotient(sums[:labels], sums[labels : 2 * labels], empty=0.0)
        counted = sums[2 * labels :] > 0
        return quotient(np.where(counted, each, 0.0).sum(axis=0), counted.sum(axis=0), empty=0.0)

    return figure_of_sums(np.concatenate([above, below, known.view(np.int8)], axis=1), macro)


def figure_of_hamming(predicted: NDArray[np.bool_], true: Labels) -> Figure:
    """Make a figure of the Hamming loss of decisions [n, labels]."""
    wrong, known = mistakes(predicted, true)
    return figure_of_ratio(wrong.sum(axis=1), known.sum(axis=1))


def figure_of_map(scores: Scores, labels: Labels) -> Figure:
    """Make a figure of the macro mAP of [n, labels], over labels that hold in the resample.

    Each label is sorted once. A resample then costs a sum over the runs of rows between two that
    hold: 1,000 resamples of 50,000 rows and 80 labels take seconds.
    """
    require_alike(scores, labels, axes=2)
    yes, known = masks(labels)
    by_label = np.ascontiguousarray(scores.T)
    each = [_average_precision_figure(s, yes[:, j], known[:, j]) for j, s in enumerate(by_label)]

    def mean_average_precision(counts: Counts) -> Figures:
        total, labels_held = np.zeros(counts.shape[1]), np.zeros(counts.shape[1])
        for figure in each:
            values = figure(counts)
            held = ~np.isnan(values)
            total[held] += values[held]
            labels_held += held
        return quotient(total, labels_held, empty=np.nan)

    return mean_average_precision


def figure_of_calibration(
    probabilities: Scores, labels: Labels, *, bins: int = BINS, spacing: Spacing = "width"
) -> Figure:
    """Make a figure of the ECE of [n, labels]; the bins are those of all rows."""
    require_alike(probabilities, labels, axes=2)
    yes, known = masks(labels)
    row, column = np.nonzero(known)
    values = probabilities[row, column].astype(np.float64)
    place = row * bins + bin_of(values, bin_edges(values, bins, spacing))
    size = len(labels) * bins
    counts = np.bincount(place, minlength=size).reshape(-1, bins)
    # Predicted minus held: its sum over a bin's rows is the bin's distance times its size.
    excess = np.bincount(place, values - yes[row, column], minlength=size).reshape(-1, bins)

    def calibration_error(sums: Figures) -> Figures:
        return quotient(np.abs(sums[:bins]).sum(axis=0), sums[bins:].sum(axis=0), empty=np.nan)

    return figure_of_sums(np.concatenate([excess, counts], axis=1), calibration_error)


def figure_of_rows(compute: Callable[[NDArray[np.intp]], float]) -> Figure:
    """Make a figure of any function of row numbers, which may repeat; called once a resample."""

    def each(counts: Counts) -> Figures:
        rows = np.arange(len(counts))
        return np.array([compute(np.repeat(rows, c.astype(np.intp))) for c in counts.T], np.float64)

    return each


def _average_precision_figure(
    scores: Scores, yes: NDArray[np.bool_], known: NDArray[np.bool_]
) -> Figure:
    rows = np.flatnonzero(known)
    order = rows[np.argsort(-scores[rows])]
    if not yes[order].any():
        return lambda counts: np.full(counts.shape[1], np.nan)
    # Precision matters at the runs of equal scores in which something holds. All rows after such
    # a run and up to the end of the next are one segment; what follows the last run is left out.
    ends = last_of_ties(scores[order])
    held = np.diff(np.cumsum(yes[order])[ends], prepend=0) > 0
    starts = np.concatenate([[0], ends[held][:-1] + 1])
    order = order[: ends[held][-1] + 1]
    holding = np.flatnonzero(yes[order])
    first = np.searchsorted(holding, starts)

    def average_precision(counts: Counts) -> Figures:
        seen = np.cumsum(np.add.reduceat(counts[order], starts, axis=0), axis=0, dtype=np.float64)
        gained = np.add.reduceat(counts[order[holding]], first, axis=0).astype(np.float64)
        hits = np.cumsum(gained, axis=0)
        precision = quotient(hits, seen, empty=0.0)
        return quotient((gained * precision).sum(axis=0), hits[-1], empty=np.nan)

    return average_precision
