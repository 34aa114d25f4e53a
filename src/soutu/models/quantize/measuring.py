"""Measure a quantised form against fp32: cosines, speed, size, and quality on the user's data."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

import numpy as np

from soutu.models.base import Precision
from soutu.models.encoder import DualEncoder
from soutu.models.quantize.report import ACCEPT, PRECISION, Method, QuantizeReport
from soutu.models.samples import SAMPLE_TEXTS, sample_pictures

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.models.layout import ModelFiles
    from soutu.types import Pixels, Vectors

_TIMED_BATCH = 8


def measure(
    files: ModelFiles,
    pictures: Pixels | None = None,
    *,
    method: Method = "dynamic",
    origin: Literal["soutu", "shipped"] = "soutu",
) -> QuantizeReport:
    """Compare a form's vectors of pictures and texts with those of fp32; `files` hold both.

    `pictures` are uint8 [n, 3, height, width]; None draws some.
    """
    drawn = pictures is None
    if pictures is None:
        pictures = sample_pictures(files.preprocess)
    precision = PRECISION[method]
    images, texts, speeds = [], [], []
    for each in ("fp32", precision):
        encoder = open_towers(files, each)
        images.append(encoder.encode_images(pictures))
        speeds.append(_speed(encoder, pictures))
        texts.append(encoder.encode_texts(SAMPLE_TEXTS))
        encoder.close()
    image_cosines, text_cosines = _cosines(*images), _cosines(*texts)
    cosines = np.concatenate([image_cosines, text_cosines])
    return QuantizeReport(
        method=method,
        cosine_mean=float(cosines.mean()),
        cosine_min=float(cosines.min()),
        text_cosine_min=float(text_cosines.min()),
        speed_fp32=speeds[0],
        speed=speeds[1],
        bytes_fp32=size_of(files, "fp32"),
        bytes=size_of(files, precision),
        accepted=bool(cosines.min() >= ACCEPT and speeds[1] > speeds[0]),
        origin=origin,
        samples=len(pictures),
        drawn=drawn,
    )


def rejected(files: ModelFiles) -> QuantizeReport:
    """Return the verdict on a model that cannot be quantised at all."""
    size = size_of(files, "fp32")
    return QuantizeReport(
        method="dynamic",
        cosine_mean=0,
        cosine_min=0,
        text_cosine_min=0,
        speed_fp32=0,
        speed=0,
        bytes_fp32=size,
        bytes=size,
        accepted=False,
    )


def size_of(files: ModelFiles, precision: Precision) -> int:
    """Add up the bytes of both towers' weights."""
    paths = {*files.image.weights(precision), *files.text.weights(precision)}
    return sum(path.stat().st_size for path in paths)


def open_towers(files: ModelFiles, precision: Precision) -> DualEncoder:
    """Open the towers of a precision, for measuring only."""
    return DualEncoder(files, name="measured", revision="", precision=precision)


def _cosines(a: Vectors, b: Vectors) -> NDArray[np.float64]:
    same = (a == b).all(axis=1)  # two zero rows agree, though they have no direction
    return np.where(same, 1.0, np.einsum("nd,nd->n", a, b, dtype=np.float64))


def _speed(encoder: DualEncoder, pictures: Pixels) -> float:
    batch = pictures[:_TIMED_BATCH]
    start = time.perf_counter()
    rounds = 0
    while rounds < 2 or time.perf_counter() - start < 0.3:
        encoder.encode_images(batch)
        rounds += 1
    return rounds * len(batch) / (time.perf_counter() - start)
