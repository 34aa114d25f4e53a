"""Read all keywords of a picture file: its own, and those of the sidecars beside it."""

from __future__ import annotations

from pathlib import Path

from soutu.errors import ImageError
from soutu.images.decode import read
from soutu.images.formats import open_picture
from soutu.images.guard import reasons
from soutu.images.keywords import NO_KEYWORDS, Keywords, join
from soutu.images.keywords_read import keywords_in, xmp_in
from soutu.images.png import xmp_of
from soutu.images.sidecar import keywords_beside
from soutu.images.xmp import keywords_of


def read_keywords(path: Path) -> Keywords:
    """Read the keywords of a picture file and of its sidecars, each once; pixels are not decoded.

    What is damaged among them reads as none. Raises ImageError for a file that is no picture.
    """
    return join([keywords_of_file(read(path).data), keywords_beside(path)])


def keywords_of_file(data: bytes) -> Keywords:
    """Read the keywords within a picture file, given as its content; see `read_keywords`."""
    with reasons():
        image = open_picture(data)
        found = keywords_in(image)
        if image.format == "PNG" and not xmp_in(image):
            found = join([found, _behind_pixels(data)])
    return found


def _behind_pixels(data: bytes) -> Keywords:
    """Read the packet of a PNG where Pillow finds it only by decoding."""
    try:
        return keywords_of(xmp_of(data) or b"")
    except ImageError:
        return NO_KEYWORDS
