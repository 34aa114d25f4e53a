"""One space of the picture teacher's features and of texts: a projection and a token table.

MobileNetV2 knows no texts. On captions, labels and names a linear projection of its features and
the token table learn to meet, in minutes, because no picture is looked at. Both together are a dual
encoder, of which the student is then distilled on every picture, with a caption or without.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - everyone calls it that
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingLR

from soutu.train.distill import losses
from soutu.train.distill.bags import Bags, bags_of
from soutu.train.distill.batches import generator
from soutu.train.distill.corpus import Corpus, Shelf
from soutu.train.distill.lesson import Lesson, lesson_of
from soutu.train.distill.networks import sums
from soutu.train.distill.settings import Settings
from soutu.train.distill.start import Start
from soutu.train.distill.vocabulary import BLANK_TOKENS

_BATCH = 512
_RATE, _TABLE_RATE, _DECAY, _DROPOUT = 1e-3, 3e-4, 0.05, 0.3
_BANK, _LABELS, _STAY, _TIE = 0.5, 0.3, 2.0, 1.0
_SHARPNESS = 20.0
_SAMPLE, _PART = 20_000, 8_192
_CAPTIONS = 6_000
"""How many of each language become words of the student's bank."""
_FIRST_SEED = 1 << 43
"""Far from the steps of the training, of the start and of the tuning."""

Pairs = Sequence[tuple[str, str]]
"""Names in two languages."""


class Space(nn.Module):
    """A linear map of features [n, features] to unit vectors, and texts as sums of token vectors.

    `scales` are the logarithms of how sharp the softmaxes over words, labels and captions are.
    """

    middle: Tensor
    spread: Tensor

    def __init__(self, sample: Tensor, table: Tensor) -> None:
        super().__init__()
        self.register_buffer("middle", sample.mean(0))
        self.register_buffer("spread", sample.std(0) + 1e-3)
        self.project = nn.Linear(sample.shape[1], table.shape[1])
        self.table = nn.Parameter(table)
        self.scales = nn.Parameter(torch.full((3,), math.log(_SHARPNESS)))

    def vectors(self, features: Tensor, chance: torch.Generator | None = None) -> Tensor:
        """Return pictures' vectors [n, dim]; with a `chance`, without a share of the features."""
        inputs = (features - self.middle) / self.spread
        if chance is not None:
            kept = torch.rand(inputs.shape, generator=chance) >= _DROPOUT
            inputs = inputs * kept / (1 - _DROPOUT)
        return F.normalize(self.project(inputs), dim=-1)

    def texts(self, bags: Bags) -> Tensor:
        """Return texts' vectors [n, dim]."""
        return sums(self.table, bags)

    def sharpness(self) -> Tensor:
        """Return the factors of the cosines in each softmax."""
        return self.scales.exp()

    @torch.no_grad()
    def blank(self) -> None:
        """Keep the tokens that say nothing at zero."""
        self.table[:BLANK_TOKENS] = 0

    @torch.no_grad()
    def goals(self, features: NDArray[np.float16]) -> NDArray[np.float16]:
        """Return what pictures' vectors are to be, [n, dim]."""
        starts = range(0, len(features), _PART)
        parts = (_floats(features[at : at + _PART]) for at in starts)
        found = [self.vectors(part) for part in parts]
        return np.asarray(torch.cat(found).numpy(), dtype=np.float16)


def joined(corpus: Corpus, start: Start, space: Space, pairs: Pairs) -> tuple[Corpus, Start]:
    """Return a corpus whose teacher is the space, and the start with the space's texts.

    The student's bank is made of names, of both languages, and captions.
    """
    start = replace(start, table=space.table.detach().numpy())
    bank = _bank(corpus, pairs)
    shelves = (replace(each, features=space.goals(each.features)) for each in corpus.shelves)
    sharpness = float(space.sharpness()[2].detach())
    return replace(
        corpus,
        shelves=tuple(shelves),
        bank=bank,
        bank_weights=sharpness * start.texts(bank).T,
        bank_bias=np.zeros(len(bank), np.float32),
        targets=start.texts(corpus.taught),
        projection=np.eye(start.dim, dtype=np.float32),
    ), start


def fitted(
    corpus: Corpus,
    start: Start,
    pairs: Pairs,
    settings: Settings,
    path: Path,
    on_step: Callable[[int], None],
) -> Space:
    """Learn the projection, and the table from the start's; keep both in a file, or take them.

    The corpus's targets are where the start has its texts. It takes `settings.text_steps`; a file
    of another corpus, start or length is not taken. The same corpus gives the same, but for how
    many threads add up.
    """
    pictures = _Pictures(corpus.learnt)
    torch.manual_seed(settings.seed)
    space = Space(pictures.sample(), torch.from_numpy(start.table.copy()))
    key = f"{corpus.digest()} {start.digest} {settings.text_steps} {settings.seed}"
    if path.is_file():
        with safe_open(path, "pt") as kept:
            same = kept.metadata()["key"] == key
        if same:
            space.load_state_dict(load_file(path))
            return space
    lesson = lesson_of(corpus, start.tokenizer, torch.device("cpu"))
    names = lesson.names()
    languages = [bags_of(start.tokenizer, side) for side in zip(*pairs, strict=True)]
    optimizer = _optimizer(space)
    schedule = CosineAnnealingLR(optimizer, settings.text_steps)
    for step in range(settings.text_steps):
        chance = generator(settings, _FIRST_SEED + step)
        parts = [
            *_picture_losses(space, pictures, lesson, chance),
            *_text_losses(space, lesson, names, languages, chance),
        ]
        optimizer.zero_grad()
        torch.stack(parts).sum().backward()
        optimizer.step()
        schedule.step()
        space.blank()
        on_step(step + 1)
    save_file(space.state_dict(), path, metadata={"key": key})
    return space


def _picture_losses(
    space: Space, pictures: _Pictures, lesson: Lesson, chance: torch.Generator
) -> Iterator[Tensor]:
    """Tell captions apart, and find labels and the 1,000 classes."""
    words, labels, captions = space.sharpness()
    numbers, features = pictures.draw(pictures.captioned, chance)
    vectors = space.vectors(features, chance)
    for each in lesson.captions:
        places, rows = each.choose(numbers, chance)
        yield losses.info_nce(vectors[places], space.texts(each.take(rows)), captions)
    if lesson.labels is not None:
        numbers, features = pictures.draw(pictures.labelled, chance)
        cosines = space.vectors(features, chance) @ space.texts(lesson.labels).T
        yield _LABELS * losses.named(cosines, labels, pictures.labels[numbers])
    _, features = pictures.draw(None, chance)
    cosines = space.vectors(features, chance) @ space.texts(lesson.bank).T
    answers = torch.softmax(features @ lesson.bank_weights + lesson.bank_bias, -1)
    yield _BANK * losses.distribution(cosines, words, answers)


def _text_losses(
    space: Space, lesson: Lesson, names: Tensor, languages: Sequence[Bags], chance: torch.Generator
) -> Iterator[Tensor]:
    """Keep names where they are, and bring those of the second language to the first."""
    rows = names[torch.randint(len(names), (_BATCH,), generator=chance)]
    yield _STAY * losses.cosine(space.texts(lesson.taught.take(rows)), lesson.targets[rows])
    first, second = languages
    rows = torch.randint(len(first), (_BATCH,), generator=chance)
    places = space.texts(first.take(rows)).detach()
    yield _TIE * losses.cosine(space.texts(second.take(rows)), places)


def _optimizer(space: Space) -> torch.optim.Optimizer:
    groups = [
        {"params": [*space.project.parameters()], "lr": _RATE, "weight_decay": _DECAY},
        {"params": [space.table], "lr": _TABLE_RATE, "weight_decay": 0.0},
        {"params": [space.scales], "lr": _RATE, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, betas=(0.9, 0.99))


class _Pictures:
    """The teacher's features of all that is learnt from, and what is known of each picture."""

    def __init__(self, shelves: Sequence[Shelf]) -> None:
        self._features = np.concatenate([each.features for each in shelves])
        self.labels = torch.from_numpy(np.concatenate([each.labels for each in shelves]))
        self.labelled = torch.nonzero(self.labels >= 0)[:, 0]
        captions = np.concatenate([np.diff(each.starts) for each in shelves])
        self.captioned = torch.from_numpy(np.flatnonzero(captions))
        counts = [(len(each.pictures), each.share + each.tiles) for each in shelves]
        shares = [np.full(count, share / max(count, 1)) for count, share in counts]
        self._shares = torch.from_numpy(np.concatenate(shares))

    def sample(self) -> Tensor:
        """Return the features of some pictures, evenly spread."""
        return _floats(self._features[:: max(len(self._features) // _SAMPLE, 1)])

    def draw(self, rows: Tensor | None, chance: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw some of these pictures, or of all by the shares of their shelves."""
        if rows is None:
            drawn = torch.multinomial(self._shares, _BATCH, replacement=True, generator=chance)
        else:
            drawn = rows[torch.randperm(len(rows), generator=chance)[:_BATCH]]
        return drawn, _floats(self._features[drawn.numpy()])


def _bank(corpus: Corpus, pairs: Pairs) -> tuple[str, ...]:
    both = [name for names in pairs for name in names]
    bank = dict.fromkeys((*corpus.bank, *corpus.labels, *both))
    learnt = np.unique(np.concatenate([each.captions for each in corpus.learnt]))
    for language in sorted(set(corpus.languages)):
        own = [corpus.captions[row] for row in learnt if corpus.languages[row] == language]
        bank.update(dict.fromkeys(own[:: max(len(own) // _CAPTIONS, 1)]))
    return tuple(bank)


def _floats(features: NDArray[np.float16]) -> Tensor:
    return torch.from_numpy(features.astype(np.float32))
