"""Compare systems on the same data: the first one with each of the others, row by row.

A verdict stands only where the interval of the paired difference excludes zero. Many figures are
compared at once, and one in twenty intervals misses by chance: the summary names those that were
chosen beforehand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from soutu.errors import InputError
from soutu.evaluate import retrieval_report, tagging_report
from soutu.evaluate.measures import compare
from soutu.evaluate.plots import differences
from soutu.evaluate.report import Gallery, Plot, Report, Section, Table, Tile, made, number
from soutu.evaluate.retrieval_report import AnyRetrieved, describer, speeds
from soutu.evaluate.tagging import Judged, class_measures, measures_of
from soutu.metrics import masks, ranking_losses

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.evaluate.measures import Measures
    from soutu.evaluate.ranking import Ranking
    from soutu.evaluate.setup import Setup
    from soutu.metrics import Comparison

_TAGGING = (
    "mAP macro",
    "mAP micro",
    "F1 micro, tuned",
    "F1 macro, tuned",
)
_CHANGED = 6
_PLOTTED = 40


def compare_tagging(judged: Sequence[Judged], setup: Setup, *, command: str) -> Report:
    """Report on how the first system and each of the others tag the same pictures.

    Raises InputError where they have no picture in common, Stopped.
    """
    judged = _aligned(judged)
    first = judged[0]
    summary: list[str] = []
    sections: list[Section] = []
    pairs: list[dict[str, Any]] = []
    for other in judged[1:]:
        names = first.scored.system.name, other.scored.system.name
        measures = measures_of(first)
        found = compare(measures, measures_of(other), len(first.data), setup)
        classes = compare(class_measures(first), class_measures(other), len(first.data), setup)
        summary += [_sentence(name, found[name], names) for name in _TAGGING]
        sections += [
            _figures(names, measures, found),
            _classes(names, classes),
            _pictures(first, other),
        ]
        pairs.append(_pair(names, {"": found, "class": classes}))
    facts = [each.scored.facts for each in judged if each.scored.facts is not None]
    return Report(
        title=f"Tagging {first.data.name}: {_listed([each.scored.system.name for each in judged])}",
        made=made(
            command=command,
            data=tagging_report.data_used(first),
            models=list(dict.fromkeys(facts)),
            seed=setup.seed,
            resamples=setup.resamples,
        ),
        summary=(*summary, _CAUTION),
        sections=tuple(sections),
        figures={"task": "tagging", "comparisons": pairs},
    )


def compare_retrieval(found: Sequence[AnyRetrieved], setup: Setup, *, command: str) -> Report:
    """Report on what the first system and each of the others find in the same data.

    Raises InputError where they did not search the same pictures, Stopped.
    """
    first = found[0]
    summary: list[str] = []
    sections: list[Section] = []
    pairs: list[dict[str, Any]] = []
    for other in found[1:]:
        if other.data.digest != first.data.digest:
            raise InputError(
                f"{first.system.name} and {other.system.name} could not read the same pictures. "
                "Mend or remove those that cannot be read"
            )
        names = first.system.name, other.system.name
        compared = {}
        for a, b in zip(first.rankings, other.rankings, strict=True):
            measures = a.measures
            result = compare(measures, b.measures, a.groups, setup)
            chosen = f"R@{a.cutoffs[-1]}", "mAP"
            summary += [_sentence(f"{a.title}, {name}", result[name], names) for name in chosen]
            sections.append(_figures(names, measures, result, title=a.title))
            if not a.language.endswith(" only"):
                sections.append(_queries(first, a, b, setup.seed))
            compared[a.title] = result
        sections.append(_speed(first, other))
        pairs.append(_pair(names, compared) | {"speed": {"a": first.speed, "b": other.speed}})
    return Report(
        title=f"Finding in {first.data.name}: {_listed([each.system.name for each in found])}",
        made=made(
            command=command,
            data=retrieval_report.data_used(first),
            models=list(dict.fromkeys(each.facts for each in found)),
            seed=setup.seed,
            resamples=setup.resamples,
        ),
        summary=(*summary, _CAUTION),
        sections=tuple(sections),
        figures={"task": "retrieval", "comparisons": pairs},
    )


_CAUTION = (
    "Differences are B − A in points of 100, with 95 % intervals over the same pictures. Of many "
    "comparisons one in twenty looks like a difference by chance."
)


def verdict(found: Comparison, names: tuple[str, str]) -> str:
    """Say in words which of two named systems is better, if the interval says so."""
    if found.verdict == "no difference shown":
        return found.verdict
    return f"{names[found.verdict == 'B is better']} is better"


def _sentence(name: str, found: Comparison, names: tuple[str, str]) -> str:
    said = f"{100 * found.a:.1f} → {100 * found.b:.1f}"
    return f"{name}: {verdict(found, names)}; {said}, {_difference(found, share=True)}."


def _difference(found: Comparison, *, share: bool) -> str:
    value, scale = found.difference, 100 if share else 1
    if np.isnan(value.estimate):
        return "–"
    estimate, low, high = (f"{scale * each:+.1f}".replace("-", "−") for each in value)
    return estimate if np.isnan(value.low) else f"{estimate} ({low} to {high})"


def _figures(
    names: tuple[str, str],
    measures: Measures,
    found: Mapping[str, Comparison],
    *,
    title: str = "Figures",
) -> Section:
    rows = []
    for name, each in found.items():
        share = measures[name].share
        scale = 100 if share else 1
        arrow = "" if measures[name].higher_is_better else " (lower is better)"
        rows.append(
            (
                f"{name}{arrow}",
                f"{scale * each.a:.1f}",
                f"{scale * each.b:.1f}",
                _difference(each, share=share),
                verdict(each, names),
            )
        )
    plotted = [
        (name, found[name].difference)
        for name in found
        if measures[name].share and measures[name].higher_is_better
    ]
    caption = f"{title}: {names[1]} minus {names[0]}"
    return Section(
        title=caption,
        parts=(
            Plot(title="Differences with their intervals", svg=differences(plotted, name=caption)),
            Table(
                columns=("figure", f"A: {names[0]}", f"B: {names[1]}", "B − A", "verdict"),
                rows=tuple(rows),
                right=(1, 2, 3),
            ),
        ),
    )


def _classes(names: tuple[str, str], found: Mapping[str, Comparison]) -> Section:
    known = [name for name in found if not np.isnan(found[name].difference.estimate)]
    order = sorted(known, key=lambda name: -abs(found[name].difference.estimate))
    rows = tuple(
        (
            name,
            f"{100 * found[name].a:.1f}",
            f"{100 * found[name].b:.1f}",
            _difference(found[name], share=True),
            verdict(found[name], names),
        )
        for name in order
    )
    title = f"Average precision by class: {names[1]} minus {names[0]}"
    plotted = [(name, found[name].difference) for name in order[:_PLOTTED]]
    return Section(
        title="Class by class, largest difference first",
        text=(f"Of {len(known):,} classes about {len(known) / 20:.0f} look different by chance.",),
        parts=(
            Plot(title=title, svg=differences(plotted, name=title)),
            Table(columns=("class", "A", "B", "B − A", "verdict"), rows=rows, right=(1, 2, 3)),
        ),
    )


# --- which pictures and queries changed ---


def _pictures(a: Judged, b: Judged) -> Section:
    """Show the pictures with the largest change in wrong decisions, at tuned thresholds."""
    yes, known = masks(a.labels)
    wrong = [
        ((each.decisions["tuned"] != yes) & known).sum(axis=1).astype(float) for each in (a, b)
    ]
    finer = ranking_losses(b.probabilities, b.labels) - ranking_losses(a.probabilities, a.labels)
    change = wrong[1] - wrong[0] + 0.5 * np.nan_to_num(finer)  # a tie-break: losses are 0..1
    better, worse = int((wrong[1] < wrong[0]).sum()), int((wrong[1] > wrong[0]).sum())
    text = (
        f"Of {len(change):,} pictures, {better:,} have fewer wrong tags with B, {worse:,} have "
        f"more and {len(change) - better - worse:,} as many."
    )
    galleries = []
    for title, order in (("Better with B", np.argsort(change)), ("Worse", np.argsort(-change))):
        sign = -1 if title.startswith("Better") else 1
        rows = [int(row) for row in order[:_CHANGED] if sign * change[row] > 0]
        if rows:
            tiles = tuple(_tagged(a, b, row) for row in rows)
            galleries.append(Gallery(title=title, rows=(("", tiles),)))
    return Section(title="Which pictures changed", text=(text,), parts=tuple(galleries))


def _tagged(a: Judged, b: Judged, row: int) -> Tile:
    def named(chosen: NDArray[np.bool_]) -> str:
        names = [name for name, on in zip(a.data.classes, chosen, strict=True) if on]
        return ", ".join(names[:5]) or "nothing"

    return Tile(
        path=a.data.paths[row],
        lines=(
            f"is: {named(a.labels[row] == 1)}",
            f"A: {named(a.decisions['tuned'][row])}",
            f"B: {named(b.decisions['tuned'][row])}",
        ),
    )


def _queries(found: AnyRetrieved, a: Ranking, b: Ranking, seed: int) -> Section:
    """Show the queries whose right answer moved most, by how many times its rank grew."""
    moved = np.log(b.ranks) - np.log(a.ranks)
    better, worse = int((moved < 0).sum()), int((moved > 0).sum())
    text = (
        f"Of {len(moved):,} queries, {better:,} find the right one earlier with B, {worse:,} later "
        f"and {len(moved) - better - worse:,} as early."
    )
    describe = describer(found, a, seed)
    galleries = []
    for title, order in (("Better with B", np.argsort(moved)), ("Worse", np.argsort(-moved))):
        sign = -1 if title.startswith("Better") else 1
        rows = []
        for query in order[:_CHANGED].tolist():
            if sign * moved[query] > 0:
                heading, tiles = describe(query)
                ranks = f"{a.ranks[query]:,.0f} → {b.ranks[query]:,.0f}"
                kept = [tile for tile in tiles if tile.mark != "wrong"][:2]
                rows.append((f"{heading}: rank {ranks}", tuple(_plain(tile) for tile in kept)))
        if rows:
            galleries.append(Gallery(title=title, rows=tuple(rows)))
    title = f"Which queries changed: {a.title}"
    return Section(title=title, text=(text,), parts=tuple(galleries))


def _plain(tile: Tile) -> Tile:
    """Leave out ranks that are only A's."""
    return Tile(path=tile.path, lines=() if tile.mark else tile.lines)


def _speed(a: AnyRetrieved, b: AnyRetrieved) -> Section:
    first, second = speeds(a), speeds(b)
    rows = tuple((name, number(first[name]), number(second[name])) for name in first)
    table = Table(
        columns=("", f"A: {a.system.name}", f"B: {b.system.name}"), rows=rows, right=(1, 2)
    )
    text = "One run each, on this machine; other work on it slows either."
    return Section(title="How fast", text=(text,), parts=(table,))


# --- the rest ---


def _aligned(judged: Sequence[Judged]) -> list[Judged]:
    """Keep the pictures that all systems scored, in the same order."""
    common = set(judged[0].data.paths).intersection(*(each.data.paths for each in judged))
    if not common:
        raise InputError("the systems have no picture in common that each of them can judge")
    kept = []
    for each in judged:
        rows = np.array([row for row, path in enumerate(each.data.paths) if path in common])
        kept.append(each if len(rows) == len(each.data) else each.take(rows))
    return kept


def _pair(names: tuple[str, str], found: Mapping[str, Mapping[str, Comparison]]) -> dict[str, Any]:
    return {
        "a": names[0],
        "b": names[1],
        "differences": {
            f"{group}: {name}" if group else name: {
                "a": each.a,
                "b": each.b,
                "difference": each.difference,
                "verdict": each.verdict,
            }
            for group, figures in found.items()
            for name, each in figures.items()
        },
    }


def _listed(names: Sequence[str]) -> str:
    return " or ".join(names)
