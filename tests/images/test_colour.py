"""Pictures of every mode become 8-bit RGB on white."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from picture_files import encode, grey_tiff, png_file
from PIL import Image

from soutu.images.decode import decode
from soutu.types import Preprocess

SPEC = Preprocess(height=48, width=48, resize=48)


def flat(data: bytes) -> list[int]:
    """Decode a picture of one colour and return that colour."""
    pixels = decode(data, SPEC).pixels
    assert (np.ptp(pixels, axis=(1, 2)) <= 1).all()
    return [int(value) for value in pixels[:, 24, 24]]


COLOURS: list[tuple[int, int, int]] = [(255, 0, 0), (10, 200, 90), (0, 0, 0), (255, 255, 255)]


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        ("PNG", "RGB"),
        ("PNG", "P"),
        ("GIF", "P"),
        ("BMP", "P"),
        ("TIFF", "P"),
        ("PNG", "RGBA"),
        ("WEBP", "RGBA"),
        ("TIFF", "RGBA"),
        ("TIFF", "RGBX"),
        ("TIFF", "CMYK"),
        ("JPEG", "CMYK"),
        ("TIFF", "YCbCr"),
        ("JPEG", "YCbCr"),
    ],
)
def test_colour_modes(kind: str, mode: str, colour: tuple[int, int, int]) -> None:
    """A colour is the same colour in every mode that can say it."""
    image = Image.new("RGB", (64, 64), colour).convert(mode, palette=Image.Palette.ADAPTIVE)
    options = {"lossless": True} if kind == "WEBP" else {}
    assert flat(encode(image, kind, **options)) == pytest.approx(colour, abs=2)


def test_inverted_adobe_cmyk_is_turned_right() -> None:
    """Photoshop stores CMYK JPEGs inverted, with an Adobe marker; white stays white."""
    data = encode(Image.new("CMYK", (64, 64), (0, 0, 0, 0)), "JPEG")
    assert b"Adobe" in data
    assert flat(data) == [255, 255, 255]


def test_lab_is_converted() -> None:
    """CIE LAB comes out as the colour that it means: L* = 53, a* = 80, b* = 67 is red."""
    lab = Image.new("LAB", (64, 64), (round(53.24 * 2.55), 80 + 128, 67 + 128))
    assert flat(encode(lab, "TIFF")) == pytest.approx([255, 0, 0], abs=12)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "PPM", "GIF"])
@pytest.mark.parametrize("white", [True, False])
def test_one_bit(kind: str, white: bool) -> None:
    """Black and white are black and white."""
    image = Image.new("1", (64, 64), white)
    assert flat(encode(image, kind)) == [255 * white] * 3


def test_one_bit_is_smoothed_when_resized() -> None:
    """A fine chessboard becomes grey: 1-bit pictures are resized as grey ones."""
    board = (np.indices((96, 96)).sum(axis=0) % 2).astype(bool)
    pixels = decode(encode(Image.fromarray(board), "PNG"), SPEC).pixels
    assert pixels[:, 20:28, 20:28].mean() == pytest.approx(127.5, abs=2)


@pytest.mark.parametrize(
    ("kind", "mode", "colour"),
    [
        ("PNG", "RGBA", (0, 0, 255, 0)),
        ("WEBP", "RGBA", (0, 0, 255, 0)),
        ("TIFF", "RGBA", (0, 0, 255, 0)),
        ("AVIF", "RGBA", (0, 0, 255, 0)),
        ("PNG", "LA", (0, 0)),
    ],
)
def test_transparent_is_white(kind: str, mode: str, colour: tuple[int, ...]) -> None:
    """What lies under full transparency does not show."""
    assert flat(encode(Image.new(mode, (64, 64), colour), kind)) == [255, 255, 255]


def test_half_transparent_is_half_white() -> None:
    """Alpha mixes with white in proportion."""
    data = encode(Image.new("RGBA", (64, 64), (0, 100, 200, 51)), "PNG")
    assert flat(data) == pytest.approx([204, 224, 244], abs=1)


@pytest.mark.parametrize(
    ("mode", "kind", "transparency"),
    [
        ("P", "PNG", 0),
        ("P", "GIF", 0),
        ("P", "PNG", bytes([0, 255])),
        ("L", "PNG", 7),
        ("RGB", "PNG", (7, 7, 7)),
        ("1", "PNG", 0),
    ],
)
def test_transparent_colour_is_white(mode: str, kind: str, transparency: Any) -> None:
    """A single colour can be marked as transparent, as can entries of a palette."""
    value = 7 if mode == "L" else (7, 7, 7) if mode == "RGB" else 0
    image = Image.new(mode, (64, 64), value)
    if mode == "P":
        image.putpalette([7, 7, 7, 0, 0, 0])
    assert flat(encode(image, kind, transparency=transparency)) == [255, 255, 255]


@pytest.mark.parametrize("grey", [0, 1, 77, 128, 254, 255])
def test_sixteen_bit_grey_png(grey: int) -> None:
    """The full range of 16 bits maps to the full range of 8."""
    values = np.full((64, 64), grey * 257, np.uint16)
    assert flat(encode(Image.fromarray(values), "PNG")) == [grey] * 3


@pytest.mark.parametrize("mode", ["I;16", "I;16B"])
def test_sixteen_bit_grey_tiff(mode: str) -> None:
    """Both byte orders are read."""
    values = np.full((64, 64), 100 * 257, ">u2" if mode == "I;16B" else "<u2")
    image = Image.frombytes(mode, (64, 64), values.tobytes())
    assert flat(encode(image, "TIFF")) == [100] * 3


def test_twelve_bit_grey_tiff() -> None:
    """Twelve bits fill the range too, as X-ray and scientific cameras write them."""
    assert flat(grey_tiff(np.full((64, 64), 4095), bits=12)) == [255] * 3
    assert flat(grey_tiff(np.full((64, 64), 1028), bits=12)) == [64] * 3


def test_sixteen_bit_tiff_with_white_as_zero() -> None:
    """Scans that count ink instead of light are turned round."""
    values = np.full((64, 64), 200 * 257, np.uint16)
    assert flat(grey_tiff(values, bits=16, photometric=0)) == [55] * 3


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1.0, (0, 255)),
        (0.25, 0.5, (64, 128)),
        (0, 255.0, (0, 255)),
        (10, 200, (10, 200)),
        (257, 65535, (1, 255)),
        (-5, 5, (0, 255)),
        (1e6, 3e6, (0, 255)),
        (-3e38, 3e38, (0, 255)),
    ],
)
def test_float_tiff_is_scaled_by_the_range_of_its_values(
    low: float, high: float, expected: tuple[int, int]
) -> None:
    """0..1, 0..255 and 0..65535 are known ranges; anything else is stretched."""
    values = np.full((64, 64), low, np.float32)
    values[:, 32:] = high
    pixels = decode(encode(Image.fromarray(values), "TIFF"), SPEC).pixels
    assert (int(pixels[0, 24, 4]), int(pixels[0, 24, 44])) == pytest.approx(expected, abs=1)


def test_float_tiff_without_numbers_is_black() -> None:
    """NaN and infinity show as the darkest value, and an even picture is no division by zero."""
    values = np.full((64, 64), np.nan, np.float32)
    assert flat(encode(Image.fromarray(values), "TIFF")) == [0] * 3
    values[:] = -7
    values[:, 32:] = np.inf
    assert flat(encode(Image.fromarray(values), "TIFF")) == [0] * 3


@pytest.mark.parametrize(("value", "expected"), [(0, 0), (200, 200), (200 * 257, 200)])
def test_integer_tiff(value: int, expected: int) -> None:
    """32-bit integers that fit 8 or 16 bits are read as such."""
    values = np.full((64, 64), value, np.int32)
    assert flat(encode(Image.fromarray(values), "TIFF")) == [expected] * 3


def test_sixteen_bit_colour_png() -> None:
    """Colour with 16 bits a channel, which Pillow reads but does not write, keeps its upper 8."""
    row = b"\0" + struct.pack(">HHH", 65535, 128 * 257, 0) * 64
    data = png_file(struct.pack(">IIBBBBB", 64, 64, 16, 2, 0, 0, 0), row * 64)
    assert flat(data) == [255, 128, 0]
