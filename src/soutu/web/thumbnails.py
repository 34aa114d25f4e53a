"""Small pictures, made when they are first looked at and kept on disk."""

from __future__ import annotations

import io
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import xxhash

from soutu.errors import ImageError
from soutu.images.decode import open_rgb, read

if TYPE_CHECKING:
    from PIL.Image import Image

SIDES = (64, 128, 256, 384, 512, 1024)
"""Lengths of the longer side, in pixels, that are made; a wish is rounded up to one of them."""
MEDIA_TYPE = "image/webp"
_QUALITY = 80
_AT_ONCE = 4  # pictures decoded at the same time: a full one takes hundreds of megabytes
_KEPT_BYTES = 2 << 30
_SWEEP_EVERY = 2000  # thumbnails made between two looks at how much is kept


class Thumbnails:
    """Make and keep thumbnails in a folder. Safe to call from many threads.

    The name of a thumbnail says which file, as it was when, at which size; the oldest go when
    there are more than `kept_bytes`.
    """

    def __init__(self, folder: Path, *, max_pixels: int, kept_bytes: int = _KEPT_BYTES) -> None:
        self._folder, self._max_pixels, self._kept_bytes = folder, max_pixels, kept_bytes
        self._gate = threading.Semaphore(_AT_ONCE)
        self._made = 0

    def key(self, path: Path, side: int) -> str:
        """Return what names the thumbnail of a file as it is now; fit for an ETag.

        Raises ImageError for a file that is gone.
        """
        try:
            found = path.stat()
        except OSError as error:
            raise ImageError(f"{path.name}: {(error.strerror or str(error)).lower()}") from error
        stamp = f"{found.st_size}.{found.st_mtime_ns}.{_rounded(side)}"
        return xxhash.xxh3_128_hexdigest(os.fsencode(path) + b"\0" + stamp.encode())

    def get(self, path: Path, side: int) -> bytes:
        """Return the thumbnail of a picture file as WebP. Raises ImageError."""
        key = self.key(path, side)
        place = self._folder / key[:2] / f"{key}.webp"
        with suppress(OSError):
            return place.read_bytes()
        with self._gate:
            made = self._make(path, _rounded(side))
        self._keep(place, made)
        return made

    def _make(self, path: Path, side: int) -> bytes:
        image = open_rgb(read(path).data, max_pixels=self._max_pixels, min_side=side)
        return as_webp(image, side)

    def _keep(self, place: Path, made: bytes) -> None:
        """Write a thumbnail beside its name first, so that nobody reads half of one."""
        with suppress(OSError):  # a full disk costs time only
            place.parent.mkdir(parents=True, exist_ok=True)
            draft = place.with_suffix(f".{threading.get_ident()}")
            draft.write_bytes(made)
            draft.replace(place)
        self._made += 1
        if self._made % _SWEEP_EVERY == 0:
            self.sweep()

    def sweep(self) -> None:
        """Delete the oldest thumbnails beyond what may be kept."""
        found = []
        for place in self._folder.glob("*/*.webp"):
            with suppress(OSError):
                stat = place.stat()
                found.append((stat.st_mtime_ns, stat.st_size, place))
        total = sum(size for _, size, _ in found)
        for _, size, place in sorted(found):
            if total <= self._kept_bytes:
                break
            with suppress(OSError):
                place.unlink()
            total -= size


def as_webp(image: Image, side: int) -> bytes:
    """Scale a picture down to a longer side and write it as WebP."""
    from PIL.Image import Resampling

    image.thumbnail((side, side), resample=Resampling.LANCZOS, reducing_gap=2.0)
    out = io.BytesIO()
    image.save(out, "WEBP", quality=_QUALITY, method=2)
    return out.getvalue()


def _rounded(side: int) -> int:
    return next((each for each in SIDES if each >= side), SIDES[-1])
