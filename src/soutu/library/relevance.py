"""Relevance: how likely it is that a hit answers the query, from 0 to 1.

A cosine means little by itself: its level differs between models, between words and pictures, and
from library to library. Relevance places it in the library's own score distribution:

    z = (cosine - level) / spread
    relevance = sigmoid(d * z - d**2 / 2 + log(prior / (1 - prior)))

`level` and `spread` are mean and standard deviation of the cosines between everyday concepts
(concepts.txt) and the library's pictures; for a query picture, of those between the pictures; for
a mix, of the query itself with the pictures. They do not depend on what is asked, so that a
library full of cats still finds that a cat matches. The rest is Bayes' rule for two normal
distributions of equal spread whose means lie `d` spreads apart, with `d` from the model's own
logit scale: models that separate better say yes and no more firmly. The prior is one in twenty: of
a page of best hits, one answers. It does not shrink as the library grows; the best hits of many
pictures lie higher by themselves, and a figure should mean the same tomorrow.

Pictures are told apart less well when a library holds only pictures of one kind, so near copies
of a query picture count as relevant by their cosine alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from zipfile import BadZipFile

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.index.base import VectorIndex
    from soutu.types import Vectors

QueryKind = Literal["text", "image", "mixed"]

DEFAULT_MIN_RELEVANCE = 0.25
"""Hits below this are shown as near misses only."""

SAMPLE = 2048
"""Pictures that stand for the library; the error of a mean over them is spread / 45."""

_SEPARATION = (1.0, 4.0)  # bounds on d, in spreads, against odd scales in model files
_IMAGE_SEPARATION = 2.5  # pictures against pictures; no model states a scale for these
_PRIOR_LOGIT = math.log((1 / 20) / (1 - 1 / 20))
_FEW = 3  # with fewer pictures there is no distribution to speak of
_FEW_IMAGES = (0.5, 0.15)  # level and spread of picture-picture cosines assumed until then
_STEEPEST = 50.0  # logits beyond this are certain; keeps exp() in range
_NEAR_COPY = (0.9, 40.0)  # cosine of a picture with its resized or recompressed self; steepness


@cache
def concepts() -> tuple[str, ...]:
    """Return everyday concepts that stand for what people might ask."""
    text = (files("soutu.library") / "concepts.txt").read_text(encoding="utf-8")
    return tuple(word.replace("-", " ") for word in text.split())


def probabilities_of(logits: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Turn logits into probabilities 0..1 of the same shape, in double precision."""
    kept = np.clip(logits.astype(np.float64), -_STEEPEST, _STEEPEST)
    return np.asarray(1 / (1 + np.exp(-kept)))


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """The score distribution of a library in one space.

    `sample` [n, dim] holds pictures spread over the library; `text` and `image` are mean and
    standard deviation of the cosines of concepts, and of pictures, with those pictures.
    """

    sample: Vectors
    text: tuple[float, float]
    image: tuple[float, float]
    separation: float

    @classmethod
    def measure(cls, index: VectorIndex, *, asked: Vectors, scale: float) -> Calibration:
        """Measure the distribution of an index.

        `asked` [m, dim] are the vectors of `concepts`, `scale` is the model's logit scale.
        """
        sample = index.sample(SAMPLE)
        text = (0.0, 1.0)
        if len(sample):
            text = _mean_std(sample @ asked.T)
        image = _FEW_IMAGES
        if len(sample) >= _FEW:
            part = sample[:: max(1, len(sample) // 256)]
            image = _mean_std((part @ part.T)[~np.eye(len(part), dtype=bool)])
        low, high = _SEPARATION
        separation = min(max(scale * text[1], low), high)
        return cls(sample=sample, text=text, image=image, separation=separation)

    def relevance(
        self, scores: NDArray[np.float32], *, query: NDArray[np.float32], kind: QueryKind
    ) -> NDArray[np.float64]:
        """Turn the cosines [n] of a unit query vector [dim] into relevances [n] in 0..1."""
        level, spread = self.image if kind == "image" else self.text
        if kind == "mixed" and len(self.sample) >= _FEW:
            level, spread = _mean_std(self.sample @ query)
        d = _IMAGE_SEPARATION if kind == "image" else self.separation
        cosines = scores.astype(np.float64)
        logit = d * (cosines - level) / spread - d * d / 2 + _PRIOR_LOGIT
        if kind == "image":
            middle, steepness = _NEAR_COPY
            logit = np.maximum(logit, steepness * (cosines - middle))
        return probabilities_of(logit)

    def save(self, path: Path) -> None:
        """Write the calibration to an .npz file."""
        with path.open("wb") as file:
            np.savez(
                file,
                sample=self.sample.astype(np.float16),
                text=self.text,
                image=self.image,
                separation=self.separation,
            )

    @classmethod
    def load(cls, path: Path) -> Calibration | None:
        """Read what `save` wrote; None where it is missing or damaged, to be measured anew."""
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
                return cls(
                    sample=data["sample"].astype(np.float32),
                    text=(float(data["text"][0]), float(data["text"][1])),
                    image=(float(data["image"][0]), float(data["image"][1])),
                    separation=float(data["separation"]),
                )
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            return None


def _mean_std(values: NDArray[np.float32]) -> tuple[float, float]:
    return float(values.mean()), max(float(values.std()), 1e-3)
