"""Tune the token table on captions, with the trained image tower held still.

Pictures are encoded once, in a few views, so that a step contrasts hundreds of pictures with their
captions in milliseconds. Texts that no caption has keep their places, and the bank its answers.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - everyone calls it that
from torch import Tensor

from soutu.train.distill import losses
from soutu.train.distill.agreement import vectors_of
from soutu.train.distill.bags import Bags
from soutu.train.distill.batches import generator
from soutu.train.distill.lesson import Captions, Lesson
from soutu.train.distill.networks import Student
from soutu.train.distill.settings import Settings

_CROP = 0.8  # of a side, in the views that are crops
_STAY, _BANK = 2.0, 0.5
_BANK_PICTURES = 256
_FIRST_SEED = 1 << 40
"""Far from the steps of the training, whose chance it must not repeat."""


def tune(
    student: Student, lesson: Lesson, settings: Settings, on_step: Callable[[int], None]
) -> None:
    """Train the table of a student in place for `tune_steps`; nothing without captions."""
    if not lesson.captions or not settings.tune_steps:
        return
    numbers, views, features = _captioned(student, lesson, settings)
    kept = _no_captions(lesson)
    places = student.texts(kept).detach()
    student.table.requires_grad_(True)
    optimizer = torch.optim.Adam([student.table], lr=settings.tune_rate, betas=(0.9, 0.99))
    for step in range(settings.tune_steps):
        rate = 0.5 * (1 + math.cos(math.pi * step / settings.tune_steps))
        for group in optimizer.param_groups:
            group["lr"] = settings.tune_rate * rate
        chance = generator(settings, _FIRST_SEED + step)
        rows = torch.randperm(len(numbers), generator=chance)[: settings.tune_batch]
        view = torch.randint(len(views), (len(rows),), generator=chance)
        pictures = views[view, rows]
        parts = [
            loss
            for captions in lesson.captions
            if (loss := _contrast(student, captions, pictures, numbers[rows], chance)) is not None
        ]
        parts.append(_BANK * _bank(student, lesson, pictures, features[rows]))
        rows = torch.randint(len(kept), (settings.text_batch,), generator=chance)
        rows = rows.to(lesson.device)
        parts.append(_STAY * losses.cosine(student.texts(kept.take(rows)), places[rows]))
        optimizer.zero_grad()
        torch.stack(parts).sum().backward()  # torch leaves it so
        optimizer.step()
        student.blank()
        on_step(step + 1)
    student.table.requires_grad_(False)


def _no_captions(lesson: Lesson) -> Bags:
    """Leave captions out of what is taught: they are to move; all, where there is nothing else."""
    captions = set(lesson.corpus.captions)
    rows = [row for row, text in enumerate(lesson.corpus.taught) if text not in captions]
    return lesson.taught.take(torch.tensor(rows, device=lesson.device)) if rows else lesson.taught


def _captioned(
    student: Student, lesson: Lesson, settings: Settings
) -> tuple[Tensor, Tensor, Tensor]:
    """Encode the pictures that have captions: numbers [n], views [views, n, dim], features."""
    first, numbers, views, features = 0, [], [], []
    for shelf in lesson.shelves:
        rows = np.flatnonzero(np.diff(shelf.starts))
        if len(rows):
            numbers.append(torch.from_numpy(rows + first))
            pixels = shelf.pictures[rows]
            kept = round(_CROP * pixels.shape[1])
            seen = (pixels, pixels[:, :, ::-1], pixels[:, :kept, :kept], pixels[:, -kept:, -kept:])
            views.append(
                torch.stack([vectors_of(student, v, settings.size, lesson.device) for v in seen])
            )
            features.append(torch.from_numpy(shelf.features[rows].astype(np.float32)))
        first += len(shelf.pictures)
    device = lesson.device
    return (
        torch.cat(numbers).to(device),
        torch.cat(views, 1).to(device),
        torch.cat(features).to(device),
    )


def _contrast(
    student: Student, captions: Captions, pictures: Tensor, numbers: Tensor, chance: torch.Generator
) -> Tensor | None:
    places, rows = captions.choose(numbers, chance)
    if len(places) < 2:  # one picture has nothing to be told from
        return None
    none = pictures[:0]
    return losses.info_nce(
        pictures[places],
        student.texts(captions.bags.take(captions.rows[rows])),
        student.sharpness()[2],
        other_images=none,
        other_texts=none,
        same=torch.zeros(len(places), 0, dtype=torch.bool, device=numbers.device),
    )


def _bank(student: Student, lesson: Lesson, pictures: Tensor, features: Tensor) -> Tensor:
    few = slice(0, _BANK_PICTURES)
    logits = features[few] @ lesson.bank_weights + lesson.bank_bias
    cosines = pictures[few] @ student.texts(lesson.bank).T
    return losses.distribution(cosines, student.sharpness()[0], F.softmax(logits, -1))
