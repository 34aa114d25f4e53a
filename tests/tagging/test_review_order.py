"""Which questions come first, and that answering them teaches more than answering any."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from soutu.library.tagging.review import (
    FIRST_PAGE,
    choose_for_pictures,
    choose_for_tag,
    uncertainty,
)
from soutu.metrics import average_precision

Floats = NDArray[np.floating[Any]]


def unit(rows: Floats) -> NDArray[np.float32]:
    unit_rows: Floats = rows / np.linalg.norm(rows, axis=-1, keepdims=True)
    return unit_rows.astype(np.float32)


def spread(n: int, dim: int = 64, seed: int = 0) -> NDArray[np.float32]:
    """Unit vectors, about as far from each other as can be."""
    return unit(np.random.default_rng(seed).normal(size=(n, dim)))


def test_uncertainty_is_symmetrical_around_the_threshold_on_the_logit_scale() -> None:
    """1 at the threshold; odds twice as high are as uncertain as odds half as high."""
    odds = 0.2 / 0.8 * np.array([0.5, 1.0, 2.0])
    low, middle, high = uncertainty(odds / (1 + odds), 0.2)
    assert middle == pytest.approx(1.0)
    assert low == pytest.approx(high)
    assert 0 < low < 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_uncertainty_has_no_holes_at_the_ends(dtype: type[np.floating[Any]]) -> None:
    """Probabilities and thresholds of exactly 0 and 1 give numbers from 0 to 1."""
    ends = np.array([0, 1], dtype=dtype)
    for threshold in (0.0, 0.5, 1.0):
        found = uncertainty(ends, threshold)
        assert np.isfinite(found).all()
        assert ((found >= 0) & (found <= 1)).all()


def test_the_first_page_mixes_uncertain_pictures_with_a_likely_and_an_unlikely_one() -> None:
    """Of eight questions two look plainly right, one plainly wrong, five lie near the threshold."""
    probabilities = np.concatenate([np.full(50, 0.98), np.full(50, 0.31), np.full(900, 0.01)])
    chosen = choose_for_tag(probabilities, 0.3, spread(1000), len(FIRST_PAGE))
    kinds = ["likely" if p > 0.9 else "uncertain" if p > 0.1 else "unlikely"
             for p in probabilities[chosen]]  # fmt: skip
    assert kinds == list(FIRST_PAGE)


def test_the_first_page_goes_on_where_the_labels_left_it() -> None:
    """After one label the second kind of question comes first, so answering singly is no loss."""
    probabilities = np.concatenate([np.full(50, 0.98), np.full(50, 0.31), np.full(900, 0.01)])
    vectors = spread(1000)
    [next_] = choose_for_tag(probabilities, 0.3, vectors, 1, asked_vectors=spread(1, seed=1))
    assert FIRST_PAGE[1] == "uncertain"
    assert probabilities[next_] == 0.31
    later = choose_for_tag(probabilities, 0.3, vectors, 9, asked_vectors=spread(8, seed=1))
    assert set(probabilities[later]) == {0.31}


def test_near_copies_are_not_asked_about_twice() -> None:
    """Of ten groups of copies, all equally uncertain, ten questions ask about each group once."""
    vectors = np.repeat(spread(10), 30, axis=0)
    chosen = choose_for_tag(np.full(300, 0.4), 0.4, vectors, 10)
    assert sorted((chosen // 30).tolist()) == list(range(10))


def test_copies_of_labelled_pictures_come_last() -> None:
    """What looks like a labelled picture waits until nothing else is left."""
    kinds = spread(10)
    vectors = np.repeat(kinds, 3, axis=0)
    chosen = choose_for_tag(np.full(30, 0.4), 0.4, vectors, 30, asked_vectors=kinds[:5])
    assert set((chosen[:5] // 3).tolist()) == set(range(5, 10))
    assert sorted(chosen.tolist()) == list(range(30))


def test_odd_pictures_are_not_preferred() -> None:
    """Of equally uncertain pictures, those unlike all others are asked about as often as others."""
    rng = np.random.default_rng(0)
    many = unit(spread(40, seed=1).repeat(20, axis=0) + 0.08 * rng.normal(size=(800, 64)))
    vectors = np.concatenate([many, unit(spread(1, seed=9) + 0.03 * spread(200, seed=2))])
    centre = vectors[:800].mean(axis=0)
    odd = unit(rng.normal(size=(40, 64)) - 40 * centre)
    chosen = choose_for_tag(np.full(1040, 0.3), 0.3, np.concatenate([vectors, odd]), 52)
    assert (chosen >= 1000).mean() < 0.15


@pytest.mark.parametrize("n", [0, 1, 2, 9, 700])
@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("alike", [False, True])
def test_any_number_of_pictures_is_fine(n: int, probability: float, alike: bool) -> None:
    """None, one, identical ones and certain ones: min(k, n) different pictures, always the same."""
    vectors = np.repeat(spread(1), n, axis=0) if alike else spread(n)
    first, again = (choose_for_tag(np.full(n, probability), 0.3, vectors, 20) for _ in range(2))
    assert len(set(first.tolist())) == min(20, n)
    assert first.tolist() == again.tolist()
    assert choose_for_tag(np.full(n, probability), 0.3, vectors, 0).tolist() == []


def test_pictures_come_by_what_is_open_with_their_most_uncertain_tags() -> None:
    """A picture with two open tags before one with one; settled tags are never asked."""
    probabilities = np.array(
        [[0.01, 0.99, 0.01], [0.5, 0.4, 0.01], [0.01, 0.5, 0.99], [1.0, 0.0, 1.0]]
    )
    chosen = choose_for_pictures(probabilities, np.full(3, 0.5), spread(4), 3, questions=2)
    assert [picture for picture, _ in chosen] == [1, 2, 0]
    assert chosen[0][1].tolist() == [0, 1]
    assert chosen[1][1].tolist()[0] == 1


def test_pictures_are_diverse() -> None:
    """Of ten groups of copies, ten pictures come from ten groups; reviewed groups come last."""
    kinds = spread(10)
    vectors = np.repeat(kinds, 30, axis=0)
    open_ = np.full((300, 4), 0.4)
    chosen = choose_for_pictures(open_, np.full(4, 0.4), vectors, 5, asked_vectors=kinds[:5])
    assert {picture // 30 for picture, _ in chosen} == set(range(5, 10))


@pytest.mark.parametrize(("n", "t"), [(0, 3), (3, 0), (0, 0), (1, 1), (5, 2)])
def test_pictures_of_any_number(n: int, t: int) -> None:
    """Without pictures or tags there is nothing to ask; with all settled neither."""
    vectors = spread(n)
    chosen = choose_for_pictures(np.full((n, t), 0.5), np.full(t, 0.5), vectors, 9)
    assert len(chosen) == (n if t else 0)
    assert choose_for_pictures(np.ones((n, t)), np.full(t, 0.5), vectors, 9) == []


class World:
    """Bursts of near copies of 30 kinds; the tag holds for two and its text sees mostly one."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        centres = rng.normal(size=(30, 48))
        kind = rng.choice(30, size=600, p=rng.dirichlet(np.full(30, 3.0)))
        scenes = centres[kind] + rng.normal(size=(600, 48))
        self.vectors = unit(np.repeat(scenes, 5, axis=0) + 0.1 * rng.normal(size=(3000, 48)))
        self.holds = np.repeat(kind < 2, 5)
        self.text = unit(centres[0] + 0.5 * centres[1] + 1.2 * rng.normal(size=48))


def fitted(world: World, asked: NDArray[np.intp]) -> Floats:
    """Return the logits of all pictures: ridge logistic regression anchored at the text."""
    anchor = np.append(10.0 * world.text, -4.0)
    inputs = np.c_[world.vectors, np.ones(len(world.vectors))].astype(np.float64)
    seen, truth = inputs[asked], world.holds[asked]
    ridge = np.append(np.full(48, 0.1), 0.02)
    weights = anchor.copy()
    for _ in range(10):
        p = 1 / (1 + np.exp(-np.clip(seen @ weights, -30, 30)))
        slope = seen.T @ (p - truth) + ridge * (weights - anchor)
        curve = (seen.T * (p * (1 - p) + 1e-3)) @ seen + np.diag(ridge)
        step = np.linalg.solve(curve, slope)
        weights -= step / max(1.0, float(np.linalg.norm(step)) / 5)
    logits: Floats = inputs @ weights
    return logits


Choice = Callable[[Floats, NDArray[np.float32], NDArray[np.float32]], NDArray[np.intp]]


def learned(seed: int, choose: Choice) -> float:
    """Ask 8 times 4 questions of one half; return the mean average precision on the other."""
    world = World(seed)
    asked = np.zeros(0, dtype=np.intp)
    precisions = []
    for _ in range(8):
        free = np.setdiff1d(np.arange(1500), asked)
        p = 1 / (1 + np.exp(-np.clip(fitted(world, asked)[free], -30, 30)))
        asked = np.append(asked, free[choose(p, world.vectors[free], world.vectors[asked])])
        logits = fitted(world, asked)
        precisions.append(average_precision(logits[1500:], world.holds[1500:]))
    return float(np.mean(precisions))


def test_chosen_questions_teach_more_than_random_or_merely_uncertain_ones() -> None:
    """Over 20 made worlds: better on average than both, and than random in nearly every one."""

    def mean_by_seed(choose: Choice) -> Floats:
        return np.array([learned(seed, choose) for seed in range(20)])

    rng = np.random.default_rng(0)
    ours = mean_by_seed(lambda p, v, asked: choose_for_tag(p, 0.5, v, 4, asked_vectors=asked))
    random = mean_by_seed(lambda p, v, asked: rng.choice(len(p), 4, replace=False))
    uncertain = mean_by_seed(lambda p, v, asked: np.argsort(-uncertainty(p, 0.5))[:4])
    assert ours.mean() > random.mean() + 0.1
    assert ours.mean() > uncertain.mean() + 0.03
    assert (ours > random).mean() >= 0.85
