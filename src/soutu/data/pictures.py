"""Read every picture of a data set once, for what tells copies and bad files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from soutu.errors import ImageError
from soutu.images.decode import open_rgb, read
from soutu.images.fingerprint import SIDE, THUMBNAIL, Look, look
from soutu.types import Progress

if TYPE_CHECKING:
    from concurrent.futures import Future

    from numpy.typing import NDArray

_AHEAD = 8  # files handed out per worker
_MISSING = FileNotFoundError, NotADirectoryError

_Seen: TypeAlias = tuple[bytes, Look | None, str]


@dataclass(frozen=True, kw_only=True, eq=False)
class Looks:
    """What the files of a data set are like, row by row.

    `digests` are of their content, None where it could not be read. `codes` uint64 [n] and
    `thumbnails` uint8 [n, 16, 16, 3] are perceptual fingerprints, of use where `comparable`
    bool [n]. `missing` are rows without a file, `unreadable` says of rows why.
    """

    digests: tuple[bytes | None, ...]
    codes: NDArray[np.uint64]
    thumbnails: NDArray[np.uint8]
    comparable: NDArray[np.bool_]
    missing: tuple[int, ...]
    unreadable: Mapping[int, str]


def look_at(
    paths: Sequence[Path],
    *,
    on_progress: Callable[[Progress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Looks | None:
    """Read and decode files on all cores; return None when `should_stop` said so.

    JPEGs are decoded as small as their fingerprint allows.
    """
    digests: list[bytes | None] = [None] * len(paths)
    codes = np.zeros(len(paths), np.uint64)
    thumbnails = np.zeros((len(paths), THUMBNAIL, THUMBNAIL, 3), np.uint8)
    comparable = np.zeros(len(paths), np.bool_)
    missing: list[int] = []
    unreadable: dict[int, str] = {}
    done = 0
    for row, (digest, seen, reason) in _in_threads(paths, should_stop or (lambda: False)):
        if digest:
            digests[row] = digest
        if seen is not None:
            codes[row], thumbnails[row], comparable[row] = seen.bits, seen.thumbnail, not seen.plain
        elif reason:
            unreadable[row] = reason
        else:
            missing.append(row)
        done += 1
        if on_progress is not None:
            failed = len(missing) + len(unreadable)
            on_progress(Progress(stage="check", done=done, total=len(paths), failed=failed))
    if done < len(paths):
        return None
    return Looks(
        digests=tuple(digests),
        codes=codes,
        thumbnails=thumbnails,
        comparable=comparable,
        missing=tuple(missing),
        unreadable=unreadable,
    )


def missing_files(paths: Sequence[Path]) -> tuple[int, ...]:
    """Return the rows whose file is not there, without reading any."""
    return tuple(row for row, path in enumerate(paths) if not os.path.exists(path))  # noqa: PTH110


def _in_threads(
    paths: Sequence[Path], should_stop: Callable[[], bool]
) -> Iterator[tuple[int, _Seen]]:
    """Yield rows in order with what was seen, until told to stop."""
    from collections import deque
    from concurrent.futures import ThreadPoolExecutor

    workers = (os.cpu_count() or 1) + 1
    rows = iter(enumerate(paths))
    flying: deque[tuple[int, Future[_Seen]]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="soutu-look") as pool:
        try:
            while not should_stop():
                wanted = workers * _AHEAD - len(flying)
                flying += [(row, pool.submit(_see, path)) for row, path in islice(rows, wanted)]
                if not flying:
                    return
                row, future = flying.popleft()
                yield row, future.result()
        finally:
            for _, future in flying:
                future.cancel()


def _see(path: Path) -> _Seen:
    """Return digest, look and reason of failure; no reason stands for no file."""
    try:
        blob = read(path)
    except ImageError as error:
        return b"", None, "" if isinstance(error.__cause__, _MISSING) else str(error)
    try:
        return blob.digest, look(open_rgb(blob.data, min_side=2 * SIDE)), ""
    except ImageError as error:
        return blob.digest, None, str(error)
