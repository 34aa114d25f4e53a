"""Constructed vectors and labels that heads can learn, without any picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray


# Networks are so small here that more threads would only wait for each other.
torch.set_num_threads(1)


class Made(NamedTuple):
    """Vectors [n, dim], labels [n, classes], class names and their text vectors [classes, dim]."""

    vectors: NDArray[np.float32]
    labels: NDArray[np.int8]
    classes: tuple[str, ...]
    text: NDArray[np.float32]


def made(
    n: int = 400,
    *,
    dim: int = 16,
    classes: int = 5,
    seed: int = 0,
    noise: float = 0.3,
    unknown: float = 0.0,
) -> Made:
    """Make pictures as sums of the directions of their labels, and noise; unit length."""
    rng = np.random.default_rng(seed)
    text = unit(np.random.default_rng(99).normal(size=(classes, dim)))
    labels = (rng.random((n, classes)) < 0.3).astype(np.int8)
    vectors = unit(labels @ text + noise * rng.normal(size=(n, dim)))
    labels[rng.random(labels.shape) < unknown] = -1
    return Made(vectors, labels, tuple(f"class {i}" for i in range(classes)), text)


def unit(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return rows of length 1 as float32."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)
