"""The parts of a distillation: vocabulary, bags, corpus, losses, batches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from distill_teacher import SMALL

from soutu.errors import InputError
from soutu.train.distill import losses
from soutu.train.distill.bags import bags_of
from soutu.train.distill.batches import draw, generator
from soutu.train.distill.corpus import Corpus, Shelf, open_corpus, plain_shelf, save_corpus
from soutu.train.distill.lesson import lesson_of
from soutu.train.distill.networks import Student, sums
from soutu.train.distill.settings import Settings, settings_from
from soutu.train.distill.steps import step_losses
from soutu.train.distill.table import first_table, fit_table
from soutu.train.distill.teaching import read_words, shared_space
from soutu.train.distill.vocabulary import build_tokenizer

CPU = torch.device("cpu")


def shelf(n: int, side: int, *, share: float = 1.0, tiles: float = 0.0, level: int = 0) -> Shelf:
    """Make a shelf of pictures of one grey level each."""
    levels = np.arange(n, dtype=np.uint8) + level
    pictures = np.broadcast_to(levels[:, None, None, None], (n, side, side, 3)).copy()
    features = np.random.default_rng(level).normal(size=(n, 6)).astype(np.float32)
    return plain_shelf(f"s{level}", pictures, features, share=share, tiles=tiles)


def corpus(*shelves: Shelf, aligned: bool = True) -> Corpus:
    """Make a corpus whose teacher is a random matrix."""
    rng = np.random.default_rng(1)
    targets = rng.normal(size=(4, 8)).astype(np.float32)
    return Corpus(
        teacher="random",
        shelves=shelves,
        bank=("cat", "dog"),
        bank_weights=rng.normal(size=(6, 2)).astype(np.float32),
        bank_bias=np.zeros(2, np.float32),
        taught=("cat", "dog", "a black cat", "猫"),
        targets=targets / np.linalg.norm(targets, axis=1, keepdims=True),
        projection=rng.normal(size=(6, 8)).astype(np.float32) if aligned else None,
    )


def test_words_are_tokens_of_their_own() -> None:
    """A word that was seen is one token, with any case and accents; others fall apart."""
    texts = ["a café on the beach", "two dogs", "一只猫在草地上", "猫"]
    tokenizer = build_tokenizer(texts, names=["草地"], size=200)
    assert tokenizer.encode("Dogs, CAFE!").tokens == ["▁dogs", "▁cafe"]
    assert "草地" in tokenizer.encode("草地上的猫").tokens
    assert len(tokenizer.encode("dogbeach").tokens) > 1
    assert [tokenizer.id_to_token(i) for i in (0, 1)] == ["<unk>", "▁"]


def test_the_vocabulary_is_the_same_every_time() -> None:
    """Resuming builds the same tokenizer."""
    texts = [f"word{i} thing{i % 7} 猫狗{'鸟鱼'[i % 2]}" for i in range(50)]
    first, second = (build_tokenizer(texts, size=60).to_str() for _ in range(2))
    assert first == second


def test_learnt_pieces_cut_unknown_words() -> None:
    """From enough words, pieces are learnt that unseen words are put together from."""
    rng = np.random.default_rng(0)
    parts = ["sun", "flow", "er", "light", "house", "ing", "man", "water", "bird", "snow"]
    texts = [" ".join("".join(rng.choice(parts, 3)) for _ in range(400)) for _ in range(10)]
    tokenizer = build_tokenizer(texts, size=1_500)
    assert len(tokenizer.encode("snowsunbirdflower").tokens) < len("snowsunbirdflower") / 2


def test_texts_without_words_are_refused() -> None:
    """There is nothing to learn from."""
    with pytest.raises(InputError, match="no word"):
        build_tokenizer(["!!", "  "], size=10)


def test_bags_are_taken_in_any_order() -> None:
    """The tokens of chosen texts stand end to end; an empty text has none."""
    tokenizer = build_tokenizer(["a b c", "d"], size=50)
    bags = bags_of(tokenizer, ["a b", "", "d"])
    taken = bags.take(torch.tensor([2, 0, 1]))
    assert taken.starts.tolist() == [0, 1, 3, 3]
    assert taken.ids.tolist() == [*bags_of(tokenizer, ["d", "a b"]).ids.tolist()]
    table = torch.randn(tokenizer.get_vocab_size(), 4)
    assert sums(table, taken)[2].tolist() == [0, 0, 0, 0]


def test_a_corpus_comes_back_as_it_was(tmp_path: Path) -> None:
    """Arrays, texts and shares are kept; the digest changes with any picture."""
    made = corpus(shelf(5, 32), shelf(3, 32, share=0, level=50))
    digest = save_corpus(made, tmp_path)
    found, kept = open_corpus(tmp_path)
    assert kept == digest == found.digest()
    assert found.taught == made.taught
    assert [len(each.pictures) for each in found.held_out] == [3]
    np.testing.assert_array_equal(found.shelves[0].pictures, made.shelves[0].pictures)
    assert save_corpus(found, tmp_path) == digest  # mapped pictures are not written over
    made.shelves[0].pictures[2, 3, 3, 1] += 1
    assert made.digest() != digest


def test_an_empty_corpus_is_refused(tmp_path: Path) -> None:
    """No pictures, no words, no corpus: each is said."""
    with pytest.raises(InputError, match="needs pictures"):
        corpus(shelf(3, 32, share=0))
    with pytest.raises(InputError, match="needs words"):
        replace(corpus(shelf(3, 32)), bank=())
    with pytest.raises(InputError, match="holds no corpus"):
        open_corpus(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": 100}, "multiple of 32"),
        ({"mosaics": 0.5}, "multiple of 64"),
        ({"depths": (1, 2)}, "do not fit"),
        ({"steps": 0}, "at least 1"),
    ],
)
def test_settings_that_cannot_be_trained(change: dict[str, object], message: str) -> None:
    """Each says which value and what is wanted."""
    with pytest.raises(InputError, match=message):
        settings_from({**SMALL.as_dict(), **change})


def test_settings_survive_json() -> None:
    """They are kept with every checkpoint; an unknown one is refused."""
    import json

    assert settings_from(json.loads(json.dumps(SMALL.as_dict()))) == SMALL
    with pytest.raises(InputError, match="cannot be read"):
        settings_from({"stpes": 3})


def test_a_step_draws_the_same_pictures_every_time() -> None:
    """Whatever came before; the next step and another seed draw others."""
    shelves = (shelf(9, 64), shelf(7, 32, share=0, tiles=1, level=100))
    settings = replace(SMALL, train_size=64, mosaics=0.5)

    def canvases(step: int, seed: int = 0) -> torch.Tensor:
        seeded = replace(settings, seed=seed)
        return draw(shelves, seeded, generator(seeded, step), CPU).canvases

    assert torch.equal(canvases(3), canvases(3))
    assert not torch.equal(canvases(3), canvases(4))
    assert not torch.equal(canvases(3), canvases(3, seed=1))


def test_mosaics_hold_four_pictures_and_know_which() -> None:
    """Tiles come first, in the order of the quadrants; each counts half."""
    shelves = (shelf(4, 64, tiles=0), shelf(40, 32, share=0, tiles=1, level=100))
    settings = replace(SMALL, train_size=64, mosaics=0.5)
    batch = draw(shelves, settings, generator(settings, 0), CPU)
    assert batch.canvases.shape == (8, 3, 64, 64)
    assert (batch.mosaics, len(batch.numbers)) == (4, 4 * 4 + 4)
    assert set(batch.weights.tolist()) == {0.5, 1.0}
    assert batch.numbers[:16].min() >= 4  # from the second shelf
    assert batch.numbers[16:].max() < 4
    levels = 100 + batch.numbers[:16] - 4
    quadrants = batch.canvases[:4].mean(1).unfold(1, 32, 32).unfold(2, 32, 32).mean((3, 4))
    # Contrast and cast change a picture's brightness by less than half.
    ratio = quadrants.reshape(-1) / levels
    assert ((ratio > 0.5) & (ratio < 1.6)).all()


def test_a_cosine_ignores_what_has_no_weight() -> None:
    """Rows count by their weights."""
    found, target = torch.eye(2), torch.tensor([[1.0, 0], [1.0, 0]])
    assert losses.cosine(found, target).item() == pytest.approx(0.5)
    assert losses.cosine(found, target, torch.tensor([1.0, 0])).item() == pytest.approx(0)


def test_a_distribution_is_best_where_it_is_the_teachers() -> None:
    """The loss is the teacher's entropy there, and has no gradient."""
    logits = torch.randn(5, 7, generator=torch.Generator().manual_seed(0))
    cosines = (logits / 10).requires_grad_()
    teacher = torch.softmax(logits, -1)
    loss = losses.distribution(cosines, torch.tensor(10.0), teacher)
    entropy = -(teacher * teacher.log()).sum(-1).mean()
    assert loss.item() == pytest.approx(entropy.item(), abs=1e-5)
    [gradient] = torch.autograd.grad(loss, cosines)
    assert gradient.abs().max() < 1e-6


def test_info_nce_leaves_out_what_is_right_after_all() -> None:
    """A further caption of the same picture is no wrong answer."""
    images = torch.nn.functional.normalize(torch.randn(3, 4), dim=-1)
    nothing = torch.zeros(0, 4)

    def loss(others: torch.Tensor, same: torch.Tensor) -> float:
        return losses.info_nce(
            images, images, torch.tensor(5.0),
            other_images=nothing, other_texts=others, same=same,
        ).item()  # fmt: skip

    without = loss(nothing, torch.zeros(3, 0, dtype=torch.bool))
    own = torch.eye(3, dtype=torch.bool)
    assert loss(images, ~own | own) == pytest.approx(without, abs=1e-5)
    assert loss(images, own) > without


def test_the_table_learns_the_places_of_texts() -> None:
    """After fitting, texts lie where they were put, and blank tokens at zero."""
    made = corpus(shelf(4, 32))
    tokenizer = build_tokenizer(made.taught, size=100)
    taught, targets = bags_of(tokenizer, made.taught), torch.from_numpy(made.targets)
    table = torch.nn.Parameter(first_table(taught, targets, tokenizer.get_vocab_size()))
    before = (sums(table, taught) * targets).sum(1).mean().item()
    steps: list[int] = []
    fit_table(table, taught, targets, replace(SMALL, text_rate=0.05), steps.append)
    after = (sums(table, taught) * targets).sum(1).mean().item()
    assert after > max(before, 0.95)
    assert steps == list(range(1, 41))
    assert not table[:2].any()


@pytest.mark.parametrize("aligned", [True, False])
def test_every_part_of_the_student_learns(aligned: bool) -> None:
    """Gradients reach all weights; a foreign teacher guides through a head."""
    made = corpus(shelf(9, 64), aligned=aligned)
    tokenizer = build_tokenizer(made.taught, size=100)
    lesson = lesson_of(made, tokenizer, CPU)
    student = Student(SMALL, tokenizer.get_vocab_size(), None if aligned else 6)
    torch.nn.init.normal_(student.table)
    chance = generator(SMALL, 0)
    batch = draw(lesson.shelves, SMALL, chance, CPU)
    parts = step_losses(student, lesson, batch, SMALL, chance)
    assert parts.keys() == {"features", "bank", "texts", "turn"}
    total = torch.stack(list(parts.values())).sum()
    names, parameters = zip(*student.named_parameters(), strict=True)
    gradients = torch.autograd.grad(total, parameters, allow_unused=True)
    assert all(each is not None for name, each in zip(names, gradients, strict=True)), names
    assert (student.head is None) == aligned


def test_the_shared_space_keeps_cosines() -> None:
    """Vectors that live in few directions lose nothing; with few features all are kept."""
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.normal(size=(20, 5)))[0]
    pictures, texts = (rng.normal(size=(n, 5)).astype(np.float32) @ basis.T for n in (50, 9))
    projection = shared_space(pictures, texts, 5)
    np.testing.assert_allclose(
        (pictures @ projection) @ (texts @ projection).T, pictures @ texts.T, atol=1e-4
    )
    np.testing.assert_array_equal(shared_space(pictures, texts, 32), np.eye(20))


def test_word_lists(tmp_path: Path) -> None:
    """A word a line, translations after tabs; comments, repeats and empty lines are left out."""
    path = tmp_path / "words.txt"
    path.write_text("# colours\nred\t红色\n\nred\ngreen\n", "utf-8")
    assert [(word.name, word.others) for word in read_words(path)] == [
        ("red", ("红色",)),
        ("green", ()),
    ]
    assert len(read_words(None)) > 1000
    path.write_text("red\n", "utf-8")
    with pytest.raises(InputError, match="holds 1 words"):
        read_words(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_words(tmp_path / "none.txt")


def test_the_default_student_is_the_bundled_one() -> None:
    """The figures that the docs give of it."""
    student = Student(Settings(), 10, None)
    assert sum(p.numel() for p in student.image.parameters()) / 1e6 == pytest.approx(5.6, abs=0.1)
