"""Reports by known answers: people who prefer A, people who do not care, too few people."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast, get_args

import numpy as np
import pytest

from soutu.catalog.trials import Tally
from soutu.errors import InputError
from soutu.library.experiments.drafting import digest, draft
from soutu.library.experiments.markdown import as_markdown
from soutu.library.experiments.report import ENOUGH_LISTS, report_of
from soutu.types import Experiment, ExperimentKind, ExperimentReport, ExperimentVerdict, Variant

GOOD = frozenset(range(10))
"""The pictures that answer, of a hundred: A has them first, B has them last."""


def experiment(kind: ExperimentKind) -> Experiment:
    return Experiment(
        name="new",
        kind=kind,
        variant=Variant(model="other", diversity=0.3, keywords=True),
        share=0.5,
        keep_words=False,
        who="ana",
        started=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
    )


def report(kind: ExperimentKind, found: list[Tally], effect: float = 0.05) -> ExperimentReport:
    return report_of(experiment(kind), found, effect=effect)


def lists(rng: np.random.Generator, n: int, *, of_good: float, of_bad: float) -> list[Tally]:
    """Show n drafted lists of ten to people who click good and bad pictures with these chances."""
    a = list(range(100))
    b = a[::-1]
    found = []
    for number in range(n):
        drafted = draft(a, b, n=10, seed=digest(str(rng.integers(2**60)), "list"))
        clicks = [0, 0]
        for id_, side in zip(drafted.ids, drafted.sides, strict=True):
            if rng.random() < (of_good if id_ in GOOD else of_bad):
                clicks["ab".index(side)] += 1
        found.append(
            Tally(session=f"s{number % 7}", side="ab", clicks=(clicks[0], clicks[1]), labels=(0, 0))
        )
    return found


def visits(rng: np.random.Generator, people: int, *, a: float, b: float) -> list[Tally]:
    """Let people ask a few questions each; some of them click far more than others."""
    found = []
    for person in range(people):
        side = "ab"[person % 2]
        eager = rng.gamma(2.0, 0.5)
        for _ in range(rng.integers(1, 8)):
            number = int(rng.poisson(eager * (a if side == "a" else b)))
            clicks = (number, 0) if side == "a" else (0, number)
            found.append(Tally(session=f"s{person}", side=side, clicks=clicks, labels=(0, 0)))
    return found


def verdicts(made: list[ExperimentReport]) -> dict[ExperimentVerdict, int]:
    return {
        verdict: sum(each.verdict == verdict for each in made)
        for verdict in get_args(ExperimentVerdict)
    }


def test_people_who_prefer_a_in_lists_of_both() -> None:
    """A is better, and the win rate of B is far below a half."""
    found = report("interleaved", lists(np.random.default_rng(0), 300, of_good=0.4, of_bad=0.1))
    assert found.verdict == "A is better"
    assert found.estimate is not None
    assert found.high is not None
    assert found.estimate < found.high < 0.3
    of_a, of_b, ties = found.wins
    assert found.units == of_a + of_b + ties
    assert found.estimate == pytest.approx((of_b + ties / 2) / found.units)
    assert found.a.impressions == found.b.impressions == 300
    assert found.a.sessions == 7


def test_people_who_do_not_care_in_lists_of_both() -> None:
    """One of 20 experiments shows a difference that is not there, and no more."""
    rng = np.random.default_rng(1)
    made = [report("interleaved", lists(rng, 120, of_good=0.1, of_bad=0.1)) for _ in range(200)]
    found = verdicts(made)
    assert found["too few to tell"] == 0
    assert 1 <= found["A is better"] + found["B is better"] <= 20  # 10 wanted


def test_people_who_prefer_one_side_of_a_split() -> None:
    """Each of the sides is found better where it is."""
    rng = np.random.default_rng(2)
    for a, b, wanted in ((1.0, 0.5, "A is better"), (0.5, 1.0, "B is better")):
        found = report("split", visits(rng, 300, a=a, b=b))
        assert found.verdict == wanted
        assert found.estimate is not None
        assert found.low is not None
        assert found.high is not None
        assert found.low <= b - a <= found.high
        assert found.units == found.a.sessions + found.b.sessions == 300


def test_people_of_a_split_who_do_not_care() -> None:
    """People are resampled, not their searches: eager ones make no difference by themselves."""
    rng = np.random.default_rng(3)
    found = verdicts([report("split", visits(rng, 220, a=0.6, b=0.6)) for _ in range(200)])
    assert 1 <= found["A is better"] + found["B is better"] <= 20


def test_figures_of_a_split() -> None:
    """Clicks per answer by hand: A 3 of 2, B 1 of 3."""
    found = report(
        "split",
        [
            Tally(session="x", side="a", clicks=(3, 0), labels=(1, 0)),
            Tally(session="x", side="a", clicks=(0, 0), labels=(0, 0)),
            Tally(session="y", side="b", clicks=(0, 1), labels=(0, 2)),
            Tally(session="y", side="b", clicks=(0, 0), labels=(0, 0)),
            Tally(session="z", side="b", clicks=(0, 0), labels=(0, 0)),
        ],
    )
    assert found.estimate == pytest.approx(1 / 3 - 3 / 2)
    assert (found.a.impressions, found.a.clicked, found.a.clicks, found.a.labels) == (2, 1, 3, 1)
    assert (found.b.impressions, found.b.clicked, found.b.clicks, found.b.labels) == (3, 1, 1, 2)
    assert found.verdict == "too few to tell"
    assert found.needed is None


@pytest.mark.parametrize("kind", get_args(ExperimentKind))
def test_nothing_happened(kind: ExperimentKind) -> None:
    """An empty log, and one without clicks, are no error and no verdict."""
    shown = [Tally(session="x", side="ab", clicks=(0, 0), labels=(0, 0))] * 3
    for found in (report(kind, []), report(kind, shown)):
        assert found.verdict == "too few to tell"
        assert found.low is None
        assert found.high is None
        assert found.needed is None
        assert "too few" in as_markdown(found)


def test_few_that_all_agree_are_too_few() -> None:
    """The bootstrap of a handful that agree would be sure of anything."""
    all_b = [Tally(session="x", side="ab", clicks=(0, 1), labels=(0, 0))]
    assert report("interleaved", all_b * (ENOUGH_LISTS - 1)).verdict == "too few to tell"
    assert report("interleaved", all_b * ENOUGH_LISTS).verdict == "B is better"


def test_how_many_more_it_takes() -> None:
    """Four times as many for half the effect, none once there are enough; the power holds."""
    rng = np.random.default_rng(4)
    some = lists(rng, 150, of_good=0.1, of_bad=0.1)
    needed = {effect: report("interleaved", some, effect) for effect in (0.05, 0.1, 0.5)}
    wanted = {effect: cast("int", each.needed) + each.units for effect, each in needed.items()}
    assert wanted[0.05] == pytest.approx(4 * wanted[0.1], abs=4)
    assert needed[0.5].needed == 0
    # A coin with a sure winner in each list: the error of a mean of n is 0.5 / sqrt(n).
    coin = [
        Tally(session="x", side="ab", clicks=(n % 2, 1 - n % 2), labels=(0, 0)) for n in range(400)
    ]
    assert report("interleaved", coin, 0.1).needed == 0  # 196 are enough
    assert report("interleaved", coin, 0.05).needed == pytest.approx(785 - 400, rel=0.25)


@pytest.mark.parametrize("effect", [0.0, -0.1, 1.5, float("nan")])
def test_effects_that_are_none(effect: float) -> None:
    """The message names a good one."""
    with pytest.raises(InputError, match=r"such as 0\.05"):
        report("split", [], effect)


def test_a_report_as_markdown() -> None:
    """Verdict, both ways, figures, and how it was made."""
    found = report("interleaved", lists(np.random.default_rng(0), 60, of_good=0.4, of_bad=0.1))
    text = as_markdown(found)
    assert text.startswith("# new: A is better\n")
    assert "B: the model other, diversity 0.3, keywords" in text
    assert "win rate of B: 0." in text
    assert f"| lists won ({found.wins[2]} ties) | {found.wins[0]} | {found.wins[1]} |" in text
    assert "bootstrap interval of 1,000 resamples of lists with a click, seed 0" in text
    assert "to show a difference of 0.05 it takes about" in text


def test_the_same_log_gives_the_same_report() -> None:
    """Resampling is seeded."""
    some = lists(np.random.default_rng(5), 60, of_good=0.2, of_bad=0.1)
    assert report("interleaved", some) == report("interleaved", some)
