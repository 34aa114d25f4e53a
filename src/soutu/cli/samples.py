"""Read pictures from a folder for a model to be measured on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from soutu.errors import ImageError, InputError

if TYPE_CHECKING:
    from pathlib import Path

    from soutu.types import Pixels, Preprocess

ENOUGH = 64
"""How many pictures are measured on at most; more hardly move the figures."""
TO_CALIBRATE = 256
"""How many are read where half of them calibrate."""


def read_samples(folder: Path | str, preprocess: Preprocess, *, enough: int = ENOUGH) -> Pixels:
    """Return pictures of a folder, uint8 [n, 3, height, width]; what cannot be read is left out.

    Raises InputError for a folder that has none.
    """
    from soutu.images.source import FileEntry, scan

    paths = (entry.path for entry in scan([folder]) if isinstance(entry, FileEntry))
    return _decoded(paths, preprocess, enough, str(folder))


def library_samples(where: Path | str, preprocess: Preprocess, *, enough: int = ENOUGH) -> Pixels:
    """Return pictures spread over a library, as `read_samples` does of a folder.

    Raises InputError for a library that has none which can be read.
    """
    from soutu.library import open_library

    with open_library(where) as library:
        total = library.count()
        step = max(total // (2 * enough), 1)  # twice as many as needed: some may be gone
        paths = [
            library.pictures(order="oldest", k=1, start=start)[0].path
            for start in range(0, min(total, 2 * enough * step), step)
        ]
    return _decoded(paths, preprocess, enough, str(where))


def _decoded(paths: Iterable[Path], preprocess: Preprocess, enough: int, source: str) -> Pixels:
    import numpy as np

    from soutu.images.decode import decode

    pixels = []
    for path in paths:
        try:
            pixels.append(decode(path, preprocess).pixels)
        except ImageError:
            continue
        if len(pixels) == enough:
            break
    if not pixels:
        raise InputError(f"{source} holds no readable picture to measure on. Name another")
    return np.stack(pixels)
