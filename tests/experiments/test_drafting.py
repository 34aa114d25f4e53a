"""Who gets which side, and which picture: stable, fair, in order."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soutu.library.experiments.drafting import NEITHER, chosen, digest, draft

RANKINGS = st.lists(st.integers(1, 30), unique=True, max_size=20)


def seed_of(number: int) -> str:
    return digest("salt", str(number))


@given(a=RANKINGS, b=RANKINGS, n=st.integers(0, 40), number=st.integers(0, 10**6))
def test_a_draft_is_a_list_of_both(a: list[int], b: list[int], n: int, number: int) -> None:
    """No duplicates, nothing lost, each side in its own order, turns never two apart."""
    found = draft(a, b, n=n, seed=seed_of(number))
    assert len(found.ids) == len(found.sides) == min(n, len(set(a) | set(b)))
    assert len(set(found.ids)) == len(found.ids)
    for side, ranking in (("a", a), ("b", b)):
        picked = [id_ for id_, whose in zip(found.ids, found.sides, strict=True) if whose == side]
        assert picked == [id_ for id_ in ranking if id_ in picked]
        for id_ in picked:  # what stands before it in its ranking was in the list by then
            before = set(ranking[: ranking.index(id_)])
            assert before <= set(found.ids[: found.ids.index(id_)])
    for end in range(len(found.sides)):
        part = found.sides[: end + 1]
        assert abs(part.count("a") - part.count("b")) <= 1
    rest = found.sides.lstrip("ab")
    assert set(rest) <= {NEITHER}


@given(a=RANKINGS, b=RANKINGS, number=st.integers(0, 10**6))
def test_a_longer_draft_begins_with_the_shorter(a: list[int], b: list[int], number: int) -> None:
    """A further page goes on where the one before ended."""
    whole = draft(a, b, n=40, seed=seed_of(number))
    for n in range(20):
        part = draft(a[:n], b[:n], n=n, seed=seed_of(number))
        assert part.ids == whole.ids[: len(part.ids)]
        assert part.sides == whole.sides[: len(part.ids)]


def test_each_side_drafts_equally() -> None:
    """Over many lists each side picks first half of the time, and half of the pictures."""
    a, b = list(range(10)), list(range(9, -1, -1))
    drafts = [draft(a, b, n=10, seed=seed_of(number)) for number in range(4000)]
    assert {(found.sides.count("a"), found.sides.count("b")) for found in drafts} == {(5, 5)}
    first = Counter(found.sides[0] for found in drafts)
    assert first["a"] == pytest.approx(2000, abs=4 * 32)  # four standard deviations


def test_equal_rankings_stay_as_they_are() -> None:
    """Two ways that agree give the list that both give."""
    found = draft([3, 1, 2], [3, 1, 2], n=3, seed=seed_of(1))
    assert found.ids == [3, 1, 2]


def test_a_person_is_on_one_side() -> None:
    """The same person and salt give the same side, another salt deals anew."""
    people = [f"person {number}" for number in range(10_000)]
    sides = [chosen("salt", person, 0.3) for person in people]
    assert sides == [chosen("salt", person, 0.3) for person in people]
    assert sum(sides) == pytest.approx(3000, abs=4 * 46)
    others = [chosen("pepper", person, 0.3) for person in people]
    both = sum(one and other for one, other in zip(sides, others, strict=True))
    assert both == pytest.approx(900, abs=4 * 29)  # 0.3 * 0.3: they are independent


def test_a_larger_share_keeps_the_people_of_the_smaller() -> None:
    """Nobody changes sides from B to A when more are let in."""
    people = [f"person {number}" for number in range(1000)]
    few = {person for person in people if chosen("salt", person, 0.1)}
    more = {person for person in people if chosen("salt", person, 0.4)}
    assert few < more
    assert all(chosen("salt", person, 1.0) for person in people)
