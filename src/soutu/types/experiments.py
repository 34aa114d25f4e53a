"""Experiments: two ways of answering searches, compared by what people do with the answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from soutu.types.queries import Hit

ExperimentKind = Literal["split", "interleaved"]
"""How people meet the two ways: each person one of them, or both in one list."""

ExperimentAction = Literal["open", "like", "unlike", "label"]
"""What a person did with a picture that was shown: looked at it, asked for more like it, for less
like it, or said something of its tags. The first two are clicks."""

ExperimentVerdict = Literal["A is better", "B is better", "no difference shown", "too few to tell"]


@dataclass(frozen=True, kw_only=True)
class Variant:
    """What way B does otherwise than way A, which is how the library answers anyway.

    `model` and `precision` name another space of the library. `diversity` 0..1 and `keywords`
    (the words of a query are also looked for in file names, and fused) hold where a query does
    not say itself.
    """

    model: str | None = None
    precision: str | None = None
    diversity: float | None = None
    keywords: bool = False


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """An experiment. `share` is how many of the people B answers (of those who get both lists).

    `keep_words` says that the words people asked are in the log; if not, only their hashes.
    """

    name: str
    kind: ExperimentKind
    variant: Variant
    share: float
    keep_words: bool
    who: str
    started: datetime
    stopped: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Served:
    """A page of an answer, which may be part of an experiment.

    `impression` names the answer in what is told of it later, None where it is in no experiment.
    `experiment` is where to go on from page to page. `more` says that there may be another page.
    """

    hits: list[Hit]
    impression: str | None = None
    experiment: str | None = None
    more: bool = False


@dataclass(frozen=True, kw_only=True)
class SideCounts:
    """What one side was shown and got.

    Of interleaved lists, which show both, `impressions` and `sessions` are those of the lists.
    `clicked` are the impressions with a click; each picture of an answer is clicked once at most.
    """

    impressions: int
    sessions: int
    clicked: int
    clicks: int
    labels: int


@dataclass(frozen=True, kw_only=True)
class ExperimentReport:
    """What an experiment found.

    Of a split one, `figure` is "clicks per answer" and `estimate` that of B minus that of A; of an
    interleaved one, "win rate of B" among lists with a click (ties count half; 0.5 is neither).
    `low` to `high` is its 95 % bootstrap interval, None where there is nothing to compute it from.
    `units` (people of a split, lists with a click of an interleaved experiment) is what it was
    resampled by; about `needed` more would show a difference of `effect` four times out of five,
    None where nobody can tell yet.
    """

    experiment: Experiment
    figure: str
    a: SideCounts
    b: SideCounts
    wins: tuple[int, int, int]
    estimate: float | None
    low: float | None
    high: float | None
    verdict: ExperimentVerdict
    units: int
    effect: float
    needed: int | None
    resamples: int
    seed: int
    version: str
