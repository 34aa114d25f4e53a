"""Heads that start from the names of the classes: zero-shot, and logistic regression around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from soutu.heads import LinearHead
from soutu.library.tagging.heads import Background
from soutu.library.tagging.learning import refine
from soutu.library.tagging.thresholds import bias_for_mean
from soutu.models.base import Scale
from soutu.train.classical import ClassicalClassifier, constant
from soutu.train.examples import Examples, check_texts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.types import Vectors

CLIP = Scale(scale=100.0)
"""The scale of CLIP and its kin, whose logits have no bias."""

_SAMPLE = 4096  # pictures that stand for all, where their spread is measured


@dataclass(kw_only=True)
class ZeroShotClassifier(ClassicalClassifier[LinearHead]):
    """The model's own classifier of names: the baseline, which learns from no label.

    `scale` is the encoder's own (`EncoderFacts.scale`). Where that has no bias, the bias is such
    that a picture holds one class on average, over the pictures given to `fit`.
    """

    scale: Scale = field(default_factory=lambda: CLIP)

    @property
    def learns(self) -> bool:
        """Whether it looks at labels at all."""
        return False

    def _fit(
        self,
        examples: Examples,
        classes: tuple[str, ...],
        text: Vectors | None,
        report: Callable[[int, int], None],
    ) -> LinearHead:
        check_texts(text, classes, "zero-shot")
        assert text is not None
        weights = np.asarray(self.scale.scale * text, np.float32)
        bias = self.scale.bias
        if bias is None:
            logits = mean_of_regions(examples.inputs) @ weights.T
            bias = bias_for_mean(logits, min(0.5, 1 / len(classes)))
        report(len(classes), len(classes))
        return over_regions(weights, np.full(len(classes), bias, np.float32), examples.inputs)

    def parameters(self) -> dict[str, object]:
        """Return all settings as JSON values."""
        given = self.get_params()
        return {**given, "scale": [self.scale.scale, self.scale.bias]}


@dataclass(kw_only=True)
class AnchoredClassifier(ZeroShotClassifier):
    """Logistic regression that starts at the name and drifts as far as the labels say.

    It is how a library learns from people's labels (`library.tagging.learning`): best with few.
    """

    @property
    def learns(self) -> bool:
        """Whether it looks at labels at all."""
        return True

    def _fit(
        self,
        examples: Examples,
        classes: tuple[str, ...],
        text: Vectors | None,
        report: Callable[[int, int], None],
    ) -> LinearHead:
        check_texts(text, classes, "anchored")
        assert text is not None
        vectors = mean_of_regions(examples.inputs)
        step = -(-len(vectors) // _SAMPLE)
        nothing = np.empty((0, vectors.shape[1]), np.float32)
        background = Background.measure(sample=vectors[::step], concepts=nothing, scale=self.scale)
        weights, bias = np.zeros_like(text, np.float32), np.zeros(len(classes), np.float32)
        for label, name in enumerate(np.asarray(text, np.float32)):
            said = examples.labels[:, label]
            known = said >= 0
            yes = said[known] == 1
            if yes.all() or not yes.any():
                bias[label] = constant(yes)
            else:
                head = refine(name, background, vectors[known], yes)
                weights[label], bias[label] = head.weights, head.bias
            report(label + 1, len(classes))
        return over_regions(weights, bias, examples.inputs)


def mean_of_regions(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return vectors [n, dim] of inputs [n, dim] or [n, regions, dim]."""
    return inputs if inputs.ndim == 2 else inputs.mean(axis=1, dtype=np.float32)


def over_regions(
    weights: NDArray[np.float32], bias: NDArray[np.float32], inputs: NDArray[np.float32]
) -> LinearHead:
    """Return the head of all regions whose score is that of their mean."""
    regions = 1 if inputs.ndim == 2 else inputs.shape[1]
    return LinearHead(weights=np.tile(weights / np.float32(regions), (1, regions)), bias=bias)
