"""Read the keywords that an opened picture carries: XMP, IPTC, and those of Windows' Explorer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from soutu.errors import ImageError
from soutu.images.guard import reasons
from soutu.images.iptc import MARKER as IPTC_MARKER
from soutu.images.iptc import read_iptc
from soutu.images.keywords import NO_KEYWORDS, Keywords, gather, join
from soutu.images.xmp import keywords_of

if TYPE_CHECKING:
    from PIL.Image import Image

_XMP_KEYS = ("xmp", "XML:com.adobe.xmp")
_TIFF_IPTC, _XP_KEYWORDS, _PHOTOSHOP_IPTC = 33723, 0x9C9E, 0x0404
_XP_MARKS = (b"\x9e\x9c", b"\x9c\x9e")


def keywords_in(image: Image) -> Keywords:
    """Read the keywords that an opened picture carries; damaged blocks read as none.

    Nothing is decoded. A PNG may have its text after the pixels: it is found once they are loaded.
    """
    tiff = getattr(image, "tag_v2", None) if image.format == "TIFF" else None
    if tiff is None and not image.info:
        return NO_KEYWORDS
    packet = xmp_in(image)
    found = _unbroken(lambda: keywords_of(packet)) if packet else NO_KEYWORDS
    outside = keywords_outside_xmp(image)
    if not found or not outside:
        return found or outside
    # What soutu noted in XMP holds for the whole file: it writes IPTC only together with XMP.
    return replace(join([found, outside]), ours=found.ours)


def keywords_outside_xmp(image: Image) -> Keywords:
    """Read the keywords of an opened picture that stand in other blocks than XMP."""
    tiff = getattr(image, "tag_v2", None) if image.format == "TIFF" else None
    found = [
        _unbroken(lambda: gather(_iptc(image, tiff))),
        _unbroken(lambda: gather(_explorer(image, tiff))),
    ]
    return join(found) if any(found) else NO_KEYWORDS


def _unbroken(parse: Callable[[], Keywords]) -> Keywords:
    """Return what is read, or nothing where the block is damaged: a picture is worth more."""
    try:
        with reasons():
            return parse()
    except ImageError:
        return NO_KEYWORDS


def xmp_in(image: Image) -> bytes:
    """Return the XMP packet of an opened picture, empty if there is none."""
    for name in _XMP_KEYS:
        value = image.info.get(name)
        if value:
            return value.encode() if isinstance(value, str) else _bytes(value)
    return b""


def _iptc(image: Image, tiff: Any) -> Iterable[str]:
    if tiff is not None and (block := _tiff_iptc(tiff)):
        return read_iptc(block)
    resources = image.info.get("photoshop")
    found = resources.get(_PHOTOSHOP_IPTC) if isinstance(resources, dict) else None
    return read_iptc(found) if isinstance(found, bytes) else ()


def _tiff_iptc(tiff: Any) -> bytes:
    """Return the block of a TIFF, which some programs declare, or even write, as 32-bit numbers.

    Pillow holds this field to be a single number and drops the rest, so its raw bytes are asked
    for first.
    """
    block = _bytes(getattr(tiff, "_tagdata", {}).get(_TIFF_IPTC)) or _bytes(tiff.get(_TIFF_IPTC))
    if block[3:4] == IPTC_MARKER and not block.startswith(IPTC_MARKER):
        whole = len(block) // 4 * 4
        return b"".join(block[at : at + 4][::-1] for at in range(0, whole, 4))
    return block


def _explorer(image: Image, tiff: Any) -> Iterable[str]:
    if tiff is not None:
        value = tiff.get(_XP_KEYWORDS)
    else:
        block = image.info.get("exif") or b""
        if not any(mark in block for mark in _XP_MARKS):
            return ()
        value = image.getexif().get(_XP_KEYWORDS)
    text = _bytes(value).decode("utf-16-le", "replace")
    return text.partition("\0")[0].split(";")


def _bytes(value: Any) -> bytes:
    """Return the bytes of a TIFF field, which Pillow may give as a tuple of numbers."""
    return bytes(value) if isinstance(value, (bytes, tuple)) else b""
