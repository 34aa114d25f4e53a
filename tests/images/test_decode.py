"""Decoding files of every format and mode to a model's input."""

from __future__ import annotations

import io
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from picture_files import CAT, LOSSLESS, LOSSY, PHOTOS, SKIMAGE, TEMPLE, cat, encode, grey_tiff
from PIL import Image, ImageOps

from soutu.images import decode as decode_module
from soutu.images.decode import dct_shrink, decode, open_rgb
from soutu.images.transform import apply, turn
from soutu.types import Preprocess

SPEC = Preprocess(height=48, width=48, resize=48)
Colour = tuple[int, int, int]


def pixels_of(image: Image.Image, spec: Preprocess = SPEC) -> NDArray[np.uint8]:
    return apply(image.convert("RGB"), spec)


def mean_difference(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    assert a.shape == b.shape
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


def flat(data: bytes) -> list[int]:
    """Decode a picture of one colour and return that colour."""
    pixels = decode(data, SPEC).pixels
    assert (np.ptp(pixels, axis=(1, 2)) <= 1).all()
    return [int(value) for value in pixels[:, 24, 24]]


# --- formats ---


@pytest.mark.parametrize("kind", sorted(LOSSLESS))
def test_lossless_formats_give_the_exact_pixels(kind: str) -> None:
    """The picture, its size and the name of its format come through."""
    picture = decode(encode(cat(), kind, **LOSSLESS[kind]), SPEC)
    assert (picture.pixels.dtype, picture.pixels.shape) == (np.uint8, (3, 48, 48))
    assert picture.pixels.flags.c_contiguous
    np.testing.assert_array_equal(picture.pixels, pixels_of(cat()))
    assert (picture.info.width, picture.info.height, picture.info.format) == (151, 100, kind)


@pytest.mark.parametrize("kind", sorted(LOSSY))
def test_lossy_formats_give_nearly_the_same_pixels(kind: str) -> None:
    """The picture, its size and the name of its format come through."""
    picture = decode(encode(cat(), kind, **LOSSY[kind]), SPEC)
    assert mean_difference(picture.pixels, pixels_of(cat())) < 2.5
    assert (picture.info.width, picture.info.height, picture.info.format) == (151, 100, kind)


def test_gif_is_read_through_its_palette() -> None:
    """A GIF looks like the same picture with 256 colours."""
    palette = cat().quantize(256)
    picture = decode(encode(palette, "GIF"), SPEC)
    np.testing.assert_array_equal(picture.pixels, pixels_of(palette))
    assert picture.info.format == "GIF"


def test_path_is_read() -> None:
    """A path does as well as the content."""
    expected = decode(CAT.read_bytes(), SPEC)
    picture = decode(CAT, SPEC)
    np.testing.assert_array_equal(picture.pixels, expected.pixels)
    assert picture.info == expected.info


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "WEBP", "AVIF", "PNG"])
def test_first_frame_counts(kind: str) -> None:
    """Of animations and multi-page files the first frame is taken."""
    first, *rest = (Image.new("RGB", (64, 64), colour) for colour in ("red", "lime", "blue"))
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encode(first, kind, save_all=True, append_images=rest, duration=100, **options)
    red, green, blue = flat(data)
    assert red > 250
    assert max(green, blue) < 5


def test_mpo_is_read_as_its_first_picture() -> None:
    """The stereo and dual-lens JPEGs of some cameras are read like other JPEGs."""
    data = encode(cat(), "MPO", save_all=True, append_images=[Image.new("RGB", (151, 100))])
    picture = decode(data, SPEC)
    assert mean_difference(picture.pixels, pixels_of(cat())) < 6
    assert picture.info.format == "JPEG"


@pytest.mark.parametrize("name", ["multipage.tif", "retina.jpg", "no_time_for_that_tiny.gif"])
def test_files_of_others_are_read_as_pillow_reads_them(name: str) -> None:
    """Files made by other programs come out like Pillow's own conversion."""
    with Image.open(SKIMAGE / name) as file:
        expected = pixels_of(file)
    assert mean_difference(decode(SKIMAGE / name, SPEC).pixels, expected) < 1.0


# --- modes ---

COLOURS: list[Colour] = [(255, 0, 0), (10, 200, 90), (0, 0, 0), (255, 255, 255)]


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
def test_colour_modes(kind: str, mode: str, colour: Colour) -> None:
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
    assert flat(encode(lab, "TIFF")) == pytest.approx([255, 0, 0], abs=6)


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
    image = Image.new(mode, (64, 64), value)  # type: ignore[arg-type]
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
    """Colour with 16 bits a channel keeps its upper 8."""
    with Image.open(io.BytesIO(sixteen_bit_png())) as file:
        assert file.mode == "RGB"
    assert flat(sixteen_bit_png()) == [255, 128, 0]


def sixteen_bit_png() -> bytes:
    """Write what Pillow cannot: it saves colour with 8 bits a channel only."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    row = b"\0" + struct.pack(">HHH", 65535, 128 * 257, 0) * 64
    header = struct.pack(">IIBBBBB", 64, 64, 16, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(row * 64)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


# --- orientation ---

UNDO = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "JPEG", "AVIF", "HEIF"])
def test_every_orientation_gives_the_upright_picture(kind: str, orientation: int) -> None:
    """However the file stores it, the model sees it upright, and its size is the upright one."""
    upright = cat()
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = turn(upright, UNDO[orientation])
    block = exif.tobytes() if kind == "HEIF" else exif
    data = encode(stored, kind, exif=block, **(LOSSLESS | LOSSY)[kind])
    with Image.open(io.BytesIO(data)) as file:
        assert ImageOps.exif_transpose(file).size == upright.size
    picture = decode(data, SPEC)
    allowed = 0.6 if kind in LOSSLESS else 2.5
    assert mean_difference(picture.pixels, pixels_of(upright)) < allowed
    assert (picture.info.width, picture.info.height) == upright.size
    assert mean_difference(np.asarray(open_rgb(data)), np.asarray(upright)) < allowed


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_of_a_shrunk_jpeg(orientation: int) -> None:
    """Shrinking while decoding and turning do not get in each other's way."""
    with Image.open(TEMPLE) as file:
        upright = file.convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(turn(upright, UNDO[orientation]), "JPEG", exif=exif, quality=95, subsampling=0)
    picture = decode(data, SPEC)
    assert mean_difference(picture.pixels, pixels_of(upright)) < 2
    assert (picture.info.width, picture.info.height) == upright.size


# --- shrinking while decoding ---


@pytest.mark.parametrize(
    ("size", "target", "expected"),
    [
        ((4000, 3000), (448, 336), 8),
        ((4000, 3000), (501, 375), 4),
        ((4000, 3000), (500, 375), 8),
        ((640, 480), (448, 336), 1),
        ((800, 600), (400, 300), 2),
        ((100, 100), (1, 1), 8),
        ((5, 5), (1, 1), 4),
    ],
)
def test_shrink_is_the_greatest_that_reaches_the_target(
    size: tuple[int, int], target: tuple[int, int], expected: int
) -> None:
    """8, 4, 2 or 1: neither side may fall below the target."""
    assert dct_shrink(size, target) == expected


@pytest.fixture(scope="module")
def large_jpeg() -> bytes:
    """Return a photo of 12 megapixels."""
    with Image.open(TEMPLE) as file:
        return encode(file.convert("RGB").resize((4000, 3000)), "JPEG", quality=85)


def test_large_jpeg_is_decoded_small(large_jpeg: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 4000 × 3000 pixels, the decoder computes 500 × 375; the info keeps the full size."""
    sizes: list[tuple[int, int]] = []
    flatten = decode_module.flatten

    def watched(image: Image.Image) -> Image.Image:
        sizes.append(image.size)
        return flatten(image)

    monkeypatch.setattr(decode_module, "flatten", watched)
    picture = decode(large_jpeg, Preprocess(height=224, width=224, resize=224))
    assert sizes == [(500, 375)]
    assert (picture.info.width, picture.info.height) == (4000, 3000)


def test_open_rgb_keeps_the_size_it_is_asked_for(large_jpeg: bytes) -> None:
    """No side falls below `min_side`, and without it the picture is whole."""
    assert open_rgb(large_jpeg, min_side=376).size == (1000, 750)
    assert open_rgb(large_jpeg, min_side=375).size == (500, 375)
    assert open_rgb(large_jpeg).size == (4000, 3000)
    assert open_rgb(large_jpeg, min_side=375).mode == "RGB"
    assert open_rgb(encode(cat().convert("L"), "PNG")).mode == "RGB"


@pytest.mark.parametrize("photo", PHOTOS, ids=lambda path: path.stem)
@pytest.mark.parametrize("side", [24, 50, 70, 140])
def test_shrunk_jpeg_looks_like_the_whole(photo: Path, side: int) -> None:
    """At every scale of the decoder the difference from a full decode is small on average."""
    spec = Preprocess(height=side, width=side, resize=side)
    with Image.open(photo) as file:
        assert dct_shrink(file.size, (3 * side // 2, 3 * side // 2)) > 1
        expected = pixels_of(file, spec)
    assert mean_difference(decode(photo, spec).pixels, expected) < 1.6


def test_large_png_is_reduced_with_next_to_no_difference() -> None:
    """Averaging blocks before the resampling stays within 0.5/255 on average."""
    with Image.open(TEMPLE) as file:
        image = file.convert("RGB").resize((1280, 854))
    expected = pixels_of(image)
    assert mean_difference(decode(encode(image, "PNG"), SPEC).pixels, expected) < 0.5


# --- threads and warnings ---


def test_threads_get_the_same_pixels() -> None:
    """Many threads decode many formats at once, each as it would alone."""
    files = [encode(cat(), kind, **options) for kind, options in (LOSSLESS | LOSSY).items()] * 6
    alone = [decode(data, SPEC).pixels for data in files]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda data: decode(data, SPEC).pixels, files))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_warning_filters_are_left_as_they_were() -> None:
    """What the program around soutu has set holds after decoding, also in many threads."""
    before = list(warnings.filters)
    data = encode(cat(), "PNG")
    barrier = threading.Barrier(4)

    def work(_: int) -> None:
        barrier.wait()
        for _ in range(20):
            decode(data, SPEC)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert list(warnings.filters) == before
