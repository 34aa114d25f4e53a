"""Classifier chains: each label sees those before it, so that labels that go together are learned.

Read, Pfahringer, Holmes and Frank 2011, Classifier chains for multi-label classification (Machine
Learning 85). Each link is scikit-learn's logistic regression, as in its `ClassifierChain`, which
knows no unknown labels: here an unknown one is what the chain itself predicts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from soutu.errors import InputError
from soutu.heads import ChainHead
from soutu.heads.base import sigmoid
from soutu.heads.chain import Passes
from soutu.train.classical import ClassicalClassifier, Standardised, constant, flat, logistic

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.train.examples import Examples
    from soutu.types import Vectors

    Labels = NDArray[np.int8]

Order = Literal["given", "frequent", "random"]
"""Which label comes first: as the classes stand, the most frequent, or by the seed."""


@dataclass(kw_only=True)
class ChainClassifier(ClassicalClassifier[ChainHead]):
    """One chain over all labels.

    `order` is one of `Order`, or the classes' places themselves; `c` the inverse strength of the
    penalty, `passes` what a link hands on to the later ones when it scores.
    """

    c: float = 0.1
    order: Order | tuple[int, ...] = "frequent"
    passes: Passes = "probabilities"
    standardise: bool = True

    def _fit(
        self,
        examples: Examples,
        classes: tuple[str, ...],
        text: Vectors | None,  # noqa: ARG002 - names say nothing to it
        report: Callable[[int, int], None],
    ) -> ChainHead:
        return self._chains(examples, [self._order(examples.labels, classes)], report)

    def _order(self, labels: Labels, classes: tuple[str, ...]) -> NDArray[np.int64]:
        if self.order == "given":
            return np.arange(len(classes))
        if self.order == "frequent":
            return np.argsort(-(labels == 1).sum(axis=0), kind="stable")
        if self.order == "random":
            return np.random.default_rng(self.seed).permutation(len(classes))
        if sorted(map(str, self.order)) != sorted(map(str, range(len(classes)))):
            raise InputError(
                f"the order {self.order!r} is none of given, frequent and random, and does not "
                f"name each of the {len(classes)} classes once by its place"
            )
        return np.array(self.order, np.int64)

    def _chains(
        self,
        examples: Examples,
        orders: list[NDArray[np.int64]],
        report: Callable[[int, int], None],
    ) -> ChainHead:
        if not self.c > 0:
            raise InputError(f"c is {self.c}; it must be more than 0")
        rows = flat(examples.inputs)
        inputs = Standardised.of(rows)
        if not self.standardise:
            inputs = Standardised(rows, np.zeros(rows.shape[1]), np.ones(rows.shape[1]))
        count = examples.labels.shape[1]
        shape = (len(orders), count)
        weights = np.zeros((*shape, rows.shape[1]))
        links, bias = np.zeros((*shape, count)), np.zeros(shape)
        for chain, order in enumerate(orders):
            seen = np.empty((len(rows), 0), np.float32)
            for place, label in enumerate(order.tolist()):
                both = np.hstack([inputs.features, seen])
                found, start = self._link(both, examples.labels[:, label])
                own, of_earlier = found[: rows.shape[1]], found[rows.shape[1] :]
                weights[chain, label], bias[chain, label] = inputs.folded(own, start)
                links[chain, label, order[:place]] = of_earlier
                predicted = self._handed_on((both @ found + start).astype(np.float32))
                said = examples.labels[:, label]
                told = np.where(said >= 0, said, predicted).astype(np.float32)
                seen = np.hstack([seen, told[:, None]])
                report(chain * count + place + 1, len(orders) * count)
        return ChainHead(
            weights=weights.astype(np.float32),
            links=links.astype(np.float32),
            bias=bias.astype(np.float32),
            order=np.stack(orders),
            passes=self.passes,
        )

    def _link(
        self, features: NDArray[np.float32], said: Labels
    ) -> tuple[NDArray[np.float64], float]:
        known = said >= 0
        yes = said[known] == 1
        if yes.all() or not yes.any():
            return np.zeros(features.shape[1]), constant(yes)
        return logistic(features[known], yes, c=self.c)

    def _handed_on(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.passes == "decisions":
            return (logits >= 0).astype(np.float32)
        return sigmoid(logits)


@dataclass(kw_only=True)
class ChainsClassifier(ChainClassifier):
    """An ensemble: `chains` chains of random orders, whose probabilities are averaged."""

    chains: int = 10
    order: Order | tuple[int, ...] = "random"

    def _fit(
        self,
        examples: Examples,
        classes: tuple[str, ...],
        text: Vectors | None,  # noqa: ARG002 - names say nothing to it
        report: Callable[[int, int], None],
    ) -> ChainHead:
        if self.chains < 1:
            raise InputError(f"{self.chains} chains are asked for. Ask for 1 or more")
        if self.order != "random":
            raise InputError("an ensemble's chains have random orders; leave the order out")
        draws = np.random.default_rng(self.seed)
        orders = [draws.permutation(len(classes)) for _ in range(self.chains)]
        return self._chains(examples, orders, report)
