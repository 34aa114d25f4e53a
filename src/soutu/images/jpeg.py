"""Change the XMP and IPTC segments of a JPEG and leave every other byte as it is.

Sources: ITU-T T.81 annex B (markers), XMP specification part 3 (APP1), Photoshop's APP13, and
CIPA DC-007 (several pictures in one file).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

from soutu.errors import ImageError
from soutu.images.xmp import unpadded

SIGNATURE = b"\xff\xd8\xff"

_XMP, _EXIF = b"http://ns.adobe.com/xap/1.0/\0", b"Exif\0"
_PHOTOSHOP, _MULTI_PICTURE = b"Photoshop 3.0\0", b"MPF\0"
_APP0, _APP1, _APP2, _APP13 = 0xE0, 0xE1, 0xE2, 0xED
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_STANDALONE = {0x01, *range(0xD0, 0xD9)}
_LONGEST = 0xFFFF - 2


class _Segment(NamedTuple):
    marker: int
    start: int
    end: int
    value: bytes

    def is_a(self, marker: int, name: bytes) -> bool:
        return self.marker == marker and self.value.startswith(name)


def edit_jpeg(
    data: bytes,
    change_xmp: Callable[[bytes | None], bytes],
    change_photoshop: Callable[[bytes], bytes],
) -> bytes:
    """Return a JPEG with its XMP packet, or None, and its Photoshop resources changed.

    A packet that is not there yet goes behind JFIF and EXIF, and an empty one goes altogether.
    Raises ImageError for a file that is damaged before its pixels, holds two packets or several
    pictures, and when a segment would have more than the 64 KB that JPEG allows.
    """
    segments = _segments(data)
    found = [part for part in segments if part.is_a(_APP1, _XMP)]
    if len(found) > 1:
        msg = f"it holds {len(found)} XMP packets, of which each program reads another"
        raise ImageError(msg)
    old = found[0].value[len(_XMP) :] if found else None
    new = change_xmp(old)
    edits = []
    if new != (old or b""):
        at = _place(segments)
        start, end = (found[0].start, found[0].end) if found else (at, at)
        edits.append((start, end, _segment(_APP1, _XMP, _fitting(new), "XMP") if new else b""))
    for part in segments:
        if part.is_a(_APP13, _PHOTOSHOP):
            before = part.value[len(_PHOTOSHOP) :]
            after = change_photoshop(before)
            if after != before:
                text = _segment(_APP13, _PHOTOSHOP, after, "Photoshop")
                edits.append((part.start, part.end, text))
    if edits and any(part.is_a(_APP2, _MULTI_PICTURE) for part in segments):
        msg = "it holds several pictures (MPF), whose places in the file would change"
        raise ImageError(msg)
    for start, end, text in sorted(edits, reverse=True):
        data = data[:start] + text + data[end:]
    return data


def _segments(data: bytes) -> list[_Segment]:
    """List the segments up to the pixels."""
    segments, at = [], 2
    while True:
        start = at
        if data[at : at + 1] != b"\xff":
            msg = f"damaged: no marker at byte {at:,}, where one must be"
            raise ImageError(msg)
        while data[at : at + 1] == b"\xff":  # any number of them may fill up
            at += 1
        marker = data[at] if at < len(data) else _END_OF_IMAGE
        if marker in _STANDALONE:
            at += 1
            continue
        size = int.from_bytes(data[at + 1 : at + 3], "big")
        end = at + 1 + size
        if marker == _END_OF_IMAGE or size < 2 or end > len(data):
            msg = "truncated: it ends before its pixels"
            raise ImageError(msg)
        segments.append(_Segment(marker, start, end, data[at + 3 : end]))
        if marker == _START_OF_SCAN:
            return segments
        at = end


def _place(segments: list[_Segment]) -> int:
    """Return where a new packet goes: EXIF readers want theirs first."""
    place = segments[0].start
    for part in segments:
        if part.marker == _APP0 or part.is_a(_APP1, _EXIF):
            place = part.end
        elif part.marker not in range(0xE0, 0xF0):
            break
    return place


def _fitting(packet: bytes) -> bytes:
    return packet if len(packet) + len(_XMP) <= _LONGEST else unpadded(packet)


def _segment(marker: int, name: bytes, value: bytes, what: str) -> bytes:
    size = len(name) + len(value)
    if size > _LONGEST:
        msg = f"{size:,} bytes of {what} are more than the {_LONGEST:,} that a JPEG can hold"
        raise ImageError(msg)
    return struct.pack(">BBH", 0xFF, marker, size + 2) + name + value
