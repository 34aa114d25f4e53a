"""Pictures and texts to measure a quantised model on, when the user gives none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.types import Pixels, Preprocess

SAMPLE_TEXTS = (
    "a cat",
    "a photo of a dog running on the beach",
    "two people riding bicycles in the rain",
    "red flowers in a garden at sunset",
    "a plate of pasta with tomato sauce",
    "the skyline of a city at night",
    "handwritten notes on a whiteboard",
    "IMG_2043",
    "一只猫",
    "夕阳下的海边",
    "孩子们在公园里踢足球",
    "ein altes Haus am Fluss",
    "un enfant qui mange une glace",
    "雨の中の桜",
    "собака в снегу",
    "طائر على غصن",
)
SEED = 20_25


def sample_pictures(spec: Preprocess, n: int = 16) -> Pixels:
    """Draw n natural-like pictures, uint8 [n, 3, height, width]; the same every time.

    Natural pictures have a 1/f spectrum, correlated channels, edges and flat areas (Field,
    JOSA A 4, 1987); the pictures mix these.
    """
    rng = np.random.default_rng(SEED)
    return np.stack([_picture(rng, spec.height, spec.width) for _ in range(n)])


def _picture(rng: np.random.Generator, height: int, width: int) -> NDArray[np.uint8]:
    light = _pink(rng, height, width)
    tint = np.stack([_pink(rng, height, width) for _ in range(3)])
    canvas = 0.75 * light + 0.35 * tint + rng.normal(0, 0.5, (3, 1, 1))
    rows, columns = np.mgrid[0:height, 0:width]
    for _ in range(int(rng.integers(1, 6))):
        y, x = rng.uniform(0, height), rng.uniform(0, width)
        tall, wide = rng.uniform(0.05, 0.4, 2) * (height, width)
        inside = ((rows - y) / tall) ** 2 + ((columns - x) / wide) ** 2 < 1
        if rng.random() < 0.4:
            inside = (abs(rows - y) < tall) & (abs(columns - x) < wide)
        colour = rng.normal(0, 1, (3, 1))
        canvas[:, inside] = 0.25 * canvas[:, inside] + colour
    exposed = 110 + rng.uniform(-30, 30) + rng.uniform(35, 65) * canvas
    return exposed.clip(0, 255).astype(np.uint8)


def _pink(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float64]:
    """Draw a field of unit variance whose amplitude falls as 1/f."""
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    frequency[0, 0] = np.inf
    shape = frequency.shape
    spectrum = (rng.normal(size=shape) + 1j * rng.normal(size=shape)) / frequency
    field = np.fft.irfft2(spectrum, (height, width))
    return np.asarray(field / field.std())
