"""The SQLite file that keeps the vectors of one encoder: of pictures by content, of texts by hash.

It holds nothing that cannot be made again. Many threads and processes may use it at once.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import xxhash

from soutu.errors import StorageError
from soutu.library.closing import Closing

if TYPE_CHECKING:
    from soutu.images.source import FileEntry
    from soutu.types import Vectors

Table = Literal["files", "pictures", "texts"]

_SCHEMA = """
create table if not exists files (key blob primary key, value blob not null) without rowid;
create table if not exists pictures (key blob primary key, value blob not null);
create table if not exists texts (key blob primary key, value blob not null);
"""
_KEYS = 500  # asked for in one statement
_SECONDS = 60  # waited for another process that writes


def stamp(entry: FileEntry) -> bytes:
    """Return what a file is known by while it does not change: 16 bytes."""
    name = os.fsencode(entry.path)
    return xxhash.xxh3_128_digest(b"%s\0%d\0%d" % (name, entry.size, entry.mtime_ns))


def text_key(text: str) -> bytes:
    """Return what a text is known by: 16 bytes."""
    return xxhash.xxh3_128_digest(text.encode("utf-8", "surrogatepass"))


class VectorFile(Closing):
    """Keep rows by key in three tables: `files` (stamp to content), `pictures` and `texts`.

    Safe to call from many threads. Raises StorageError where the file cannot be made, read or
    written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        with self._translated():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, check_same_thread=False, timeout=_SECONDS)
            try:
                self._database.execute("pragma journal_mode = wal")
                self._database.execute("pragma synchronous = normal")
                self._database.executescript(_SCHEMA)
            except sqlite3.Error:
                self._database.close()
                raise

    def get(self, table: Table, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """Return those of the keys that are there, with their values."""
        wanted = list(keys)
        found: dict[bytes, bytes] = {}
        with self._lock, self._translated():
            for at in range(0, len(wanted), _KEYS):
                block = wanted[at : at + _KEYS]
                marks = ",".join("?" * len(block))
                # The table's name is our own; what is looked for is bound.
                query = f"select key, value from {table} where key in ({marks})"  # noqa: S608
                found.update(self._database.execute(query, block).fetchall())
        return found

    def has_picture(self, content: bytes) -> bool:
        """Tell whether there is a vector of this content."""
        with self._lock, self._translated():
            query = "select 1 from pictures where key = ?"
            return self._database.execute(query, (content,)).fetchone() is not None

    def put(self, rows: Mapping[Table, Mapping[bytes, bytes]]) -> None:
        """Store rows of several tables, all or none of them."""
        with self._lock, self._translated(), self._database:
            for table, values in rows.items():
                query = f"insert or replace into {table} values (?, ?)"  # noqa: S608 - as above
                self._database.executemany(query, values.items())

    def close(self) -> None:
        """Release the file."""
        self._database.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            raise StorageError(
                f"the vectors in {self._path} cannot be kept: {error}. Make room, or delete the "
                "file: it is made anew"
            ) from error


def as_vectors(values: Iterable[bytes], shape: tuple[int, ...]) -> Vectors:
    """Return stored rows as an array [n, *shape]."""
    flat = np.frombuffer(b"".join(values), dtype=np.float32)
    return flat.reshape(-1, *shape).copy()
