"""Data whose figures can be worked out by hand: painted pictures, and what sees their colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from painting import ColourEncoder, FakeStore, paint

from soutu.evaluate.setup import Setup
from soutu.models.base import EncoderFacts
from soutu.types import Pixels, Vectors

COLOURS = ("red", "green", "blue", "white")


class BlindEncoder(ColourEncoder):
    """See the same colour everywhere but in noise that depends on the picture."""

    def __init__(self, name: str = "blind") -> None:
        super().__init__(name, "r9")
        self.facts: EncoderFacts = self.facts

    def encode_images(self, pixels: Pixels) -> Vectors:
        self.calls += len(pixels)
        seeds = pixels.reshape(len(pixels), -1).sum(axis=1, dtype=np.int64)
        drawn = [np.random.default_rng(int(seed)).standard_normal(8) for seed in seeds]
        vectors = np.array(drawn, dtype=np.float32).reshape(len(pixels), 8)
        unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit


def setup(folder: Path, *, resamples: int = 200) -> Setup:
    """Measure with the two encoders, `colour` and `blind`."""
    store = FakeStore(ColourEncoder(), BlindEncoder())
    return Setup(source=store, vectors=folder / "vectors", resamples=resamples)


def painted(folder: Path, copies: int = 1) -> dict[str, list[Path]]:
    """Paint pictures of each colour, in a folder per colour; of one colour they differ little."""
    return {
        colour: [
            paint(folder / colour / f"{colour}{n}.png", colour, seed=37 * n + 1)
            for n in range(copies)
        ]
        for colour in COLOURS
    }


def captions_csv(folder: Path, lines: list[str], header: str = "image,caption") -> Path:
    """Write a CSV of captions beside pictures of each colour, red.png and so on."""
    for colour in COLOURS:
        paint(folder / f"{colour}.png", colour)
    path = folder / "captions.csv"
    path.write_text("\n".join([header, *lines]) + "\n", "utf-8")
    return path
