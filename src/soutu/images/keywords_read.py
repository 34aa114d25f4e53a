"""Read the keywords that a picture file carries: XMP, IPTC, and those of Windows' Explorer."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from soutu.images import png
from soutu.images.decode import read
from soutu.images.formats import open_picture
from soutu.images.guard import reasons
from soutu.images.iptc import read_iptc
from soutu.images.keywords import NO_KEYWORDS, Keywords, gather, join
from soutu.images.sidecar import keywords_beside
from soutu.images.xmp import keywords_of

if TYPE_CHECKING:
    from PIL.Image import Image

_XMP_KEYS = ("xmp", "XML:com.adobe.xmp")
_TIFF_XMP, _TIFF_IPTC, _XP_KEYWORDS, _PHOTOSHOP_IPTC = 700, 33723, 0x9C9E, 0x0404
_XP_MARKS = (b"\x9e\x9c", b"\x9c\x9e")


def read_keywords(path: Path) -> Keywords:
    """Read the keywords of a picture file and of its sidecars, each once.

    What is damaged among them reads as none. Raises ImageError for a file that is no picture.
    """
    data = read(path).data
    with reasons():
        image = open_picture(data)
        found = [keywords_in(image)]
    if image.format == "PNG" and not _xmp(image):
        found.append(_unbroken(lambda: keywords_of(png.xmp_of(data) or b"")))
    return join([*found, keywords_beside(path)])


def keywords_in(image: Image) -> Keywords:
    """Read the keywords that an opened picture carries; damaged blocks read as none.

    Nothing is decoded. A PNG may have its text after the pixels: it is found once they are loaded.
    """
    tiff = getattr(image, "tag_v2", None) if image.format == "TIFF" else None
    if tiff is None and not image.info:
        return NO_KEYWORDS
    packet = _xmp(image)
    found = [_unbroken(lambda: keywords_of(packet))] if packet else []
    found.append(_unbroken(lambda: gather(_iptc(image, tiff))))
    found.append(_unbroken(lambda: gather(_explorer(image, tiff))))
    return join(found) if any(found) else NO_KEYWORDS


def _unbroken(parse: Callable[[], Keywords]) -> Keywords:
    """Return what is read, or nothing where the block is damaged: a picture is worth more."""
    try:
        return parse()
    except Exception:
        return NO_KEYWORDS


def _xmp(image: Image) -> bytes:
    for name in _XMP_KEYS:
        value = image.info.get(name)
        if value:
            return value.encode() if isinstance(value, str) else _bytes(value)
    return b""


def _iptc(image: Image, tiff: Any) -> Iterable[str]:
    block = tiff.get(_TIFF_IPTC) if tiff is not None else None
    if block:
        return read_iptc(_bytes(block, tiff.prefix))
    resources = image.info.get("photoshop")
    block = resources.get(_PHOTOSHOP_IPTC) if isinstance(resources, dict) else None
    return read_iptc(block) if isinstance(block, bytes) else ()


def _explorer(image: Image, tiff: Any) -> Iterable[str]:
    if tiff is not None:
        value = tiff.get(_XP_KEYWORDS)
    else:
        block = image.info.get("exif") or b""
        if not any(mark in block for mark in _XP_MARKS):
            return ()
        value = image.getexif().get(_XP_KEYWORDS)
    text = _bytes(value or b"").decode("utf-16-le", "replace")
    return text.partition("\0")[0].split(";")


def _bytes(value: Any, order: bytes = b"II") -> bytes:
    """Return the bytes of a TIFF field, which some programs write as 32-bit numbers."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, tuple) and all(isinstance(number, int) for number in value):
        if all(number < 256 for number in value):
            return bytes(value)
        return struct.pack(f"{'<' if order == b'II' else '>'}{len(value)}I", *value)
    return b""
