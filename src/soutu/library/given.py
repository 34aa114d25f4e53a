"""Pictures that somebody gives: files, URLs, or the bytes of a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from soutu.errors import ImageError, QueryError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.models.base import Encoder


def image_vector(
    image: Path | str | bytes, encoder: Encoder, *, purpose: str
) -> NDArray[np.float32]:
    """Encode a given picture to a unit vector [dim].

    Raises QueryError for one that cannot be read: "cannot {purpose} ...".
    """
    from soutu.images.decode import decode, read

    label = "the uploaded picture" if isinstance(image, bytes) else f"{str(image)!r}"
    try:
        if isinstance(image, bytes):
            data = image
        elif is_url(image):
            from soutu.library.fetch import fetch_image

            data = fetch_image(str(image))
        else:
            data = read(Path(image)).data
        picture = decode(data, encoder.facts.preprocess)
    except ImageError as error:
        msg = f"cannot {purpose} {label}: {error}"
        raise QueryError(msg) from error
    return np.asarray(encoder.encode_images(picture.pixels[None])[0])


def is_url(image: Path | str) -> bool:
    """Tell whether a picture is given by an http(s) URL."""
    return isinstance(image, str) and image.lower().startswith(("http://", "https://"))
