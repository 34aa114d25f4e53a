"""Networks over vectors: linear and MLP, and what every head has in common.

Each takes vectors [n, dim], or [n, regions, dim] where a picture has several, and gives logits
[n, labels].
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

import numpy as np
import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from numpy.typing import NDArray

Pooling = Literal["mean", "max"]
"""How regions become one answer: the mean of their vectors, or the largest of their logits."""

_SAMPLE = 20_000  # rows that are enough for means and deviations


class Standardise(nn.Module):
    """Shift and scale vectors to mean 0 and deviation 1 in every dimension.

    Unit vectors of an encoder have one mean direction and tiny entries; training straight on them
    takes many times the steps. Being linear, it folds into the layer that follows.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("scale", torch.ones(dim))

    def fit(self, vectors: NDArray[np.float32], *, seed: int = 0) -> None:
        """Take means and deviations from vectors [n, dim] or [n, regions, dim]."""
        rows: NDArray[np.intp] = np.arange(len(vectors))
        if len(rows) > _SAMPLE:
            rows = np.sort(np.random.default_rng(seed).choice(rows, _SAMPLE, replace=False))
        sample = np.asarray(vectors[rows], np.float64).reshape(-1, vectors.shape[-1])
        spread = sample.std(axis=0)
        least = max(1e-3 * float(spread.max()), 1e-6)  # a dimension that hardly varies says nothing
        self.mean.copy_(torch.from_numpy(sample.mean(axis=0)))
        self.scale.copy_(torch.from_numpy(1 / np.maximum(spread, least)))

    def forward(self, vectors: Tensor) -> Tensor:
        """Return the vectors shifted and scaled."""
        return (vectors - self.mean) * self.scale


class LinearNetwork(nn.Module):
    """Give each label a weight vector and a bias: logistic regression for all labels at once."""

    def __init__(self, dim: int, labels: int, *, pooling: Pooling = "mean") -> None:
        super().__init__()
        self.standardise = Standardise(dim)
        self.pooling = pooling
        self.weight = nn.Parameter(torch.zeros(labels, dim))
        self.bias = nn.Parameter(torch.zeros(labels))

    def forward(self, vectors: Tensor) -> Tensor:
        """Return logits [n, labels]."""
        return pooled(self.standardise(vectors), self._logits, self.pooling)

    def _logits(self, vectors: Tensor) -> Tensor:
        return vectors @ self.weight.T + self.bias


class MLPNetwork(nn.Module):
    """Put one hidden layer with dropout before the linear one."""

    def __init__(
        self,
        dim: int,
        labels: int,
        *,
        hidden: int = 512,
        dropout: float = 0.3,
        pooling: Pooling = "mean",
    ) -> None:
        super().__init__()
        self.standardise = Standardise(dim)
        self.pooling = pooling
        self.layers = nn.Sequential(
            nn.Linear(dim, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, labels)
        )

    def forward(self, vectors: Tensor) -> Tensor:
        """Return logits [n, labels]."""
        return pooled(self.standardise(vectors), self.layers, self.pooling)


def pooled(vectors: Tensor, head: nn.Module | _Head, pooling: Pooling) -> Tensor:
    """Score vectors [n, dim] or regions [n, regions, dim] with what maps [..., dim] to logits."""
    if vectors.ndim == 2:
        return cast("Tensor", head(vectors))
    if pooling == "mean":
        return cast("Tensor", head(vectors.mean(dim=1)))
    return cast("Tensor", head(vectors)).amax(dim=1)


def folded(
    standardise: Standardise, weight: Tensor, bias: Tensor
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return weights [labels, dim] and biases [labels] for vectors as they come.

    They answer as the given ones do after `standardise`; sums are in float64.
    """
    scale, mean = standardise.scale.double(), standardise.mean.double()
    folded_weight = weight.detach().double() * scale
    folded_bias = bias.detach().double() - folded_weight @ mean
    return folded_weight.float().numpy(), folded_bias.float().numpy()


if TYPE_CHECKING:
    from collections.abc import Callable

    _Head = Callable[[Tensor], Tensor]
