"""A head that reads the pixels of a picture, not an encoder's vectors: networks trained whole."""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from soutu.errors import InputError
from soutu.heads.base import HeadKind
from soutu.heads.facts import HeadEncoder
from soutu.heads.graph import OUTPUT, scored
from soutu.types import Preprocess

if TYPE_CHECKING:
    from numpy.typing import NDArray

PIXELS = "pixels"
"""The name of a graph's input, uint8 [n, 3, side, side]; and of what stands for an encoder."""
_BLOCK = 64  # pictures scored at once: maps of a network take memory with every one


@dataclass(frozen=True, kw_only=True, eq=False)
class PixelGraph:
    """A graph to save: its bytes, with all weights inside, how many classes it scores, its side."""

    graph: bytes
    labels: int
    side: int
    kind: ClassVar[HeadKind] = "pixels"

    @property
    def features(self) -> int:
        """How many numbers a picture it reads."""
        return 3 * self.side**2


class PixelScorer:
    """Score with a stored graph of L classes.

    Raises InputError for a file that is no graph, and for one of other inputs or outputs.
    """

    def __init__(self, path: Path, *, labels: int, side: int) -> None:
        from soutu.models.session import Session

        self._session = Session(path)
        self.labels, self.side = labels, side
        if set(self._session.inputs) != {PIXELS} or OUTPUT not in self._session.outputs:
            raise InputError(
                f"{path} reads {', '.join(self._session.inputs)}; a head of this kind reads "
                f"{PIXELS!r} and gives {OUTPUT!r}. Export it again"
            )
        axes = self._session.inputs[PIXELS].shape
        if any(axis not in (None, size) for axis, size in zip(axes[1:], self._shape, strict=True)):
            raise InputError(
                f"{path} reads pixels of the shape {axes}; its head says {self._shape}"
            )

    @property
    def _shape(self) -> tuple[int, int, int]:
        return 3, self.side, self.side

    def predict_proba(self, pixels: NDArray[Any]) -> NDArray[np.float32]:
        """Return the probabilities [n, L] of uint8 pixels [n, 3, side, side]."""
        if pixels.shape[1:] != self._shape or pixels.dtype != np.uint8:
            raise InputError(
                f"the head reads uint8 pixels [n, 3, {self.side}, {self.side}]; these are "
                f"{pixels.dtype} of the shape {pixels.shape}"
            )
        return scored(self._session, PIXELS, pixels, labels=self.labels, block=_BLOCK)


def pixel_encoder(side: int) -> HeadEncoder:
    """Return what stands in a head's facts for an encoder where there is none."""
    return HeadEncoder(name=PIXELS, revision=f"{side} x {side}", dim=3 * side**2)


def side_of(encoder: HeadEncoder) -> int:
    """Return the side of the pictures that a head reads. Raises InputError for one of vectors."""
    side = isqrt(encoder.dim // 3)
    if encoder != pixel_encoder(side):
        raise InputError(f"the head reads vectors of {encoder.name} and no pixels")
    return side


def squashed(side: int) -> Preprocess:
    """Return how pictures become the input of such a head: whole, whatever their shape."""
    return Preprocess(height=side, width=side, resize=(side, side), mode="squash")
