"""Small pictures of awkward sizes, drawn from a seed, for pixel and vector parity."""

from __future__ import annotations

import numpy as np
from PIL import Image

SIZES = ((48, 48), (97, 61), (61, 98), (200, 50), (33, 120), (31, 21), (64, 256), (151, 150))
"""Width and height. After resizing to 32 some leave an odd rest for the centre crop."""


def parity_pictures() -> list[Image.Image]:
    """Draw one RGB picture of each size: waves, blocks and noise."""
    rng = np.random.default_rng(7)
    return [_picture(rng, width, height) for width, height in SIZES]


def _picture(rng: np.random.Generator, width: int, height: int) -> Image.Image:
    rows, columns = np.mgrid[0:height, 0:width]
    phase, speed = rng.uniform(0, 6, 3), rng.uniform(2, 12, 3)
    waves = np.stack(
        [
            np.sin(s * (rows / height) + p + s * columns / width)
            for s, p in zip(speed, phase, strict=True)
        ],
        -1,
    )
    blocks = rng.normal(0, 0.6, (4, 4, 3)).repeat(-(-height // 4), 0).repeat(-(-width // 4), 1)
    canvas = 128 + 70 * (waves + blocks[:height, :width]) + rng.normal(0, 12, (height, width, 3))
    return Image.fromarray(canvas.clip(0, 255).astype(np.uint8), "RGB")
