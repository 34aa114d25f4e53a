"""The space that the recipe's picture teacher and texts share, and labels in the tuning."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from distill_teacher import SMALL
from mini_joint import Space, fitted, joined
from numpy.typing import NDArray
from painting import COLOURS
from torch import Tensor

from soutu.train.distill.corpus import Corpus, Shelf, plain_shelf
from soutu.train.distill.lesson import lesson_of
from soutu.train.distill.losses import named
from soutu.train.distill.networks import Student
from soutu.train.distill.start import Start
from soutu.train.distill.tune import tune
from soutu.train.distill.vocabulary import build_tokenizer

NAMES = tuple(COLOURS)
CHINESE = dict(zip(NAMES, ("红", "绿", "蓝", "白"), strict=True))
PAIRS = tuple(CHINESE.items())
KINDS = ("crimson", "lime", "navy", "snow")
CAPTIONS = tuple(f"all is {name} here" for name in NAMES)
CPU = torch.device("cpu")


def shelf(name: str, count: int, *, captioned: bool, share: float = 1.0) -> Shelf:
    """Make plain pictures, with a teacher's features that tell colours apart."""
    chance = np.random.default_rng(count)
    kinds = np.arange(count) % len(NAMES)
    pictures = np.empty((count, 32, 32, 3), np.uint8)
    pictures[:] = np.array([*COLOURS.values()], np.uint8)[kinds][:, None, None]
    features = np.eye(len(NAMES))[kinds] + 0.1 * chance.normal(size=(count, len(NAMES)))
    return plain_shelf(
        name, pictures, features, share=share,
        labels=np.full(count, -1) if captioned else kinds,
        captions=[[kind] for kind in kinds.tolist()] if captioned else None,
    )  # fmt: skip


def corpus() -> Corpus:
    """Label one shelf, caption another, and hold a third out."""
    taught = (*NAMES, *KINDS, *CHINESE.values(), *CAPTIONS)
    return Corpus(
        teacher="colours",
        shelves=(
            shelf("labelled", 40, captioned=False),
            shelf("captioned", 24, captioned=True),
            shelf("held out", 16, captioned=True, share=0),
        ),
        bank=NAMES,
        bank_weights=4 * np.eye(len(NAMES), dtype=np.float32),
        bank_bias=np.zeros(len(NAMES), np.float32),
        taught=taught,
        targets=start().texts(taught),
        labels=KINDS,
        captions=CAPTIONS,
        languages=("en",) * len(CAPTIONS),
    )


def start() -> Start:
    """Place words at random."""
    tokenizer = build_tokenizer([*NAMES, *KINDS, *CAPTIONS, *CHINESE.values()], size=100)
    table = np.random.default_rng(0).normal(scale=0.05, size=(tokenizer.get_vocab_size(), 8))
    return Start(
        name="random", digest="0" * 16, convolutions=(),
        project=(np.zeros((8, 24), np.float32), np.zeros(8, np.float32)),
        table=table.astype(np.float32), tokenizer=tokenizer, sharpness=(16.0, 16.0, 16.0),
    )  # fmt: skip


def fit(
    path: Path, counted: list[int] | None = None, *, text_steps: int = 600, seed: int = 0
) -> Space:
    """Fit the space, or take it from its file."""
    seen = [] if counted is None else counted
    settings = replace(SMALL, text_steps=text_steps, seed=seed)
    return fitted(corpus(), start(), PAIRS, settings, path, seen.append)


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Space:
    """A space of colours."""
    return fit(tmp_path_factory.mktemp("joint") / "space")


def test_features_and_texts_meet(space: Space) -> None:
    """Pictures that were held out find their names, in both languages, and their captions."""
    found, begun = joined(corpus(), start(), space, PAIRS)
    held = found.held_out[0].features.astype(np.float32)
    np.testing.assert_allclose(np.linalg.norm(held, axis=1), 1, atol=1e-2)
    for texts in (NAMES, KINDS, tuple(CHINESE.values()), CAPTIONS):
        assert ((held @ begun.texts(texts).T).argmax(1) == np.arange(16) % 4).all()
    assert (begun.texts(NAMES) * start().texts(NAMES)).sum(1).min() > 0.7
    near = [
        (each.texts(NAMES) * each.texts([*CHINESE.values()])).sum(1).mean()
        for each in (start(), begun)
    ]
    assert near[1] > near[0] + 0.4


def test_the_student_learns_from_the_space(space: Space) -> None:
    """Its bank holds names and captions, answered by the space; texts are to stay in it."""
    found, begun = joined(corpus(), start(), space, PAIRS)
    assert set(found.bank) == {*NAMES, *KINDS, *CHINESE.values(), *CAPTIONS}
    assert found.projection is not None
    logits = found.shelves[0].features.astype(np.float32) @ found.bank_weights
    assert ((logits[:, :4]).argmax(1) == found.shelves[0].labels).all()
    np.testing.assert_allclose(found.targets, begun.texts(found.taught), atol=1e-6)
    assert found.dim == begun.dim


def test_a_space_is_fitted_once(tmp_path: Path) -> None:
    """The file is taken by the same run, and by no other."""
    steps: list[int] = []
    first = fit(tmp_path / "space", steps, text_steps=2)
    again = fit(tmp_path / "space", steps, text_steps=2)
    assert steps == [1, 2]
    assert torch.equal(first.table, again.table)
    fit(tmp_path / "space", steps, text_steps=2, seed=1)
    assert steps == [1, 2, 1, 2]


def by_colour(student: Student, pictures: NDArray[np.uint8], *_: object) -> Tensor:
    """Encode pictures as a tower that sees colours."""
    means = torch.from_numpy(pictures.reshape(len(pictures), -1, 3).mean(1)).float()
    colours = torch.tensor([*COLOURS.values()]).float()
    return torch.eye(len(colours), 8)[torch.cdist(means, colours).argmin(1)]


def test_tuning_on_captions_keeps_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    """What labels are called goes on being learnt while the table is tuned."""
    monkeypatch.setattr("soutu.train.distill.tune.vectors_of", by_colour)
    tokenizer = start().tokenizer

    def loss_after(made: Corpus) -> float:
        student = Student(SMALL, tokenizer.get_vocab_size(), None)
        with torch.no_grad():
            student.table.copy_(torch.from_numpy(start().table))
        lesson = lesson_of(made, tokenizer, CPU)
        tune(student, lesson, replace(SMALL, tune_steps=60, tune_rate=1e-3), lambda _: None)
        vectors = by_colour(student, made.shelves[0].pictures)
        assert lesson.labels is not None
        with torch.no_grad():
            cosines = vectors @ student.texts(lesson.labels).T
        return float(named(cosines, torch.tensor(16.0), torch.arange(40) % len(NAMES)))

    made = corpus()
    blind = replace(made.shelves[0], labels=np.full(40, -1))
    without = replace(made, shelves=(blind, *made.shelves[1:]))
    assert loss_after(made) < 0.8 * loss_after(without)
