"""Vectors of the pictures and captions of data sets, kept on disk so that none is made twice.

One SQLite file for each encoder revision, in `vectors/` of soutu's data folder. Pictures are known
by a hash of their content, and files by path, size and time, so that a second run reads no picture
and data sets that share pictures share vectors. Every batch is stored as soon as it is done: a run
that is stopped, or killed, goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xxhash

from soutu.errors import Stopped
from soutu.heads.base import REGIONS
from soutu.images.source import FileEntry
from soutu.library.closing import Closing
from soutu.library.vector_file import VectorFile, as_vectors, stamp, text_key
from soutu.types import Box, Failure, Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.heads.base import Regions
    from soutu.library.base import Stop, Watcher
    from soutu.library.pipeline import Batch
    from soutu.models.base import Encoder, EncoderFacts, EncoderSource, PrecisionChoice
    from soutu.types import Vectors

_TEXTS = 256  # encoded between two looks at `should_stop`


@dataclass(frozen=True, kw_only=True, eq=False)
class PictureVectors:
    """Unit vectors [n, dim] (or [n, regions, dim]) of those of some files that could be read.

    `rows` [n] says which of the files they are, `contents` are hashes of what was read, 16 bytes
    each; `failures` are the others, with the reason.
    """

    rows: NDArray[np.intp]
    vectors: Vectors
    contents: tuple[bytes, ...]
    failures: tuple[Failure, ...] = ()

    @property
    def digest(self) -> str:
        """A hash over the content of all pictures, in their order: 32 hex digits."""
        return content_digest(self.contents)


def content_digest(contents: Iterable[bytes]) -> str:
    """Hash the hashes of pictures' contents, in their order: 32 hex digits."""
    return xxhash.xxh3_128_hexdigest(b"".join(contents))


class VectorCache(Closing):
    """Encode the pictures and texts of data sets with one encoder, each once.

    `folder` holds the files of all encoders. `source` opens encoders by name, such as ModelStore.
    Raises ModelError for a model that cannot be opened.

        with VectorCache(default_vectors(), ModelStore(default_models()), "mini") as cache:
            found = cache.pictures(data.paths)
    """

    def __init__(
        self,
        folder: Path,
        source: EncoderSource,
        model: str,
        *,
        precision: PrecisionChoice = "auto",
    ) -> None:
        # One thread for each worker of the pipeline; see library/pipeline.py.
        self.encoder: Encoder = source.load(model, precision=precision, threads=1)
        facts = self.encoder.facts
        name = "".join(c if c.isalnum() or c in "-_." else "-" for c in facts.name)
        self._place = folder / f"{name}-{facts.precision}-{facts.revision}"

    @property
    def facts(self) -> EncoderFacts:
        """What the encoder is."""
        return self.encoder.facts

    def close(self) -> None:
        """Release the model's memory."""
        self.encoder.close()

    def pictures(
        self,
        paths: Sequence[Path],
        *,
        regions: Regions = "whole",
        on_progress: Watcher | None = None,
        should_stop: Stop | None = None,
    ) -> PictureVectors:
        """Return the vectors of picture files, those that are new after encoding them.

        With other `regions` than the whole picture they are [n, regions, dim], in the order of
        `soutu.heads.REGIONS`. Files that cannot be read are listed in the answer. Raises Stopped
        when `should_stop` says so, with everything done so far kept, ModelError for an encoder
        that fails on everything, StorageError for a full disk.
        """
        boxes = REGIONS[regions]
        shape = (self.facts.dim,) if len(boxes) == 1 else (len(boxes), self.facts.dim)
        entries, failures = _entries(paths)
        with self._open(regions) as file:
            known = file.get("files", map(stamp, entries.values()))
            new = {row: entry for row, entry in entries.items() if stamp(entry) not in known}
            contents = {
                row: known[stamp(entry)] for row, entry in entries.items() if row not in new
            }
            work = _Work(file, new, on_progress, should_stop)
            work.run(self.encoder, boxes[1:])
            contents |= work.contents
            failures |= work.failures
            rows = sorted(contents)
            found = file.get("pictures", set(contents.values()))
        return PictureVectors(
            rows=np.array(rows, dtype=np.intp),
            vectors=as_vectors((found[contents[row]] for row in rows), shape),
            contents=tuple(contents[row] for row in rows),
            failures=tuple(
                Failure(path=paths[row], reason=failures[row]) for row in sorted(failures)
            ),
        )

    def texts(
        self,
        texts: Sequence[str],
        *,
        on_progress: Watcher | None = None,
        should_stop: Stop | None = None,
    ) -> Vectors:
        """Return the unit vectors [n, dim] of texts; one without any known token may have zeros.

        Raises Stopped as `pictures` does.
        """
        keys = [text_key(text) for text in texts]
        with self._open("whole") as file:
            found = file.get("texts", set(keys))
            new = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
            # Texts of one length together: a run takes as long as its longest text.
            todo = sorted(new.items(), key=lambda item: (len(item[1]), item[1]))
            for at in range(0, len(todo), _TEXTS):
                _check(should_stop, at, len(todo), "texts")
                block = todo[at : at + _TEXTS]
                vectors = self.encoder.encode_texts([text for _, text in block])
                rows = {
                    key: vector.tobytes() for (key, _), vector in zip(block, vectors, strict=True)
                }
                file.put({"texts": rows})
                found |= rows
                _tell(on_progress, at + len(block), len(todo), 0)
        return as_vectors((found[key] for key in keys), (self.facts.dim,))

    def _open(self, regions: Regions) -> VectorFile:
        ending = "" if regions == "whole" else f"-{regions.replace('+', '-')}"
        return VectorFile(self._place.with_name(f"{self._place.name}{ending}.db"))


class _Work:
    """Encode files by row; gather what they hold, and why the others failed."""

    def __init__(
        self,
        file: VectorFile,
        entries: dict[int, FileEntry],
        on_progress: Watcher | None,
        should_stop: Stop | None,
    ) -> None:
        self.contents: dict[int, bytes] = {}
        self.failures: dict[int, str] = {}
        self._file, self._on_progress, self._should_stop = file, on_progress, should_stop
        self._rows: dict[Path, list[int]] = {}  # a file may be there several times
        for row, entry in entries.items():
            self._rows.setdefault(entry.path, []).append(row)
        self._entries = [entries[rows[0]] for rows in self._rows.values()]
        self._done = self._failed = 0

    def run(self, encoder: Encoder, crops: Sequence[Box]) -> None:
        """Encode everything. Raises Stopped, ModelError, StorageError."""
        if not self._entries:
            return
        from soutu.library.pipeline import encode_files

        batches = encode_files(
            self._entries,
            encoder,
            known=self._file.has_picture,
            crops=crops,
            should_stop=self._should_stop,
        )
        with closing(batches):
            for batch in batches:
                self._keep(batch)
                _tell(self._on_progress, self._done, len(self._entries), self._failed)
        if self._done < len(self._entries):
            _check(self._should_stop, self._done, len(self._entries), "pictures")

    def _keep(self, batch: Batch) -> None:
        read = [(each.entry, each.digest) for each in batch.encoded] + list(batch.copies)
        vectors = {
            each.digest: vector.tobytes()
            for each, vector in zip(batch.encoded, batch.vectors, strict=True)
        }
        stamps = {stamp(entry): content for entry, content in read}
        self._file.put({"pictures": vectors, "files": stamps})
        for entry, content in read:
            self.contents.update(dict.fromkeys(self._rows[entry.path], content))
        for entry, reason in batch.failures:
            self.failures.update(dict.fromkeys(self._rows[entry.path], reason))
        self._done += len(read) + len(batch.failures)
        self._failed += len(batch.failures)


def _entries(paths: Sequence[Path]) -> tuple[dict[int, FileEntry], dict[int, str]]:
    """Look at the files; return those that are there, and why the others are not."""
    found: dict[int, FileEntry] = {}
    missing: dict[int, str] = {}
    for row, path in enumerate(paths):
        try:
            status = path.stat()
        except OSError as error:
            missing[row] = (error.strerror or str(error)).lower()
            continue
        found[row] = FileEntry(path, path.parent, status.st_size, status.st_mtime_ns)
    return found, missing


def _check(should_stop: Stop | None, done: int, total: int, what: str) -> None:
    if should_stop is not None and should_stop():
        raise Stopped(
            f"stopped; {done:,} of {total:,} new {what} are encoded and kept. "
            "Run the same command again to go on"
        )


def _tell(on_progress: Watcher | None, done: int, total: int, failed: int) -> None:
    if on_progress is not None:
        on_progress(Progress(stage="fill", done=done, total=total, failed=failed))
