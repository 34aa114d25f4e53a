"""Perceptual fingerprints: alike for copies, unlike for other pictures."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance
from skimage import data as photos

from soutu.data.nearness import MOST_BITS
from soutu.images.decode import open_rgb
from soutu.images.fingerprint import look

PHOTOS = {
    name: Image.fromarray(getattr(photos, name)())
    for name in ("astronaut", "chelsea", "coffee", "rocket")
}


def saved(image: Image.Image, quality: int) -> Image.Image:
    """Save as JPEG and read back as a check does."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return open_rgb(file.getvalue(), min_side=64)


@pytest.mark.parametrize("name", PHOTOS)
def test_copies_are_close_and_others_far(name: str) -> None:
    """Saved badly, shrunk, squashed and brightened, a photo stays within MOST_BITS."""
    photo = PHOTOS[name]
    bits = look(photo).bits
    width, height = photo.size
    for copy in (
        saved(photo, 20),
        saved(photo.resize((width // 2, height // 2)), 80),
        saved(photo.resize((224, 224)), 90),
        ImageEnhance.Brightness(photo).enhance(1.15),
    ):
        assert (look(copy).bits ^ bits).bit_count() <= MOST_BITS
    for other in PHOTOS.keys() - {name}:
        assert (look(PHOTOS[other]).bits ^ bits).bit_count() > 2 * MOST_BITS


def test_plain_pictures_have_nothing_to_compare() -> None:
    """One colour, and nearly one colour, is plain; its thumbnail is that colour."""
    plain = look(Image.new("RGB", (50, 20), (10, 200, 30)))
    assert plain.plain
    assert plain.thumbnail.shape == (16, 16, 3)
    assert (plain.thumbnail == (10, 200, 30)).all()
    assert not look(PHOTOS["coffee"]).plain
    assert look(Image.fromarray(np.zeros((1, 1, 3), np.uint8))).plain
