"""Figures of yes-or-no decisions for many labels at once: F1 and its kin, Hamming, subset."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from soutu.metrics.masks import masks, mean, quotient, require_alike

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.metrics.masks import Figures, Labels

    Decisions = NDArray[np.bool_]
    """What was decided, shape [n, labels]; what was decided on unknown entries never counts."""


class Averages(NamedTuple):
    """A share over all decisions (micro), and as the mean over labels (macro) and rows (samples).

    As in scikit-learn a label or row with nothing to divide by has 0. Labels and rows of which
    nothing is known do not count.
    """

    micro: float
    macro: float
    samples: float


class PerLabel(NamedTuple):
    """Figures of each label, shape [labels]; NaN for those of which nothing is known."""

    precision: Figures
    recall: Figures
    f1: Figures


class Parts(NamedTuple):
    """A share before it is taken: each entry's part above and below the line, [n, labels]."""

    above: NDArray[np.int8]
    below: NDArray[np.int8]
    known: NDArray[np.bool_]

    def averages(self) -> Averages:
        """Take the share in each of the three ways."""
        above, below = self.above.sum(dtype=np.int64), self.below.sum(dtype=np.int64)
        return Averages(
            micro=float(above / below) if below else 0.0,
            macro=mean(self.over(axis=0), empty=0.0),
            samples=mean(self.over(axis=1), empty=0.0),
        )

    def over(self, *, axis: int) -> Figures:
        """Take the share of each label (axis 0) or of each row (axis 1)."""
        shares = quotient(
            self.above.sum(axis=axis, dtype=np.float64),
            self.below.sum(axis=axis, dtype=np.float64),
            empty=0.0,
        )
        return np.where(self.known.any(axis=axis), shares, np.nan)


def f1_parts(predicted: Decisions, true: Labels) -> Parts:
    """Split F1 into 2 x hits above the line, and claims + truths below it."""
    hits, claimed, held, known = _counted(predicted, true)
    return Parts(2 * hits, claimed + held, known)


def precision_parts(predicted: Decisions, true: Labels) -> Parts:
    """Split precision into hits and claims."""
    hits, claimed, _, known = _counted(predicted, true)
    return Parts(hits, claimed, known)


def recall_parts(predicted: Decisions, true: Labels) -> Parts:
    """Split recall into hits and truths."""
    hits, _, held, known = _counted(predicted, true)
    return Parts(hits, held, known)


def f1(predicted: Decisions, true: Labels) -> Averages:
    """Compute F1, the harmonic mean of precision and recall, of decisions [n, labels].

    A label that neither holds nor is predicted anywhere has F1 0, as in scikit-learn.
    """
    return f1_parts(predicted, true).averages()


def precision(predicted: Decisions, true: Labels) -> Averages:
    """Compute which share of what was claimed [n, labels] holds."""
    return precision_parts(predicted, true).averages()


def recall(predicted: Decisions, true: Labels) -> Averages:
    """Compute which share of what holds was claimed [n, labels]."""
    return recall_parts(predicted, true).averages()


def per_label(predicted: Decisions, true: Labels) -> PerLabel:
    """Compute precision, recall and F1 of each label."""
    return PerLabel(
        precision=precision_parts(predicted, true).over(axis=0),
        recall=recall_parts(predicted, true).over(axis=0),
        f1=f1_parts(predicted, true).over(axis=0),
    )


def hamming_loss(predicted: Decisions, true: Labels) -> float:
    """Compute the share of single decisions [n, labels] that are wrong; 0 without any."""
    wrong, known = mistakes(predicted, true)
    return float(wrong.sum() / known.sum()) if known.any() else 0.0


def mistakes(predicted: Decisions, true: Labels) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Mark the decisions that are known to be wrong, and those of which anything is known."""
    require_alike(predicted, true, axes=2)
    yes, known = masks(true)
    return (predicted != yes) & known, known


def subset_accuracies(predicted: Decisions, true: Labels) -> Figures:
    """Say of each row whether all its known decisions are right: 1, 0, or NaN for none known."""
    wrong, known = mistakes(predicted, true)
    return np.where(known.any(axis=1), ~wrong.any(axis=1), np.nan)


def subset_accuracy(predicted: Decisions, true: Labels) -> float:
    """Compute the share of rows whose known decisions are all right."""
    return mean(subset_accuracies(predicted, true))


def _counted(
    predicted: Decisions, true: Labels
) -> tuple[NDArray[np.int8], NDArray[np.int8], NDArray[np.int8], NDArray[np.bool_]]:
    """Return hits, claims and truths as 0 or 1, none of them where the truth is unknown."""
    require_alike(predicted, true, axes=2)
    yes, known = masks(true)
    claimed = (predicted & known).view(np.int8)
    held = yes.view(np.int8)
    return claimed & held, claimed, held, known
