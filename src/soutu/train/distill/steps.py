"""The losses of one step, from a batch of pictures and the texts that go with it."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - everyone calls it that
from torch import Tensor

from soutu.train.distill import losses
from soutu.train.distill.batches import TILES, Batch
from soutu.train.distill.lesson import Captions, Lesson
from soutu.train.distill.networks import Student
from soutu.train.distill.settings import Settings
from soutu.train.distill.table import text_loss

_STAY = 0.05 / 16
"""How strongly the turn is held to no turn at all."""


def step_losses(
    student: Student, lesson: Lesson, batch: Batch, settings: Settings, chance: torch.Generator
) -> dict[str, Tensor]:
    """Return the weighted losses of a step by name; those that have no data are left out."""
    device, weights = lesson.device, settings.weights
    with torch.autocast(device.type, torch.bfloat16, enabled=has_bfloat16(device)):
        found = student.image.features(batch.canvases)
    pooled = pooled_maps(found.float(), batch.mosaics)
    vectors = F.normalize(student.image.project(pooled), dim=-1)
    guided = vectors if student.head is None else student.head(pooled)
    rows = _some(len(lesson.bank), settings.bank_batch, chance, device)
    logits = batch.features @ lesson.bank_weights[:, rows] + lesson.bank_bias[rows]
    cosines = vectors @ student.texts(lesson.bank.take(rows)).T
    taught = _some(len(lesson.taught), settings.text_batch, chance, device)
    turned = student.turn - torch.eye(len(student.turn), device=device)
    parts = {
        "features": weights.features
        * losses.cosine(guided, lesson.goal(batch.features), batch.weights),
        "bank": weights.bank
        * losses.distribution(
            cosines, student.sharpness()[0], torch.softmax(logits, -1), batch.weights
        ),
        "texts": weights.texts * text_loss(student.table, lesson.taught, lesson.targets, taught),
        "turn": _STAY * turned.square().sum(),
    }
    if (labels := _label_loss(student, lesson, vectors, batch)) is not None:
        parts["labels"] = weights.labels * labels
    if (captions := _caption_losses(student, lesson, vectors, batch, settings, chance)) is not None:
        parts["captions"] = weights.captions * captions
    return parts


def has_bfloat16(device: torch.device) -> bool:
    """Tell whether the device computes in bf16 by itself; emulated it would be slower."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_avx512_bf16_supported())  # no public question is as exact


def pooled_maps(found: Tensor, mosaics: int) -> Tensor:
    """Average the maps of single pictures whole, those of mosaics by quadrants."""
    whole = found[mosaics:].mean((2, 3))
    if not mosaics:
        return whole
    side = found.shape[-1] // 2
    quadrants = F.avg_pool2d(found[:mosaics], side).permute(0, 2, 3, 1)
    return torch.cat([quadrants.reshape(TILES * mosaics, -1), whole])


def _some(total: int, wanted: int, chance: torch.Generator, device: torch.device) -> Tensor:
    """Draw rows without repeats; all of them, in order, where there are no more."""
    if total <= wanted:
        return torch.arange(total, device=device)
    return torch.randperm(total, generator=chance)[:wanted].to(device)


def _label_loss(student: Student, lesson: Lesson, vectors: Tensor, batch: Batch) -> Tensor | None:
    known = batch.labels >= 0
    if lesson.labels is None or not known.any():
        return None
    cosines = vectors[known] @ student.texts(lesson.labels).T
    return losses.named(cosines, student.sharpness()[1], batch.labels[known])


def _caption_losses(
    student: Student,
    lesson: Lesson,
    vectors: Tensor,
    batch: Batch,
    settings: Settings,
    chance: torch.Generator,
) -> Tensor | None:
    """Average the contrast of pictures and captions over languages; single pictures only."""
    singles = len(batch.canvases) - batch.mosaics
    vectors, numbers = vectors[-singles:], batch.numbers[-singles:]
    found = []
    for captions in lesson.captions:
        places, rows = captions.choose(numbers, chance)
        if len(places) > 1:
            others = torch.randint(len(captions.rows), (settings.negatives,), generator=chance)
            others = others.to(numbers.device)
            found.append(
                losses.info_nce(
                    vectors[places],
                    _texts(student, captions, rows),
                    student.sharpness()[2],
                    other_images=_without(vectors, places),
                    other_texts=_texts(student, captions, others),
                    same=numbers[places][:, None] == captions.owners[others][None],
                )
            )
    return torch.stack(found).mean() if found else None


def _texts(student: Student, captions: Captions, rows: Tensor) -> Tensor:
    return student.texts(captions.take(rows))


def _without(vectors: Tensor, places: Tensor) -> Tensor:
    kept = torch.ones(len(vectors), dtype=torch.bool, device=vectors.device)
    kept[places] = False
    return vectors[kept]
