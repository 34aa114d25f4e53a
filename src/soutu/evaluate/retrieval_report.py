"""The report on retrieval: figures by direction and language, speed, and what was found instead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from soutu.data.captions import CaptionData
from soutu.data.composed import ComposedData
from soutu.evaluate.measures import as_figures, estimate, shown
from soutu.evaluate.plots import curves
from soutu.evaluate.report import (
    DataUsed,
    Gallery,
    Plot,
    Report,
    Section,
    Table,
    Tile,
    made,
    number,
)
from soutu.evaluate.retrieval import MOST_QUERIES, asking_rows, rows_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.data.labelled import LabelledData
    from soutu.evaluate.ranking import Ranking
    from soutu.evaluate.retrieval import Retrieved
    from soutu.evaluate.setup import Setup
    from soutu.evaluate.timing import Speed
    from soutu.metrics import Figures, Interval

AnyRetrieved: TypeAlias = (
    "Retrieved[CaptionData] | Retrieved[LabelledData] | Retrieved[ComposedData]"
)

WORST = 8
"""Queries shown of each ranking."""
_CURVE = (1, 2, 3, 5, 7, 10, 20, 30, 50, 70, 100, 200, 300, 500, 1000)


def retrieval_report(found: AnyRetrieved, setup: Setup, *, command: str) -> Report:
    """Make the report on one system. Raises Stopped."""
    figures = {
        ranking.title: estimate(ranking.measures, ranking.groups, setup)
        for ranking in found.rankings
    }
    return Report(
        title=f"Finding in {found.data.name} with {found.system.name}",
        made=made(
            command=command,
            data=data_used(found),
            models=[found.facts],
            seed=setup.seed,
            resamples=setup.resamples,
        ),
        summary=_summary(found, figures),
        sections=(
            _figures(found, figures),
            _curves(found),
            Section(title="How fast", text=_speed(found.speed)),
            *_mistakes(found, setup.seed),
        ),
        figures={
            "task": "retrieval",
            "system": found.system.name,
            "rankings": {
                ranking.title: {
                    "queries": len(ranking.ranks),
                    "items": ranking.items,
                    **as_figures(figures[ranking.title]),
                }
                for ranking in found.rankings
            },
            "speed": found.speed,
        },
    )


def data_used(found: AnyRetrieved) -> DataUsed:
    """Say which data the figures are of."""
    data = found.data
    counts: dict[str, int] = {}
    notes: tuple[str, ...] = ()
    if isinstance(data, CaptionData):
        counts = {"pictures": len(data.images), "captions": len(data.captions)}
        notes = data.notes
    elif isinstance(data, ComposedData):
        notes = data.notes
        counts = {
            "pictures": sum(len(category.images) for category in data.categories),
            "queries": sum(len(category.queries) for category in data.categories),
        }
    else:
        counts = {"pictures": len(data), "classes": len(data.classes)}
        if len(found.rankings[0].ranks) == MOST_QUERIES:
            notes = (f"{MOST_QUERIES:,} pictures drawn at random ask for others of their kind",)
    if found.failures:
        first = found.failures[0]
        notes += (
            (
                f"{len(found.failures):,} pictures cannot be read, the first: {first.path.name}: "
                f"{first.reason}"
            ),
        )
    return DataUsed(
        name=data.name, digest=data.digest, content=found.content, counts=counts, notes=notes
    )


def _summary(found: AnyRetrieved, figures: dict[str, dict[str, Interval]]) -> tuple[str, ...]:
    said = []
    for ranking in found.rankings:
        values = figures[ranking.title]
        best = [f"R@{k} {shown(values[f'R@{k}'])}" for k in ranking.cutoffs[-2:]]
        said.append(f"{ranking.title}: {'; '.join(best)}.")
    said.append("All in percent, with 95 % intervals.")
    if found.system.index != "exact":
        said.append(
            "Pictures were searched through an index, which lists its 200 best; what is not among "
            "them ranks last."
        )
    return tuple(said)


def _figures(found: AnyRetrieved, figures: dict[str, dict[str, Interval]]) -> Section:
    tables = []
    for ranking in found.rankings:
        measures, values = ranking.measures, figures[ranking.title]
        rows = tuple((name, shown(values[name], share=measures[name].share)) for name in measures)
        title = f"{ranking.title}: {len(ranking.ranks):,} queries, {ranking.items:,} to find among"
        tables.append(Table(columns=("figure", "value"), rows=rows, right=(1,), title=title))
    text = (
        (
            "R@k: queries with a right answer among the first k. Ranks count from 1, and of equal "
            "scores the wrong ones come first. Captions of one picture are resampled together."
        ),
    )
    return Section(title="What was found", text=text, parts=tuple(tables))


def _curves(found: AnyRetrieved) -> Section:
    series = {}
    for ranking in found.rankings:
        steps = [k for k in _CURVE if k <= max(10, ranking.items)]
        series[ranking.title] = [(float(k), float((ranking.ranks <= k).mean())) for k in steps]
    title = "Queries with a right answer among the first k"
    plot = Plot(title=title, svg=curves(series, name=title, x="k", y="share of queries"))
    return Section(title="How far down", parts=(plot,))


def _speed(speed: Speed) -> tuple[str, ...]:
    said = []
    if speed.latency_ms is not None:
        said.append(
            f"One query at a time, from words to ranked pictures: {number(speed.latency_ms)} ms in "
            f"the middle, 95 % within {number(speed.latency_p95_ms)} ms; "
            f"{number(speed.encode_ms)} ms of it encodes the words. "
            f"{number(speed.qps)} queries a second on all cores."
        )
    if speed.pictures_per_second is not None:
        said.append(f"{number(speed.pictures_per_second)} pictures a second read and encoded.")
    return (*said, "Measured in this run, on this machine.")


# --- what was found instead ---

Describe: TypeAlias = Callable[[int], tuple[str, tuple[Tile, ...]]]
"""Show one query of a ranking: a heading, and tiles of what is right and what was found."""


def describer(found: AnyRetrieved, ranking: Ranking, seed: int) -> Describe:
    """Return what shows queries of a ranking."""
    data = found.data
    if isinstance(data, CaptionData):
        return _describe_captions(data, ranking)
    if isinstance(data, ComposedData):
        return _describe_composed(data, ranking)
    return _describe_pictures(data, ranking, seed)


def _mistakes(found: AnyRetrieved, seed: int) -> list[Section]:
    sections = []
    for ranking in found.rankings:
        if ranking.language.endswith(" only"):
            continue
        worst = worst_queries(ranking.ranks)
        if len(worst):
            describe = describer(found, ranking, seed)
            rows = tuple(describe(int(query)) for query in worst)
            sections.append(
                Section(
                    title=f"Worst of {ranking.title}",
                    parts=(
                        Gallery(title="What was asked, what is right, what came first", rows=rows),
                    ),
                )
            )
    return sections


def worst_queries(ranks: Figures, shown: int = WORST) -> NDArray[np.intp]:
    """Return the queries whose right answer came last, worst first; none that was found first."""
    order = np.argsort(-np.where(np.isnan(ranks), 0, ranks), kind="stable")[:shown]
    return order[ranks[order] > 1]


def _describe_captions(data: CaptionData, ranking: Ranking) -> Describe:
    rows = rows_of(data, ranking.language)
    if ranking.direction == "text to image":

        def of_text(query: int) -> tuple[str, tuple[Tile, ...]]:
            caption = int(rows[query])
            right = int(data.image_of[caption])
            tiles = [_right(data.images[right], ranking, query)]
            tiles += [
                _wrong(data.images[item], place)
                for place, item in enumerate(ranking.top[query].tolist(), start=1)
                if item != right
            ]
            return f"“{data.captions[caption]}”", tuple(tiles[:4])

        return of_text
    asking = np.unique(data.image_of[rows])

    def of_picture(query: int) -> tuple[str, tuple[Tile, ...]]:
        found = [data.captions[int(rows[item])] for item in ranking.top[query].tolist()[:3]]
        said = "; ".join(f"{place}: “{text}”" for place, text in enumerate(found, start=1))
        return said, (_right(data.images[int(asking[query])], ranking, query),)

    return of_picture


def _describe_composed(data: ComposedData, ranking: Ranking) -> Describe:
    category = next(each for each in data.categories if each.name == ranking.language.split(",")[0])

    def of_change(query: int) -> tuple[str, tuple[Tile, ...]]:
        change = category.queries[query]
        asked = Tile(path=category.images[change.reference], lines=("asked with",))
        tiles = [asked, _right(category.images[change.target], ranking, query)]
        tiles += [
            _wrong(category.images[item], place)
            for place, item in enumerate(ranking.top[query].tolist(), start=1)
            if item != change.target
        ]
        return f"“{change.words}”", tuple(tiles[:5])

    return of_change


def _describe_pictures(data: LabelledData, ranking: Ranking, seed: int) -> Describe:
    asking = asking_rows(data.labels, seed)

    def of_query(query: int) -> tuple[str, tuple[Tile, ...]]:
        row = int(asking[query])
        tiles = [Tile(path=data.paths[row], lines=("asked with", _classes(data, row)))]
        for place, item in enumerate(ranking.top[query].tolist()[:4], start=1):
            shared = ((data.labels[item] == 1) & (data.labels[row] == 1)).any()
            lines = (f"{place}.", _classes(data, item))
            tiles.append(
                Tile(path=data.paths[item], lines=lines, mark="right" if shared else "wrong")
            )
        return f"first right one at {ranking.ranks[query]:,.0f}", tuple(tiles)

    return of_query


def _right(path: Path, ranking: Ranking, query: int) -> Tile:
    rank = ranking.ranks[query]
    return Tile(path=path, lines=(f"right: at {rank:,.0f} of {ranking.items:,}",), mark="right")


def _wrong(path: Path, place: int) -> Tile:
    return Tile(path=path, lines=(f"found at {place}",), mark="wrong")


def _classes(data: LabelledData, row: int) -> str:
    held = [name for name, label in zip(data.classes, data.labels[row], strict=True) if label == 1]
    return ", ".join(held[:4])


def speeds(found: AnyRetrieved) -> dict[str, float | None]:
    """Return a system's speed by the names of a table's rows."""
    speed = found.speed
    return {
        "latency, ms": speed.latency_ms,
        "latency p95, ms": speed.latency_p95_ms,
        "queries/s": speed.qps,
        "pictures/s": speed.pictures_per_second,
    }
