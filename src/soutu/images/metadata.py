"""Read what a picture file says of itself: EXIF's orientation, date, camera and place."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    from PIL.Image import Exif, Image

_CARRIERS = ("exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif")
"""Keys of `Image.info` that can hold EXIF tags; XMP only the orientation."""

# Tags of EXIF 2.32 (CIPA DC-008).
_MAKE, _MODEL, _ORIENTATION, _DATE_TIME = 0x010F, 0x0110, 0x0112, 0x0132
_EXIF_IFD, _DATE_TIME_ORIGINAL, _DATE_TIME_DIGITIZED = 0x8769, 0x9003, 0x9004
_GPS_IFD, _LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE = 0x8825, 1, 2, 3, 4

_DATE = re.compile(
    r"\s*(\d{4})[:/.-](\d{1,2})[:/.-](\d{1,2})[ T](\d{1,2}):(\d{1,2})(?::(\d{1,2}))?"
)
_FIRST_PHOTOGRAPH = 1826
_LONGEST_NAME = 100

T = TypeVar("T")


class Tags(NamedTuple):
    """What EXIF says of a picture; None for what it does not, or not sensibly.

    `taken_at` is the camera's local time, `place` latitude and longitude in WGS 84 degrees.
    """

    orientation: int = 1
    taken_at: datetime | None = None
    camera: str | None = None
    place: tuple[float, float] | None = None


NO_TAGS = Tags()


def read_tags(image: Image) -> Tags:
    """Read the EXIF tags of an opened picture. A broken EXIF block reads as none at all."""
    if not any(key in image.info for key in _CARRIERS) and not hasattr(image, "tag_v2"):
        return NO_TAGS
    exif = _unbroken(image.getexif)
    if exif is None:
        return NO_TAGS
    return Tags(
        orientation=_unbroken(lambda: _orientation(exif)) or 1,
        taken_at=_unbroken(lambda: _taken_at(exif)),
        camera=_unbroken(lambda: _camera(exif)),
        place=_unbroken(lambda: _place(exif)),
    )


def _unbroken(read: Callable[[], T]) -> T | None:
    """Return what is read, or None where the block is damaged: a picture is worth more."""
    try:
        return read()
    except Exception:
        return None


def _orientation(exif: Exif) -> int:
    value = exif.get(_ORIENTATION)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _taken_at(exif: Exif) -> datetime | None:
    inner = _unbroken(lambda: exif.get_ifd(_EXIF_IFD)) or {}
    for value in (
        inner.get(_DATE_TIME_ORIGINAL),
        inner.get(_DATE_TIME_DIGITIZED),
        exif.get(_DATE_TIME),
    ):
        if (found := _date(value)) is not None:
            return found
    return None


def _date(value: object) -> datetime | None:
    match = _DATE.match(value) if isinstance(value, str) else None
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
    try:
        found = datetime(year, month, day, hour, minute, second)
    except ValueError:
        return None
    return found if found.year >= _FIRST_PHOTOGRAPH else None


def _camera(exif: Exif) -> str | None:
    make, model = _name(exif.get(_MAKE)), _name(exif.get(_MODEL))
    if make and model and model.lower().startswith(make.split()[0].lower()):
        return model
    return f"{make} {model}".strip()[:_LONGEST_NAME] or None


def _name(value: object) -> str:
    """Clean a text tag: cameras pad them with NULs and spaces."""
    if not isinstance(value, str):
        return ""
    return " ".join("".join(c if c.isprintable() else " " for c in value).split())


def _place(exif: Exif) -> tuple[float, float] | None:
    gps = exif.get_ifd(_GPS_IFD)
    latitude = _degrees(gps.get(_LATITUDE), gps.get(_LATITUDE_REF), ("N", "S"), 90)
    longitude = _degrees(gps.get(_LONGITUDE), gps.get(_LONGITUDE_REF), ("E", "W"), 180)
    return None if latitude is None or longitude is None else (latitude, longitude)


def _degrees(
    value: Any, reference: object, directions: tuple[str, str], limit: int
) -> float | None:
    """Turn degrees, minutes and seconds with a compass letter into signed degrees."""
    letter = reference.strip("\0 ").upper() if isinstance(reference, str) else ""
    if letter not in directions:
        return None
    parts = [float(part) for part in (value if isinstance(value, tuple) else (value,))]
    # A part that was written as x/0 is not a number, and fails both comparisons.
    if not 1 <= len(parts) <= 3 or not all(part >= 0 for part in parts):
        return None
    degrees = sum((part / 60.0**power for power, part in enumerate(parts)), 0.0)
    if not degrees <= limit:
        return None
    return -degrees if letter == directions[1] else degrees
