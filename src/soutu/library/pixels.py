"""Pictures of data sets as pixels, for what is trained on these."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from soutu.errors import ImageError, Stopped
from soutu.images.decode import decode, read
from soutu.types import Failure, Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.library.base import Stop, Watcher
    from soutu.types import Pixels, Preprocess

_CHUNK = 256  # pictures between two looks at `should_stop`


@dataclass(frozen=True, kw_only=True, eq=False)
class PicturePixels:
    """Pixels uint8 [n, 3, height, width] of those of some files that could be read.

    `rows` [n] says which of the files they are, `contents` are hashes of what was read, 16 bytes
    each; `failures` are the others, with the reason.
    """

    rows: NDArray[np.intp]
    pixels: Pixels
    contents: tuple[bytes, ...]
    failures: tuple[Failure, ...] = ()


def picture_pixels(
    paths: Sequence[Path],
    spec: Preprocess,
    *,
    on_progress: Watcher | None = None,
    should_stop: Stop | None = None,
) -> PicturePixels:
    """Decode picture files as `spec` says, without its mean and std.

    They are held in memory: 3 x height x width bytes a picture. Raises Stopped when `should_stop`
    says so.
    """
    pixels = np.empty((len(paths), 3, spec.height, spec.width), np.uint8)
    rows: list[int] = []
    contents: list[bytes] = []
    failures: list[Failure] = []
    with ThreadPoolExecutor(thread_name_prefix="soutu-pixels") as pool:
        for at in range(0, len(paths), _CHUNK):
            if should_stop is not None and should_stop():
                raise Stopped("stopped while reading pictures. Run the same command again")
            chunk = paths[at : at + _CHUNK]
            found = pool.map(lambda path: _one(path, spec), chunk)
            for row, (path, one) in enumerate(zip(chunk, found, strict=True), at):
                if isinstance(one, str):
                    failures.append(Failure(path=path, reason=one))
                    continue
                contents.append(one[0])
                pixels[len(rows)] = one[1]
                rows.append(row)
            if on_progress is not None:
                done = at + len(chunk)
                on_progress(
                    Progress(stage="check", done=done, total=len(paths), failed=len(failures))
                )
    return PicturePixels(
        rows=np.array(rows, np.intp),
        pixels=pixels[: len(rows)],
        contents=tuple(contents),
        failures=tuple(failures),
    )


def _one(path: Path, spec: Preprocess) -> tuple[bytes, NDArray[np.uint8]] | str:
    """Return the hash of a file's content and its pixels, or why there are none."""
    try:
        blob = read(path)
        return blob.digest, np.asarray(decode(blob.data, spec).pixels)
    except ImageError as error:
        return str(error)
