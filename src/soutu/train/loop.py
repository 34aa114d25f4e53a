"""The training loop, read from top to bottom.

Everything that chance decides in an epoch (order, dropout) follows from the seed and the number of
the epoch alone. So a run that was stopped and resumed gives what an unbroken one gives, bit for
bit on the same machine, without keeping the state of any random generator.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from soutu.errors import SoutuError
from soutu.metrics import mean_average_precision
from soutu.train import checkpoint as checkpoints
from soutu.train.checkpoint import Checkpoint
from soutu.train.losses import Loss, mean_of_known
from soutu.train.settings import RATE, Settings
from soutu.types import Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.train.examples import Examples

HARDEST = 4.0
"""How many times as much as an average example a hard one may count, or come."""
_SCORED, _NUMBERS = 1024, 1 << 22  # rows, and numbers of their inputs, that are scored together


@dataclass
class History:
    """What happened: the mean loss and the validation mAP of each epoch, counted from 1.

    `best` is the epoch whose weights are kept: that of the highest mAP, or the last one without
    validation.
    """

    losses: list[float] = field(default_factory=list)
    figures: list[float] = field(default_factory=list)
    best: int = 0
    finished: bool = False


def train(
    network: nn.Module,
    examples: Examples,
    loss: Loss,
    settings: Settings,
    *,
    validation: Examples | None = None,
    checkpoint: Path | None = None,
    made_of: Mapping[str, Any] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> History:
    """Train a network in place and leave the best epoch's weights in it.

    `checkpoint` is a folder that holds the state after every epoch; where it holds one already,
    training goes on from there. `made_of` says what else the run depends on. Raises InputError
    when the checkpoint comes from other data, settings or software, StorageError when it cannot
    be written.
    """
    run = _Run(network, examples, loss, settings)
    facts = _facts(network, examples, settings, validation, made_of) if checkpoint else {}
    if checkpoint is not None and (found := checkpoints.load(checkpoint)) is not None:
        checkpoints.check_same_run(checkpoint, found.made_of, facts)
        run.restore(found)
    history = run.history
    while not history.finished:
        epoch = len(history.losses) + 1
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed * 100_003 + epoch)
            history.losses.append(run.epoch(epoch, on_progress))
        if validation is None:
            history.best = epoch
        else:
            with run.averaged():
                history.figures.append(validate(network, validation))
            history.best = 1 + int(np.argmax(history.figures))
        if history.best == epoch:
            run.keep()
        waited = epoch - history.best
        history.finished = epoch == settings.epochs or 0 < settings.patience <= waited
        if checkpoint is not None:
            checkpoints.save(checkpoint, epoch, run.state(facts))
    network.load_state_dict(run.best, strict=False)  # what is frozen stands there already
    network.eval()
    return history


def validate(network: nn.Module, examples: Examples) -> float:
    """Return the mAP over labels that hold somewhere; 0 where none does."""
    figure = mean_average_precision(logits_of(network, examples.inputs), examples.labels)
    return 0.0 if math.isnan(figure) else figure


def logits_of(score: Callable[[Tensor], Tensor], inputs: NDArray[Any]) -> NDArray[np.float32]:
    """Score inputs in batches, with a network or what maps tensors as one; float32 [n, labels]."""
    if isinstance(score, nn.Module):
        score.eval()
    rows = max(min(_SCORED, _NUMBERS // max(inputs[:1].size, 1)), 1)
    with torch.inference_mode():
        parts = [
            score(_tensor(inputs[at : at + rows])).numpy()
            for at in range(0, max(len(inputs), 1), rows)
        ]
    return np.concatenate(parts)


def learning_rate(step: int, steps: int, settings: Settings) -> float:
    """Return the rate of a step, counted from 0: a linear rise, then a cosine down to 0."""
    highest = settings.learning_rate or RATE
    warm = settings.warmup * steps
    if step < warm:
        return highest * (step + 1) / (warm + 1)
    done = (step - warm) / max(steps - warm, 1)
    return highest * 0.5 * (1 + math.cos(math.pi * done))


def kept(network: nn.Module) -> dict[str, Tensor]:
    """Return the tensors of a network that training may change: all but frozen parameters."""
    frozen = {name for name, one in network.named_parameters() if not one.requires_grad}
    return {name: one for name, one in network.state_dict().items() if name not in frozen}


class _Run:
    """The state that changes while a network trains."""

    def __init__(
        self, network: nn.Module, examples: Examples, loss: Loss, settings: Settings
    ) -> None:
        self.history = History()
        self.best: dict[str, Tensor] = {}
        self._network, self._examples = network, examples
        self._loss, self._settings = loss, settings
        self._trained = {n: p for n, p in network.named_parameters() if p.requires_grad}
        self._optimizer = torch.optim.AdamW(
            _groups(self._trained, settings.weight_decay), lr=settings.learning_rate or RATE
        )
        self._average = {n: p.detach().clone() for n, p in self._trained.items()}
        self._hardness = torch.ones(len(examples))

    def epoch(self, number: int, on_progress: Callable[[Progress], None] | None) -> float:
        """Go once through the examples; return their mean loss."""
        settings, network = self._settings, self._network
        batches = list(self._order().split(settings.rows_of(len(self._examples))))
        steps = len(batches) * settings.epochs
        seen = torch.zeros(len(self._examples))
        total, rows_done = 0.0, 0
        network.train()
        for at, rows in enumerate(batches):
            step = (number - 1) * len(batches) + at
            for group in self._optimizer.param_groups:
                group["lr"] = learning_rate(step, steps, settings)
            labels = torch.from_numpy(self._examples.labels[rows.numpy()])
            entries = self._loss(network(_tensor(self._examples.inputs[rows.numpy()])), labels)
            mean = mean_of_known(entries, labels, self._weights(rows))
            if not torch.isfinite(mean):
                msg = f"the loss became {mean.item()} in epoch {number}. Lower the learning rate"
                raise SoutuError(msg)
            self._optimizer.zero_grad()
            mean.backward()
            self._optimizer.step()
            self._follow(step)
            # The largest, as a row may come twice: what is last in memory is no rule to resume by.
            seen.scatter_reduce_(0, rows, mean_rows(entries.detach(), labels), "amax")
            total, rows_done = total + mean.item() * len(rows), rows_done + len(rows)
            if on_progress is not None:
                on_progress(Progress(stage="train", done=step + 1, total=steps))
        self._harden(seen)
        return total / rows_done

    def keep(self) -> None:
        """Keep the weights as they are now: the averaged ones where there are some."""
        with self.averaged():
            self.best = {name: one.clone() for name, one in kept(self._network).items()}

    def averaged(self) -> _Swapped:
        """Put the averaged weights into the network for the time of a block."""
        return _Swapped(self._trained, self._average if self._settings.ema else {})

    def state(self, made_of: Mapping[str, Any]) -> Checkpoint:
        """Return all that is needed to go on."""
        moments = {
            f"optimizer.{name}.{kind}": value
            for name, one in self._trained.items()
            for kind, value in self._optimizer.state[one].items()
        }
        tensors = {
            **{f"network.{name}": one for name, one in kept(self._network).items()},
            **{f"best.{name}": one for name, one in self.best.items()},
            **{f"average.{name}": one for name, one in self._average.items()},
            **moments,
            "hardness": self._hardness,
        }
        # Clones: a network may hold one tensor under two names, which the format refuses.
        return Checkpoint(
            made_of, {n: one.detach().clone() for n, one in tensors.items()}, asdict(self.history)
        )

    def restore(self, found: Checkpoint) -> None:
        """Go back to the state of a checkpoint."""
        self.history = History(**found.rest)
        self._network.load_state_dict(_part(found.tensors, "network."), strict=False)
        self.best = _part(found.tensors, "best.")
        self._average = _part(found.tensors, "average.")
        self._hardness = found.tensors["hardness"]
        for name, one in self._trained.items():
            moments = _part(found.tensors, f"optimizer.{name}.")
            if moments:
                self._optimizer.state[one] = moments

    def _order(self) -> Tensor:
        """Draw the rows of an epoch: a permutation, or hard ones more often."""
        if self._settings.hard == "resample":
            return torch.multinomial(self._hardness, len(self._hardness), replacement=True)
        return torch.randperm(len(self._hardness))

    def _weights(self, rows: Tensor) -> Tensor | None:
        return self._hardness[rows] if self._settings.hard == "reweight" else None

    def _harden(self, seen: Tensor) -> None:
        """Take each example's loss over the mean as its hardness, smoothed over epochs."""
        if self._settings.hard == "none":
            return
        met = seen > 0
        fresh = (seen / seen[met].mean().clamp(min=1e-12)).clamp(1 / HARDEST, HARDEST)
        self._hardness = torch.where(met, 0.5 * self._hardness + 0.5 * fresh, self._hardness)

    def _follow(self, step: int) -> None:
        """Move the averaged weights a little towards the weights, more so in the beginning."""
        if not self._settings.ema:
            return
        decay = min(self._settings.ema, (1 + step) / (10 + step))
        with torch.no_grad():
            for name, one in self._trained.items():
                self._average[name].lerp_(one, 1 - decay)


class _Swapped:
    """Other values in some parameters for the time of a block."""

    def __init__(self, parameters: Mapping[str, nn.Parameter], values: Mapping[str, Tensor]):
        self._parameters, self._values = parameters, values
        self._own: dict[str, Tensor] = {}

    def __enter__(self) -> None:
        for name, value in self._values.items():
            self._own[name] = self._parameters[name].data
            self._parameters[name].data = value

    def __exit__(self, *_: object) -> None:
        for name, value in self._own.items():
            self._parameters[name].data = value


def mean_rows(entries: Tensor, labels: Tensor) -> Tensor:
    """Average the losses [n, labels] of each row over its known labels."""
    return entries.sum(dim=1) / (labels >= 0).sum(dim=1).clamp(min=1)


def _groups(trained: Mapping[str, nn.Parameter], decay: float) -> list[dict[str, Any]]:
    """Keep weight decay off biases, norms and single scales."""
    return [
        {"params": [one for one in trained.values() if one.ndim > 1], "weight_decay": decay},
        {"params": [one for one in trained.values() if one.ndim <= 1], "weight_decay": 0.0},
    ]


def _facts(
    network: nn.Module,
    examples: Examples,
    settings: Settings,
    validation: Examples | None,
    made_of: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return what a run depends on; a run with other facts is another run."""
    return {
        "network": type(network).__name__,
        "shapes": {name: list(one.shape) for name, one in network.state_dict().items()},
        "frozen weights": _digest_of_frozen(network),
        **asdict(settings),
        "training data": examples.digest(),
        "validation data": None if validation is None else validation.digest(),
        "torch": torch.__version__,
        **(made_of or {}),
    }


def _digest_of_frozen(network: nn.Module) -> str:
    import xxhash

    found = xxhash.xxh3_128()
    for name, one in network.named_parameters():
        if not one.requires_grad:
            found.update(name.encode())
            found.update(np.ascontiguousarray(one.detach().numpy()).data)
    return found.hexdigest()


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): one for n, one in tensors.items() if n.startswith(prefix)}


def _tensor(inputs: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(inputs))
