"""Pictures that somebody gives: files, URLs, or the bytes of a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from soutu.errors import ImageError, QueryError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.models.base import Encoder
    from soutu.types import Box


def image_vector(
    image: Path | str | bytes, encoder: Encoder, *, purpose: str, box: Box | None = None
) -> NDArray[np.float32]:
    """Encode a given picture, or the part of it in a box, to a unit vector [dim].

    Raises QueryError for one that cannot be read: "cannot {purpose} ...".
    """
    from soutu.images.decode import decode, decode_parts

    with readable(image, purpose=purpose):
        data, spec = picture_bytes(image), encoder.facts.preprocess
        pixels = decode(data, spec).pixels[None] if box is None else decode_parts(data, spec, [box])
    return np.asarray(encoder.encode_images(pixels)[0])


def picture_bytes(image: Path | str | bytes) -> bytes:
    """Return the content of a given picture file. Raises ImageError, QueryError."""
    from soutu.images.decode import read

    if isinstance(image, bytes):
        return image
    if is_url(image):
        from soutu.library.fetch import fetch_image

        return fetch_image(str(image))
    return read(Path(image)).data


@contextmanager
def readable(image: Path | str | bytes, *, purpose: str) -> Iterator[None]:
    """Name the picture in what goes wrong with it: QueryError "cannot {purpose} ..."."""
    try:
        yield
    except ImageError as error:
        label = "the uploaded picture" if isinstance(image, bytes) else f"{str(image)!r}"
        msg = f"cannot {purpose} {label}: {error}"
        raise QueryError(msg) from error


def is_url(image: Path | str) -> bool:
    """Tell whether a picture is given by an http(s) URL."""
    return isinstance(image, str) and image.lower().startswith(("http://", "https://"))
