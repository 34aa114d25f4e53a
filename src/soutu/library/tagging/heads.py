"""Heads: what decides whether a tag holds for a picture, from the picture's vector alone.

    logit = weights . picture + bias        probability = sigmoid(logit)
    the tag holds where probability >= threshold

A head is linear, so that a tag stays one query that a vector engine can run: the unit vector of
its weights and the least cosine at which it holds (`Head.query`).

A model's cosines say little by themselves; their level and spread differ between models and
libraries. `Background` holds what a library says about them through everyday concepts, nearly all
of which are absent from nearly all pictures:

- the slope is the model's own logit scale, kept between 1 and 4 spreads of these cosines;
- the bias makes the mean probability of a concept on a picture one in 150;
- the threshold of a tag maximises the expected F1 of its probabilities over the library
  (`thresholds`), drawn towards that of the concepts all together, so that neither a tag that
  holds nowhere selects the best few per cent, nor one that is everywhere selects almost nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import TYPE_CHECKING, Literal

import numpy as np

from soutu.heads.base import sigmoid
from soutu.library.tagging.thresholds import bias_for_mean, blend, f1_threshold

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from soutu.models.base import Scale
    from soutu.types import Vectors

    Floats = NDArray[np.float32]

HeadSource = Literal["zero-shot", "learned"]

PRIOR = 1 / 150
"""How often an everyday concept holds for a picture."""

OWN = 2 / 3
"""How far a tag's threshold follows its own score distribution."""

_SEPARATION = (1.0, 4.0)  # bounds on the slope, in spreads, against odd scales in model files
_ASSUMED = (0.2, 0.03)  # level and spread where there is no picture and the model states no bias
_FEW = 32  # pictures at which a library's own distribution weighs as much as what was assumed
_SHRUNK = 0.3  # shrinkage of a library's covariance, at any number of pictures
_BLOCK = 1 << 22  # probabilities computed at a time: 16 MB of float32
NOTHING = 1e-6
"""Length of weights that say nothing."""

_NEVER, _ALWAYS = 2.0, -2.0  # cosines that none and that all reach; engines want finite numbers


@dataclass(frozen=True, kw_only=True, eq=False)
class Background:
    """What a library and a model say about scores in a space.

    `sample` [m, dim] are pictures spread over the library, `concepts` [c, dim] the vectors of
    everyday concepts, described as tags are (`prompts.text_vectors`): a model's bare words and its
    sentences lie at different levels. A picture's cosine with a tag has the logit
    `slope * cosine + bias`; `threshold` is the best one for the concepts together.
    """

    sample: Vectors
    slope: float
    bias: float
    threshold: float

    @classmethod
    def measure(cls, *, sample: Vectors, concepts: Vectors, scale: Scale) -> Background:
        """Measure a library; with few pictures, the model's own figures weigh more.

        `sample` may be empty; `concepts` too, and then nothing but the model speaks.
        """
        guess = _assumed(scale)
        if len(sample) == 0 or len(concepts) == 0:
            return cls(sample=sample, slope=guess[0], bias=guess[1], threshold=guess[2])
        cosines = (sample @ concepts.T).ravel()
        slope = _slope(scale, float(cosines.std()))
        share = len(sample) / (len(sample) + _FEW)
        slope = share * slope + (1 - share) * guess[0]
        found = bias_for_mean(slope * cosines, PRIOR)
        bias = share * found + (1 - share) * guess[1]
        own = f1_threshold(sigmoid(slope * cosines + bias)[None])
        threshold = float(blend(own, guess[2], share)[0])
        return cls(sample=sample, slope=slope, bias=bias, threshold=threshold)

    @property
    def share(self) -> float:
        """How far thresholds follow a tag's own distribution in a library of this size."""
        return OWN * len(self.sample) / (len(self.sample) + _FEW)

    @cached_property
    def mean(self) -> Floats:
        """The mean picture [dim]; zeros without any."""
        dim = self.sample.shape[1]
        return self.sample.mean(axis=0) if len(self.sample) else np.zeros(dim, dtype=np.float32)

    @cached_property
    def whitening(self) -> NDArray[np.float64]:
        """A matrix [dim, dim] that evens out the directions in which the library's pictures vary.

        Inverse square root of their covariance, shrunk towards a multiple of the identity (Ledoit
        and Wolf 2004), the more the fewer they are, and scaled so that an average direction keeps
        its length. The identity where pictures do not vary.
        """
        dim, count = self.sample.shape[1], len(self.sample)
        centred = (self.sample - self.mean).astype(np.float64)
        covariance = centred.T @ centred / max(1, count)
        variance = float(np.trace(covariance)) / dim
        if variance < 1e-9:
            return np.eye(dim)
        share = (_SHRUNK * count + dim) / (count + dim)
        covariance = (1 - share) * covariance + share * variance * np.eye(dim)
        values, axes = np.linalg.eigh(covariance)
        return np.asarray(axes / np.sqrt(values / variance))


@dataclass(frozen=True, kw_only=True, eq=False)
class Head:
    """One linear head: `weights` [dim], `bias`, and the least probability at which it holds."""

    weights: Floats
    bias: float
    threshold: float
    source: HeadSource = "zero-shot"

    def query(self, cut: float) -> tuple[Floats, float]:
        """Return the head as a search: a unit vector [dim], and the cosine of the logit `cut`.

        A picture's logit is at least `cut` where its cosine with the vector is at least that. A
        head without any weight is the same for all pictures: the vector is zero, and the cosine
        one that all or none of them reach.
        """
        length = self.length
        missing = cut - self.bias
        if length < NOTHING:
            return np.zeros_like(self.weights), _NEVER if missing > 0 else _ALWAYS
        unit = (self.weights / length).astype(np.float32)
        return unit, float(np.clip(missing / length, _ALWAYS, _NEVER))

    def logits_of(self, cosines: Floats) -> Floats:
        """Return the logits [n] of cosines [n] with the vector of `query`."""
        return np.asarray(self.length * cosines + self.bias, dtype=np.float32)

    @property
    def length(self) -> float:
        """Length of the weights; below NOTHING the model cannot read the tag."""
        return float(np.linalg.norm(self.weights))


@dataclass(frozen=True, kw_only=True, eq=False)
class Heads:
    """Many heads of one space, as arrays.

    `weights` [tags, dim], `bias`, `thresholds` and `learned` (rather than zero-shot) [tags].
    """

    weights: Floats
    bias: Floats
    thresholds: NDArray[np.float64]
    learned: NDArray[np.bool_]

    @classmethod
    def stack(cls, heads: Sequence[Head], *, dim: int) -> Heads:
        """Put single heads together; `dim` gives the shape where there is none."""
        rows = [head.weights for head in heads]
        return cls(
            weights=np.array(rows, dtype=np.float32).reshape(len(heads), dim),
            bias=np.array([head.bias for head in heads], dtype=np.float32),
            thresholds=np.array([head.threshold for head in heads], dtype=np.float64),
            learned=np.array([head.source == "learned" for head in heads], dtype=np.bool_),
        )

    def __len__(self) -> int:
        return len(self.bias)

    def __getitem__(self, number: int) -> Head:
        return Head(
            weights=self.weights[number],
            bias=float(self.bias[number]),
            threshold=float(self.thresholds[number]),
            source="learned" if self.learned[number] else "zero-shot",
        )

    def __iter__(self) -> Iterator[Head]:
        return (self[number] for number in range(len(self)))

    def logits(self, vectors: Vectors) -> Floats:
        """Return the logits [n, tags] of pictures [n, dim]."""
        return np.asarray(vectors @ self.weights.T + self.bias, dtype=np.float32)

    def probabilities(self, vectors: Vectors) -> Floats:
        """Return the probabilities [n, tags] of pictures [n, dim]."""
        return sigmoid(self.logits(vectors))


def zero_shot(texts: Vectors, background: Background) -> Heads:
    """Make the heads of tags [tags, dim] that only their texts describe.

    Works in blocks of tags, so that memory does not grow with tags times pictures.
    """
    weights = (background.slope * texts).astype(np.float32)
    bias = np.full(len(texts), background.bias, dtype=np.float32)
    thresholds = np.full(len(texts), background.threshold)
    sample = background.sample
    step = max(1, _BLOCK // max(1, len(sample)))
    for at in range(0, len(texts) if len(sample) else 0, step):
        block = slice(at, at + step)
        own = f1_threshold(sigmoid(weights[block] @ sample.T + bias[block, None]))
        thresholds[block] = blend(own, background.threshold, background.share)
    return Heads(
        weights=weights,
        bias=bias,
        thresholds=thresholds,
        learned=np.zeros(len(texts), dtype=np.bool_),
    )


def _slope(scale: Scale, spread: float) -> float:
    low, high = _SEPARATION
    spread = max(spread, 1e-3)
    return min(max(scale.scale * spread, low), high) / spread


def _assumed(scale: Scale) -> tuple[float, float, float]:
    """Return slope, bias and threshold as the model alone suggests them."""
    level, spread = _ASSUMED
    normal = NormalDist(level, spread)
    cosines = np.array([normal.inv_cdf((n + 0.5) / 512) for n in range(512)])
    if scale.bias is None:
        slope = _slope(scale, spread)
        bias = bias_for_mean(slope * cosines, PRIOR)
        return slope, bias, float(f1_threshold(sigmoid(slope * cosines + bias)[None])[0])
    return scale.scale, scale.bias, 0.1
