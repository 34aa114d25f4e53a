"""Decoding files of every format and mode to a model's input."""

from __future__ import annotations

import io
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from picture_files import (
    CAT,
    LOSSLESS,
    LOSSY,
    PHOTOS,
    SKIMAGE,
    TEMPLE,
    cat,
    encode,
    mean_difference,
)
from PIL import Image, ImageOps

from soutu.images.colour import flatten
from soutu.images.decode import dct_shrink, decode, decode_parts, open_rgb
from soutu.images.transform import apply, turn
from soutu.types import Box, Preprocess

SPEC = Preprocess(height=48, width=48, resize=48)


def pixels_of(image: Image.Image, spec: Preprocess = SPEC) -> NDArray[np.uint8]:
    return apply(image.convert("RGB"), spec)


# --- formats ---


@pytest.mark.parametrize("kind", sorted(LOSSLESS))
def test_lossless_formats_give_the_exact_pixels(kind: str) -> None:
    """The picture, its size and the name of its format come through."""
    picture = decode(encode(cat(), kind, **LOSSLESS[kind]), SPEC)
    assert (str(picture.pixels.dtype), picture.pixels.shape) == ("uint8", (3, 48, 48))
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
    pixels = decode(data, SPEC).pixels
    assert pixels[0].min() > 250
    assert pixels[1:].max() < 5


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

    def watched(image: Image.Image) -> Image.Image:
        sizes.append(image.size)
        return flatten(image)

    monkeypatch.setattr("soutu.images.decode.flatten", watched)
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


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_parts_of_a_shrunk_picture_look_the_same(kind: str, large_jpeg: bytes) -> None:
    """Whatever the format, the pixels that the parts do not need may go first."""
    buffer = io.BytesIO()
    open_rgb(large_jpeg).save(buffer, kind, quality=95)
    boxes = [Box(0, 0, 1, 1), Box(0.5, 0.25, 0.75, 0.75)]
    spec = Preprocess(height=64, width=64, resize=64, mode="squash")
    whole = decode_parts(buffer.getvalue(), spec, boxes)
    small = decode_parts(buffer.getvalue(), spec, boxes, min_side=256)
    assert whole.shape == (2, 3, 64, 64)
    assert np.abs(whole.astype(int) - small).mean() < 3
    assert (whole != small).any()


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
