"""Vectors of a labelled data set, encoded once and kept in files that are mapped into memory.

A cache folder is named by the encoder's revision, the regions and a hash of the files' paths, and
so holds for any labels of the same files. It keeps `vectors.npy` and, for each file, the size and
time at which it was read in `stamps.npy`: what changed since, and what an earlier run did not get
to, is encoded the next time. A stamp is written after its vector, so a crash costs one block.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from soutu.errors import ImageError, InputError, StorageError
from soutu.heads import REGIONS, Regions
from soutu.images.decode import decode, decode_parts, read
from soutu.types import Failure, Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.data import LabelledData
    from soutu.models.base import Encoder
    from soutu.types import Vectors

CHUNK = 8  # pictures that one thread decodes and encodes together
BLOCK = 256  # pictures after which vectors go to the disk
_SHOWN = 5
_DETAIL = 3  # how many times the model's input the short side keeps before crops are cut


@dataclass(frozen=True)
class Features:
    """Vectors of a data set: float32 [n, dim], or [n, regions, dim], mapped from a file.

    Rows of `failures`, which `readable` [n] tells, are zeros.
    """

    vectors: Vectors
    readable: NDArray[np.bool_]
    failures: tuple[Failure, ...] = ()
    stopped: bool = False

    def require_all(self) -> Features:
        """Return itself. Raises InputError, naming files, where any could not be read."""
        if self.failures:
            named = "; ".join(f"{one.path}: {one.reason}" for one in self.failures[:_SHOWN])
            rest = len(self.failures) - _SHOWN
            more = f"; and {rest} more" if rest > 0 else ""
            raise InputError(
                f"{len(self.failures)} of {len(self.readable)} pictures cannot be read: {named}"
                f"{more}. Mend the data, or leave them out"
            )
        return self


def encode_data(
    data: LabelledData,
    encoder: Encoder,
    cache: Path,
    *,
    regions: Regions = "whole",
    on_progress: Callable[[Progress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Features:
    """Encode the pictures of a data set on all cores, or take the vectors of an earlier run.

    `cache` is the folder of all caches. An encoder that runs on one thread itself is fastest.
    When `should_stop` says so, what is done is kept for the next run, and `stopped` is set.
    Raises StorageError when the disk refuses.
    """
    count, dim = len(REGIONS[regions]), encoder.facts.dim
    shape = (len(data), dim) if count == 1 else (len(data), count, dim)
    folder = cache / _name(data, encoder, regions)
    try:
        vectors = _mapped(folder / "vectors.npy", np.float32, shape)
        stamps = _mapped(folder / "stamps.npy", np.int64, (len(data), 2))
        run = _Run(data, encoder, regions, vectors, stamps)
        return run.all(on_progress, should_stop or (lambda: False))
    except OSError as error:
        msg = f"vectors cannot be kept in {folder}: {error.strerror or error}"
        raise StorageError(msg) from error


class _Run:
    """One pass over the files whose vectors are missing or out of date."""

    def __init__(
        self,
        data: LabelledData,
        encoder: Encoder,
        regions: Regions,
        vectors: np.memmap[Any, Any],
        stamps: np.memmap[Any, Any],
    ) -> None:
        self._paths, self._encoder = data.paths, encoder
        self._boxes = REGIONS[regions][1:]
        self._vectors, self._stamps = vectors, stamps
        self._failures: dict[int, str] = {}

    def all(
        self, on_progress: Callable[[Progress], None] | None, should_stop: Callable[[], bool]
    ) -> Features:
        to_do = [row for row in range(len(self._paths)) if not self._current(row)]
        fresh: list[tuple[int, tuple[int, int]]] = []
        before = len(self._paths) - len(to_do)
        done = before
        stopped = False
        for rows, found in self._encoded(to_do):
            fresh += found
            done += len(rows)
            if len(fresh) >= BLOCK:
                fresh = self._keep(fresh)
            if on_progress is not None:
                failed = len(self._failures)
                total = len(self._paths)
                on_progress(Progress(stage="fill", done=done, total=total, failed=failed))
            if should_stop():
                stopped = True
                break
        self._keep(fresh)
        readable = (np.asarray(self._stamps) != 0).any(axis=1)
        failures = tuple(
            Failure(path=self._paths[row], reason=why)
            for row, why in sorted(self._failures.items())
        )
        return Features(self._vectors, readable, failures, stopped)

    def _current(self, row: int) -> bool:
        """Tell whether the vector of a file is that of the file as it is now."""
        try:
            found = self._paths[row].stat()
        except OSError:
            found = None
        if found is not None and (found.st_size, found.st_mtime_ns) == tuple(self._stamps[row]):
            return True
        self._stamps[row] = 0
        return False

    def _encoded(
        self, to_do: list[int]
    ) -> Iterator[tuple[list[int], list[tuple[int, tuple[int, int]]]]]:
        """Yield chunks of rows, and the stamps of those that have vectors now."""
        chunks = [to_do[at : at + CHUNK] for at in range(0, len(to_do), CHUNK)]
        count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2
        pool = ThreadPoolExecutor(count + 1, thread_name_prefix="soutu-features")
        flying: deque[tuple[list[int], Future[list[tuple[int, tuple[int, int]]]]]] = deque()
        try:
            for rows in chunks:
                flying.append((rows, pool.submit(self._chunk, rows)))
                if len(flying) > 2 * (count + 1):
                    first, future = flying.popleft()
                    yield first, future.result()
            while flying:
                first, future = flying.popleft()
                yield first, future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _chunk(self, rows: list[int]) -> list[tuple[int, tuple[int, int]]]:
        """Decode and encode some files; put their vectors in place and return their stamps."""
        pixels: list[NDArray[np.uint8]] = []
        stamps: list[tuple[int, tuple[int, int]]] = []
        for row in rows:
            try:
                parts, stamp = self._parts(self._paths[row])
            except ImageError as error:
                self._failures[row] = str(error)
            else:
                pixels.append(parts)
                stamps.append((row, stamp))
        if stamps:
            each = 1 + len(self._boxes)
            found = self._encoder.encode_images(np.concatenate(pixels))
            found = found.reshape(len(stamps), each, -1)
            self._vectors[[row for row, _ in stamps]] = found[:, 0] if each == 1 else found
        return stamps

    def _parts(self, path: Path) -> tuple[NDArray[np.uint8], tuple[int, int]]:
        """Return the model's inputs [regions, 3, height, width] and the stamp of a file."""
        blob = read(path)
        spec = self._encoder.facts.preprocess
        whole = decode(blob.data, spec).pixels[None]
        if not self._boxes:
            return whole, (blob.size, blob.mtime_ns)
        least = _DETAIL * max(spec.height, spec.width)
        parts = decode_parts(blob.data, spec, self._boxes, min_side=least)
        return np.concatenate([whole, parts]), (blob.size, blob.mtime_ns)

    def _keep(self, fresh: list[tuple[int, tuple[int, int]]]) -> list[tuple[int, tuple[int, int]]]:
        """Write vectors, then their stamps, to the disk; return an empty list."""
        self._vectors.flush()
        for row, stamp in fresh:
            self._stamps[row] = stamp
        self._stamps.flush()
        return []


def _name(data: LabelledData, encoder: Encoder, regions: Regions) -> str:
    import xxhash

    found = xxhash.xxh3_64()
    for path in data.paths:
        found.update(os.fsencode(path) + b"\0")
    return f"{encoder.facts.revision}-{regions}-{found.hexdigest()}"


def _mapped(path: Path, dtype: type[np.generic], shape: tuple[int, ...]) -> np.memmap[Any, Any]:
    """Open an array file for writing, or make it of zeros where there is none that fits."""
    from numpy.lib.format import open_memmap

    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        found = open_memmap(path, mode="r+")
        if found.shape == shape and found.dtype == dtype:
            return found
    except (OSError, ValueError):
        pass  # there is none, or it is damaged
    return open_memmap(path, mode="w+", dtype=dtype, shape=shape)
