"""Bring a decoded picture of any mode to 8-bit grey or RGB on a white ground."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray
    from PIL.Image import Image

_BITS_PER_SAMPLE, _PHOTOMETRIC, _WHITE_IS_ZERO = 258, 262, 0  # TIFF 6.0 tags
_FLAT = 1e-30  # values closer together than this make an even picture


def flatten(image: Image) -> Image:
    """Return the picture in mode "L" (grey) or "RGB", of the same size.

    Transparent parts show white. 16-bit grey is scaled by 1/257; 32-bit integers and floats by
    the range that their values fill (0..1, 0..255 and 0..65535 are known; any other is stretched
    from its least to its greatest value). Grey stays grey, since resizing one channel is three
    times cheaper. ICC profiles are not applied: models are trained on pixels read without them.
    """
    if image.mode.startswith("I;16"):
        return _grey16(image)
    if image.mode in {"I", "F"}:
        return _grey32(image)
    if image.has_transparency_data:
        return _on_white(image.convert("RGBA"))
    if image.mode in {"L", "RGB"}:
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _on_white(image: Image) -> Image:
    from PIL import Image as PilImage

    ground = PilImage.new("RGB", image.size, "white")
    ground.paste(image, mask=image)
    return ground


def _grey16(image: Image) -> Image:
    from PIL import Image as PilImage

    tags: Any = getattr(image, "tag_v2", {})
    white = 4095 if tags.get(_BITS_PER_SAMPLE) == (12,) else 65535
    table = ((np.arange(65536, dtype=np.uint32) * 255 + white // 2) // white).clip(max=255)
    if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        table = 255 - table
    return PilImage.fromarray(table.astype(np.uint8)[np.asarray(image)])


def _grey32(image: Image) -> Image:
    from PIL import Image as PilImage

    values = np.asarray(image).astype(np.float32)
    finite = np.isfinite(values)
    black, white = _range(values[finite])
    values[~finite] = black
    scale = 255 / (white - black) if white - black > _FLAT else 0.0
    values *= np.float32(scale)
    values += np.float32(0.5 - black * scale)
    return PilImage.fromarray(values.clip(0, 255, out=values).astype(np.uint8))


def _range(values: NDArray[np.float32]) -> tuple[float, float]:
    """Return the values that stand for black and white."""
    if not values.size:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    for white in (1.0, 255.0, 65535.0):
        if low >= 0 and high <= white:
            return 0.0, white
    return low, high
