"""Losses of multi-label training, entry by entry, deaf to labels that nobody knows.

Each takes logits [n, labels] and labels of 1 (yes), 0 (no) and -1 (unknown) and returns one figure
for each entry [n, labels], 0 where the label is unknown: such an entry has no gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, get_args

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from soutu.errors import InputError
from soutu.train.settings import LossName

if TYPE_CHECKING:
    from numpy.typing import NDArray

Loss: TypeAlias = Callable[[Tensor, Tensor], Tensor]

MOST_WEIGHT = 20.0
"""How many times a yes of a rare class may count at most; more makes training jump."""
_LEAST = 1e-8  # what a logarithm is taken of at least


def bce(logits: Tensor, labels: Tensor) -> Tensor:
    """Compute binary cross-entropy."""
    entries = functional.binary_cross_entropy_with_logits(logits, _yes(labels), reduction="none")
    return _known(entries, labels)


@dataclass(frozen=True, eq=False)
class WeightedBCE:
    """Compute binary cross-entropy in which a yes of class j counts `weights[j]` times."""

    weights: Tensor

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of each entry [n, labels]."""
        entries = functional.binary_cross_entropy_with_logits(
            logits, _yes(labels), reduction="none", pos_weight=self.weights
        )
        return _known(entries, labels)


@dataclass(frozen=True, kw_only=True)
class Focal:
    """Compute the focal loss: what is answered well already counts less (Lin et al. 2017).

    `gamma` 0 and `alpha` None give cross-entropy; `alpha` weighs a yes, 1 - alpha a no.
    """

    gamma: float = 2.0
    alpha: float | None = None

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of each entry [n, labels]."""
        yes = _yes(labels)
        entries = functional.binary_cross_entropy_with_logits(logits, yes, reduction="none")
        entries = entries * (1 - torch.exp(-entries)) ** self.gamma
        if self.alpha is not None:
            entries = entries * (self.alpha * yes + (1 - self.alpha) * (1 - yes))
        return _known(entries, labels)


@dataclass(frozen=True, kw_only=True)
class ASL:
    """Compute the asymmetric loss: easy no's count less, and below `margin` nothing.

    L+ = (1 - p)^gamma_yes log p and L- = q^gamma_no log(1 - q) with q = max(p - margin, 0)
    (Ridnik et al. 2021). Both gammas and the margin 0 give cross-entropy.
    """

    gamma_yes: float = 0.0
    gamma_no: float = 4.0
    margin: float = 0.05

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of each entry [n, labels]."""
        yes = -functional.logsigmoid(logits)
        if self.gamma_yes:
            yes = yes * torch.sigmoid(-logits) ** self.gamma_yes
        no = -functional.logsigmoid(-logits)
        shifted = torch.sigmoid(logits)
        if self.margin:
            shifted = (shifted - self.margin).clamp(min=0)
            no = -torch.log((1 - shifted).clamp(min=_LEAST))
        if self.gamma_no:
            no = no * shifted**self.gamma_no
        return _known(torch.where(labels == 1, yes, no), labels)


def class_weights(labels: NDArray[np.int8]) -> NDArray[np.float32]:
    """Return no's per yes of each class [labels], from 1 to MOST_WEIGHT, for WeightedBCE."""
    yes, no = (labels == 1).sum(axis=0), (labels == 0).sum(axis=0)
    weights = np.clip(no / np.maximum(yes, 1), 1.0, MOST_WEIGHT)
    return np.asarray(weights, np.float32)


def loss_of(name: str, labels: NDArray[np.int8]) -> Loss:
    """Return a loss by name, fitted to the training labels where it weighs classes.

    Raises InputError for an unknown name.
    """
    if name == "bce":
        return bce
    if name == "weighted-bce":
        return WeightedBCE(torch.from_numpy(class_weights(labels)))
    if name == "focal":
        return Focal()
    if name == "asl":
        return ASL()
    raise InputError(f"there is no loss {name!r}; known are {', '.join(get_args(LossName))}")


def mean_of_known(entries: Tensor, labels: Tensor, weights: Tensor | None = None) -> Tensor:
    """Average entries [n, labels] over known labels; `weights` [n] tells what a row counts."""
    if weights is not None:
        entries = entries * weights[:, None]
    return entries.sum() / (labels >= 0).sum().clamp(min=1)


def _yes(labels: Tensor) -> Tensor:
    return (labels == 1).float()


def _known(entries: Tensor, labels: Tensor) -> Tensor:
    # Not a product: 0 times an infinite loss would be NaN.
    return torch.where(labels >= 0, entries, torch.zeros_like(entries))
