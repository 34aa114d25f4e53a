"""What picture files say of themselves, well-formed or not."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

import pytest
from picture_files import LOSSLESS, LOSSY, cat, encode
from PIL import Image

from soutu.images.decode import decode
from soutu.images.metadata import NO_TAGS, read_tags
from soutu.types import ImageInfo, Preprocess

SPEC = Preprocess(height=16, width=16, resize=16)
MAKE, MODEL, DATE_TIME, EXIF, GPS = 0x010F, 0x0110, 0x0132, 0x8769, 0x8825
ORIGINAL, DIGITIZED = 0x9003, 0x9004
TAKEN = datetime(2021, 2, 3, 4, 5, 6)

LONDON = {1: "N", 2: (51.0, 30.0, 36.0), 3: "W", 4: (0.0, 7.0, 30.0)}
SYDNEY = {1: "S", 2: (33.0, 51.0, 0.0), 3: "E", 4: (151.0, 12.0, 0.0)}


def block(
    tags: dict[int, Any] | None = None,
    *,
    exif: dict[int, Any] | None = None,
    gps: dict[int, Any] | None = None,
) -> Image.Exif:
    result = Image.Exif()
    result.update(tags or {})
    if exif is not None:
        result[EXIF] = exif
    if gps is not None:
        result[GPS] = gps
    return result


def info(exif: Image.Exif | bytes, kind: str = "JPEG", **options: Any) -> ImageInfo:
    return decode(encode(cat(), kind, exif=exif, **options), SPEC).info


@pytest.mark.parametrize("kind", ["JPEG", "TIFF", "PNG", "WEBP", "AVIF", "HEIF"])
def test_every_format_that_can_carry_exif_is_read(kind: str) -> None:
    """Date, camera and place come from each of them."""
    exif = block(
        {MAKE: "Canon", MODEL: "Canon EOS 5D"}, exif={ORIGINAL: "2021:02:03 04:05:06"}, gps=LONDON
    )
    block_or_bytes = exif.tobytes() if kind == "HEIF" else exif
    found = info(block_or_bytes, kind, **(LOSSLESS | LOSSY)[kind])
    assert found == ImageInfo(
        width=151,
        height=100,
        format=kind,
        taken_at=TAKEN,
        camera="Canon EOS 5D",
        latitude=pytest.approx(51.51),
        longitude=pytest.approx(-0.125),
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
    assert info(block(tags, exif=exif)).taken_at == TAKEN


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
    assert info(block({DATE_TIME: date}, exif={ORIGINAL: date})).taken_at is None


def test_date_that_is_a_number_is_none() -> None:
    """A tag of the wrong type is left alone."""
    assert info(block({DATE_TIME: 20210203})).taken_at is None


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
    assert info(block({**tags, DATE_TIME: "x"})).camera == camera


@pytest.mark.parametrize(
    ("gps", "place"),
    [
        (LONDON, (51.51, -0.125)),
        (SYDNEY, (-33.85, 151.2)),
        ({1: "N", 2: (10.5,), 3: "E", 4: (20.25,)}, (10.5, 20.25)),
        ({1: "n", 2: (0.0, 30.0), 3: "e", 4: (0.0, 0.0, 0.0)}, (0.5, 0.0)),
        ({1: "N", 2: (90.0, 0.0, 0.0), 3: "W", 4: (180.0, 0.0, 0.0)}, (90, -180)),
    ],
)
def test_place(gps: dict[int, Any], place: tuple[float, float]) -> None:
    """Degrees, minutes and seconds with compass letters become signed degrees."""
    found = info(block(gps=gps))
    assert (found.latitude, found.longitude) == pytest.approx(place)


@pytest.mark.parametrize(
    "change",
    [
        {2: (91.0, 0.0, 0.0)},
        {4: (180.0, 0.0, 1.0)},
        {2: (51.0, -30.0, 0.0)},
        {2: (float("nan"), 0.0, 0.0)},
        {2: (1.0, 2.0, 3.0, 4.0)},
        {1: "X"},
        {3: ""},
        {1: "NS"},
        {2: "51.5"},
        {2: None},
        {3: None},
    ],
)
def test_malformed_places_are_none(change: dict[int, Any]) -> None:
    """Out of range, not a number, without a direction or of the wrong type: no place at all."""
    gps = {tag: value for tag, value in (LONDON | change).items() if value is not None}
    found = info(block(gps=gps))
    assert (found.latitude, found.longitude) == (None, None)


def test_one_broken_part_spares_the_others() -> None:
    """A GPS block that points nowhere leaves date and camera."""
    found = info(block({MAKE: "Leica", GPS: 0xFFFFFFF0}, exif={ORIGINAL: "2021:02:03 04:05:06"}))
    assert (found.camera, found.taken_at, found.latitude) == ("Leica", TAKEN, None)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF"])
@pytest.mark.parametrize(
    "garbage",
    [
        b"Exif\0\0" + b"XX\0*\0\0\0\x08\0\1",
        b"Exif\0\0" + b"MM\0*\xff\xff\xff\xff\0\0",
        b"Exif\0\0" + b"MM\0*\0\0\0\x08\xff\xff" + bytes(range(200)),
        b"Exif\0\0" + b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0",
        b"Exif\0\0MM",
    ],
    ids=["byte order", "offset", "entries", "cut short", "nothing"],
)
def test_broken_exif_does_not_fail_the_picture(kind: str, garbage: bytes) -> None:
    """The pixels are read, and the broken block counts as none."""
    good = block({MAKE: "Leica", MODEL: "M" * 300}).tobytes()
    data = encode(cat(), kind, exif=good, **(LOSSLESS | LOSSY)[kind])
    start = data.index(good.removeprefix(b"Exif\0\0"))
    patch = garbage.removeprefix(b"Exif\0\0").ljust(len(good) - 6, b"\xee")
    broken = data[:start] + patch + data[start + len(patch) :]
    if kind == "PNG":
        broken = encode(cat(), kind, exif=b"Exif\0\0" + patch)  # its chunks carry checksums
    found = decode(broken, SPEC).info
    assert (found.width, found.height, found.camera) == (151, 100, None)


@pytest.mark.parametrize("value", [0, 9, 77])
def test_unknown_orientations_count_as_upright(value: int) -> None:
    """EXIF knows 1 to 8."""
    found = info(block({0x0112: value}))
    assert (found.width, found.height) == (151, 100)
