"""Resizing, cropping and normalising, against plain Pillow calls in torchvision's order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from picture_files import PHOTOS, cat
from PIL import Image

from soutu.errors import ModelError
from soutu.images.transform import Frame, apply, normalise, resized_size, turn
from soutu.types import Interpolation, Preprocess

FILTERS: tuple[Interpolation, ...] = ("bilinear", "bicubic", "lanczos", "box", "hamming")
SMOOTH_FILTERS: tuple[Interpolation, ...] = ("bilinear", "bicubic", "lanczos", "hamming")
"""Those that do not jump: for box, 1e-6 of a pixel decides whether a noisy neighbour counts."""


def reference(image: Image.Image, spec: Preprocess) -> NDArray[np.uint8]:
    """Resize the whole picture, pad it, and cut out the middle."""
    method = Image.Resampling[spec.interpolation.upper()]
    if isinstance(spec.resize, tuple):
        height, width = spec.resize
    else:
        short, long = min(image.size), max(image.size)
        other = int(spec.resize * long / short)
        width, height = (
            (spec.resize, other) if image.width <= image.height else (other, spec.resize)
        )
    image = image.resize((width, height), method)
    if spec.width > width or spec.height > height:
        canvas = Image.new("RGB", (max(width, spec.width), max(height, spec.height)))
        canvas.paste(
            image, (max(0, (spec.width - width) // 2), max(0, (spec.height - height) // 2))
        )
        image = canvas
    top = round((image.height - spec.height) / 2.0)
    left = round((image.width - spec.width) / 2.0)
    image = image.crop((left, top, left + spec.width, top + spec.height))
    return np.asarray(image.convert("RGB")).transpose(2, 0, 1)


def difference(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> int:
    assert a.shape == b.shape
    return int(np.abs(a.astype(int) - b.astype(int)).max())


@pytest.mark.parametrize("interpolation", FILTERS)
@pytest.mark.parametrize("photo", PHOTOS, ids=lambda path: path.stem)
def test_shortest_is_resize_then_centre_crop(photo: Path, interpolation: Interpolation) -> None:
    """A real photo comes out as from the two separate steps, within 1/255."""
    with Image.open(photo) as file:
        image = file.convert("RGB")
    spec = Preprocess(height=224, width=224, resize=256, interpolation=interpolation)
    pixels = apply(image, spec)
    assert (str(pixels.dtype), pixels.flags.c_contiguous) == ("uint8", True)
    assert difference(pixels, reference(image, spec)) <= 1


def test_squash_resizes_both_sides() -> None:
    """The aspect ratio gives way, and nothing is cut; `resize` is height, then width."""
    spec = Preprocess(height=40, width=96, resize=(40, 96), mode="squash")
    image = cat((100, 151))
    expected = np.asarray(image.resize((96, 40), Image.Resampling.BICUBIC)).transpose(2, 0, 1)
    assert difference(apply(image, spec), expected) == 0


def test_squash_takes_one_number_for_both_sides() -> None:
    """A single size makes a square."""
    spec = Preprocess(height=32, width=32, resize=32, mode="squash")
    assert resized_size(100, 50, spec) == (32, 32)


def test_nearest_takes_the_same_pixels() -> None:
    """The nearest pixel of each is that of the whole picture's resizing."""
    image = cat((403, 287))
    spec = Preprocess(height=64, width=64, resize=70, interpolation="nearest")
    np.testing.assert_array_equal(apply(image, spec), reference(image, spec))


@pytest.mark.parametrize("size", [(300, 450), (240, 427), (400, 600), (200, 300), (90, 700)])
def test_portraits_round_like_the_separate_steps(size: tuple[int, int]) -> None:
    """For these sizes PIL would resample the cropped part in another order than the whole."""
    spec = Preprocess(height=224, width=224, resize=224)
    assert difference(apply(cat(size), spec), reference(cat(size), spec)) <= 1


@settings(deadline=None, max_examples=150)
@given(
    size=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    resize=st.integers(1, 48),
    crop=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    interpolation=st.sampled_from(SMOOTH_FILTERS),
    seed=st.integers(0, 3),
)
def test_any_size_matches_the_separate_steps(
    size: tuple[int, int],
    resize: int,
    crop: tuple[int, int],
    interpolation: Interpolation,
    seed: int,
) -> None:
    """Any picture, target and crop, smaller or larger than the picture, agree.

    Within 2/255 for noise: where a value lies on the half, each of the two passes may round it
    the other way. In photos no pixel differs by more than 1 (see above).
    """
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    spec = Preprocess(height=crop[0], width=crop[1], resize=resize, interpolation=interpolation)
    assert difference(apply(image, spec), reference(image, spec)) <= 2


@pytest.mark.parametrize("size", [(1, 30000), (30000, 1)])
def test_extreme_shapes_cost_no_more_than_their_crop(size: tuple[int, int]) -> None:
    """Resizing a line as a whole would take gigabytes; only the crop is computed."""
    spec = Preprocess(height=224, width=224, resize=224)
    assert apply(Image.new("RGB", size, (9, 8, 7)), spec)[:, 100, 100].tolist() == [9, 8, 7]


def test_margin_says_where_half_a_pixel_goes() -> None:
    """Beside a crop of 4 out of 7 pixels there is 1 and a half: 2 in torchvision, else 1."""
    rows = np.repeat(np.arange(7, dtype=np.uint8) * 10, 7).reshape(7, 7)
    image = Image.fromarray(rows)
    even = Preprocess(height=4, width=4, resize=7)
    down = Preprocess(height=4, width=4, resize=7, margin="down")
    assert apply(image, even)[0, :, 0].tolist() == [20, 30, 40, 50]
    assert apply(image, down)[0, :, 0].tolist() == [10, 20, 30, 40]


def test_larger_crop_is_padded_with_black() -> None:
    """The picture stands in the middle; an odd pixel goes below and to the right."""
    spec = Preprocess(height=7, width=6, resize=4)
    pixels = apply(Image.new("RGB", (10, 10), "white"), spec)[0]
    expected = np.zeros((7, 6), np.uint8)
    expected[1:5, 1:5] = 255
    np.testing.assert_array_equal(pixels, expected)


def test_grey_gives_three_equal_planes() -> None:
    """A grey picture comes out as the same picture in RGB does."""
    image = cat().convert("L")
    spec = Preprocess(height=50, width=50, resize=50)
    np.testing.assert_array_equal(apply(image, spec), apply(image.convert("RGB"), spec))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [(151, 100), (100, 151), (90, 91)])
@pytest.mark.parametrize("crop", [(31, 44), (61, 50)])
def test_turning_afterwards_is_turning_first(
    orientation: int, size: tuple[int, int], crop: tuple[int, int]
) -> None:
    """Cropping as stored and turning the result is cropping the upright picture.

    Within 2/255: the resizing rounds its first pass to 8 bits, and turning swaps the passes.
    """
    stored = cat(size)
    spec = Preprocess(height=crop[0], width=crop[1], resize=50)
    pixels = apply(stored, spec, Frame(*size, orientation=orientation))
    assert difference(pixels, apply(turn(stored, orientation), spec)) <= 2


@pytest.mark.parametrize("orientation", [1, 3, 6, 7])
@pytest.mark.parametrize("shrink", [2, 4])
def test_shrunk_picture_shows_the_same_part(orientation: int, shrink: int) -> None:
    """Where the decoder left out pixels, the crop stays in place, also for odd sizes.

    A ramp is the same at any scale, so that each shift by a pixel would show as a step of 1/255.
    """
    width, height = 8 * 31 + 3, 8 * 29 + 5
    y, x = np.mgrid[:height, :width]
    ramp = np.stack([x, y, x * 0], axis=2).astype(np.uint8)
    whole = Image.fromarray(ramp)
    small = whole.reduce(shrink)
    spec = Preprocess(height=25, width=20, resize=30, interpolation="bilinear")
    frame = Frame(width, height, orientation=orientation)
    expected = apply(whole, spec, frame)
    assert difference(apply(small, spec, frame._replace(shrink=shrink)), expected) <= 1


def test_long_side_is_cut_down_not_rounded() -> None:
    """As in torchvision: 224 * 451 / 300 = 336.7 becomes 336."""
    spec = Preprocess(height=224, width=224, resize=224)
    assert resized_size(451, 300, spec) == (336, 224)
    assert resized_size(300, 451, spec) == (224, 336)


def test_two_numbers_for_the_short_side_are_a_model_error() -> None:
    """The model's settings are refused with the value."""
    spec = Preprocess(height=8, width=8, resize=(8, 9))
    with pytest.raises(ModelError, match=r"one number, not \(8, 9\)"):
        apply(cat(), spec)


MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


def test_normalise_is_subtract_and_divide() -> None:
    """Float32 values are (x / 255 - mean) / std of each channel, C-contiguous, n pictures."""
    pixels = np.random.default_rng(0).integers(0, 256, (3, 3, 5, 7), dtype=np.uint8)
    spec = Preprocess(height=5, width=7, resize=7, mean=MEAN, std=STD)
    values = normalise(pixels, spec)
    by_channel = (1, 3, 1, 1)
    expected = (pixels / 255 - np.reshape(MEAN, by_channel)) / np.reshape(STD, by_channel)
    assert (str(values.dtype), values.flags.c_contiguous) == ("float32", True)
    np.testing.assert_allclose(values, expected, atol=2e-6)


def test_normalise_gives_contiguous_values_of_a_view() -> None:
    """Pictures that lie otherwise in memory come out in order."""
    pixels = np.random.default_rng(0).integers(0, 256, (2, 5, 7, 3), dtype=np.uint8)
    spec = Preprocess(height=5, width=7, resize=7, mean=MEAN, std=STD)
    view = pixels.transpose(0, 3, 1, 2)
    values = normalise(view, spec)
    assert values.flags.c_contiguous
    np.testing.assert_array_equal(values, normalise(view.copy(), spec))


def test_normalise_passes_pixels_where_the_graph_normalises() -> None:
    """Without a mean, the pixels are returned as they are."""
    pixels = np.zeros((1, 3, 2, 2), np.uint8)
    assert normalise(pixels, Preprocess(height=2, width=2, resize=2)) is pixels
