"""Vectors of the pictures and captions of data sets, kept on disk so that none is made twice.

One SQLite file for each encoder revision, in `vectors/` of soutu's data folder. Pictures are known
by a hash of their content, and files by path, size and time, so that a second run reads no picture
and data sets that share pictures share vectors. Every batch is stored as soon as it is done: a run
that is stopped, or killed, goes on where it was.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xxhash

from soutu.errors import Stopped, StorageError
from soutu.images.source import FileEntry
from soutu.types import Failure, Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.library.base import Stop, Watcher
    from soutu.models.base import Encoder, EncoderFacts, EncoderSource, PrecisionChoice
    from soutu.types import Vectors

_SCHEMA = """
create table if not exists files (stamp blob primary key, content blob not null) without rowid;
create table if not exists pictures (content blob primary key, vector blob not null) without rowid;
create table if not exists texts (text blob primary key, vector blob not null) without rowid;
"""
_TEXTS = 256  # encoded between two looks at `should_stop`
_KEYS = 500  # asked for in one statement


@dataclass(frozen=True, kw_only=True, eq=False)
class PictureVectors:
    """Unit vectors [n, dim] of those of some files that could be read.

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
        return xxhash.xxh3_128_hexdigest(b"".join(self.contents))


class VectorCache:
    """Encode the pictures and texts of data sets with one encoder, each once.

    `folder` holds the files of all encoders. `source` opens encoders by name, such as ModelStore.
    Raises ModelError for a model that cannot be opened.

        cache = VectorCache(default_home() / "vectors", ModelStore(default_models()), "mini")
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
        self._path = folder / f"{name}-{facts.precision}-{facts.revision}.db"

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
        on_progress: Watcher | None = None,
        should_stop: Stop | None = None,
    ) -> PictureVectors:
        """Return the vectors of picture files, those that are new after encoding them.

        Files that cannot be read are listed in the answer. Raises Stopped when `should_stop` says
        so, with everything done so far kept, ModelError for an encoder that fails on everything,
        StorageError for a full disk.
        """
        entries, missing = _entries(paths)
        with self._database() as database:
            known = _select(database, "files", "stamp", "content", map(_stamp, entries.values()))
            contents = {
                row: known[_stamp(entry)]
                for row, entry in entries.items()
                if _stamp(entry) in known
            }
            new = {row: entry for row, entry in entries.items() if row not in contents}
            failures = {
                **missing,
                **self._encode(database, new, contents, on_progress, should_stop),
            }
            rows = sorted(contents)
            found = _select(
                database, "pictures", "content", "vector", {contents[row] for row in rows}
            )
        return PictureVectors(
            rows=np.array(rows, dtype=np.intp),
            vectors=_stacked([found[contents[row]] for row in rows], self.facts.dim),
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
        keys = [xxhash.xxh3_128_digest(text.encode("utf-8", "surrogatepass")) for text in texts]
        with self._database() as database:
            found = _select(database, "texts", "text", "vector", set(keys))
            new = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
            todo = list(new.items())
            # Texts of one length together: a run is as long as its longest text.
            todo.sort(key=lambda item: (len(item[1]), item[1]))
            for at in range(0, len(todo), _TEXTS):
                _check(should_stop, at, len(todo), "captions")
                block = todo[at : at + _TEXTS]
                vectors = self.encoder.encode_texts([text for _, text in block])
                rows = {
                    key: vector.tobytes() for (key, _), vector in zip(block, vectors, strict=True)
                }
                with self._transaction(database):
                    database.executemany("insert or ignore into texts values (?, ?)", rows.items())
                found.update(rows)
                _tell(on_progress, at + len(block), len(todo), 0)
        return _stacked([found[key] for key in keys], self.facts.dim)

    def _encode(
        self,
        database: sqlite3.Connection,
        entries: dict[int, FileEntry],
        contents: dict[int, bytes],
        on_progress: Watcher | None,
        should_stop: Stop | None,
    ) -> dict[int, str]:
        """Encode files and add what they hold to `contents`; return why the others failed."""
        from soutu.library.pipeline import encode_files

        held = _Held(self._path)
        rows_of: dict[Path, list[int]] = {}
        for row, entry in entries.items():
            rows_of.setdefault(entry.path, []).append(row)
        files = [entries[rows[0]] for rows in rows_of.values()]
        failures: dict[int, str] = {}
        done = 0
        batches = encode_files(files, self.encoder, known=held.has, should_stop=should_stop)
        with closing(held), closing(batches):
            for batch in batches:
                read = [(each.entry, each.digest) for each in batch.encoded] + list(batch.copies)
                vectors = [
                    (each.digest, vector.tobytes())
                    for each, vector in zip(batch.encoded, batch.vectors, strict=True)
                ]
                with self._transaction(database):
                    database.executemany("insert or ignore into pictures values (?, ?)", vectors)
                    stamps = [(_stamp(entry), content) for entry, content in read]
                    database.executemany("insert or replace into files values (?, ?)", stamps)
                for entry, content in read:
                    contents.update(dict.fromkeys(rows_of[entry.path], content))
                for entry, reason in batch.failures:
                    failures.update(dict.fromkeys(rows_of[entry.path], reason))
                done += len(read) + len(batch.failures)
                _tell(on_progress, done, len(files), len(failures))
        if done < len(files):
            _check(should_stop, done, len(files), "pictures")
        return failures

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            database = _connect(self._path)
        except (OSError, sqlite3.Error) as error:
            raise self._unwritable(error) from error
        with closing(database):
            yield database

    @contextmanager
    def _transaction(self, database: sqlite3.Connection) -> Iterator[None]:
        try:
            with database:
                yield
        except sqlite3.Error as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: Exception) -> StorageError:
        return StorageError(
            f"the vectors in {self._path} cannot be kept: {error}. Make room, or delete the file: "
            "it is made anew"
        )


class _Held:
    """Say which contents have a vector; asked by the workers, each with its own connection."""

    def __init__(self, path: Path) -> None:
        from threading import Lock

        self._lock = Lock()
        self._database = sqlite3.connect(path, check_same_thread=False, timeout=60)

    def has(self, content: bytes) -> bool:
        with self._lock:
            query = "select 1 from pictures where content = ?"
            return self._database.execute(query, (content,)).fetchone() is not None

    def close(self) -> None:
        self._database.close()


def _connect(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=60)
    try:
        database.execute("pragma journal_mode = wal")
        database.execute("pragma synchronous = normal")
        database.executescript(_SCHEMA)
    except sqlite3.Error:
        database.close()
        raise
    return database


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


def _stamp(entry: FileEntry) -> bytes:
    name = os.fsencode(entry.path)
    return xxhash.xxh3_128_digest(b"%s\0%d\0%d" % (name, entry.size, entry.mtime_ns))


def _select(
    database: sqlite3.Connection, table: str, key: str, value: str, keys: Iterable[bytes]
) -> dict[bytes, bytes]:
    wanted = list(keys)
    found: dict[bytes, bytes] = {}
    for at in range(0, len(wanted), _KEYS):
        block = wanted[at : at + _KEYS]
        marks = ",".join("?" * len(block))
        # The names are our own; what is looked for is bound.
        query = f"select {key}, {value} from {table} where {key} in ({marks})"  # noqa: S608
        found.update(database.execute(query, block).fetchall())
    return found


def _stacked(rows: Sequence[bytes], dim: int) -> Vectors:
    flat = np.frombuffer(b"".join(rows), dtype=np.float32)
    return flat.reshape(len(rows), dim).copy()


def _check(should_stop: Stop | None, done: int, total: int, what: str) -> None:
    if should_stop is not None and should_stop():
        raise Stopped(
            f"stopped; {done:,} of {total:,} new {what} are encoded and kept. "
            "Run the same command again to go on"
        )


def _tell(on_progress: Watcher | None, done: int, total: int, failed: int) -> None:
    if on_progress is not None:
        on_progress(Progress(stage="fill", done=done, total=total, failed=failed))
