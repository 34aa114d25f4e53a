"""A small deterministic encoder and a picture maker, so that library tests need no model."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from soutu.models.base import EncoderFacts, PrecisionChoice, Scale
from soutu.types import Pixels, Preprocess, Vectors

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "white": (255,) * 3}


class ColourEncoder:
    """Encode pictures by their mean colour and texts by the colours they name.

    `revision` changes the vectors' sign pattern, as another training run would.
    """

    def __init__(self, name: str = "colour", revision: str = "r1", dim: int = 8) -> None:
        self.calls = 0
        self.closed = False
        self.facts = EncoderFacts(
            name=name,
            revision=revision,
            precision="fp32",
            dim=dim,
            preprocess=Preprocess(height=8, width=8, resize=8),
            scale=Scale(scale=20.0),
        )
        seed = int.from_bytes(hashlib.sha256(revision.encode()).digest()[:4], "big")
        basis = np.linalg.qr(np.random.default_rng(seed).standard_normal((dim, dim)))[0]
        self._basis = basis[:4].astype(np.float32)

    def _project(self, colours: np.ndarray) -> Vectors:
        features = np.concatenate([colours, np.full((len(colours), 1), 0.2)], axis=1)
        vectors = (features @ self._basis).astype(np.float32)
        unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit

    def encode_images(self, pixels: Pixels) -> Vectors:
        self.calls += len(pixels)
        return self._project(pixels.mean(axis=(2, 3)) / 255)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        return self._project(np.array([_colour_of(text) for text in texts]) / 255)

    def close(self) -> None:
        self.closed = True


def _colour_of(text: str) -> tuple[int, int, int]:
    for name, colour in COLOURS.items():
        if name in text:
            return colour
    digest = hashlib.sha256(text.encode()).digest()
    return digest[0], digest[1], digest[2]


class FakeStore:
    """Stand in for ModelStore: encoders by name."""

    def __init__(self, *encoders: ColourEncoder) -> None:
        self.encoders = {encoder.facts.name: encoder for encoder in encoders}
        self.loads = 0

    def load(
        self, name_or_dir: str, /, *, precision: PrecisionChoice = "auto", threads: int = 0
    ) -> ColourEncoder:
        self.loads += 1
        return self.encoders[name_or_dir]


def paint(path: Path, colour: str | tuple[int, int, int], *, size: int = 16, seed: int = 0) -> Path:
    """Write a PNG of one colour; `seed` makes its content unlike others of the same colour."""
    rgb = COLOURS[colour] if isinstance(colour, str) else colour
    pixels = np.full((size, size, 3), rgb, dtype=np.uint8)
    pixels[0, 0] = (seed % 256, seed // 256 % 256, seed // 65536)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, "PNG")
    return path
