"""Tune the token table on captions, with the trained image tower held still.

Pictures are encoded once, in a few views, so that a step contrasts hundreds of pictures with their
captions in milliseconds. Texts that no caption has keep their places, the bank its answers, and
labels their pictures, where there are some.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - everyone calls it that
from torch import Tensor

from soutu.train.distill import losses
from soutu.train.distill.agreement import vectors_of
from soutu.train.distill.batches import generator
from soutu.train.distill.corpus import Shelf
from soutu.train.distill.lesson import Captions, Lesson
from soutu.train.distill.networks import Student
from soutu.train.distill.settings import Settings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.int64]

_CROP = 0.8  # of a side, in the views that are crops
_STAY, _BANK, _LABELS = 2.0, 0.5, 0.3
_BANK_PICTURES = 256
_MOST_LABELLED = 1_500  # of a shelf: more take minutes to encode and change nothing
_FIRST_SEED = 1 << 40
"""Far from the steps of the training, whose chance it must not repeat."""


def tune(
    student: Student, lesson: Lesson, settings: Settings, on_step: Callable[[int], None]
) -> None:
    """Train the table of a student in place for `tune_steps`; nothing without captions."""
    captioned = _seen(student, lesson, settings, _with_captions) if settings.tune_steps else None
    if captioned is None:
        return
    labelled = _seen(student, lesson, settings, _with_labels) if lesson.labels is not None else None
    kept = lesson.taught.take(lesson.names())
    places = student.texts(kept).detach()
    student.table.requires_grad_(True)
    optimizer = torch.optim.Adam([student.table], lr=settings.tune_rate, betas=(0.9, 0.99))
    for step in range(settings.tune_steps):
        rate = 0.5 * (1 + math.cos(math.pi * step / settings.tune_steps))
        for group in optimizer.param_groups:
            group["lr"] = settings.tune_rate * rate
        chance = generator(settings, _FIRST_SEED + step)
        rows, pictures = captioned.draw(settings.tune_batch, chance)
        numbers, features = captioned.numbers[rows], captioned.features[rows]
        parts = [
            loss
            for captions in lesson.captions
            if (loss := _contrast(student, captions, pictures, numbers, chance)) is not None
        ]
        parts.append(_BANK * _bank(student, lesson, pictures, features))
        if labelled is not None and lesson.labels is not None:
            rows, pictures = labelled.draw(settings.tune_batch, chance)
            cosines = pictures @ student.texts(lesson.labels).T
            named = losses.named(cosines, student.sharpness()[1], labelled.labels[rows])
            parts.append(_LABELS * named)
        rows = torch.randint(len(kept), (settings.text_batch,), generator=chance)
        rows = rows.to(lesson.device)
        parts.append(_STAY * losses.cosine(student.texts(kept.take(rows)), places[rows]))
        optimizer.zero_grad()
        torch.stack(parts).sum().backward()  # torch leaves it so
        optimizer.step()
        student.blank()
        on_step(step + 1)
    student.table.requires_grad_(False)


@dataclass(frozen=True, eq=False)
class _Seen:
    """Pictures as the tower sees them, in `views` [views, n, dim].

    `numbers` [n] are theirs among all that is learnt, `features` [n, features] the teacher's.
    """

    numbers: Tensor
    views: Tensor
    features: Tensor
    labels: Tensor

    def draw(self, count: int, chance: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw pictures, each in one of its views: their rows, and vectors."""
        rows = torch.randperm(len(self.numbers), generator=chance)[:count]
        view = torch.randint(len(self.views), (len(rows),), generator=chance)
        return rows, self.views[view, rows]


def _seen(
    student: Student, lesson: Lesson, settings: Settings, chosen: Callable[[Shelf], Rows]
) -> _Seen | None:
    """Encode the chosen pictures of each shelf; None if there are none."""
    first, numbers, views, features, labels = 0, [], [], [], []
    for shelf in lesson.shelves:
        rows = chosen(shelf)
        if len(rows):
            numbers.append(torch.from_numpy(rows + first))
            pixels = shelf.pictures[rows]
            kept = round(_CROP * pixels.shape[1])
            seen = (pixels, pixels[:, :, ::-1], pixels[:, :kept, :kept], pixels[:, -kept:, -kept:])
            views.append(
                torch.stack([vectors_of(student, v, settings.size, lesson.device) for v in seen])
            )
            features.append(torch.from_numpy(shelf.features[rows].astype(np.float32)))
            labels.append(torch.from_numpy(shelf.labels[rows]))
        first += len(shelf.pictures)
    if not numbers:
        return None
    parts = (torch.cat(numbers), torch.cat(views, 1), torch.cat(features), torch.cat(labels))
    return _Seen(*(part.to(lesson.device) for part in parts))


def _with_captions(shelf: Shelf) -> Rows:
    return np.flatnonzero(np.diff(shelf.starts))


def _with_labels(shelf: Shelf) -> Rows:
    """Spread over the shelf, whose labels may lie in order."""
    rows = np.flatnonzero(shelf.labels >= 0)
    if len(rows) <= _MOST_LABELLED:
        return rows
    return rows[np.linspace(0, len(rows) - 1, _MOST_LABELLED).astype(np.int64)]


def _contrast(
    student: Student, captions: Captions, pictures: Tensor, numbers: Tensor, chance: torch.Generator
) -> Tensor | None:
    places, rows = captions.choose(numbers, chance)
    if len(places) < 2:  # one picture has nothing to be told from
        return None
    texts = student.texts(captions.take(rows))
    return losses.info_nce(pictures[places], texts, student.sharpness()[2])


def _bank(student: Student, lesson: Lesson, pictures: Tensor, features: Tensor) -> Tensor:
    few = slice(0, _BANK_PICTURES)
    logits = features[few] @ lesson.bank_weights + lesson.bank_bias
    cosines = pictures[few] @ student.texts(lesson.bank).T
    return losses.distribution(cosines, student.sharpness()[0], F.softmax(logits, -1))
