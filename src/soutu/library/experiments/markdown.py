"""Reports of experiments as Markdown, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from soutu.types import ExperimentReport, Variant


def told(variant: Variant) -> str:
    """Say what B does otherwise."""
    parts = [] if variant.model is None else [f"the model {variant.model}"]
    if variant.precision is not None:
        parts.append(f"precision {variant.precision}")
    if variant.diversity is not None:
        parts.append(f"diversity {variant.diversity:g}")
    if variant.keywords:
        parts.append("keywords")
    return ", ".join(parts)


def as_markdown(report: ExperimentReport) -> str:
    """Write a report."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: ExperimentReport) -> Iterator[str]:
    experiment = report.experiment
    until = "now" if experiment.stopped is None else f"{experiment.stopped:%Y-%m-%d %H:%M}"
    yield f"# {experiment.name}: {report.verdict}"
    yield ""
    yield f"- A: as the library answers. B: {told(experiment.variant)}"
    yield f"- {experiment.kind}, share {experiment.share:g}"
    yield f"- from {experiment.started:%Y-%m-%d %H:%M} to {until} (UTC)"
    yield f"- {report.figure}: {_figure(report)}"
    yield f"- {_needed(report)}"
    yield ""
    yield "| | A | B |"
    yield "| --- | ---: | ---: |"
    a, b = report.a, report.b
    yield f"| answers | {a.impressions:,} | {b.impressions:,} |"
    yield f"| people | {a.sessions:,} | {b.sessions:,} |"
    yield f"| answers with a click | {a.clicked:,} | {b.clicked:,} |"
    yield f"| pictures clicked | {a.clicks:,} | {b.clicks:,} |"
    yield f"| pictures labelled | {a.labels:,} | {b.labels:,} |"
    if experiment.kind == "interleaved":
        of_a, of_b, ties = report.wins
        yield f"| lists won ({ties:,} ties) | {of_a:,} | {of_b:,} |"
    yield ""
    yield (
        f"soutu {report.version}; 95 % BCa bootstrap interval of {report.resamples:,} resamples "
        f"of {_units(report)}, seed {report.seed}."
    )


def _figure(report: ExperimentReport) -> str:
    if report.estimate is None:
        return "nothing to compute it from yet"
    split = report.experiment.kind == "split"
    found = f"B − A = {report.estimate:+.4f}" if split else f"{report.estimate:.4f}"
    if report.low is None or report.high is None:
        return found
    return f"{found}, between {report.low:.4f} and {report.high:.4f}"


def _needed(report: ExperimentReport) -> str:
    units = _units(report)
    if report.needed is None:
        return f"too few {units} ({report.units:,}) to say how many it takes"
    if report.needed == 0:
        return f"{report.units:,} {units}: enough to show a difference of {report.effect:g}"
    return (
        f"{report.units:,} {units}; to show a difference of {report.effect:g} it takes about "
        f"{report.needed:,} more"
    )


def _units(report: ExperimentReport) -> str:
    return "people" if report.experiment.kind == "split" else "lists with a click"
