"""Make the picture files that the tests of the images floor read."""

from __future__ import annotations

import importlib.util
import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image

pillow_heif.register_heif_opener()  # lets Image.save write HEIF; soutu itself does without


def _package(name: str) -> Path:
    """Return where a package is, without importing it."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


SKIMAGE = _package("skimage") / "data"
SKLEARN = _package("sklearn") / "datasets" / "images"
CAT = SKIMAGE / "chelsea.png"
TEMPLE = SKLEARN / "china.jpg"
PHOTOS = (TEMPLE, SKLEARN / "flower.jpg", SKIMAGE / "rocket.jpg", SKIMAGE / "hubble_deep_field.jpg")

LOSSLESS: dict[str, dict[str, Any]] = {
    "PNG": {},
    "TIFF": {},
    "BMP": {},
    "WEBP": {"lossless": True},
    "PPM": {},
}
LOSSY: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "AVIF": {"quality": 95},
    "HEIF": {"quality": 95},
    "JPEG2000": {},
}


def cat(size: tuple[int, int] = (151, 100)) -> Image.Image:
    """Return a photo of a cat in RGB, of the size (width, height)."""
    with Image.open(CAT) as image:
        return image.convert("RGB").resize(size, Image.Resampling.BICUBIC)


def mean_difference(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Return by how much two pictures differ on average, of 255."""
    assert a.shape == b.shape
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Return the content of a picture file."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def tag_block(
    tags: dict[int, Any],
    *,
    exif: dict[int, Any] | None = None,
    gps: dict[int, Any] | None = None,
    pixels: bytes = b"",
) -> bytes:
    """Write a little-endian TIFF structure, which is also what an EXIF block is.

    Values are text, integers, raw bytes, or lists of fractions (numerator, denominator).
    `pixels` stand at offset 8.
    """

    def directory(entries: dict[int, Any], at: int) -> bytes:
        head, body = struct.pack("<H", len(entries)), b""
        start = at + 2 + 12 * len(entries) + 4
        for tag, value in sorted(entries.items()):
            kind, count, raw = _field(value)
            if len(raw) > 4:
                raw, body = struct.pack("<I", start + len(body)), body + raw
            head += struct.pack("<HHI", tag, kind, count) + raw.ljust(4, b"\0")
        return head + bytes(4) + body

    start = 8 + len(pixels)
    inner = {0x8769: exif, 0x8825: gps}
    pointers = {tag: 0 for tag, entries in inner.items() if entries is not None}
    end = start + len(directory(tags | pointers, start))
    parts = []
    for tag in pointers:
        pointers[tag] = end
        parts.append(directory(inner[tag] or {}, end))
        end += len(parts[-1])
    head = b"II*\0" + struct.pack("<I", start) + pixels
    return head + directory(tags | pointers, start) + b"".join(parts)


def _field(value: Any) -> tuple[int, int, bytes]:
    """Return the type of a TIFF field, the count of its values, and their bytes."""
    if isinstance(value, str):
        raw = value.encode("latin-1") + b"\0"
        return 2, len(raw), raw
    if isinstance(value, bytes):
        return 1, len(value), value
    if isinstance(value, int):
        return 4, 1, struct.pack("<I", value)
    signed = any(number < 0 for fraction in value for number in fraction)
    raw = b"".join(struct.pack("<ii" if signed else "<II", *fraction) for fraction in value)
    return 10 if signed else 5, len(value), raw


def grey_tiff(
    values: NDArray[Any], *, bits: int, photometric: int = 1, **blocks: dict[int, Any]
) -> bytes:
    """Write an uncompressed TIFF of one channel; 12 bits are packed."""
    height, width = values.shape
    if bits == 12:
        packed = "".join(f"{int(v):012b}" for v in values.ravel())
        data = bytes(int(packed[i : i + 8], 2) for i in range(0, len(packed), 8))
    else:
        data = values.tobytes()
    layout = {256: width, 257: height, 258: bits, 259: 1, 262: photometric}
    strips = {273: 8, 277: 1, 278: height, 279: len(data)}
    tags = blocks.pop("tags", {})
    return tag_block(layout | strips | tags, pixels=data, **blocks)


def png_file(header: bytes, rows: bytes) -> bytes:
    """Write a PNG with the given header and filtered rows."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def png_of_size(width: int, height: int) -> bytes:
    """Return a PNG that claims a size and holds next to no pixels."""
    return png_file(struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0), bytes(100))


def jpeg_of_size(width: int, height: int) -> bytes:
    """Return a JPEG that claims a size and holds next to no pixels."""
    data = bytearray(encode(cat((16, 16)), "JPEG"))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def bmp_of_size(width: int, height: int) -> bytes:
    """Return a BMP that claims a size and holds next to no pixels."""
    data = bytearray(encode(cat((16, 16)), "BMP"))
    data[18:26] = struct.pack("<II", width, height)
    return bytes(data)


def gif_of_size(width: int, height: int) -> bytes:
    """Return a GIF that claims a size and holds next to no pixels."""
    data = bytearray(encode(cat((16, 16)), "GIF"))
    data[6:10] = struct.pack("<HH", width, height)
    return bytes(data)
