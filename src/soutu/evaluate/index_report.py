"""The report of `soutu eval index`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from soutu.evaluate.index_recall import (
    KS,
    TARGET,
    Cheapest,
    K,
    Kind,
    Measured,
    library_setting,
    recommended,
)
from soutu.evaluate.report import DataUsed, ModelUsed, Report, Section, Table, made

if TYPE_CHECKING:
    from soutu.metrics import Interval

_EXPLAINED = (
    f"Recall@k is the share of the k nearest pictures that a setting finds, with 95 % intervals "
    f"over queries; ms is the median time of one query for {K} pictures; memory is what every "
    "search reads (graph and codes), disk all of the vectors' files."
)


def index_report(
    measured: Sequence[Measured],
    *,
    command: str,
    data: DataUsed,
    model: ModelUsed,
    asked: Mapping[Kind, str],
    seed: int,
    resamples: int,
    recommend: Cheapest | None,
) -> Report:
    """Write down what was measured; `asked` says for each kind what the queries were.

    With `recommend` the summary names the cheapest setting, and how the library's own does.
    """
    pictures = data.counts["pictures"]
    how = made(command=command, data=data, models=(), seed=seed, resamples=resamples)
    best = recommended(measured, by=recommend) if recommend else None
    figures: dict[str, Any] = {
        "pictures": pictures,
        "library_setting": _setting(library_setting(pictures).name, measured),
        "settings": [_figures(each) for each in measured],
    }
    if recommend:
        figures["recommended"] = best.setting.name if best else None
    return Report(
        title=f"Index settings for {pictures:,} pictures",
        made=replace(how, models=(model,)),
        summary=_summary(measured, best, recommend, library_setting(pictures).name),
        sections=tuple(
            Section(title=f"{kind.capitalize()} queries", text=(f"{asked[kind]}. {_EXPLAINED}",),
                    parts=(_table(measured, kind),))
            for kind in asked
        ),
        figures=figures,
    )  # fmt: skip


def _summary(
    measured: Sequence[Measured],
    best: Measured | None,
    recommend: Cheapest | None,
    library: str,
) -> tuple[str, ...]:
    own = next((each for each in measured if each.setting.name == library), None)
    lines = []
    if own is not None:
        verb = "keeps" if own.keeps else "is not shown to keep"
        lines.append(
            f"The library's own setting, {library}, {verb} recall@{K} at {TARGET} or more: "
            f"{_said(own)}"
        )
    if recommend and best is None:
        lines.append(
            f"No setting is shown to keep recall@{K} at {TARGET} for all queries. "
            "Measure with more queries, or keep the exact search"
        )
    if recommend and best is not None:
        aim = "the fastest" if recommend == "time" else "the smallest"
        lines.append(
            f"Recommended: {best.setting.name}, {aim} that keeps recall@{K} at {TARGET} or more "
            f"for all queries: {_said(best)}"
        )
    return tuple(lines)


def _said(measured: Measured) -> str:
    recalls = ", ".join(
        f"{_interval(each.recall[K])} for {kind} queries" for kind, each in measured.kinds.items()
    )
    return f"{recalls}; {measured.ms:.2f} ms, {_size(measured.memory)} in memory"


def _table(measured: Sequence[Measured], kind: Kind) -> Table:
    ks = [k for k in KS if k in measured[0].kinds[kind].recall]
    head = ("setting", *(f"recall@{k}" for k in ks), "ms", "memory", "disk", "build s")
    rows = tuple(
        (
            each.setting.name,
            *(_interval(each.kinds[kind].recall[k]) for k in ks),
            f"{each.kinds[kind].ms:.2f}",
            _size(each.memory),
            _size(each.disk),
            f"{each.build_seconds:.1f}",
        )
        for each in measured
    )
    return Table(columns=head, rows=rows, right=tuple(range(1, len(head))))


def _figures(measured: Measured) -> dict[str, Any]:
    return {
        "setting": measured.setting.name,
        **asdict(measured.setting),
        "keeps": measured.keeps,
        "memory_bytes": measured.memory,
        "disk_bytes": measured.disk,
        "build_seconds": measured.build_seconds,
        "queries": {
            kind: {"ms": each.ms, "recall": {str(k): r._asdict() for k, r in each.recall.items()}}
            for kind, each in measured.kinds.items()
        },
    }


def _setting(name: str, measured: Sequence[Measured]) -> str | None:
    return name if any(each.setting.name == name for each in measured) else None


def _interval(value: Interval) -> str:
    return f"{value.estimate:.4f} ({value.low:.4f} to {value.high:.4f})"


def _size(number: int) -> str:
    return f"{number / 1e6:,.1f} MB" if number >= 1e6 else f"{number / 1e3:,.0f} kB"
