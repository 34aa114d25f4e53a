"""How fast one system answers: measured beside its quality, on this machine, in this run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from soutu.images.source import FileEntry

if TYPE_CHECKING:
    from soutu.evaluate.ranking import Search
    from soutu.library.vectors import VectorCache

_QUERIES = 100
_PICTURES = 64
_WARM = 3


@dataclass(frozen=True, kw_only=True)
class Speed:
    """Times of one machine; None where there was nothing to time.

    `latency_ms` is the median of one query at a time, words to ranked pictures, `latency_p95_ms`
    its 95th percentile, `encode_ms` the part of it that encodes the words; `qps` queries a second
    from as many threads as cores; `pictures_per_second` decoding and encoding of files.
    """

    latency_ms: float | None = None
    latency_p95_ms: float | None = None
    encode_ms: float | None = None
    qps: float | None = None
    pictures_per_second: float | None = None


def speed_of(
    cache: VectorCache, images: Sequence[Path], texts: Sequence[str], search: Search
) -> Speed:
    """Time up to 100 queries and 64 pictures; without texts, pictures only."""
    rate = _encoding_rate(cache, list(images[:_PICTURES]))
    if not texts:
        return Speed(pictures_per_second=rate)
    asked = [texts[at % len(texts)] for at in range(0, 7 * _QUERIES, 7)]

    def ask(text: str) -> None:
        search(cache.encoder.encode_texts([text]))

    for text in asked[:_WARM]:
        ask(text)
    encoding = [_seconds(lambda text: cache.encoder.encode_texts([text]), text) for text in asked]
    whole = [_seconds(ask, text) for text in asked]
    start = time.perf_counter()
    with ThreadPoolExecutor(_cores()) as pool:
        list(pool.map(ask, asked))
    together = time.perf_counter() - start
    return Speed(
        latency_ms=1000 * float(np.median(whole)),
        latency_p95_ms=1000 * float(np.quantile(whole, 0.95)),
        encode_ms=1000 * float(np.median(encoding)),
        qps=len(asked) / together,
        pictures_per_second=rate,
    )


def _encoding_rate(cache: VectorCache, images: Sequence[Path]) -> float | None:
    from soutu.library.pipeline import encode_files

    entries = []
    for path in images:
        status = path.stat()
        entries.append(FileEntry(path, path.parent, status.st_size, status.st_mtime_ns))
    if not entries:
        return None
    with closing(encode_files(entries[:1], cache.encoder)) as batches:
        list(batches)  # opens the model
    start = time.perf_counter()
    with closing(encode_files(entries, cache.encoder)) as batches:
        list(batches)
    return len(entries) / (time.perf_counter() - start)


def _seconds(work: Callable[[str], object], text: str) -> float:
    start = time.perf_counter()
    work(text)
    return time.perf_counter() - start


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
