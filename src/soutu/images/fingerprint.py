"""Fingerprints: what tells whether two files hold the same picture, or nearly the same one."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import xxhash

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

SIDE = 32
"""Pixels of the grey square that a perceptual fingerprint is made of."""
THUMBNAIL = 16
"""Pixels along each side of the small picture that tells look-alikes from copies."""
PLAIN = 3.0
"""Standard deviation of grey values (of 255) below which a picture has nothing to compare."""


def digest(data: bytes) -> bytes:
    """Hash the content of a file: XXH3, 128 bits, 16 bytes.

    Equal digests mean equal files, with nobody trying to deceive: it is no cryptographic hash.
    """
    return xxhash.xxh3_128_digest(data)


class Look(NamedTuple):
    """How a picture looks, roughly: `bits` differ in few places for copies that were resized.

    `bits` is 64 bits; `thumbnail` uint8 [16, 16, 3]; `plain` tells that the picture is nearly of
    one colour, so that its bits mean nothing.
    """

    bits: int
    thumbnail: NDArray[np.uint8]
    plain: bool


def look(image: Image) -> Look:
    """Return the perceptual fingerprint of an upright RGB picture.

    The signs, against their median, of the 8 × 8 lowest frequencies (but the mean) of a cosine
    transform: the pHash of Zauner, Implementation and Benchmarking of Perceptual Image Hash
    Functions, 2010.
    """
    import numpy as np
    from PIL.Image import Resampling

    small = image.resize((SIDE, SIDE), Resampling.BOX, reducing_gap=2.0)
    grey = np.asarray(small.convert("L"), np.float64)
    waves = _waves()
    low = (waves @ grey @ waves.T).ravel()
    bits = np.packbits(low > np.median(low))
    thumbnail = np.asarray(small.resize((THUMBNAIL, THUMBNAIL), Resampling.BOX))
    return Look(int.from_bytes(bits.tobytes(), "big"), thumbnail, bool(grey.std() < PLAIN))


@cache
def _waves() -> NDArray[np.float64]:
    """Return the rows 1 to 8 of the cosine transform (DCT-II) of SIDE values."""
    import numpy as np

    places = (2 * np.arange(SIDE) + 1) * np.pi / (2 * SIDE)
    found: NDArray[np.float64] = np.cos(np.arange(1, 9)[:, None] * places)
    return found
