"""Turn a picture into a model's input, as torchvision's transforms on PIL pictures do.

Resize, then centre crop, are done in one step: only the part that the crop keeps is resampled,
from the same source points and with the same filter as in the whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from soutu.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

    from soutu.types import Pixels, Preprocess

_TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
"""EXIF orientation to the name of what PIL must do to the picture."""
_LARGEST_WHOLE = 1 << 20  # pixels

SIDEWAYS = frozenset({5, 6, 7, 8})
"""EXIF orientations whose stored width is the upright height."""


class Box(NamedTuple):
    """A rectangle in pixels, with fractions."""

    left: float
    top: float
    right: float
    bottom: float


class Window(NamedTuple):
    """What of an upright picture the model sees, in pixels.

    The whole is resized to `wide` × `high`; of that, `width` × `height` from `x`, `y` on is kept,
    and stands at `left`, `top` in the model's input, on black.
    """

    wide: int
    high: int
    x: int
    y: int
    width: int
    height: int
    left: int
    top: int

    def source(self, width: int, height: int) -> Box:
        """Return the part of the upright picture, of width × height, that is kept."""
        return Box(
            self.x * width / self.wide,
            self.y * height / self.high,
            (self.x + self.width) * width / self.wide,
            (self.y + self.height) * height / self.high,
        )


class Frame(NamedTuple):
    """How decoded pixels relate to the picture in the file.

    The file stores `width` × `height` pixels, of which the decoder left one in `shrink` along
    each side (rounding up); they are still to be turned by the EXIF `orientation`.
    """

    width: int
    height: int
    shrink: int = 1
    orientation: int = 1

    @property
    def upright(self) -> tuple[int, int]:
        """Width and height as a person sees the picture."""
        sideways = self.orientation in SIDEWAYS
        return (self.height, self.width) if sideways else (self.width, self.height)


def apply(
    image: Image,
    spec: Preprocess,
    frame: Frame | None = None,
    *,
    reducing_gap: float | None = None,
) -> NDArray[np.uint8]:
    """Resize and crop an RGB or grey picture to uint8 [3, spec.height, spec.width].

    `frame` says what the picture still has to be turned by and what the decoder shrank it from;
    without it, it is upright and whole. `reducing_gap` is PIL's: faster for large pictures and a
    little less exact.
    """
    from PIL.Image import Resampling

    frame = frame or Frame(*image.size)
    window = find_window(*frame.upright, spec)
    method = Resampling[spec.interpolation.upper()]
    if frame == Frame(*image.size) and _order_differs(image.size, window):
        x, y = window.x, window.y
        whole = image.resize((window.wide, window.high), method, reducing_gap=reducing_gap)
        small = whole.crop((x, y, x + window.width, y + window.height))
    else:
        size = (window.width, window.height)
        small = image.resize(
            size[::-1] if frame.orientation in SIDEWAYS else size,
            method,
            box=_decoded_box(window.source(*frame.upright), frame, image.size),
            reducing_gap=reducing_gap,
        )
    return _planes(turn(small, frame.orientation), spec, window)


def find_window(width: int, height: int, spec: Preprocess) -> Window:
    """Find the part of an upright width × height picture that the model sees."""
    wide, high = resized_size(width, height, spec)
    x, seen_width, left = _crop(wide, spec.width, spec.margin)
    y, seen_height, top = _crop(high, spec.height, spec.margin)
    return Window(wide, high, x, y, seen_width, seen_height, left, top)


def resized_size(width: int, height: int, spec: Preprocess) -> tuple[int, int]:
    """Return width and height of the whole picture after resizing, before the crop.

    The long side is cut down to an integer, as torchvision does. Raises ModelError for a spec
    that scales the short side to two numbers.
    """
    if spec.mode == "squash":
        high, wide = spec.resize if isinstance(spec.resize, tuple) else (spec.resize, spec.resize)
        return wide, high
    if isinstance(spec.resize, tuple):
        msg = f"a model that resizes the short side needs one number, not {spec.resize}"
        raise ModelError(msg)
    short, long = sorted((width, height))
    target = int(spec.resize * long / short)
    return (spec.resize, target) if width <= height else (target, spec.resize)


def turn(image: Image, orientation: int) -> Image:
    """Turn and mirror a picture as its EXIF orientation (1 to 8) says."""
    if orientation == 1:
        return image
    from PIL.Image import Transpose

    return image.transpose(Transpose[_TURNS[orientation]])


def normalise(pixels: Pixels, spec: Preprocess) -> Pixels | NDArray[np.float32]:
    """Turn uint8 [n, 3, h, w] into float32 (x / 255 - mean) / std, C-contiguous.

    Where the spec has no mean, the graph normalises by itself and gets the uint8 pixels as is.
    """
    if spec.mean is None:
        return pixels
    std = np.array(spec.std or (1.0, 1.0, 1.0), np.float64)
    scale = (1 / (255 * std)).astype(np.float32)
    offset = (-np.array(spec.mean, np.float64) / std).astype(np.float32)
    values = pixels.astype(np.float32, order="C")
    values *= scale[:, None, None]
    values += offset[:, None, None]
    return values


def _crop(size: int, target: int, margin: Literal["even", "down"]) -> tuple[int, int, int]:
    """Centre `target` on one side of a picture: where it starts, how much is seen, padding."""
    if size < target:
        return 0, size, (target - size) // 2
    rest = size - target
    return (round(rest / 2) if margin == "even" else rest // 2), target, 0


def _order_differs(size: tuple[int, int], window: Window) -> bool:
    """Tell whether PIL would resample the part by rows first and the whole by columns, or so.

    Its choice (since Pillow 13) depends on the sizes, and rounding between the two passes would
    make a few pixels in ten thousand differ by more than 1/255. A whole that is very long, from a
    picture of an extreme shape, is not worth computing for that.
    """

    def columns_first(wide: int, high: int) -> bool:
        less = size[1] - high
        return less > 0 and less > 2 * (size[0] - wide)

    whole, part = (window.wide, window.high), (window.width, window.height)
    return whole[0] * whole[1] <= _LARGEST_WHOLE and columns_first(*whole) != columns_first(*part)


def _decoded_box(box: Box, frame: Frame, size: tuple[int, int]) -> Box:
    """Map a box of the upright picture to the pixels as decoded, which measure `size`."""
    left, top, right, bottom = box
    if frame.orientation in SIDEWAYS:
        left, top, right, bottom = top, left, bottom, right
    if frame.orientation in {2, 3, 7, 8}:
        left, right = frame.width - right, frame.width - left
    if frame.orientation in {3, 4, 6, 7}:
        top, bottom = frame.height - bottom, frame.height - top
    shrink = frame.shrink
    return Box(
        max(0, left / shrink),
        max(0, top / shrink),
        min(right / shrink, size[0]),
        min(bottom / shrink, size[1]),
    )


def _planes(image: Image, spec: Preprocess, window: Window) -> NDArray[np.uint8]:
    """Copy a small RGB or grey picture into the model's input, one plane a channel."""
    shape = (3, spec.height, spec.width)
    padded = (window.height, window.width) != shape[1:]
    pixels: NDArray[np.uint8] = np.zeros(shape, np.uint8) if padded else np.empty(shape, np.uint8)
    part = pixels[
        :,
        window.top : window.top + window.height,
        window.left : window.left + window.width,
    ]
    for plane, band in zip(part, "RGB", strict=True):
        data = image.tobytes("raw", image.mode if image.mode == "L" else band)
        plane[:] = np.frombuffer(data, np.uint8).reshape(plane.shape)
    return pixels
