"""The `Encoder` protocol and the facts of a model that the rest of soutu needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from soutu.types import Pixels, Preprocess, Vectors

Precision = Literal["fp32", "fp16", "int8"]
PrecisionChoice = Literal["auto", "fp32", "fp16", "int8"]


@dataclass(frozen=True, kw_only=True)
class Scale:
    """The model's own map from cosine to probability: sigmoid(scale * cosine + bias).

    `bias` is None for models trained with a softmax over pairs (CLIP), which have none.
    """

    scale: float
    bias: float | None = None


@dataclass(frozen=True, kw_only=True)
class EncoderFacts:
    """What identifies a space and how pictures must be prepared for it.

    `revision` changes whenever the vectors would: it hashes the weights in use, so that spaces of
    two revisions are never mixed.
    """

    name: str
    revision: str
    precision: Precision
    dim: int
    preprocess: Preprocess
    scale: Scale


class Encoder(Protocol):
    """Turn pictures and texts into unit vectors of one space. Safe to call from many threads."""

    @property
    def facts(self) -> EncoderFacts:
        """What the space of this encoder is."""
        ...

    def encode_images(self, pixels: Pixels) -> Vectors:
        """Encode uint8 pictures [n, 3, height, width] into unit vectors [n, dim]."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Encode texts into unit vectors [n, dim]."""
        ...

    def close(self) -> None:
        """Release the model's memory."""
        ...


class EncoderSource(Protocol):
    """Where encoders come from; `ModelStore` is one."""

    def load(
        self, name_or_dir: str, /, *, precision: PrecisionChoice = "auto", threads: int = 0
    ) -> Encoder:
        """Open an encoder by name or folder; `threads` per run, 0 for all cores."""
        ...
