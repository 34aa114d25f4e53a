"""How sure a figure is: bootstrap intervals over rows, and whether one system beats another.

Intervals are BCa, bias-corrected and accelerated (Efron 1987): percentiles of the figure over
resamples of the rows, moved by how far the resamples lie to one side of the estimate and by how
its spread changes with its value. Plain percentiles would be off for figures such as mAP, which
resampling moves up: a row drawn twice ties with itself. The acceleration comes from a jackknife
that leaves out one of at most 100 groups of rows at a time.

Cost: each resample is one evaluation of the figure on counts of rows, in blocks, so that memory
stays small. Means, F1 and other sums take a matrix product; `figure_of_map` says its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import NormalDist
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import numpy as np

from soutu.metrics.figures import figure_of_mean

if TYPE_CHECKING:
    from soutu.metrics.figures import Counts, Figure
    from soutu.metrics.masks import Figures

Verdict: TypeAlias = Literal["B is better", "A is better", "no difference shown"]

RESAMPLES = 1000
CONFIDENCE = 0.95
ENOUGH_ROWS = 6
"""With fewer rows on which two systems differ there is no verdict: even when all of five speak for
one, the sign test's p is 0.06."""

_GROUPS = 100
_BLOCK = 1 << 22  # counts at once: 16 MB
_NORMAL = NormalDist()


class Interval(NamedTuple):
    """A figure of all rows, and the interval that the resamples give it."""

    estimate: float
    low: float
    high: float


class Comparison(NamedTuple):
    """Two systems' figures on the same rows, the interval of B - A, and what it says."""

    a: float
    b: float
    difference: Interval
    verdict: Verdict


def bootstrap(
    figure: Figure,
    rows: int,
    *,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> Interval:
    """Give a figure of that many rows its BCa interval; the same seed gives the same interval.

    Resamples in which the figure has no value are left out. Where the figure has none at all, or
    there are fewer than two rows, the ends are NaN.
    """
    if resamples < 1 or not 0 < confidence < 1:
        raise ValueError(f"{resamples} resamples at confidence {confidence}; use 1000 and 0.95")
    estimate = estimated(figure, rows)
    if rows < 2 or np.isnan(estimate):
        return Interval(estimate, float("nan"), float("nan"))
    rng = np.random.default_rng(seed)
    values = np.concatenate([figure(counts) for counts in _resampled(rng, rows, resamples)])
    values = np.sort(values[~np.isnan(values)])
    if not len(values):
        return Interval(estimate, float("nan"), float("nan"))
    left_out = figure(_leaving_out(rng, rows))
    low, high = _ends(estimate, values, _acceleration(left_out), confidence)
    return Interval(estimate, low, high)


def bootstrap_mean(
    values: Figures,
    *,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> Interval:
    """Give the mean of one value for each row its interval; rows of NaN do not count."""
    counted = values[~np.isnan(values)]
    figure = figure_of_mean(counted)
    return bootstrap(figure, len(counted), resamples=resamples, confidence=confidence, seed=seed)


def paired(
    a: Figure,
    b: Figure,
    rows: int,
    *,
    differing: int | None = None,
    higher_is_better: bool = True,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> Comparison:
    """Compare two systems on the same rows: both figures are taken of the same resamples.

    One is better only where the interval of the difference excludes 0 and the systems differ on
    at least ENOUGH_ROWS rows (`differing`; all rows where it is not told).
    """
    difference = bootstrap(
        lambda counts: b(counts) - a(counts),
        rows,
        resamples=resamples,
        confidence=confidence,
        seed=seed,
    )
    enough = (rows if differing is None else differing) >= ENOUGH_ROWS
    return Comparison(
        a=estimated(a, rows),
        b=estimated(b, rows),
        difference=difference,
        verdict=_verdict(difference, higher_is_better) if enough else "no difference shown",
    )


def paired_means(
    a: Figures,
    b: Figures,
    *,
    higher_is_better: bool = True,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> Comparison:
    """Compare the means of one value a row; rows where either is NaN do not count."""
    if a.shape != b.shape:
        raise ValueError(f"{a.shape} values of A for {b.shape} of B; they must be of the same rows")
    both = ~(np.isnan(a) | np.isnan(b))
    return paired(
        figure_of_mean(a[both]),
        figure_of_mean(b[both]),
        int(both.sum()),
        differing=int((a[both] != b[both]).sum()),
        higher_is_better=higher_is_better,
        resamples=resamples,
        confidence=confidence,
        seed=seed,
    )


def estimated(figure: Figure, rows: int) -> float:
    """Take a figure of all rows, each once."""
    return float(figure(np.ones((rows, 1), np.float32))[0])


def _resampled(rng: np.random.Generator, rows: int, resamples: int) -> Iterator[Counts]:
    block = max(1, _BLOCK // rows)
    for start in range(0, resamples, block):
        some = min(block, resamples - start)
        counts = np.empty((rows, some), np.float32)
        for column in range(some):
            counts[:, column] = np.bincount(rng.integers(rows, size=rows), minlength=rows)
        yield counts


def _leaving_out(rng: np.random.Generator, rows: int) -> Counts:
    groups = min(rows, _GROUPS)
    group = rng.permutation(rows) % groups
    counts: Counts = (group[:, None] != np.arange(groups)).astype(np.float32)
    return counts


def _acceleration(left_out: Figures) -> float:
    distance = np.nanmean(left_out) - left_out[~np.isnan(left_out)] if len(left_out) else left_out
    spread = float((distance**2).sum()) ** 1.5
    return float((distance**3).sum()) / (6 * spread) if spread > 0 else 0.0


def _ends(
    estimate: float, values: Figures, acceleration: float, confidence: float
) -> tuple[float, float]:
    """Return the percentiles of the sorted values that BCa takes."""
    below = (values < estimate).sum() + (values == estimate).sum() / 2
    # Kept off 0 and 1: with all on one side the bias has no finite size.
    share = float(np.clip(below, 0.5, len(values) - 0.5)) / len(values)
    bias = _NORMAL.inv_cdf(share)
    ends = []
    for tail in ((1 - confidence) / 2, (1 + confidence) / 2):
        shift = bias + _NORMAL.inv_cdf(tail)
        room = 1 - acceleration * shift
        level = _NORMAL.cdf(bias + shift / room) if room > 0 else float(shift > 0)
        ends.append(float(np.quantile(values, level)))
    return ends[0], ends[1]


def _verdict(difference: Interval, higher_is_better: bool) -> Verdict:
    b_wins = difference.low > 0 if higher_is_better else difference.high < 0
    a_wins = difference.high < 0 if higher_is_better else difference.low > 0
    return "B is better" if b_wins else "A is better" if a_wins else "no difference shown"
