"""The training of a student, read from top to bottom.

First the token table is fitted to the places of the texts, or an earlier student's weights are
taken. Then, at each step: draw pictures, draw texts, add up the losses, move the weights, average
them. Everything random depends on the seed and the number of the step alone, so a run that was
stopped ends where it would have ended.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch

from soutu.errors import Stopped
from soutu.train.distill import checkpoints
from soutu.train.distill.agreement import agreement
from soutu.train.distill.batches import draw, generator
from soutu.train.distill.checkpoints import Training
from soutu.train.distill.corpus import Corpus
from soutu.train.distill.lesson import Lesson, lesson_of
from soutu.train.distill.networks import Student
from soutu.train.distill.settings import Settings
from soutu.train.distill.start import Start, begin
from soutu.train.distill.steps import step_losses
from soutu.train.distill.table import first_table, fit_table, in_place
from soutu.types import Progress

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from soutu.library.base import Stop, Watcher

_TABLE_RATE = 0.1
"""The rate of the token table and its turn, beside that of the image tower."""
Stage = Literal["texts", "train"]
_LONGEST_GRADIENT = 5.0
_LOWEST_RATE = 0.002


def train(
    corpus: Corpus,
    tokenizer: Tokenizer,
    settings: Settings,
    folder: Path,
    *,
    digest: str,
    start: Start | None = None,
    device: torch.device | None = None,
    on_progress: Watcher | None = None,
    should_stop: Stop | None = None,
) -> Training:
    """Train a student on a corpus; checkpoints go into `folder`, and a run goes on from there.

    A new run begins from `start`, whose tokenizer it must use, or from nothing. Raises InputError
    for a checkpoint of other settings or data, Stopped, after a last checkpoint, when `should_stop`
    says so, StorageError for a full disk.
    """
    device = device or best_device()
    lesson = lesson_of(corpus, tokenizer, device)
    training = _begun(lesson, tokenizer, settings, folder, digest, start, on_progress, should_stop)
    shown = {"loss": 0.0}
    while training.step < settings.steps:
        if should_stop is not None and should_stop():
            checkpoints.save(training, folder, settings, digest)
            raise Stopped(_how_far(training.step, settings.steps))
        shown = _step(training, lesson, settings)
        if training.step % settings.checkpoint_every == 0 or training.step == settings.steps:
            figures = agreement(training.average, corpus, tokenizer, settings, device)
            training.history.append({"step": training.step, **shown, **figures})
            checkpoints.save(training, folder, settings, digest)
        _tell(on_progress, training.step, settings.steps, "train")
    return training


def best_device() -> torch.device:
    """Return the GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _begun(
    lesson: Lesson,
    tokenizer: Tokenizer,
    settings: Settings,
    folder: Path,
    digest: str,
    start: Start | None,
    on_progress: Watcher | None,
    should_stop: Stop | None,
) -> Training:
    """Return a training at its checkpoint, or a fresh one: from a start, or with fitted tokens."""
    torch.manual_seed(settings.seed)
    foreign = None if lesson.projection is not None else lesson.corpus.shelves[0].features.shape[1]
    student = Student(settings, tokenizer.get_vocab_size(), foreign)
    student = student.to(lesson.device)
    student.image.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # it is there
    training = Training(student, checkpoints.averaged(student), _optimizer(student, settings))
    if checkpoints.load(training, folder, settings, digest):
        return training

    if start is not None:
        begin(student, start, lesson, settings)
    else:
        table = first_table(lesson.taught, lesson.targets, tokenizer.get_vocab_size())
        with torch.no_grad():
            student.table.copy_(table)
        student.blank()
    if not in_place(student.table, lesson.taught, lesson.targets):
        on_step = told(on_progress, should_stop, settings.text_steps, 0, settings.steps)
        fit_table(student.table, lesson.taught, lesson.targets, settings, on_step)
    training.average = checkpoints.averaged(student)
    checkpoints.save(training, folder, settings, digest)
    return training


def _optimizer(student: Student, settings: Settings) -> torch.optim.Optimizer:
    slow = [student.table, student.turn]
    others = [p for p in student.parameters() if not any(p is each for each in slow)]
    rate, decay = settings.learning_rate, settings.weight_decay
    groups = [
        {"params": [p for p in others if p.ndim > 1], "lr": rate, "weight_decay": decay},
        {"params": [p for p in others if p.ndim <= 1], "lr": rate, "weight_decay": 0.0},
        {"params": slow, "lr": _TABLE_RATE * rate, "weight_decay": 0.0},
    ]
    for group in groups:
        group["first"] = group["lr"]  # the schedule's
    return torch.optim.AdamW(groups, betas=(0.9, 0.99))


def _step(training: Training, lesson: Lesson, settings: Settings) -> dict[str, float]:
    """Make one step; return the losses."""
    student, optimizer = training.student, training.optimizer
    student.train()
    rate = _rate(training.step, settings)
    for group in optimizer.param_groups:
        group["lr"] = rate * group["first"]
    chance = generator(settings, training.step)
    batch = draw(lesson.shelves, settings, chance, lesson.device)
    parts = step_losses(student, lesson, batch, settings, chance)
    total = torch.stack(list(parts.values())).sum()
    optimizer.zero_grad()
    total.backward()  # torch leaves it untyped
    torch.nn.utils.clip_grad_norm_(student.parameters(), _LONGEST_GRADIENT)
    optimizer.step()
    student.blank()
    training.step += 1
    _move_average(training, settings)
    return {"loss": float(total.detach()), **{k: float(v.detach()) for k, v in parts.items()}}


def _rate(step: int, settings: Settings) -> float:
    """Rise over the warm-up, then fall along a cosine to nearly nothing."""
    rise = min(1.0, (step + 1) / max(settings.warmup, 1))
    fall = 0.5 * (1 + math.cos(math.pi * step / settings.steps))
    return rise * (fall + _LOWEST_RATE)


@torch.no_grad()
def _move_average(training: Training, settings: Settings) -> None:
    """Move the average of the weights; faster in the beginning, when they are still bad."""
    kept = min(settings.average, training.step / (training.step + 19))
    now = training.student.state_dict()
    for name, value in training.average.state_dict().items():
        if value.is_floating_point():
            value.lerp_(now[name], 1 - kept)
        else:
            value.copy_(now[name])


def told(
    on_progress: Watcher | None, should_stop: Stop | None, total: int, step: int, steps: int
) -> Callable[[int], None]:
    """Return what tells of every step of learning words, and stops there when asked to.

    `step` of `steps` is where the training of the image tower stands meanwhile.
    """

    def on_step(done: int) -> None:
        _tell(on_progress, done, total, "texts")
        if done < total and should_stop is not None and should_stop():
            raise Stopped(_how_far(step, steps))

    return on_step


def _tell(on_progress: Watcher | None, done: int, total: int, stage: Stage) -> None:
    if on_progress is not None:
        on_progress(Progress(stage=stage, done=done, total=total))


def _how_far(step: int, steps: int) -> str:
    return (
        f"stopped at step {step:,} of {steps:,}, which is kept. Run the same command again to go on"
    )
