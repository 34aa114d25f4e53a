"""Which pictures a head has learned from, so that who measures it can tell them from others.

A picture is known by the first bytes of the hash of its content, whatever its file is called and
whatever else the data set holds. A million pictures that a head has not seen share these with one
of a million that it has with a chance of 1 in 280.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from soutu.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

BYTES = 6


def marks(contents: Iterable[bytes]) -> str:
    """Write hashes of pictures' contents as text, eight characters a picture."""
    return base64.b64encode(b"".join(sorted({each[:BYTES] for each in contents}))).decode("ascii")


def check_marks(text: str) -> None:
    """Raise InputError for a text that `marks` did not write."""
    _read(text)


def among(text: str, contents: Sequence[bytes]) -> NDArray[np.bool_]:
    """Say of each content whether it is among those that were written: bool [n]."""
    known = _read(text)
    return np.array([each[:BYTES] in known for each in contents], np.bool_)


def _read(text: str) -> frozenset[bytes]:
    try:
        joined = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise InputError(f"the pictures that a head has seen cannot be read: {error}") from error
    if len(joined) % BYTES:
        raise InputError(f"the pictures that a head has seen are cut off: {len(joined)} bytes")
    return frozenset(joined[at : at + BYTES] for at in range(0, len(joined), BYTES))
