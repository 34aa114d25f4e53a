"""Small data sets for tests: drawn pictures, and labels without any."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from soutu.data import LabelledData


def paint(path: Path, seed: int, size: tuple[int, int] = (96, 64)) -> Path:
    """Draw a picture of soft patches that differs from those of other seeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    patches = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    Image.fromarray(patches).resize(size, Image.Resampling.BICUBIC).save(path, quality=92)
    return path


def made(labels: NDArray[np.int8] | list[list[int]], /, **fields: object) -> LabelledData:
    """Make data with these labels; classes are c0, c1 … and pictures /p/0.jpg and so on."""
    table = np.array(labels, np.int8)
    values = {
        "name": "made",
        "paths": tuple(Path(f"/p/{row}.jpg") for row in range(table.shape[0])),
        "classes": tuple(f"c{column}" for column in range(table.shape[1])),
        "labels": table,
        **fields,
    }
    return LabelledData(**values)  # type: ignore[arg-type]
