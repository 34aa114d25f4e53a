"""The report on tagging: figures, classes, calibration, and the worst mistakes as pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from soutu.evaluate.measures import as_figures, estimate, shown
from soutu.evaluate.plots import bars, reliability
from soutu.evaluate.report import DataUsed, Gallery, Plot, Report, Section, Table, Tile, made
from soutu.evaluate.tagging import class_calibration, class_measures, measures_of
from soutu.metrics import masks, per_label
from soutu.metrics import reliability as reliability_of

if TYPE_CHECKING:
    from soutu.evaluate.setup import Setup
    from soutu.evaluate.tagging import Judged
    from soutu.metrics import Figures, Interval

WORST = 12
"""Mistakes shown of each kind."""
_PLOTTED = 40


def tagging_report(judged: Judged, setup: Setup, *, command: str) -> Report:
    """Make the report on one system. Raises Stopped."""
    measures = measures_of(judged)
    rows = len(judged.data)
    found = estimate(measures, rows, setup)
    classes = estimate(class_measures(judged), rows, setup)
    share = {name: measure.share for name, measure in measures.items()}
    return Report(
        title=f"Tagging {judged.data.name} with {judged.scored.system.name}",
        made=made(
            command=command,
            data=data_used(judged),
            models=[judged.scored.facts] if judged.scored.facts else [],
            seed=setup.seed,
            resamples=setup.resamples,
        ),
        summary=_summary(judged, found),
        sections=(
            _ranking(found, share),
            _decisions(judged, found, share),
            _classes(judged, classes),
            _calibration(judged, found),
            _mistakes(judged),
        ),
        figures={
            "task": "tagging",
            "system": judged.scored.system.name,
            "figures": as_figures(found),
            "classes": _class_figures(judged, classes),
            "tuned_on": judged.tuned_on,
        },
    )


def data_used(judged: Judged) -> DataUsed:
    """Say which data the figures are of."""
    data, scored = judged.data, judged.scored
    _, known = masks(data.labels)
    unknown = int((~known).sum())
    notes = list(scored.notes)
    notes += [(f"{len(scored.failures):,} pictures cannot be read, the first: "
              f"{scored.failures[0].path.name}: {scored.failures[0].reason}")
              ] if scored.failures else []  # fmt: skip
    counts = {"pictures": len(data), "classes": len(data.classes), "unknown labels": unknown}
    return DataUsed(
        name=data.name,
        digest=data.digest,
        content=scored.content,
        counts=counts,
        notes=tuple(notes),
    )


def _summary(judged: Judged, found: dict[str, Interval]) -> tuple[str, ...]:
    named = "mAP macro", "F1 micro, tuned", "F1 macro, tuned"
    said = "; ".join(f"{name} {shown(found[name])}" for name in named)
    return (
        f"{said}. All in percent, with 95 % intervals.",
        (
            f"{len(judged.data):,} pictures, {len(judged.data.classes):,} classes. Thresholds were "
            f"tuned on {judged.tuned_on}."
        ),
        *judged.scored.notes,
    )


def _ranking(found: dict[str, Interval], share: dict[str, bool]) -> Section:
    rows = [
        ("mAP macro", "mean over classes of the average precision"),
        ("mAP micro", "average precision of all pictures and classes in one ranking"),
        ("one-error", "pictures whose surest class is wrong"),
        ("coverage", "classes taken from the top until all that hold are among them"),
        ("ranking loss", "pairs of a right and a wrong class in the wrong order"),
        ("calibration error", "how far probabilities are from what came true (ECE, 15 bins)"),
    ]
    cells = tuple((name, shown(found[name], share=share[name]), what) for name, what in rows)
    table = Table(columns=("figure", "value", "what it is"), rows=cells, right=(1,))
    return Section(title="How well probabilities rank", parts=(table,))


def _decisions(judged: Judged, found: dict[str, Interval], share: dict[str, bool]) -> Section:
    names = ("F1 micro", "F1 macro", "F1 samples", "precision", "recall", "Hamming loss",
             "subset accuracy")  # fmt: skip
    at = {"tuned": "tuned thresholds", "own": "own thresholds", "0.5": "0.5 for all"}
    rows = tuple(
        (name, *(shown(found[f"{name}, {kind}"], share=share[f"{name}, {kind}"]) for kind in at))
        for name in names
    )
    table = Table(columns=("figure", *at.values()), rows=rows, right=(1, 2, 3))
    text = (
        (
            f"Tuned thresholds were found on {judged.tuned_on}, never on the pictures that they "
            "decide. Own thresholds are those that the system comes with."
        ),
    )
    return Section(title="How well it decides", text=text, parts=(table,))


def _classes(judged: Judged, classes: dict[str, Interval]) -> Section:
    yes, known = masks(judged.labels)
    each = per_label(judged.decisions["tuned"], judged.labels)
    errors = class_calibration(judged)
    worst_first = sorted(
        range(len(judged.data.classes)),
        key=lambda at: _last(classes[judged.data.classes[at]].estimate),
    )
    rows = tuple(
        (
            name := judged.data.classes[at],
            shown(classes[name]),
            _percent(each.precision[at]),
            _percent(each.recall[at]),
            _percent(each.f1[at]),
            f"{judged.thresholds['tuned'][at]:.2f}",
            f"{int(yes[:, at].sum()):,}",
            f"{int(known[:, at].sum()):,}",
            _percent(errors[at]),
        )
        for at in worst_first
    )
    table = Table(
        columns=("class", "AP", "precision", "recall", "F1", "threshold", "yes", "known", "ECE"),
        rows=rows,
        right=tuple(range(1, 9)),
    )
    hardest = [judged.data.classes[at] for at in worst_first[:_PLOTTED]]
    title = "Average precision, hardest classes first"
    plot = Plot(title=title, svg=bars([(name, classes[name]) for name in hardest], name=title))
    return Section(
        title="Class by class",
        text=("Precision, recall and F1 are at tuned thresholds. Hardest first.",),
        parts=(plot, table),
    )


def _calibration(judged: Judged, found: dict[str, Interval]) -> Section:
    bins = reliability_of(judged.probabilities, judged.labels)
    full = bins.counts > 0
    title = "How often what was said with a probability came true"
    plot = Plot(
        title=title,
        svg=reliability(
            bins.predicted[full].tolist(),
            bins.held[full].tolist(),
            bins.counts[full].tolist(),
            name=title,
        ),
    )
    said = shown(found["calibration error"])
    text = f"Dots above the line: it was surer than it said. Calibration error {said} percent."
    return Section(title="Can the probabilities be believed?", text=(text,), parts=(plot,))


def _mistakes(judged: Judged) -> Section:
    yes, known = masks(judged.labels)
    surest = np.where(known & ~yes, judged.probabilities, -1.0)
    missed = np.where(yes, -judged.probabilities, -2.0)
    galleries = []
    for title, values, least in (
        ("Said surest, but wrong", surest, 0.0),
        ("Right, but least believed", missed, -1.0),
    ):
        worst = np.argsort(-values, axis=None, kind="stable")[:WORST]
        places = [divmod(int(at), values.shape[1]) for at in worst]
        tiles = tuple(_tile(judged, *place) for place in places if values[place] >= least)
        if tiles:
            galleries.append(Gallery(title=title, rows=(("", tiles),)))
    text = "Some of them are mistakes of the labels: look before you believe either side."
    return Section(title="Worst mistakes", text=(text,), parts=tuple(galleries))


def _tile(judged: Judged, row: int, column: int) -> Tile:
    held = [
        name for name, label in zip(judged.data.classes, judged.labels[row], strict=True)
        if label == 1
    ]  # fmt: skip
    said = f"{judged.data.classes[column]} {judged.probabilities[row, column]:.2f}"
    lines = (said, f"is: {', '.join(held[:4]) or 'none of them'}")
    return Tile(path=judged.data.paths[row], lines=lines, mark="wrong")


def _class_figures(judged: Judged, classes: dict[str, Interval]) -> dict[str, Any]:
    yes, known = masks(judged.labels)
    each = per_label(judged.decisions["tuned"], judged.labels)
    errors: Figures = class_calibration(judged)
    return {
        name: {
            "AP": classes[name],
            "precision": each.precision[at],
            "recall": each.recall[at],
            "F1": each.f1[at],
            "threshold": judged.thresholds["tuned"][at],
            "yes": int(yes[:, at].sum()),
            "known": int(known[:, at].sum()),
            "calibration error": errors[at],
        }
        for at, name in enumerate(judged.data.classes)
    }


def _percent(value: float) -> str:
    return "–" if np.isnan(value) else f"{100 * value:.1f}"


def _last(value: float) -> float:
    return 2.0 if np.isnan(value) else value
