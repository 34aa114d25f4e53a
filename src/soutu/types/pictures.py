"""Pictures: what a model wants of them, and what is known of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

ResizeMode = Literal["shortest", "squash"]
Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"]
PictureOrder = Literal["newest", "oldest", "path"]
"""How pictures that no query ranks are listed: by the time they were taken (else the file's time
of change), newest or oldest first, or by path."""


@dataclass(frozen=True, kw_only=True)
class Preprocess:
    """Describe how a model wants its pictures: resize, centre crop, normalise.

    `resize` is the target of the short side (`shortest`) or of both sides (`squash`), `height` and
    `width` the crop that the model sees, in pixels. `mean` and `std` apply to values in 0..1 and
    are None where the graph takes uint8 pixels and normalises by itself. `margin` says how half a
    pixel beside the crop is rounded: to even (torchvision, open_clip) or down (transformers).
    """

    height: int
    width: int
    resize: int | tuple[int, int]
    mode: ResizeMode = "shortest"
    interpolation: Interpolation = "bicubic"
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    margin: Literal["even", "down"] = "even"


@dataclass(frozen=True, kw_only=True)
class ImageInfo:
    """What a picture file says of itself. Sizes in pixels after EXIF orientation.

    `taken_at` is the camera's local time without a zone; `latitude` and `longitude` are WGS 84
    degrees, north and east positive.
    """

    width: int
    height: int
    format: str
    taken_at: datetime | None = None
    camera: str | None = None
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture of the library. `bytes` and `modified` (UTC) are those of its file when indexed."""

    id: int
    path: Path
    info: ImageInfo
    bytes: int
    modified: datetime
