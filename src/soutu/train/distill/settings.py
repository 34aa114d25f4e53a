"""The settings of a distillation: plain numbers, kept with every checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from soutu.errors import InputError

STRIDE = 32
"""By how much the image tower shrinks a picture."""


@dataclass(frozen=True, kw_only=True)
class Weights:
    """How much each loss counts.

    `features`: cosine to the teacher's features. `bank`: divergence from the teacher's distribution
    over the bank of words. `labels`: cross-entropy over label names. `captions`: InfoNCE between
    pictures and captions. `texts`: texts keep the places that the teacher gave them.
    """

    features: float = 2.0
    bank: float = 1.0
    labels: float = 0.3
    captions: float = 0.5
    texts: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The student and its training.

    The student takes pictures of `size` pixels; it is trained at `train_size`, smaller and so
    faster, because random crops make things look larger than they will be (Touvron et al., Fixing
    the train-test resolution discrepancy, NeurIPS 2019). `widths`, `depths` and `last` are those
    of `networks.ImageTower`. Of the `batch` canvases of a step the share `mosaics` is made of four
    small pictures each. `steps` are those of the image tower, `text_steps` those of the token
    table before it, `tune_steps` those of the table after it, where there are captions. `start` is
    the digest of the model that the weights come from, "" for none; `settings_from_start` fills it
    in; `start_share` is how much of that model's weights the result has (Wortsman et al., Robust
    fine-tuning of zero-shot models, CVPR 2022). Raises InputError for settings that cannot be
    trained.
    """

    size: int = 160
    train_size: int = 128
    dim: int = 256
    widths: tuple[int, ...] = (48, 128, 256, 512)
    depths: tuple[int, ...] = (1, 2, 1)
    last: int = 768
    vocabulary: int = 32_000
    steps: int = 20_000
    batch: int = 96
    mosaics: float = 0.0
    text_steps: int = 2_000
    text_batch: int = 512
    bank_batch: int = 2_000
    negatives: int = 512
    learning_rate: float = 2e-3
    text_rate: float = 4e-3
    weight_decay: float = 0.05
    warmup: int = 300
    average: float = 0.9985
    smallest_crop: float = 0.3
    tune_steps: int = 1_500
    tune_batch: int = 512
    tune_rate: float = 3e-4
    checkpoint_every: int = 500
    seed: int = 0
    start: str = ""
    start_share: float = 0.0
    weights: Weights = Weights()

    def __post_init__(self) -> None:
        for name in ("size", "train_size"):
            value = getattr(self, name)
            if value < STRIDE or value % STRIDE:
                raise InputError(f"{name} is {value}; it must be a multiple of {STRIDE}")
        if self.mosaics and self.train_size % (2 * STRIDE):
            raise InputError(
                f"train_size is {self.train_size}; with mosaics it must be a multiple of "
                f"{2 * STRIDE}"
            )
        if not 0 <= self.start_share < 1:
            raise InputError(f"start_share is {self.start_share}; it must be from 0 to below 1")
        if len(self.widths) != len(self.depths) + 1:
            raise InputError(
                f"{len(self.widths)} widths and {len(self.depths)} depths do not fit: the first "
                "width is the stem's, and each depth belongs to one of the others"
            )
        smallest = {"dim": 1, "steps": 1, "batch": 2, "text_batch": 2, "checkpoint_every": 1}
        for name, least in smallest.items():
            if getattr(self, name) < least:
                raise InputError(f"{name} is {getattr(self, name)}; it must be at least {least}")

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)


def settings_from(values: Mapping[str, Any]) -> Settings:
    """Read settings from plain values. Raises InputError for unknown names and bad values."""
    fields = dict(values)
    try:
        if "weights" in fields:
            fields["weights"] = Weights(**fields["weights"])
        for name in ("widths", "depths"):
            if name in fields:
                fields[name] = tuple(fields[name])
        return Settings(**fields)
    except TypeError as error:
        raise InputError(f"the settings of a distillation cannot be read: {error}") from error
