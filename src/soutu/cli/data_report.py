"""Write down what a check of labelled data found."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from soutu.cli.display import count, printable, shown
from soutu.cli.table import fitted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray

    from soutu.data.check import CheckReport, Problem
    from soutu.data.statistics import Statistics

LABELS_SHOWN, PAIRS_SHOWN, CASES_SHOWN, FILES_SHOWN = 40, 10, 5, 4


def report_lines(report: CheckReport) -> list[str]:
    """Return the report for a person: figures, classes, pairs, then what is wrong."""
    figures = report.statistics
    lines = [*_summary(report), "", *_labels(figures), "", *_pairs(figures)]
    for problem in report.problems:
        lines += ["", *_problem(problem)]
    return [*lines, "", _verdict(report)]


def _summary(report: CheckReport) -> list[str]:
    figures = report.statistics
    splits = ", ".join(f"{printable(name)} {size:,}" for name, size in figures.splits.items())
    known = int(figures.yes.sum() + figures.no.sum())
    cells = known + int(figures.unknown.sum())
    rows = [
        ("pictures", f"{figures.pictures:,}{f' ({splits})' if splits else ''}"),
        ("classes", f"{len(figures.classes):,}"),
        ("known labels", f"{known:,} of {cells:,}"),
        ("cardinality", f"{_figure(figures.cardinality)} classes a picture"),
        ("density", _figure(figures.density)),
        ("label sets", f"{figures.label_sets:,} different ones"),
        ("without any class", count(figures.bare, "picture")),
        ("imbalance", _imbalance(figures)),
        ("digest", report.digest),
    ]
    return [printable(report.name), *fitted([(f"  {name}", value) for name, value in rows])]


def _imbalance(figures: Statistics) -> str:
    worst, mean = _figure(figures.worst_imbalance), _figure(figures.mean_imbalance)
    return f"most frequent to rarest class {worst}, mean over classes {mean}"


def _figure(value: float) -> str:
    return "-" if math.isnan(value) or math.isinf(value) else f"{value:,.3g}"


def _labels(figures: Statistics) -> list[str]:
    import numpy as np

    order = np.argsort(-figures.yes, kind="stable")
    rows: list[tuple[str, ...]] = [("CLASS", "YES", "NO", "UNKNOWN", "IMBALANCE")]
    for at in order[:LABELS_SHOWN]:
        counts = (figures.yes[at], figures.no[at], figures.unknown[at])
        rows.append(
            (
                printable(figures.classes[at]),
                *(f"{int(each):,}" for each in counts),
                _figure(float(figures.imbalance[at])),
            )
        )
    lines = fitted(rows, right=(1, 2, 3, 4), cut=(0,))
    more = len(order) - LABELS_SHOWN
    return [*lines, f"… and {more:,} rarer ones; --json has all"] if more > 0 else lines


def _pairs(figures: Statistics) -> list[str]:
    rows = [("TOGETHER", "", "BOTH", "P(2nd|1st)", "P(1st|2nd)", "LIFT")]
    rows += [
        (
            printable(pair.a),
            printable(pair.b),
            f"{pair.both:,}",
            f"{pair.b_given_a:.0%}",
            f"{pair.a_given_b:.0%}",
            f"{pair.lift:.1f}",
        )
        for pair in figures.top_pairs(PAIRS_SHOWN)
    ]
    if len(rows) == 1:
        return ["No picture holds two classes."]
    return fitted(rows, right=(2, 3, 4, 5), cut=(0, 1))


def _problem(problem: Problem) -> list[str]:
    lines = [f"{problem.severity}: {problem.message} ({problem.count:,}):"]
    if not problem.groups:
        return [*lines, f"  {_few([printable(note) for note in problem.notes], LABELS_SHOWN)}"]
    for at, group in enumerate(problem.groups[:CASES_SHOWN]):
        note = f": {printable(problem.notes[at])}" if problem.notes else ""
        lines.append(f"  {_files(group)}{note}")
    if (more := len(problem.groups) - CASES_SHOWN) > 0:
        lines.append(f"  … and {more:,} more; --json has all")
    return lines


def _files(group: Sequence[Path]) -> str:
    names = [shown(path) for path in group[:FILES_SHOWN]]
    more = len(group) - FILES_SHOWN
    return " = ".join([*names, f"{more:,} more"] if more > 0 else names)


def _few(names: Sequence[str], limit: int) -> str:
    more = len(names) - limit
    return ", ".join(names[:limit]) + (f" … and {more:,} more" if more > 0 else "")


def _verdict(report: CheckReport) -> str:
    severities = [problem.severity for problem in report.problems]
    looked = "" if report.looked else " The pictures themselves were not looked at."
    if not severities:
        return f"Nothing wrong was found.{looked}"
    errors, warnings = severities.count("error"), severities.count("warning")
    return f"{count(errors, 'error')}, {count(warnings, 'warning')}.{looked}"


def report_as_json(report: CheckReport) -> dict[str, object]:
    """Return the whole report as plain data; unknown figures are null."""
    figures = report.statistics
    classes = zip(figures.classes, figures.yes, figures.no, figures.unknown, strict=True)
    return {
        "name": report.name,
        "digest": report.digest,
        "pictures": figures.pictures,
        "splits": dict(figures.splits),
        "classes": [
            {"name": name, "yes": int(yes), "no": int(no), "unknown": int(unknown)}
            for name, yes, no, unknown in classes
        ],
        "cardinality": _number(figures.cardinality),
        "density": _number(figures.density),
        "label_sets": figures.label_sets,
        "without_any_class": figures.bare,
        "imbalance": {
            "per_class": _numbers(figures.imbalance),
            "mean": _number(figures.mean_imbalance),
            "worst": _number(figures.worst_imbalance),
        },
        "cooccurrence": figures.together.tolist(),
        "conditional": [_numbers(row) for row in figures.given],
        "pictures_read": report.looked,
        "problems": [_problem_as_json(problem) for problem in report.problems],
        "ok": report.ok,
    }


def _problem_as_json(problem: Problem) -> dict[str, object]:
    return {
        "severity": problem.severity,
        "kind": problem.kind,
        "message": problem.message,
        "count": problem.count,
        "pictures": [[str(path) for path in group] for group in problem.groups],
        "notes": list(problem.notes),
    }


def _numbers(values: NDArray[np.float64]) -> list[Any]:
    return [_number(value) for value in values.tolist()]


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
