"""Classifier chains: linear heads in an order, each of which sees what the earlier ones found.

Read, Pfahringer, Holmes and Frank 2011, Classifier chains for multi-label classification (Machine
Learning 85). Several chains of different orders make an ensemble, whose probabilities are averaged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from soutu.errors import InputError
from soutu.heads.base import HeadKind, checked, flattened, sigmoid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.types import Vectors

_BLOCK = 2048  # pictures scored at once, so that what is handed on stays in the cache

Passes = Literal["probabilities", "decisions"]
"""What a chain hands on: the probabilities of its earlier classes, or whether they are >= 1/2."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ChainHead:
    """Score by c chains over L classes.

    `weights` [c, L, features], `bias` [c, L], `links` [c, L, L]: `links[c, l, m]` is what class l
    makes of what class m handed on, 0 unless m comes before l. `order` [c, L] are the classes of
    each chain, first to last. Raises InputError for arrays that do not fit each other.
    """

    weights: NDArray[np.float32]
    links: NDArray[np.float32]
    bias: NDArray[np.float32]
    order: NDArray[np.int64]
    passes: Passes = "probabilities"
    kind: ClassVar[HeadKind] = "chain"

    def __post_init__(self) -> None:
        shape = np.shape(self.weights)
        if len(shape) != 3 or not len(self.weights):
            raise InputError(f"a chain's weights have the shape {shape}; it wants three axes")
        c, labels, _ = shape
        object.__setattr__(self, "weights", checked("weights", self.weights, shape))
        object.__setattr__(self, "links", checked("links", self.links, (c, labels, labels)))
        object.__setattr__(self, "bias", checked("biases", self.bias, (c, labels)))
        object.__setattr__(self, "order", _checked_order(self.order, (c, labels), self.links))
        if self.passes not in ("probabilities", "decisions"):
            raise InputError(f"a chain cannot pass on {self.passes!r}: probabilities or decisions")

    @property
    def labels(self) -> int:
        """How many classes it scores."""
        return int(self.weights.shape[1])

    @property
    def features(self) -> int:
        """How many numbers a picture it reads."""
        return int(self.weights.shape[2])

    def predict_proba(self, vectors: Vectors) -> NDArray[np.float32]:
        """Return the probabilities [n, L] of vectors [n, dim] or [n, regions, dim]."""
        rows = flattened(vectors, self.features)
        total = np.zeros((len(rows), self.labels), np.float32)
        for at in range(0, len(rows), _BLOCK):
            part = rows[at : at + _BLOCK]
            for each in range(len(self.weights)):
                total[at : at + _BLOCK] += self._chain(each, part).T
        return np.asarray(total / np.float32(len(self.weights)))

    def _chain(self, number: int, rows: Vectors) -> NDArray[np.float32]:
        """Return the probabilities [L, n] of one chain: a class's numbers lie side by side."""
        found: NDArray[np.float32] = self.weights[number] @ rows.T + self.bias[number][:, None]
        handed_on = np.empty_like(found)  # in the order of the chain
        order = self.order[number]
        for place, label in enumerate(order.tolist()):
            earlier = self.links[number, label, order[:place]]
            found[label] = sigmoid(found[label] + earlier @ handed_on[:place])
            decided = self.passes == "decisions"
            handed_on[place] = found[label] >= 0.5 if decided else found[label]
        return found

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Return what is stored of it, by name."""
        return {"weights": self.weights, "links": self.links, "bias": self.bias,
                "order": self.order}  # fmt: skip


def _checked_order(
    order: NDArray[np.int64], shape: tuple[int, int], links: NDArray[np.float32]
) -> NDArray[np.int64]:
    order = np.asarray(order, np.int64)
    if order.shape != shape or (np.sort(order, axis=1) != np.arange(shape[1])).any():
        raise InputError(f"a chain's order must name each of its {shape[1]} classes once")
    place = np.argsort(order, axis=1)
    forward = place[:, :, None] <= place[:, None, :]  # m is not before l
    if (links[forward] != 0).any():
        raise InputError("a class of a chain uses one that comes later. Train it again")
    return order
