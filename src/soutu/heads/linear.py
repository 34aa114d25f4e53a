"""A head that is linear in the vector: one weight vector and one bias a class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from soutu.heads.base import HeadKind, checked, flattened, sigmoid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.types import Vectors


@dataclass(frozen=True, kw_only=True, eq=False)
class LinearHead:
    """Score by `sigmoid(weights . vector + bias)`.

    `weights` [L, features], where features are dim times regions, and `bias` [L], float32. Logistic
    regression, a linear SVM with Platt scaling, and a graph of labels once its nodes are computed
    are all of this kind. Raises InputError for arrays that do not fit each other.
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    kind: ClassVar[HeadKind] = "linear"

    def __post_init__(self) -> None:
        shape = np.shape(self.weights)
        shape = shape if len(shape) == 2 else (len(self.bias), 0)
        object.__setattr__(self, "weights", checked("weights", self.weights, shape))
        object.__setattr__(self, "bias", checked("bias", self.bias, shape[:1]))

    @property
    def labels(self) -> int:
        """How many classes it scores."""
        return len(self.bias)

    @property
    def features(self) -> int:
        """How many numbers a picture it reads."""
        return int(self.weights.shape[1])

    def logits(self, vectors: Vectors) -> NDArray[np.float32]:
        """Return the logits [n, L] of vectors [n, dim] or [n, regions, dim]."""
        return np.asarray(flattened(vectors, self.features) @ self.weights.T + self.bias)

    def predict_proba(self, vectors: Vectors) -> NDArray[np.float32]:
        """Return the probabilities [n, L] of vectors [n, dim] or [n, regions, dim]."""
        return sigmoid(self.logits(vectors))

    def arrays(self) -> Mapping[str, NDArray[np.float32]]:
        """Return what is stored of it, by name."""
        return {"weights": self.weights, "bias": self.bias}
