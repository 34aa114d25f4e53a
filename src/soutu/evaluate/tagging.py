"""Judge tagging: which pictures count, thresholds that never saw them, and every figure.

Thresholds are tuned on the split `val`. Where there is none, the judged pictures are cut into five
folds, and each fold is decided by thresholds tuned on the other four.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from soutu.errors import InputError
from soutu.evaluate.measures import Measure, Measures, mean_of
from soutu.evaluate.scoring import Scored, score
from soutu.metrics import (
    calibration_error,
    coverage_errors,
    f1_parts,
    figure_of_hamming,
    figure_of_map,
    figure_of_parts,
    figure_of_sums,
    masks,
    one_errors,
    precision_parts,
    ranking_losses,
    recall_parts,
    subset_accuracies,
    tuned_thresholds,
)
from soutu.metrics.masks import quotient
from soutu.metrics.probability import BINS, bin_edges, bin_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.data.labelled import LabelledData
    from soutu.evaluate.setup import Setup, System
    from soutu.metrics import Counts, Figure, Figures, Labels

Thresholds = Literal["tuned", "own", "0.5"]
THRESHOLDS: tuple[Thresholds, ...] = ("tuned", "own", "0.5")
"""Tuned on other labelled pictures; the system's own; the same for all."""
FOLDS = 5
_BLOCK = 1 << 23  # numbers at once, for the ranking of all entries together


@dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """A system's answers on the judged pictures, with what people said of them.

    `data` are the judged pictures that were scored; `probabilities` [n, classes]; `decisions` by
    the kind of thresholds; `thresholds` [classes] those of each kind (mean of the folds).
    `tuned_on` says where the tuned ones come from.
    """

    data: LabelledData
    scored: Scored
    probabilities: NDArray[np.float32]
    decisions: Mapping[Thresholds, NDArray[np.bool_]]
    thresholds: Mapping[Thresholds, NDArray[np.float32]]
    tuned_on: str

    @property
    def labels(self) -> Labels:
        """What people said [n, classes]."""
        return self.data.labels

    def take(self, rows: NDArray[np.intp]) -> Judged:
        """Return the answers on some of the pictures."""
        return replace(
            self,
            data=self.data.take(rows),
            probabilities=self.probabilities[rows],
            decisions={kind: decided[rows] for kind, decided in self.decisions.items()},
        )


def judge(data: LabelledData, system: System, setup: Setup, *, split: str | None = None) -> Judged:
    """Score labelled data with a system and decide, with thresholds that are tuned elsewhere.

    `split` is the one judged on, by default `test` where there is one, else all pictures. Raises
    InputError where nothing could be judged, Stopped.
    """
    judged, tuning = rows_of(data, split)
    check_labels(data.take(judged))
    used = np.concatenate([judged, tuning])
    scored = score(data.take(used), system, setup)
    rows = used[scored.rows]
    testing = np.isin(rows, judged)
    if not testing.any():
        raise InputError(f"none of the pictures of {data.name} that are to be judged can be read")
    part = data.take(rows[testing])
    scored = replace(scored, notes=scored.notes + _flattery(scored, testing))
    probabilities = scored.probabilities[testing]
    if testing.all():
        decided, thresholds = _crossfit(probabilities, part.labels, scored, setup.seed)
        tuned_on = f"{FOLDS} folds of the judged pictures, each decided by the others"
    else:
        val = data.take(rows[~testing])
        thresholds = _tuned(scored.probabilities[~testing], val.labels, scored)
        decided = probabilities >= thresholds
        tuned_on = f"{len(val):,} other pictures (split val)"
    return Judged(
        data=part,
        scored=scored,
        probabilities=probabilities,
        decisions={
            "tuned": decided,
            "own": probabilities >= scored.thresholds,
            "0.5": probabilities >= np.float32(0.5),
        },
        thresholds={
            "tuned": thresholds,
            "own": scored.thresholds,
            "0.5": np.full(len(data.classes), 0.5, np.float32),
        },
        tuned_on=tuned_on,
    )


def _flattery(scored: Scored, testing: NDArray[np.bool_]) -> tuple[str, ...]:
    """Say how many of the judged pictures a head has learned from."""
    if scored.seen is None or not scored.seen[testing].any():
        return ()
    seen, judged = int(scored.seen[testing].sum()), int(testing.sum())
    note = (
        f"The head has learned from {seen:,} of the {judged:,} judged pictures, or its thresholds "
        "were tuned on them: the figures flatter it. Judge it on pictures that it has not seen."
    )
    return (note,)


def rows_of(data: LabelledData, split: str | None) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the pictures that are judged, and those that thresholds are tuned on (perhaps none).

    Raises InputError for a split that is not there.
    """
    everything = np.arange(len(data), dtype=np.intp)
    none = everything[:0]
    if not len(data):
        raise InputError(f"{data.name} has no pictures, so there is nothing to judge")
    known = sorted(set(data.splits or ()))
    if split is None and "test" not in known:
        return everything, none
    chosen = split or "test"
    if data.splits is None or chosen not in known:
        has = ", ".join(known) or "none"
        raise InputError(f"{data.name} has no split {chosen!r}; it has: {has}")
    named = np.array(data.splits)
    judged = everything[named == chosen]
    return judged, none if chosen == "val" else everything[named == "val"]


def check_labels(data: LabelledData) -> None:
    """Refuse labels that no figure can be made of, before anything is encoded.

    Raises InputError where nothing holds, or where everything that is known holds.
    """
    yes, known = masks(data.labels)
    if not known.any():
        raise InputError(f"{data.name}: every label is unknown, so there is nothing to judge by")
    if not yes.any():
        raise InputError(
            f"{data.name}: no class holds for any of {len(data):,} pictures. Figures need some yes"
        )
    if yes.sum() == known.sum():
        raise InputError(
            f"{data.name}: every known label is a yes, so that nothing can be told apart. Figures "
            "need some no; in a CSV, classes that a picture is not listed under are unknown"
        )


def measures_of(judged: Judged) -> Measures:
    """Return every figure of tagging, in the order of reports."""
    p, labels = judged.probabilities, judged.labels
    found: dict[str, Measure] = {
        "mAP macro": Measure(figure=figure_of_map(p, labels)),
        "mAP micro": Measure(figure=figure_of_micro_map(p, labels)),
    }
    for kind in THRESHOLDS:
        found |= _of_decisions(judged.decisions[kind], labels, kind)
    found["one-error"] = mean_of(one_errors(p, labels), higher_is_better=False)
    found["coverage"] = mean_of(coverage_errors(p, labels), higher_is_better=False, share=False)
    found["ranking loss"] = mean_of(ranking_losses(p, labels), higher_is_better=False)
    found["calibration error"] = Measure(
        figure=figure_of_calibration(p, labels), higher_is_better=False
    )
    return found


def _of_decisions(decided: NDArray[np.bool_], labels: Labels, at: Thresholds) -> dict[str, Measure]:
    f1 = f1_parts(decided, labels)
    return {
        f"F1 micro, {at}": Measure(figure=figure_of_parts(f1, "micro")),
        f"F1 macro, {at}": Measure(figure=figure_of_parts(f1, "macro")),
        f"F1 samples, {at}": Measure(figure=figure_of_parts(f1, "samples")),
        f"precision, {at}": Measure(
            figure=figure_of_parts(precision_parts(decided, labels), "micro")
        ),
        f"recall, {at}": Measure(figure=figure_of_parts(recall_parts(decided, labels), "micro")),
        f"Hamming loss, {at}": Measure(
            figure=figure_of_hamming(decided, labels), higher_is_better=False
        ),
        f"subset accuracy, {at}": mean_of(subset_accuracies(decided, labels)),
    }


def figure_of_micro_map(scores: NDArray[np.float32], labels: Labels) -> Figure:
    """Make a figure of the average precision of all entries in one ranking.

    Rows are resampled, so the entries of a picture come and go together.
    """
    classes = labels.shape[1]
    entries = figure_of_map(scores.reshape(-1, 1), labels.reshape(-1, 1))

    def micro(counts: Counts) -> Figures:
        step = max(1, _BLOCK // max(1, len(counts) * classes))
        parts = [
            entries(np.repeat(counts[:, at : at + step], classes, axis=0))
            for at in range(0, counts.shape[1], step)
        ]
        return np.concatenate(parts)

    return micro


def figure_of_calibration(probabilities: NDArray[np.float32], labels: Labels) -> Figure:
    """Make a figure of the expected calibration error, in bins of equal width."""
    yes, known = masks(labels)
    place = bin_of(probabilities, bin_edges(probabilities.ravel(), BINS, "width"))
    columns = np.zeros((len(labels), 2 * BINS + 1))
    for at in range(BINS):
        inside = (place == at) & known
        columns[:, at] = np.where(inside, probabilities, 0).sum(axis=1)
        columns[:, BINS + at] = (inside & yes).sum(axis=1)
    columns[:, -1] = known.sum(axis=1)

    def error(sums: Figures) -> Figures:
        apart: Figures = np.abs(sums[:BINS] - sums[BINS : 2 * BINS]).sum(axis=0)
        return quotient(apart, sums[-1], empty=np.nan)

    return figure_of_sums(columns, error)


def class_measures(judged: Judged) -> Measures:
    """Return the average precision of each class, by its name."""
    columns = [slice(column, column + 1) for column in range(judged.labels.shape[1])]
    return {
        name: Measure(figure=figure_of_map(judged.probabilities[:, one], judged.labels[:, one]))
        for name, one in zip(judged.data.classes, columns, strict=True)
    }


def class_calibration(judged: Judged) -> Figures:
    """Return the calibration error of each class; NaN for those of which nothing is known."""
    return np.array(
        [
            calibration_error(judged.probabilities[:, j], judged.labels[:, j])
            for j in range(judged.labels.shape[1])
        ]
    )


def _tuned(
    probabilities: NDArray[np.float32], labels: Labels, scored: Scored
) -> NDArray[np.float32]:
    """Tune thresholds; classes of which no example holds keep the system's own."""
    tuned = tuned_thresholds(probabilities, labels).astype(np.float32)
    return np.where((labels == 1).any(axis=0), tuned, scored.thresholds)


def _crossfit(
    probabilities: NDArray[np.float32], labels: Labels, scored: Scored, seed: int
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Decide each fold by thresholds tuned on the others; return the mean thresholds, too."""
    fold = np.random.default_rng(seed).permutation(len(labels)) % FOLDS
    decided = np.zeros(labels.shape, np.bool_)
    each = []
    for number in np.unique(fold):
        here = fold == number
        each.append(_tuned(probabilities[~here], labels[~here], scored))
        decided[here] = probabilities[here] >= each[-1]
    return decided, np.mean(each, axis=0).astype(np.float32)
