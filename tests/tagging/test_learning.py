"""Learning from labels: anchored at the text, robust to few, one-sided and contradictory ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soutu.library.tagging.heads import Background, Head, zero_shot
from soutu.library.tagging.learning import refine
from soutu.metrics import average_precision
from soutu.models.base import Scale

DIM = 64


def unit(values: np.ndarray) -> np.ndarray:
    scaled: np.ndarray = values / np.linalg.norm(values, axis=-1, keepdims=True)
    return scaled.astype(np.float32)


class World:
    """Pictures, a tenth of which hold a tag whose text points only roughly at them."""

    def __init__(self, *, seed: int = 0, count: int = 1500, share: float = 0.1) -> None:
        rng = np.random.default_rng(seed)
        middle, kind = rng.standard_normal(DIM), rng.standard_normal(DIM)
        self.truth = rng.random(count) < share
        noise = rng.standard_normal((count, DIM))
        self.vectors = unit(middle + self.truth[:, None] * kind + noise)
        self.text = unit(kind + 1.5 * rng.standard_normal(DIM))
        concepts = unit(rng.standard_normal((130, DIM)))
        self.background = Background.measure(
            sample=self.vectors[::2], concepts=concepts, scale=Scale(scale=14.0, bias=-6.5)
        )

    def labels(self, yes: int, no: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        rows = np.concatenate(
            [
                rng.permutation(np.flatnonzero(self.truth))[:yes],
                rng.permutation(np.flatnonzero(~self.truth))[:no],
            ]
        )
        return self.vectors[rows], self.truth[rows]

    def learn(self, yes: int, no: int, seed: int = 0) -> Head:
        return refine(self.text, self.background, *self.labels(yes, no, seed))

    @property
    def zero(self) -> Head:
        return zero_shot(self.text[None], self.background)[0]

    def quality(self, head: Head) -> float:
        return average_precision(self.vectors @ head.weights, self.truth)

    def f1(self, head: Head) -> float:
        holds = probabilities(head, self.vectors) >= head.threshold
        return float(2 * (holds & self.truth).sum() / (holds.sum() + self.truth.sum()))


def probabilities(head: Head, vectors: np.ndarray) -> np.ndarray:
    found: np.ndarray = 1 / (1 + np.exp(-(vectors @ head.weights + head.bias)))
    return found


def test_without_labels_the_head_is_the_zero_shot_one() -> None:
    """Taking the last label back brings the text's own head back."""
    world = World()
    found = world.learn(0, 0)
    np.testing.assert_allclose(found.weights, world.zero.weights, rtol=1e-5)
    assert found.bias == pytest.approx(world.zero.bias, abs=1e-4)
    assert found.threshold == pytest.approx(world.zero.threshold, rel=1e-3)
    assert found.source == "zero-shot"


def test_labels_improve_the_ranking_and_the_decisions() -> None:
    """More labels make a vague text precise."""
    world = World()
    few, many = world.learn(5, 5), world.learn(50, 50)
    assert world.quality(world.zero) < world.quality(few) < world.quality(many)
    assert world.f1(many) > world.f1(world.zero)
    assert many.source == "learned"


def test_learning_does_not_fall_below_zero_shot_on_average() -> None:
    """At every count of labels, over several draws."""
    worlds = [World(seed=seed) for seed in range(6)]
    zero = np.mean([world.quality(world.zero) for world in worlds])
    for yes, no in ((1, 0), (0, 1), (1, 1), (3, 2), (5, 5), (25, 25)):
        learned = [world.quality(world.learn(yes, no)) for world in worlds]
        assert np.mean(learned) > zero - 0.01


@pytest.mark.parametrize(("yes", "no"), [(1, 0), (0, 1)])
def test_one_label_cannot_break_a_tag(yes: int, no: int) -> None:
    """Even a wrong one: the ranking of all pictures stays nearly as it was."""
    world = World()
    vectors, said = world.labels(yes, no)
    for y in (said, ~said):
        head = refine(world.text, world.background, vectors, y)
        old, new = world.vectors @ world.zero.weights, world.vectors @ head.weights
        assert np.corrcoef(old, new)[0, 1] > 0.9
        before = (probabilities(world.zero, world.vectors) >= world.zero.threshold).mean()
        after = (probabilities(head, world.vectors) >= head.threshold).mean()
        assert abs(after - before) < 0.05


def test_a_label_moves_its_own_picture_the_right_way() -> None:
    """A yes raises the picture's probability, a no lowers it."""
    world = World()
    one = world.vectors[:1]
    yes = refine(world.text, world.background, one, np.array([True]))
    no = refine(world.text, world.background, one, np.array([False]))
    before = probabilities(world.zero, one)[0]
    assert probabilities(no, one)[0] < before < probabilities(yes, one)[0]


def test_only_yes_and_only_no_stay_well_behaved() -> None:
    """Fifty labels of one kind neither select nor reject everything."""
    world = World()
    for yes, no in ((50, 0), (0, 50)):
        head = world.learn(yes, no)
        chosen = (probabilities(head, world.vectors) >= head.threshold).mean()
        assert chosen < 0.5
        assert np.isfinite(head.weights).all()
        assert world.quality(head) > world.quality(world.zero) - 0.05


@pytest.mark.parametrize("count", [5, 10, 30])
@pytest.mark.parametrize("source", ["uncertain", "top", "top yes", "top no"])
def test_labels_people_chose_by_score_do_not_harm(source: str, count: int) -> None:
    """Labels from near the threshold or from the top of the list leave no tag worse, on average."""
    before, after = [], []
    for seed in range(6):
        world = World(seed=seed)
        p = probabilities(world.zero, world.vectors)
        order = np.argsort(
            np.abs(np.log(p / world.zero.threshold)) if source == "uncertain" else -p
        )
        said = world.truth[order]
        rows = {"top yes": order[said], "top no": order[~said]}.get(source, order)[:count]
        head = refine(world.text, world.background, world.vectors[rows], world.truth[rows])
        before.append((world.f1(world.zero), world.quality(world.zero)))
        after.append((world.f1(head), world.quality(head)))
    assert (np.mean(after, axis=0) > np.mean(before, axis=0) - 0.01).all()


def test_one_wrong_label_in_five_costs_little() -> None:
    """The text keeps more weight where labels contradict each other; decisions still gain."""
    before, after = [], []
    for seed in range(6):
        world = World(seed=seed)
        vectors, said = world.labels(25, 25)
        wrong = np.random.default_rng(seed).random(50) < 0.2
        head = refine(world.text, world.background, vectors, said ^ wrong)
        before.append((world.f1(world.zero), world.quality(world.zero)))
        after.append((world.f1(head), world.quality(head)))
    f1, quality = np.mean(after, axis=0) - np.mean(before, axis=0)
    assert f1 > 0
    assert quality > -0.05


def test_contradictory_copies_leave_the_tag_nearly_as_it_was() -> None:
    """Yes and no for the same picture cancel out."""
    world = World()
    vectors = np.repeat(world.vectors[:1], 10, axis=0)
    y = np.array([True, False] * 5)
    head = refine(world.text, world.background, vectors, y)
    old, new = world.vectors @ world.zero.weights, world.vectors @ head.weights
    assert np.corrcoef(old, new)[0, 1] > 0.95
    assert np.isfinite(head.bias)


def test_a_label_of_weight_two_counts_as_two() -> None:
    """Weights are counts; zero is as if the label were not there."""
    world = World()
    vectors, y = world.labels(3, 3)
    twice = refine(world.text, world.background, vectors.repeat(2, axis=0), y.repeat(2))
    heavy = refine(world.text, world.background, vectors, y, np.full(6, 2.0))
    nothing = refine(world.text, world.background, vectors, y, np.zeros(6))
    near = np.linalg.norm(twice.weights - heavy.weights) / np.linalg.norm(twice.weights)
    assert near < 0.2
    np.testing.assert_allclose(nothing.weights, world.zero.weights, rtol=1e-3, atol=1e-3)


def test_the_same_labels_give_the_same_head_in_any_order() -> None:
    """Learning is deterministic."""
    world = World()
    vectors, y = world.labels(8, 8)
    first = refine(world.text, world.background, vectors, y)
    again = refine(world.text, world.background, vectors, y)
    turned = refine(world.text, world.background, vectors[::-1], y[::-1])
    np.testing.assert_array_equal(first.weights, again.weights)
    assert first.bias == again.bias
    np.testing.assert_allclose(turned.weights, first.weights, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("pictures", [0, 1, 2])
def test_learning_works_in_a_library_of_hardly_any_pictures(pictures: int) -> None:
    """There need be no distribution to learn against."""
    world = World()
    background = Background.measure(
        sample=world.vectors[:pictures], concepts=world.vectors[:0], scale=Scale(scale=100.0)
    )
    head = refine(world.text, background, *world.labels(1, 1))
    assert np.isfinite(head.weights).all()
    assert np.isfinite(head.bias)
    assert 0 < head.threshold <= 0.5


def test_more_labels_than_dimensions_go_the_same_way() -> None:
    """The solution in the span of the labels and the one in all dimensions are one."""
    world = World()
    vectors, y = world.labels(30, DIM - 30)
    extra = np.concatenate([vectors, vectors[:1]])
    below = refine(world.text, world.background, vectors, y)
    above = refine(
        world.text,
        world.background,
        extra,
        np.append(y, y[0]),
        np.append(np.ones(DIM), 0.0),
    )
    np.testing.assert_allclose(above.weights, below.weights, rtol=1e-2, atol=1e-2)


def test_labels_that_do_not_fit_are_refused() -> None:
    """A programming error is told, not computed with."""
    world = World()
    vectors, y = world.labels(2, 2)
    with pytest.raises(ValueError, match="4 labels"):
        refine(world.text, world.background, vectors[:3], y)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 40), st.floats(0, 1))
def test_any_labels_give_finite_heads(seed: int, count: int, share: float) -> None:
    """Labels at random, whatever they say, never give NaN or a threshold out of range."""
    world = WORLD
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, len(world.vectors), count)
    head = refine(world.text, world.background, world.vectors[rows], rng.random(count) < share)
    assert np.isfinite(head.weights).all()
    assert np.isfinite(head.bias)
    assert 0.0 < head.threshold <= 0.5


WORLD = World(count=300)
