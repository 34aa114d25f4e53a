"""Read picture files and decode them to a model's input, fast, small and without surprises.

Most of the time of a large JPEG goes into pixels that the model never sees, so libjpeg is asked
to leave them out (it can halve a picture three times while decoding), only the part that the crop
keeps is resampled, and the picture is turned upright when it is already small.
"""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from soutu.errors import ImageError
from soutu.images.colour import flatten
from soutu.images.fingerprint import digest
from soutu.images.formats import open_picture
from soutu.images.guard import reasons
from soutu.images.keywords import NO_KEYWORDS, Keywords
from soutu.images.keywords_read import keywords_in
from soutu.images.metadata import Tags, read_tags
from soutu.images.transform import SIDEWAYS, Frame, apply, resized_size, turn
from soutu.types import ImageInfo

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

    from soutu.types import Box as PartBox
    from soutu.types import Pixels, Preprocess

MAX_PIXELS = 200_000_000
MAX_BYTES = 1 << 30

MARGIN = 1.5
"""How many times the resized picture a shrunk JPEG must measure along each side.

There it differs from the picture decoded whole by about 1/255 on average, and less beyond; at 1.0
the difference is twice as large, for little time.
"""
REDUCING_GAP = 4.0
"""From twice this ratio on, pictures are first reduced by averaging whole blocks of pixels."""

Size: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Blob:
    """The content of a file, with the stamp and digest that tell whether it changed.

    `digest` has 16 bytes, `size` is in bytes, `mtime_ns` in nanoseconds since 1970.
    """

    data: bytes
    digest: bytes
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Picture:
    """A model's input, uint8 [3, height, width] in RGB order, and what the file says of itself."""

    pixels: NDArray[np.uint8]
    info: ImageInfo
    keywords: Keywords = NO_KEYWORDS


class _Decoded(NamedTuple):
    image: Image  # mode "L" or "RGB", as stored, perhaps shrunk
    frame: Frame
    info: ImageInfo
    keywords: Keywords


def read(path: Path) -> Blob:
    """Read a whole file of at most MAX_BYTES.

    Raises ImageError, saying why, for a file that cannot be read, is too large or no regular
    file, or changed while it was read.
    """
    try:
        with open(path, "rb", buffering=0, opener=_open_without_waiting) as file:
            before = os.fstat(file.fileno())
            if not stat.S_ISREG(before.st_mode):
                msg = "not a regular file"
                raise ImageError(msg)
            if before.st_size > MAX_BYTES:
                msg = f"{before.st_size:,} bytes are more than the limit of {MAX_BYTES:,}"
                raise ImageError(msg)
            data = file.read()
            after = os.fstat(file.fileno())
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        msg = f"cannot be read: {reason}"
        raise ImageError(msg) from error
    except (ValueError, MemoryError) as error:  # a NUL in the path; no memory for the content
        msg = f"cannot be read: {str(error) or 'not enough memory'}"
        raise ImageError(msg) from error
    if (len(data), before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        msg = "changed while being read"
        raise ImageError(msg)
    return Blob(data, digest(data), after.st_size, after.st_mtime_ns)


def decode(
    data: bytes | os.PathLike[str], spec: Preprocess, *, max_pixels: int = MAX_PIXELS
) -> Picture:
    """Decode a picture file, given as its content or its path, to a model's input.

    The first frame counts, upright, on white where it is transparent. JPEGs are decoded at the
    smallest of libjpeg's scales that keeps MARGIN. Safe to call from many threads; most of the
    work runs without Python's lock.
    Raises ImageError, saying why, for anything that cannot be read as a picture and for one of
    more than `max_pixels`.
    """
    content = data if isinstance(data, bytes) else read(Path(data)).data

    def target(width: int, height: int) -> Size:
        wide, high = resized_size(width, height, spec)
        return math.ceil(MARGIN * wide), math.ceil(MARGIN * high)

    with reasons():
        decoded = _decode(content, max_pixels, target)
        pixels = apply(decoded.image, spec, decoded.frame, reducing_gap=REDUCING_GAP)
    return Picture(pixels, decoded.info, decoded.keywords)


def decode_parts(
    data: bytes,
    spec: Preprocess,
    boxes: Sequence[PartBox],
    *,
    max_pixels: int = MAX_PIXELS,
    min_side: int | None = None,
) -> Pixels:
    """Decode parts of a picture file to a model's input [n, 3, height, width].

    With `min_side`, the whole picture is first shrunk, with no side below `min_side` pixels. A
    part of less than a pixel is widened to one. Raises ImageError as `decode` does.
    """
    import numpy as np

    whole = open_rgb(data, max_pixels=max_pixels, min_side=min_side)
    with reasons():
        if min_side is not None and (shrink := min(whole.size) // min_side) > 1:
            whole = whole.reduce(shrink)
        parts = []
        for box in boxes:
            left, right = _span(box.left, box.right, whole.width)
            top, bottom = _span(box.top, box.bottom, whole.height)
            part = whole.crop((left, top, right, bottom))
            frame = Frame(*part.size)
            parts.append(apply(part, spec, frame, reducing_gap=REDUCING_GAP))
    return np.stack(parts)


def _span(start: float, end: float, size: int) -> tuple[int, int]:
    """Return the pixels from a start to an end, given as fractions of a side; at least one."""
    first = min(int(start * size), size - 1)
    return first, max(first + 1, min(math.ceil(end * size), size))


def open_rgb(data: bytes, *, max_pixels: int = MAX_PIXELS, min_side: int | None = None) -> Image:
    """Decode a picture file to an upright RGB picture.

    With `min_side`, JPEGs may come smaller than they are, with no side below `min_side` pixels.
    Raises ImageError as `decode` does.
    """

    def target(width: int, height: int) -> Size:
        return (min_side, min_side) if min_side else (width, height)

    with reasons():
        decoded = _decode(data, max_pixels, target)
        return turn(decoded.image, decoded.frame.orientation).convert("RGB")


def dct_shrink(size: Size, target: Size) -> int:
    """Return how many times libjpeg may shrink a picture and still reach the target size."""
    width, height = size
    for shrink in (8, 4, 2):
        if width // shrink >= target[0] and height // shrink >= target[1]:
            return shrink
    return 1


def _decode(data: bytes, max_pixels: int, target: Callable[[int, int], Size]) -> _Decoded:
    """Decode to grey or RGB; `target` gives the least upright size wanted of a shrunk picture."""
    image = open_picture(data)
    _check_size(image, max_pixels)
    if image.format == "PNG":
        image.load()  # its EXIF block may come after the pixels
    tags, frame = read_tags(image), Frame(*image.size)
    if image.format == "JPEG":
        frame = _draft(image, frame._replace(orientation=tags.orientation), target)
    image.load()
    if image.format == "TIFF":
        tags = tags._replace(orientation=1)  # Pillow has turned it while loading
    if image.format != "JPEG":
        frame = Frame(*image.size, orientation=tags.orientation)
    info, keywords = _info(image, frame, tags), keywords_in(image)
    return _Decoded(flatten(image), frame, info, keywords)


def _draft(image: ImageFile, frame: Frame, target: Callable[[int, int], Size]) -> Frame:
    """Have libjpeg shrink while it decodes, and return what it will do."""
    wide, high = target(*frame.upright)
    wanted = (high, wide) if frame.orientation in SIDEWAYS else (wide, high)
    shrink = dct_shrink(image.size, wanted)
    if shrink == 1:
        return frame
    done = image.draft("RGB", (image.width // shrink, image.height // shrink))
    return frame if done is None else frame._replace(shrink=round(frame.width / done[1][2]))


def _check_size(image: ImageFile, max_pixels: int) -> None:
    if image.width * image.height > max_pixels:
        msg = (
            f"{image.width:,} × {image.height:,} pixels are "
            f"{image.width * image.height / 1e6:,.0f} megapixels, more than the limit of "
            f"{max_pixels / 1e6:,.0f}"
        )
        raise ImageError(msg)


def _info(image: ImageFile, frame: Frame, tags: Tags) -> ImageInfo:
    width, height = frame.upright
    latitude, longitude = tags.place or (None, None)
    return ImageInfo(
        width=width,
        height=height,
        format=image.format or "",
        taken_at=tags.taken_at,
        camera=tags.camera,
        latitude=latitude,
        longitude=longitude,
    )


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # a pipe would block for ever
