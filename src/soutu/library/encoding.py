"""Encode pictures that need not be in a library."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from soutu.images.source import FileEntry
from soutu.library.pipeline import encode_files
from soutu.types import Progress

if TYPE_CHECKING:
    from soutu.library.base import Stop, Watcher
    from soutu.models.base import Encoder
    from soutu.types import Vectors


def encode_paths(
    paths: Sequence[Path],
    encoder: Encoder,
    *,
    on_progress: Watcher | None = None,
    should_stop: Stop | None = None,
) -> Vectors | None:
    """Return the vectors of picture files, float32 [n, dim], in their order.

    A row of zeros stands for what cannot be read or encoded. None when `should_stop` said so.
    Raises ModelError as `encode_files` does.
    """
    vectors = np.zeros((len(paths), encoder.facts.dim), np.float32)
    rows: dict[Path, list[int]] = {}
    for row, path in enumerate(paths):
        rows.setdefault(path, []).append(row)
    done = failed = 0
    run = encode_files(_entries(rows), encoder, should_stop=should_stop)
    with closing(run):
        for batch in run:
            for item, vector in zip(batch.encoded, batch.vectors, strict=True):
                vectors[rows[item.entry.path]] = vector
            failed += len(batch.failures)
            done += len(batch.encoded) + len(batch.failures)
            if on_progress is not None:
                on_progress(Progress(stage="fill", done=done, total=len(rows), failed=failed))
    return vectors if done == len(rows) else None


def _entries(paths: Iterable[Path]) -> Iterator[FileEntry]:
    for path in paths:
        try:
            found = path.stat()
        except OSError:  # the reader says why
            yield FileEntry(path, path.parent, 0, 0)
        else:
            yield FileEntry(path, path.parent, found.st_size, found.st_mtime_ns)
