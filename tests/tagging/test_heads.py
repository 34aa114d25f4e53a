"""Zero-shot heads: linear, calibrated to the library, with thresholds of their own."""

from __future__ import annotations

import numpy as np
import pytest

from soutu.library.tagging.heads import PRIOR, Background, Head, Heads, zero_shot
from soutu.models.base import Scale

DIM = 256
CLIP = Scale(scale=100.0)
SIGMOID = Scale(scale=14.0, bias=-6.5)


def unit(values: np.ndarray) -> np.ndarray:
    scaled: np.ndarray = values / np.linalg.norm(values, axis=-1, keepdims=True)
    return scaled.astype(np.float32)


def space(seed: int = 0, pictures: int = 600, kinds: int = 12) -> tuple[np.ndarray, ...]:
    """Make pictures of a few kinds, the kinds' text vectors, and which kind each picture is.

    As in CLIP, texts and pictures live in different places of the space.
    """
    rng = np.random.default_rng(seed)
    middle, words = rng.standard_normal(DIM), rng.standard_normal(DIM)
    kind = rng.standard_normal((kinds, DIM))
    which = rng.integers(0, kinds, pictures)
    noise = rng.standard_normal((pictures, DIM))
    vectors = unit(1.5 * middle + kind[which] + 0.5 * noise)
    texts = unit(1.5 * words + kind + 0.3 * rng.standard_normal((kinds, DIM)))
    return vectors, texts, which


def concepts(seed: int = 9, count: int = 130) -> np.ndarray:
    rng = np.random.default_rng(seed)
    words = np.random.default_rng(0)
    words.standard_normal(DIM)
    return unit(1.5 * words.standard_normal(DIM) + rng.standard_normal((count, DIM)))


def background(sample: np.ndarray, scale: Scale = CLIP) -> Background:
    return Background.measure(sample=sample, concepts=concepts(), scale=scale)


def test_a_head_finds_the_pictures_of_its_kind() -> None:
    """Without a label, tags hold for most of what they name and for little else."""
    vectors, texts, which = space()
    heads = zero_shot(texts, background(vectors))
    holds = heads.probabilities(vectors) >= heads.thresholds
    truth = which[:, None] == np.arange(len(texts))
    f1 = 2 * (holds & truth).sum() / (holds.sum() + truth.sum())
    assert f1 > 0.8
    assert not heads.learned.any()


def test_a_tag_that_holds_nowhere_selects_next_to_nothing() -> None:
    """The best few per cent of nothing are not shown."""
    vectors, _, _ = space()
    absent = concepts(seed=77, count=200)
    heads = zero_shot(absent, background(vectors))
    share = (heads.probabilities(vectors) >= heads.thresholds).mean()
    assert share < 0.02


def test_a_tag_may_hold_for_every_picture() -> None:
    """A library of one kind of thing is all of that kind."""
    vectors, texts, which = space(kinds=12)
    only = vectors[which == 3]
    heads = zero_shot(texts[3:4], background(only))
    assert (heads.probabilities(only) >= heads.thresholds).mean() > 0.9


def test_an_everyday_concept_holds_for_one_picture_in_150_on_average() -> None:
    """The bias is set by the library, not by the model's training set."""
    vectors, _, _ = space(pictures=4000)
    for scale in (CLIP, SIGMOID):
        measured = background(vectors, scale)
        heads = zero_shot(concepts(), measured)
        assert heads.probabilities(vectors).mean() == pytest.approx(PRIOR, rel=0.2)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 40])
@pytest.mark.parametrize("scale", [CLIP, SIGMOID])
def test_small_and_empty_libraries_work(count: int, scale: Scale) -> None:
    """A new library has tags at once; the model's own figures stand in."""
    vectors, texts, _ = space()
    heads = zero_shot(texts, background(vectors[:count], scale))
    assert np.isfinite(heads.weights).all()
    assert np.isfinite(heads.bias).all()
    assert ((heads.thresholds >= 0.005) & (heads.thresholds <= 0.5)).all()
    assert heads.probabilities(vectors[:count]).shape == (count, len(texts))


def test_the_first_pictures_do_not_turn_a_library_upside_down() -> None:
    """From no picture to one, figures move a little, not by leaps."""
    vectors, _, _ = space()
    before, after = background(vectors[:0], SIGMOID), background(vectors[:1], SIGMOID)
    assert abs(after.bias - before.bias) < 1.0
    assert after.slope == pytest.approx(before.slope, rel=0.3)


def test_identical_pictures_do_not_break_anything() -> None:
    """A library of copies has no spread."""
    vectors, texts, _ = space()
    same = np.repeat(vectors[:1], 50, axis=0)
    measured = background(same)
    heads = zero_shot(texts, measured)
    assert np.isfinite(heads.probabilities(same)).all()
    np.testing.assert_array_equal(measured.whitening, np.eye(DIM))


def test_a_head_is_one_search() -> None:
    """Cosine at or above the least one and probability at or above the threshold are the same."""
    vectors, texts, _ = space()
    heads = zero_shot(texts, background(vectors))
    probabilities = heads.probabilities(vectors)
    for column, head in enumerate(heads):
        cut = float(np.log(head.threshold / (1 - head.threshold)))
        query, least = head.query(cut)
        assert float(np.linalg.norm(query)) == pytest.approx(1, abs=1e-5)
        cosines = vectors @ query
        holds = probabilities[:, column] >= head.threshold
        clear = np.abs(cosines - least) > 1e-5
        np.testing.assert_array_equal((cosines >= least)[clear], holds[clear])
        logits = head.logits_of(cosines)
        np.testing.assert_allclose(1 / (1 + np.exp(-logits)), probabilities[:, column], atol=1e-5)


def test_a_cut_may_let_everything_in_or_nothing() -> None:
    """The least cosine stays a number that engines can work with."""
    vectors, texts, _ = space()
    head = zero_shot(texts, background(vectors))[0]
    for cut, share in ((-np.inf, 1.0), (np.inf, 0.0)):
        query, least = head.query(cut)
        assert np.isfinite(least)
        assert ((vectors @ query) >= least).mean() == share


def test_a_head_without_weights_holds_for_all_or_none() -> None:
    """A text that the model cannot read gives a zero vector; nothing divides by zero."""
    vectors, _, _ = space()
    zero = np.zeros(DIM, dtype=np.float32)
    for bias, share in ((-3.0, 0.0), (3.0, 1.0)):
        query, least = Head(weights=zero, bias=bias, threshold=0.5).query(0.0)
        assert ((vectors @ query) >= least).mean() == share
    assert not (zero_shot(zero[None], background(vectors)).probabilities(vectors) > 0.05).any()


def test_stacking_heads_and_taking_them_apart_changes_nothing() -> None:
    """`Heads` is a list of `Head`s, stored as arrays."""
    vectors, texts, _ = space()
    heads = zero_shot(texts, background(vectors))
    again = Heads.stack(list(heads), dim=DIM)
    np.testing.assert_array_equal(again.weights, heads.weights)
    np.testing.assert_array_equal(again.thresholds, heads.thresholds)
    assert len(again) == len(heads) == len(texts)
    assert heads[2].source == "zero-shot"
    assert len(Heads.stack([], dim=DIM)) == 0


def test_a_tags_head_does_not_depend_on_other_tags() -> None:
    """Adding a tag changes no other tag; blocks do not show."""
    vectors, texts, _ = space()
    measured = background(vectors)
    many = zero_shot(np.concatenate([texts, concepts(3, 9000)]), measured)
    few = zero_shot(texts, measured)
    np.testing.assert_allclose(many.thresholds[: len(texts)], few.thresholds, rtol=1e-4)
