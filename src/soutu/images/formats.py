"""Recognise a picture file by its content and open it with Pillow's plugin for that format.

`PIL.Image.open` is not used, for three reasons: it tries some forty formats, one of which runs an
external program; it decides by a process-wide setting how many pixels are too many; and it is
slower. Each plugin's class is public and opens a file by itself.
"""

from __future__ import annotations

import importlib
import io
from typing import TYPE_CHECKING, cast

from soutu.errors import ImageError, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.ImageFile import ImageFile

PLUGINS = {
    "JPEG": "PIL.JpegImagePlugin:JpegImageFile",
    "PNG": "PIL.PngImagePlugin:PngImageFile",
    "WEBP": "PIL.WebPImagePlugin:WebPImageFile",
    "GIF": "PIL.GifImagePlugin:GifImageFile",
    "TIFF": "PIL.TiffImagePlugin:TiffImageFile",
    "BMP": "PIL.BmpImagePlugin:BmpImageFile",
    "AVIF": "PIL.AvifImagePlugin:AvifImageFile",
    "HEIF": "pillow_heif:HeifImageFile",
    "JPEG2000": "PIL.Jpeg2KImagePlugin:Jpeg2KImageFile",
    "PPM": "PIL.PpmImagePlugin:PpmImageFile",
}
"""Where the class for each format is, by Pillow's name of the format."""

_MAGIC = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),  # BigTIFF
    (b"MM\0+", "TIFF"),
    (b"BM", "BMP"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
    *((b"P%d%c" % (kind, space), "PPM") for kind in range(1, 7) for space in b" \t\r\n"),
)
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1"}


def recognise(data: bytes) -> str | None:
    """Name the format that the first bytes announce, as in PLUGINS; None for no known one."""
    for magic, name in _MAGIC:
        if data.startswith(magic):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        return _recognise_brands(data)
    return None


def open_picture(data: bytes) -> ImageFile:
    """Open the picture in `data` without decoding it: its `size`, `mode` and `info` are known.

    Raises ImageError for content that is no picture of a known format, and for HEIC without the
    `heif` extra; whatever Pillow raises for a damaged header.
    """
    if not data:
        msg = "the file is empty"
        raise ImageError(msg)
    name = recognise(data)
    if name is None:
        msg = "not a picture soutu can read"
        raise ImageError(msg)
    plugin = _plugin(name)
    try:
        return plugin(io.BytesIO(data))
    except (SyntaxError, ValueError):
        if name != "AVIF" or b"Exif" not in data:
            raise
        # A broken EXIF block makes an AVIF unreadable. Try again with the block renamed: the first
        # mention of it is its type in the list of items, which comes before all contents.
        return plugin(io.BytesIO(data.replace(b"Exif", b"skip", 1)))


def _recognise_brands(data: bytes) -> str | None:
    """Tell AVIF from HEIC: both are the same container, marked with the brands they follow."""
    size = min(int.from_bytes(data[:4], "big"), 1024)
    brands = {data[8:12]} | {data[i : i + 4] for i in range(16, min(size, len(data)), 4)}
    if brands & {b"avif", b"avis"}:
        return "AVIF"
    return "HEIF" if brands & _HEIF_BRANDS else None


def _plugin(name: str) -> Callable[[io.BytesIO], ImageFile]:
    module, _, kind = PLUGINS[name].partition(":")
    try:
        found = getattr(importlib.import_module(module), kind)
    except ImportError as error:
        if name != "HEIF":
            raise
        raise ImageError(str(MissingExtra(need="reading HEIC pictures", extra="heif"))) from error
    return cast("Callable[[io.BytesIO], ImageFile]", found)
