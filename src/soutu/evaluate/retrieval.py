"""Run retrieval: captions and pictures, pictures of one kind, pictures changed by words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from soutu.errors import InputError
from soutu.evaluate.ranking import Ranking, rank, searching
from soutu.evaluate.timing import Speed, speed_of
from soutu.library.query import mixed

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from soutu.data.captions import CaptionData
    from soutu.data.composed import Category, ComposedData
    from soutu.data.labelled import LabelledData, Labels
    from soutu.evaluate.ranking import Relevance, Search
    from soutu.evaluate.setup import Setup, System
    from soutu.library.vectors import PictureVectors, VectorCache
    from soutu.models.base import EncoderFacts
    from soutu.types import Failure, Vectors

Data = TypeVar("Data")

MOST_QUERIES = 2_000
"""Pictures that ask for others of their kind; more hardly move the figures."""
COMPOSED_CUTOFFS = (1, 10, 50)
_SAMPLE = 2048


@dataclass(frozen=True, kw_only=True, eq=False)
class Retrieved(Generic[Data]):
    """What one system found in some data: a ranking for each direction and language, and speed.

    `data` is without the pictures that could not be read (`failures`); `content` is the digest of
    those that were.
    """

    data: Data
    system: System
    facts: EncoderFacts
    rankings: tuple[Ranking, ...]
    speed: Speed
    content: str
    failures: tuple[Failure, ...] = ()


def run_captions(data: CaptionData, system: System, setup: Setup) -> Retrieved[CaptionData]:
    """Search pictures by captions and captions by pictures, for each language by itself.

    Raises InputError where no picture can be read, Stopped.
    """
    with setup.open(system.model, system.precision) as cache:
        found = _pictures(cache, data.images, setup)
        data = data.take(found.rows) if found.failures else data
        texts = cache.texts(
            data.captions, on_progress=setup.on_progress, should_stop=setup.should_stop
        )
        rankings: list[Ranking] = []
        with searching(found.vectors, system.index) as search:
            for language, rows in _by_language(data):
                ranking = rank(
                    texts[rows],
                    search,
                    _same(data.image_of[rows], np.arange(len(data.images))),
                    direction="text to image",
                    language=language,
                    items=len(data.images),
                    setup=setup,
                    group=_renumbered(data.image_of[rows]),
                )
                rankings.append(ranking)
            speed = speed_of(cache, data.images, data.captions, search)
        for language, rows in _by_language(data):
            asking = np.unique(data.image_of[rows])
            with searching(texts[rows], system.index) as search:
                ranking = rank(
                    found.vectors[asking],
                    search,
                    _same(asking, data.image_of[rows]),
                    direction="image to text",
                    language=language,
                    items=len(rows),
                    setup=setup,
                )
            rankings.append(ranking)
    return Retrieved(
        data=data,
        system=system,
        facts=cache.facts,
        rankings=tuple(rankings),
        speed=speed,
        content=found.digest,
        failures=found.failures,
    )


def rows_of(data: CaptionData, language: str) -> NDArray[np.intp]:
    """Return the captions of one language, in the order in which its ranking has them."""
    return np.flatnonzero(np.array([each == language for each in data.languages]))


def run_pictures(data: LabelledData, system: System, setup: Setup) -> Retrieved[LabelledData]:
    """Search pictures by pictures: those that share a class are right, the query is left out.

    Raises InputError where nothing can be found, Stopped.
    """
    with setup.open(system.model, system.precision) as cache:
        found = _pictures(cache, data.paths, setup)
        data = data.take(found.rows) if found.failures else data
        asking = asking_rows(data.labels, setup.seed)
        if not len(asking):
            raise InputError(
                f"{data.name}: no two pictures share a class, so nothing can be found. "
                "See: soutu data check"
            )
        with searching(found.vectors, system.index) as search:
            ranking = rank(
                found.vectors[asking],
                search,
                lambda start, stop: _sharing(data.labels, asking[start:stop]),
                direction="image to image",
                language="",
                items=len(data),
                setup=setup,
                precision_at=(1, 5, 10),
            )
            speed = speed_of(cache, data.paths, (), search)
    return Retrieved(
        data=data,
        system=system,
        facts=cache.facts,
        rankings=(ranking,),
        speed=speed,
        content=found.digest,
        failures=found.failures,
    )


def asking_rows(labels: Labels, seed: int) -> NDArray[np.intp]:
    """Choose the pictures that ask: up to MOST_QUERIES of those that share a class with another."""
    yes = labels == 1
    able = np.flatnonzero((yes & (yes.sum(axis=0) > 1)).any(axis=1))
    if len(able) > MOST_QUERIES:
        able = np.sort(np.random.default_rng(seed).choice(able, MOST_QUERIES, replace=False))
    return able


def run_composed(data: ComposedData, system: System, setup: Setup) -> Retrieved[ComposedData]:
    """Search by a picture and words, for each category; beside it, by either of them alone.

    Both are mixed as a library mixes them. Raises InputError for pictures that cannot be read,
    Stopped.
    """
    rankings: list[Ranking] = []
    contents = []
    speed = Speed()
    with setup.open(system.model, system.precision) as cache:
        for category in data.categories:
            found = _pictures(cache, category.images, setup)
            if found.failures:
                first = found.failures[0]
                raise InputError(f"{first.path} cannot be read: {first.reason}. Mend or remove it")
            contents.append(found.digest)
            asked = [change.words for change in category.queries]
            words = cache.texts(asked, on_progress=setup.on_progress, should_stop=setup.should_stop)
            with searching(found.vectors, system.index) as search:
                rankings += _composed(category, found.vectors, words, search, setup)
                if speed.latency_ms is None:
                    speed = speed_of(cache, category.images, asked, search)
    return Retrieved(
        data=data,
        system=system,
        facts=cache.facts,
        rankings=tuple(rankings),
        speed=speed,
        content="+".join(contents),
    )


def _composed(
    category: Category, pictures: Vectors, words: Vectors, search: Search, setup: Setup
) -> list[Ranking]:
    references = pictures[[change.reference for change in category.queries]]
    targets = np.array([change.target for change in category.queries], np.intp)
    sample = pictures[:: max(1, len(pictures) // _SAMPLE)]
    equal = np.ones(2, np.float32)
    both = np.stack(
        [mixed(np.stack(pair), equal, sample) for pair in zip(references, words, strict=True)]
    )
    return [
        rank(
            queries,
            search,
            _same(targets, np.arange(len(pictures))),
            direction="picture and words",
            language=f"{category.name}{alone}",
            items=len(pictures),
            setup=setup,
            cutoffs=COMPOSED_CUTOFFS,
        )
        for alone, queries in (("", both), (", words only", words), (", picture only", references))
    ]


def _pictures(cache: VectorCache, paths: Sequence[Path], setup: Setup) -> PictureVectors:
    found = cache.pictures(paths, on_progress=setup.on_progress, should_stop=setup.should_stop)
    if not len(found.rows):
        why = f", the first {paths[0]}: {found.failures[0].reason}" if found.failures else ""
        raise InputError(f"none of {len(paths):,} pictures can be read{why}")
    return found


def _by_language(data: CaptionData) -> list[tuple[str, NDArray[np.intp]]]:
    return [(language, rows_of(data, language)) for language in dict.fromkeys(data.languages)]


def _renumbered(group: NDArray[np.intp]) -> NDArray[np.intp]:
    """Give groups numbers without gaps, so that only those that are there are drawn."""
    return np.unique(group, return_inverse=True)[1].astype(np.intp)


def _same(wanted: NDArray[np.intp], of_item: NDArray[np.intp]) -> Relevance:
    return lambda start, stop: wanted[start:stop, None] == of_item[None]


def _sharing(labels: Labels, rows: NDArray[np.intp]) -> NDArray[np.int8]:
    """Say which pictures share a class with those of `rows`: 1, 0, or -1 for not known."""
    yes = (labels == 1).astype(np.float32)
    may = yes + (labels == -1)
    shared = yes[rows] @ yes.T > 0
    possible = may[rows] @ may.T > 0
    found = np.where(shared, 1, np.where(possible, -1, 0)).astype(np.int8)
    found[np.arange(len(rows)), rows] = -1  # the query itself
    return found
