"""Read pictures from a folder for a model to be measured on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soutu.errors import ImageError, InputError

if TYPE_CHECKING:
    from pathlib import Path

    from soutu.types import Pixels, Preprocess

ENOUGH = 64
"""How many pictures are measured on at most; more hardly move the figures."""


def read_samples(folder: Path | str, preprocess: Preprocess) -> Pixels:
    """Return pictures of a folder, uint8 [n, 3, height, width]; what cannot be read is left out.

    Raises InputError for a folder that has none.
    """
    import numpy as np

    from soutu.images.decode import decode
    from soutu.images.source import scan
    from soutu.types import Failure

    pixels = []
    for entry in scan([folder]):
        if isinstance(entry, Failure):
            continue
        try:
            pixels.append(decode(entry.path, preprocess).pixels)
        except ImageError:
            continue
        if len(pixels) == ENOUGH:
            break
    if not pixels:
        raise InputError(f"{folder} holds no readable picture to measure on. Name another folder")
    return np.stack(pixels)
