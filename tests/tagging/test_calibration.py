"""Calibrated logits from labels, however these were chosen."""

from __future__ import annotations

import numpy as np
import pytest

from soutu.library.tagging.calibration import calibrate

START = -5.5


class Scores:
    """A library's scores: a twelfth hold the tag and score higher; zero-shot thinks far fewer.

    The calibrated logits are the scores minus 3.9.
    """

    def __init__(self, seed: int = 0, count: int = 6000) -> None:
        self.rng = np.random.default_rng(seed)
        self.truth = self.rng.random(count) < 1 / 12
        self.scores = self.rng.normal(np.where(self.truth, 3.0, 0.0), np.sqrt(3.0))

    @property
    def sample(self) -> np.ndarray:
        part: np.ndarray = self.scores[::3]
        return part

    def by_answer(self, each: int) -> np.ndarray:
        sides = [np.flatnonzero(self.truth), np.flatnonzero(~self.truth)]
        return np.concatenate([self.rng.permutation(side)[:each] for side in sides])

    def by_score(self, count: int, low: float, high: float) -> np.ndarray:
        near = np.flatnonzero((self.scores > low) & (self.scores < high))
        return self.rng.permutation(near)[:count]

    def calibrated(self, rows: np.ndarray, *, wrong: float = 0.0) -> tuple[float, float]:
        said = self.truth[rows] ^ (self.rng.random(len(rows)) < wrong)
        weights = np.ones(len(rows))
        return calibrate(self.scores[rows], said.astype(float), weights, self.sample, START)

    def selected(self, line: tuple[float, float]) -> float:
        """Return the mean probability over the library, relative to the share that holds."""
        slope, intercept = line
        p = 1 / (1 + np.exp(-(slope * self.scores + intercept)))
        return float(p.mean() / self.truth.mean())


def mean_selected(choose: str, **options: float) -> float:
    """Average over ten libraries how many pictures are expected, relative to the truth."""
    found = []
    for seed in range(10):
        world = Scores(seed)
        rows = {
            "answer": lambda w: w.by_answer(25),
            "queue": lambda w: w.by_score(50, 3.0, 6.0),
            "top": lambda w: w.by_score(50, 4.5, 20.0),
        }[choose](world)
        found.append(world.selected(world.calibrated(rows, **options)))
    return float(np.mean(found))


@pytest.mark.parametrize("choose", ["answer", "queue", "top"])
def test_the_estimate_comes_nearer_to_the_truth_however_labels_were_chosen(choose: str) -> None:
    """Half yes of a rare tag, the uncertain ones, or the highest: none is taken for the library."""
    world = Scores()
    before = world.selected((1.0, START))
    after = mean_selected(choose)
    assert abs(np.log(after)) < 0.7 * abs(np.log(before)), (before, after)


def test_some_wrong_answers_do_not_make_the_tag_hold_everywhere() -> None:
    """One in ten, half of them yes for pictures that score like any other."""
    assert mean_selected("answer", wrong=0.1) < 2.5


@pytest.mark.parametrize("said", [0.0, 1.0])
def test_labels_of_one_kind_change_nothing(said: float) -> None:
    """How often a tag holds cannot be told from what people never contradicted."""
    world = Scores()
    scores = world.scores[:20]
    line = calibrate(scores, np.full(20, said), np.ones(20), world.sample, START)
    assert line == (1.0, START)


def test_few_labels_of_both_kinds_move_the_calibration_little() -> None:
    """One yes and one no weigh less than what the text says."""
    world = Scores()
    few = world.calibrated(world.by_answer(1))
    many = world.calibrated(world.by_answer(50))
    assert abs(few[1] - START) < 1.0
    assert many[1] != pytest.approx(START, abs=0.2)


@pytest.mark.parametrize("pictures", [0, 1, 3])
def test_a_library_without_a_distribution_is_fine(pictures: int) -> None:
    """Labels alone give finite figures."""
    world = Scores()
    rows = world.by_answer(5)
    weights, said = np.ones(10), world.truth[rows].astype(float)
    line = calibrate(world.scores[rows], said, weights, world.sample[:pictures], START)
    assert np.isfinite(line).all()
    assert line[0] > 0


def test_a_label_of_weight_two_counts_as_two() -> None:
    """Weights are counts here too."""
    world = Scores()
    rows = world.by_score(20, 2.0, 6.0)
    scores, said = world.scores[rows], world.truth[rows].astype(float)
    twice = calibrate(scores.repeat(2), said.repeat(2), np.ones(40), world.sample, START)
    heavy = calibrate(scores, said, np.full(20, 2.0), world.sample, START)
    assert heavy == pytest.approx(twice)
