"""Make the picture files that the tests of the images floor read."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import pillow_heif
import skimage
import sklearn
from numpy.typing import NDArray
from PIL import Image

pillow_heif.register_heif_opener()  # lets Image.save write HEIF; soutu itself does without

SKIMAGE = Path(skimage.__file__).parent / "data"
SKLEARN = Path(sklearn.__file__).parent / "datasets" / "images"
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


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Return the content of a picture file."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def grey_tiff(
    values: NDArray[Any], *, bits: int, photometric: int = 1, sample_format: int = 1
) -> bytes:
    """Write an uncompressed little-endian TIFF of one channel; 12 bits are packed."""
    height, width = values.shape
    if bits == 12:
        packed = "".join(f"{int(v):012b}" for v in values.ravel())
        data = bytes(int(packed[i : i + 8], 2) for i in range(0, len(packed), 8))
    else:
        data = values.tobytes()
    tags = {
        256: width,
        257: height,
        258: bits,
        259: 1,
        262: photometric,
        273: 8,
        277: 1,
        278: height,
        279: len(data),
        339: sample_format,
    }
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    start = 8 + len(data) + len(data) % 2
    head = b"II*\0" + struct.pack("<I", start)
    return (head + data).ljust(start, b"\0") + struct.pack("<H", len(tags)) + directory + bytes(4)


def png_of_size(width: int, height: int) -> bytes:
    """Return a PNG that claims a size and holds next to no pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(100)))
        + chunk(b"IEND", b"")
    )


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
