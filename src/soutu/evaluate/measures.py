"""Measures: figures of the same rows that can be estimated, resampled, and compared pairwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from soutu.errors import Stopped
from soutu.metrics import Comparison, Figure, Interval, bootstrap, figure_of_mean, paired
from soutu.types import Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.evaluate.setup import Setup
    from soutu.metrics import Counts, Figures


@dataclass(frozen=True, kw_only=True, eq=False)
class Measure:
    """One figure of one system.

    `share` says that it is one of 0..1, shown in percent. `each` [rows] are the values that it is
    the mean of, where it is one.
    """

    figure: Figure
    higher_is_better: bool = True
    share: bool = True
    each: Figures | None = None


Measures = Mapping[str, Measure]
"""By the name that reports show."""


def mean_of(
    values: Figures,
    *,
    group: NDArray[np.intp] | None = None,
    higher_is_better: bool = True,
    share: bool = True,
) -> Measure:
    """Measure the mean of values [n]; NaN does not count.

    With `group` [n], whole groups are drawn, as captions of one picture are no independent rows.
    """
    figure = figure_of_mean(values)
    return Measure(
        figure=figure if group is None else clustered(figure, group),
        higher_is_better=higher_is_better,
        share=share,
        each=values,
    )


def clustered(figure: Figure, group: NDArray[np.intp]) -> Figure:
    """Make a figure of rows into one of groups, where `group` [rows] is the group of each row."""

    def of_groups(counts: Counts) -> Figures:
        return figure(counts[group])

    return of_groups


def estimate(measures: Measures, rows: int, setup: Setup) -> dict[str, Interval]:
    """Give each measure of that many rows (or groups) its interval. Raises Stopped."""
    found = {}
    for number, (name, measure) in enumerate(measures.items()):
        tell(setup, number, len(measures))
        found[name] = bootstrap(measure.figure, rows, resamples=setup.resamples, seed=setup.seed)
    return found


def compare(a: Measures, b: Measures, rows: int, setup: Setup) -> dict[str, Comparison]:
    """Compare two systems by what both were measured by, on the same rows. Raises Stopped."""
    found = {}
    for number, (name, measure) in enumerate(a.items()):
        if name not in b:
            continue
        tell(setup, number, len(a))
        other = b[name]
        found[name] = paired(
            measure.figure,
            other.figure,
            rows,
            differing=_differing(measure, other),
            higher_is_better=measure.higher_is_better,
            resamples=setup.resamples,
            seed=setup.seed,
        )
    return found


def tell(setup: Setup, done: int, total: int) -> None:
    """Report how far measuring is. Raises Stopped where that was asked for."""
    if setup.should_stop is not None and setup.should_stop():
        raise Stopped("stopped while measuring; the vectors are kept. Run the same command again")
    if setup.on_progress is not None:
        setup.on_progress(Progress(stage="measure", done=done, total=total))


def _differing(a: Measure, b: Measure) -> int | None:
    """Count the rows on which two systems differ; None where that is not known."""
    if a.each is None or b.each is None:
        return None
    return int((a.each != b.each)[~(np.isnan(a.each) | np.isnan(b.each))].sum())


def shown(value: Interval, *, share: bool = True, digits: int = 1) -> str:
    """Write a figure with its interval, as 41.6 (39.2–44.0)."""
    if np.isnan(value.estimate):
        return "–"
    scale = 100 if share else 1
    text = f"{scale * value.estimate:.{digits}f}"
    if np.isnan(value.low):
        return text
    return f"{text} ({scale * value.low:.{digits}f}–{scale * value.high:.{digits}f})"


def as_figures(found: Mapping[str, Interval]) -> dict[str, object]:
    """Return intervals as plain values for JSON."""
    return {
        name: {"estimate": value.estimate, "low": value.low, "high": value.high}
        for name, value in found.items()
    }
