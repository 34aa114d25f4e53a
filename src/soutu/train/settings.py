"""How a network is trained: plain data, so that a checkpoint can hold and compare it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from soutu.errors import InputError

LEAST_ROWS, MOST_ROWS = 32, 512
"""The batch sizes that are chosen: small data needs more steps, large data larger ones."""

RATE = 2e-3
"""The learning rate of networks that have none of their own."""

LossName = Literal["bce", "weighted-bce", "focal", "asl"]

Hard = Literal["none", "reweight", "resample"]
"""What is done about examples that the network gets wrong: nothing, count more, or come more."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How long, how fast and in which order.

    The epoch with the best validation mAP is kept. `patience` is the number of epochs without a
    better one after which training ends; 0 trains them all, as the last ones, at small learning
    rates, are often the best. `ema` is the decay of the weights' running average, which is then
    what is validated and kept; 0 for none. `learning_rate` (None: that of the head) falls to 0
    along a cosine after `warmup`, a share of all steps. `batch_size` None is a hundredth of the
    examples, from 32 to 512.
    """

    epochs: int = 20
    batch_size: int | None = None
    learning_rate: float | None = None
    weight_decay: float = 1e-2
    warmup: float = 0.05
    patience: int = 0
    ema: float = 0.0
    hard: Hard = "none"
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise InputError for a figure that cannot be trained with."""
        _check("epochs", self.epochs, self.epochs >= 1, "at least 1")
        rows = self.batch_size
        _check("batch_size", rows, rows is None or rows >= 1, "at least 1")
        rate = self.learning_rate
        _check("learning_rate", rate, rate is None or rate > 0, "more than 0")
        _check("weight_decay", self.weight_decay, self.weight_decay >= 0, "0 or more")
        _check("warmup", self.warmup, 0 <= self.warmup < 1, "from 0 to below 1")
        _check("patience", self.patience, self.patience >= 0, "0 or more")
        _check("ema", self.ema, 0 <= self.ema < 1, "from 0 to below 1")
        _check(
            "hard", self.hard, self.hard in get_args(Hard), f"one of {', '.join(get_args(Hard))}"
        )
        _check("seed", self.seed, 0 <= self.seed < 2**31, "from 0 to 2^31 - 1")

    def rows_of(self, examples: int) -> int:
        """Return the number of rows of a batch for so many examples."""
        return self.batch_size or min(max(examples // 100, LEAST_ROWS), MOST_ROWS)


def _check(name: str, value: object, good: bool, wanted: str) -> None:
    if not good:
        msg = f"{name} is {value!r}; it must be {wanted}"
        raise InputError(msg)
