"""Turn picture files into vectors as fast as the cores allow.

Each worker thread reads, decodes and encodes a few pictures by itself, on its own core, with a
model session that runs on the calling thread only (`threads=1`). Measured against decoding
threads beside one encoding session over all cores, this was faster for every model and picture
size (docs/benchmarks.md): nothing is handed from thread to thread, no session waits for its
slowest core, and decoding fills every gap. Chunks of eight keep the model's activations in the
cache; the last ones of a run are smaller, so that all cores end together. One worker more than
cores covers the waits for the disk.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from soutu.errors import ImageError, SoutuError
from soutu.images.decode import MARGIN, Blob, decode, decode_parts, read
from soutu.images.keywords import NO_KEYWORDS, Keywords, join
from soutu.images.sidecar import read_beside
from soutu.images.source import FileEntry

if TYPE_CHECKING:
    from concurrent.futures import Future

    from numpy.typing import NDArray

    from soutu.library.base import Stop
    from soutu.models.base import Encoder
    from soutu.types import Box, Failure, ImageInfo, Vectors

CHUNK = 8
"""Pictures decoded and encoded at a time by one worker, fewer towards the end of a run."""
LARGE = 64 << 20
"""Bytes from which on files are read and decoded one at a time, whatever the number of workers."""

_NONE: tuple[Failure, ...] = ()
_AHEAD = 4  # chunks handed out per worker, so that none idles while the caller writes a batch
_PATIENCE = 1.0  # seconds after which a batch is given out though it is not full
_POLL = 0.1  # seconds between two looks at `should_stop`


@dataclass(frozen=True, slots=True)
class Encoded:
    """A picture that was encoded: its file as it was read, its content's digest, its facts.

    `keywords` are what it and its sidecars are tagged with; `broken` are sidecars that say nothing.
    """

    entry: FileEntry
    digest: bytes
    info: ImageInfo
    keywords: Keywords = NO_KEYWORDS
    broken: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of some files; each file of a run is in exactly one batch, in one place.

    `vectors` are those of `encoded`, in that order: [n, dim], or [n, 1 + crops, dim]. `copies` are
    files, with digests, whose content is already known; `failures` are files that cannot be
    indexed, with the reason.
    """

    encoded: tuple[Encoded, ...]
    vectors: Vectors
    copies: tuple[tuple[FileEntry, bytes], ...] = ()
    failures: tuple[tuple[FileEntry, str], ...] = ()


def encode_files(
    entries: Iterable[FileEntry],
    encoder: Encoder,
    *,
    known: Callable[[bytes], bool] = lambda _: False,
    crops: Sequence[Box] = (),
    batch_size: int = 32,
    workers: int | None = None,
    should_stop: Stop | None = None,
) -> Generator[Batch, None, None]:
    """Read, decode and encode files on all cores; yield batches of at most `batch_size` files.

    Files come out in no particular order, soon after they are done; `entries` is drawn from as
    needed, by the caller's thread, and memory does not grow with it. `known` says whether content
    with this digest needs no vector; workers call it. `crops` are parts of each picture that are
    encoded beside the whole. `workers` is the number of threads, by default one more than cores;
    the encoder must then run on one thread itself to be fastest.
    An entry carries the size and time of the content that was read, should it have changed.
    When `should_stop` says so, what is finished is yielded and the rest left; a caller that may
    leave early closes the generator (contextlib.closing), which ends the workers. A file that
    cannot be read or encoded is a failure; any other error ends the run, after what is finished.
    Raises ModelError when the encoder fails on every picture.
    """
    count = workers or _cores() + 1
    chunks = _chunks(entries, min(CHUNK, batch_size), count)
    flow = _Flow(chunks, _Worker(encoder, known, crops), count, should_stop)
    shape = (0, 1 + len(crops), encoder.facts.dim) if crops else (0, encoder.facts.dim)
    try:
        yield from _merge(flow.parts(), np.zeros(shape, dtype=np.float32), batch_size)
    finally:
        flow.close()
    if flow.error is not None:
        raise flow.error


def _chunks(entries: Iterable[FileEntry], size: int, workers: int) -> Iterator[list[FileEntry]]:
    """Cut the files into chunks, smaller and smaller at the end (guided self-scheduling).

    The first holds one file, so that one worker opens the model while the others decode. Chunks
    depend on the files alone, not on timing: a model's int8 vectors may vary a little with the
    company in which a picture is encoded. An error of the entries comes after the last chunk.
    """
    ahead: deque[FileEntry] = deque()
    failed: Exception | None = None
    rest = iter(entries)
    try:
        for entry in islice(rest, 1):
            yield [entry]
        for entry in rest:
            ahead.append(entry)
            if len(ahead) > 2 * workers * size:
                yield [ahead.popleft() for _ in range(size)]
    except Exception as error:  # raised below
        failed = error
    while ahead:
        share = len(ahead) // (2 * workers)
        yield [ahead.popleft() for _ in range(min(max(share, 1), size))]
    if failed is not None:
        raise failed


@dataclass(slots=True)
class _Part:
    """What one worker made of one chunk."""

    encoded: list[Encoded] = field(default_factory=list)
    vectors: list[Vectors] = field(default_factory=list)
    copies: list[tuple[FileEntry, bytes]] = field(default_factory=list)
    failures: list[tuple[FileEntry, str]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.encoded) + len(self.copies) + len(self.failures)

    def add(self, other: _Part) -> None:
        self.encoded += other.encoded
        self.vectors += other.vectors
        self.copies += other.copies
        self.failures += other.failures

    def batch(self, none: Vectors) -> Batch:
        vectors = np.concatenate([none, *self.vectors])
        return Batch(tuple(self.encoded), vectors, tuple(self.copies), tuple(self.failures))


def _merge(parts: Iterator[_Part | None], none: Vectors, size: int) -> Iterator[Batch]:
    """Join parts to batches, so that the caller writes seldom, but not later than it has to.

    `none` are the vectors of a batch without any.
    """
    merged, since = _Part(), time.monotonic()
    for part in parts:
        full = part is not None and len(merged) + len(part) > size
        if len(merged) and (full or time.monotonic() - since >= _PATIENCE):
            yield merged.batch(none)
            merged = _Part()
        if part is not None:
            since = since if len(merged) else time.monotonic()
            merged.add(part)
    if len(merged):
        yield merged.batch(none)


class _Flow:
    """Hand out chunks to the workers and collect what they make of them."""

    def __init__(
        self,
        chunks: Iterator[list[FileEntry]],
        worker: _Worker,
        count: int,
        should_stop: Stop | None,
    ) -> None:
        # Imported here: searches import this module and need no threads.
        from concurrent.futures import ThreadPoolExecutor

        self.error: BaseException | None = None
        self._chunks, self._worker, self._count = chunks, worker, count
        self._failed = False
        self._should_stop = should_stop or (lambda: False)
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="soutu-encode")
        self._flying: set[Future[_Part]] = set()

    def parts(self) -> Iterator[_Part | None]:
        """Yield each part as it is done, and None now and then while there is none."""
        from concurrent.futures import FIRST_COMPLETED, wait

        while not self._stopped() and (self._hand_out() or self._flying):
            done, self._flying = wait(self._flying, _POLL, FIRST_COMPLETED)
            yield from self._results(done)
            yield None
        self.close()
        yield from self._results(self._flying)

    def close(self) -> None:
        """Stop the workers and wait until each is done with the picture, or batch, in hand."""
        self._worker.stopping = True
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _stopped(self) -> bool:
        return self._failed or self._should_stop()

    def _hand_out(self) -> bool:
        """Give the workers chunks until they have enough; say whether there was any."""
        before = len(self._flying)
        try:
            for chunk in islice(self._chunks, self._count * _AHEAD - before):
                self._flying.add(self._pool.submit(self._worker, chunk))
        except Exception as error:  # raised when every file drawn before is done
            self.error = error
        return len(self._flying) > before

    def _results(self, done: Iterable[Future[_Part]]) -> Iterator[_Part]:
        for future in done:
            if future.cancelled():
                continue
            error = future.exception()
            if error is None:
                yield future.result()
            elif not self._failed:
                self.error, self._failed = error, True


class _Worker:
    """Read, decode and encode one chunk after another; the same object serves every thread."""

    def __init__(
        self, encoder: Encoder, known: Callable[[bytes], bool], crops: Sequence[Box]
    ) -> None:
        self.stopping = False
        self._encoder, self._known, self._crops = encoder, known, crops
        self._spec = encoder.facts.preprocess
        self._one_at_a_time = threading.Lock()

    def __call__(self, chunk: Sequence[FileEntry]) -> _Part:
        part = _Part()
        pictures: list[NDArray[np.uint8]] = []
        decoded: list[Encoded] = []
        for entry in chunk:
            if self.stopping:
                return _Part()
            with self._turn(entry):
                self._prepare(entry, part, decoded, pictures)
        self._encode(part, decoded, pictures)
        return part

    def _turn(self, entry: FileEntry) -> AbstractContextManager[object]:
        return self._one_at_a_time if entry.size >= LARGE else nullcontext()

    def _prepare(
        self,
        entry: FileEntry,
        part: _Part,
        decoded: list[Encoded],
        pictures: list[NDArray[np.uint8]],
    ) -> None:
        try:
            blob = read(entry.path)
            entry = _restamped(entry, blob)
            if self._known(blob.digest):
                part.copies.append((entry, blob.digest))
                return
            picture = decode(blob.data, self._spec)
            pixels = self._with_crops(picture.pixels, blob)
            keywords, broken = picture.keywords, _NONE
            if entry.sidecar_ns:
                beside, broken = read_beside(entry.path)
                keywords = join([keywords, beside])
        except (ImageError, OSError, MemoryError) as error:
            part.failures.append((entry, _reason(error)))
            return
        decoded.append(Encoded(entry, blob.digest, picture.info, keywords, broken))
        pictures.append(pixels)

    def _with_crops(self, whole: NDArray[np.uint8], blob: Blob) -> NDArray[np.uint8]:
        """Put the crops behind the picture: [1 + crops, 3, height, width]."""
        if not self._crops:
            return whole
        least = min(min(box.right - box.left, box.bottom - box.top) for box in self._crops)
        side = math.ceil(MARGIN * max(self._spec.height, self._spec.width) / max(least, 0.05))
        parts = decode_parts(blob.data, self._spec, self._crops, min_side=side)
        return np.concatenate([whole[None], parts])

    def _vectors(self, pixels: NDArray[np.uint8]) -> Vectors:
        found = self._encoder.encode_images(pixels.reshape(-1, *pixels.shape[-3:]))
        return found.reshape(*pixels.shape[:-3], found.shape[1])

    def _encode(
        self, part: _Part, decoded: list[Encoded], pictures: list[NDArray[np.uint8]]
    ) -> None:
        if not decoded:
            return
        try:
            part.vectors.append(self._vectors(np.stack(pictures)))
        except (SoutuError, MemoryError) as error:
            self._encode_singly(part, decoded, pictures, error)
        else:
            part.encoded += decoded

    def _encode_singly(
        self,
        part: _Part,
        decoded: list[Encoded],
        pictures: list[NDArray[np.uint8]],
        reason: SoutuError | MemoryError,
    ) -> None:
        """Find the pictures that made the encoder fail, so that the others do not fail with them.

        When each of them does, the model itself may be broken: a picture of noise tells.
        """
        for item, pixels in zip(decoded, pictures, strict=True):
            try:
                part.vectors.append(self._vectors(pixels[None]))
            except (SoutuError, MemoryError) as error:
                part.failures.append((item.entry, f"cannot be encoded: {_reason(error)}"))
            else:
                part.encoded.append(item)
        if part.encoded:
            return
        noise = np.random.default_rng(0).integers(0, 256, pictures[0].shape, dtype=np.uint8)
        try:
            self._vectors(noise[None])
        except SoutuError:
            raise reason from None


def _restamped(entry: FileEntry, blob: Blob) -> FileEntry:
    """Return the entry with the size and time of the content that was read."""
    if (entry.size, entry.mtime_ns) == (blob.size, blob.mtime_ns):
        return entry
    return replace(entry, size=blob.size, mtime_ns=blob.mtime_ns)


def _reason(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "not enough memory"
    if isinstance(error.__cause__ or error, FileNotFoundError | NotADirectoryError):
        return "vanished during the run"
    return str(error)


def _cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
