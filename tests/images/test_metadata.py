"""What picture files say of themselves, well-formed or not."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

import numpy as np
import pytest
from picture_files import LOSSLESS, LOSSY, cat, encode, grey_tiff, tag_block
from PIL import Image

from soutu.images.decode import decode
from soutu.images.metadata import NO_TAGS, read_tags
from soutu.types import ImageInfo, Preprocess

SPEC = Preprocess(height=16, width=16, resize=16)
MAKE, MODEL, DATE_TIME, GPS = 0x010F, 0x0110, 0x0132, 0x8825
ORIGINAL, DIGITIZED = 0x9003, 0x9004
TAKEN = datetime(2021, 2, 3, 4, 5, 6)

LONDON = {1: "N", 2: [(51, 1), (30, 1), (36, 1)], 3: "W", 4: [(0, 1), (7, 1), (30, 1)]}
SYDNEY = {1: "S", 2: [(33, 1), (51, 1), (0, 1)], 3: "E", 4: [(151, 1), (1200, 100), (0, 1)]}


def info(block: bytes, kind: str = "JPEG") -> ImageInfo:
    """Return what a picture of the kind says of itself with an EXIF block."""
    data = encode(cat(), kind, exif=b"Exif\0\0" + block, **(LOSSLESS | LOSSY)[kind])
    return decode(data, SPEC).info


@pytest.mark.parametrize("kind", ["JPEG", "TIFF", "PNG", "WEBP", "AVIF", "HEIF"])
def test_every_format_that_can_carry_exif_is_read(kind: str) -> None:
    """Date, camera and place come from each of them."""
    tags = {MAKE: "Canon", MODEL: "Canon EOS 5D"}
    exif = {ORIGINAL: "2021:02:03 04:05:06"}
    if kind == "TIFF":  # Pillow writes no EXIF of its own into a TIFF
        values = np.zeros((100, 151), np.uint8)
        found = decode(grey_tiff(values, bits=8, tags=tags, exif=exif, gps=LONDON), SPEC).info
    else:
        found = info(tag_block(tags, exif=exif, gps=LONDON), kind)
    assert found == ImageInfo(
        width=151,
        height=100,
        format=kind,
        taken_at=TAKEN,
        camera="Canon EOS 5D",
        latitude=51.51,
        longitude=-0.125,
    )


@pytest.mark.parametrize("kind", sorted(LOSSLESS | LOSSY))
def test_pictures_without_exif_have_only_a_size(kind: str) -> None:
    """Nothing is made up."""
    found = decode(encode(cat(), kind, **(LOSSLESS | LOSSY)[kind]), SPEC).info
    assert found == ImageInfo(width=151, height=100, format=kind)


def test_pictures_without_exif_cost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow's reader is not even called."""
    with Image.open(io.BytesIO(encode(cat(), "JPEG"))) as image:
        monkeypatch.setattr(image, "getexif", None)
        assert read_tags(image) is NO_TAGS


@pytest.mark.parametrize(
    ("tags", "exif"),
    [
        ({}, {ORIGINAL: "2021:02:03 04:05:06"}),
        ({}, {DIGITIZED: "2021:02:03 04:05:06"}),
        ({DATE_TIME: "2021:02:03 04:05:06"}, {}),
        ({DATE_TIME: "1999:01:01 00:00:00"}, {ORIGINAL: "2021:02:03 04:05:06"}),
        ({}, {ORIGINAL: "0000:00:00 00:00:00", DIGITIZED: "2021:02:03 04:05:06"}),
        ({DATE_TIME: "2021:02:03 04:05:06"}, {ORIGINAL: "    :  :     :  :  "}),
        ({}, {ORIGINAL: "2021-02-03 04:05:06"}),
        ({}, {ORIGINAL: "2021-02-03T04:05:06+01:00"}),
        ({}, {ORIGINAL: "2021:02:03 04:05:06\0\0"}),
    ],
)
def test_taken_at(tags: dict[int, Any], exif: dict[int, Any]) -> None:
    """The first sensible one of the three dates counts, also in spellings of other programs."""
    assert info(tag_block(tags, exif=exif)).taken_at == TAKEN


@pytest.mark.parametrize(
    "date",
    [
        "0000:00:00 00:00:00",
        "2021:13:01 00:00:00",
        "2021:02:30 00:00:00",
        "2021:02:03 25:00:00",
        "0001:01:01 00:00:00",
        "yesterday",
        "2021",
        "",
    ],
)
def test_malformed_dates_are_none(date: str) -> None:
    """A date that no calendar has, or from before photography, is no date."""
    assert info(tag_block({DATE_TIME: date}, exif={ORIGINAL: date})).taken_at is None


def test_date_that_is_a_number_is_none() -> None:
    """A tag of the wrong type is left alone."""
    assert info(tag_block({DATE_TIME: 20210203})).taken_at is None


@pytest.mark.parametrize(
    ("make", "model", "camera"),
    [
        ("Canon", "Canon EOS 5D", "Canon EOS 5D"),
        ("NIKON CORPORATION", "NIKON D90", "NIKON D90"),
        ("Apple", "iPhone 12", "Apple iPhone 12"),
        ("  SONY \0\0", "ILCE-7M3\0garbage", "SONY ILCE-7M3 garbage"),
        ("", "X100", "X100"),
        ("Leica", "", "Leica"),
        ("\0\0", " ", None),
        (None, None, None),
    ],
)
def test_camera(make: str | None, model: str | None, camera: str | None) -> None:
    """Make and model, cleaned, without saying the make twice."""
    tags = {tag: value for tag, value in ((MAKE, make), (MODEL, model)) if value is not None}
    assert info(tag_block(tags)).camera == camera


@pytest.mark.parametrize(
    ("gps", "place"),
    [
        (LONDON, (51.51, -0.125)),
        (SYDNEY, (-33.85, 151.2)),
        ({1: "N", 2: [(21, 2)], 3: "E", 4: [(81, 4)]}, (10.5, 20.25)),
        ({1: "n", 2: [(0, 1), (30, 1)], 3: "e", 4: [(0, 1)] * 3}, (0.5, 0.0)),
        ({1: "N", 2: [(90, 1)], 3: "W", 4: [(180, 1)]}, (90, -180)),
    ],
)
def test_place(gps: dict[int, Any], place: tuple[float, float]) -> None:
    """Degrees, minutes and seconds with compass letters become signed degrees."""
    found = info(tag_block({}, gps=gps))
    assert (found.latitude, found.longitude) == pytest.approx(place)


@pytest.mark.parametrize(
    "change",
    [
        {2: [(91, 1), (0, 1), (0, 1)]},
        {4: [(180, 1), (0, 1), (1, 1)]},
        {2: [(51, 1), (-30, 1), (0, 1)]},
        {2: [(51, 0), (30, 1), (0, 1)]},
        {2: [(0, 0), (0, 0), (0, 0)]},
        {2: [(1, 1)] * 4},
        {2: "fifty"},
        {2: b"\0\1\2"},
        {2: None},
        {1: "X"},
        {1: "NS"},
        {3: ""},
        {3: 7},
        {3: None},
    ],
)
def test_malformed_places_are_none(change: dict[int, Any]) -> None:
    """Out of range, not a number, without a direction or of the wrong type: no place at all."""
    gps = {tag: value for tag, value in (LONDON | change).items() if value is not None}
    found = info(tag_block({}, gps=gps))
    assert (found.latitude, found.longitude) == (None, None)


def test_one_broken_part_spares_the_others() -> None:
    """A GPS block that points nowhere leaves date and camera."""
    tags = {MAKE: "Leica", GPS: 0xFFFFFFF0}
    found = info(tag_block(tags, exif={ORIGINAL: "2021:02:03 04:05:06"}))
    assert (found.camera, found.taken_at, found.latitude) == ("Leica", TAKEN, None)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF"])
@pytest.mark.parametrize(
    "garbage",
    [
        b"XX\0*\0\0\0\x08\0\1",
        b"MM\0*\xff\xff\xff\xff\0\0",
        b"MM\0*\0\0\0\x08\xff\xff" + bytes(range(200)),
        b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0",
        b"MM",
    ],
    ids=["byte order", "offset", "entries", "cut short", "nothing"],
)
def test_broken_exif_does_not_fail_the_picture(kind: str, garbage: bytes) -> None:
    """The pixels are read, and the broken block counts as none."""
    good = tag_block({MAKE: "Leica", MODEL: "M" * 300})
    data = encode(cat(), kind, exif=b"Exif\0\0" + good, **(LOSSLESS | LOSSY)[kind])
    start = data.index(good)
    patch = garbage.ljust(len(good), b"\xee")
    broken = data[:start] + patch + data[start + len(patch) :]
    if kind == "PNG":
        broken = encode(cat(), kind, exif=b"Exif\0\0" + patch)  # its chunks carry checksums
    found = decode(broken, SPEC).info
    assert (found.width, found.height, found.camera) == (151, 100, None)


@pytest.mark.parametrize("value", [0, 9, 77])
def test_unknown_orientations_count_as_upright(value: int) -> None:
    """EXIF knows 1 to 8."""
    found = info(tag_block({0x0112: value}))
    assert (found.width, found.height) == (151, 100)
