"""An SQLite file of what can be computed again: where it is damaged, it starts empty.

Every value carries a checksum, for SQLite notices damage to its own structure only.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import xxhash

from soutu.errors import LibraryBusy, LibraryError, StorageError

_T = TypeVar("_T")
_SEAL = 8  # bytes of checksum before a value; keeps numbers behind it aligned
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_REFUSED = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
    }
)


class CacheFile:
    """Run statements on a file of derived values. Safe to call from many threads.

    `tables` is the script that creates what is missing, `version` that of the file; another one
    starts afresh. Raises StorageError where the disk refuses and LibraryBusy where another program
    has locked the file; neither touches what is in it.
    """

    def __init__(self, path: Path, *, tables: str, version: str) -> None:
        self._path, self._tables, self._version = path, tables, version
        self._lock = threading.RLock()
        self._closed = False
        with self._lock:
            self._db = self._translated(self._opened)

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return what a query finds."""
        return self._guarded(lambda: self._db.execute(statement, tuple(values)).fetchall())

    def write(self, *steps: tuple[str, Iterable[Sequence[Any]]]) -> None:
        """Run statements, each for many rows of values, all or none."""
        work = [(statement, list(rows)) for statement, rows in steps]
        self._guarded(lambda: self._transact(work))

    def start_afresh(self) -> None:
        """Forget everything, where a value was found damaged."""
        with self._lock:
            self._translated(self._reset)

    def close(self) -> None:
        """Release the file; safe to call twice."""
        with self._lock:
            self._closed = True
            self._db.close()

    def _transact(self, steps: Sequence[tuple[str, Sequence[Sequence[Any]]]]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for statement, rows in steps:
                self._db.executemany(statement, rows)
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # a full disk has rolled back already
                with suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
            raise

    # --- opening ---

    def _opened(self) -> sqlite3.Connection:
        try:
            db = self._connected()
        except sqlite3.DatabaseError as error:
            if _primary(error) in _LOCKED | _REFUSED:
                raise
            return self._made_anew()
        found = db.execute("SELECT value FROM meta WHERE key = 'version'").fetchone()
        if found is None or bytes(found[0]) != self._version.encode():
            db.close()
            return self._made_anew()
        return db

    def _made_anew(self) -> sqlite3.Connection:
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        db = self._connected()
        db.execute("INSERT INTO meta VALUES ('version', ?)", (self._version.encode(),))
        return db

    def _connected(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, timeout=30, check_same_thread=False, isolation_level=None)
        try:
            db.text_factory = lambda raw: raw.decode(errors="replace")  # damaged: no known key
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=OFF")  # derived: a power cut may cost it
            db.executescript(
                "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value BLOB NOT NULL);"
                + self._tables
            )
            db.execute("SELECT value FROM meta WHERE key = 'version'").fetchone()
        except BaseException:
            db.close()
            raise
        return db

    # --- damage and refusals ---

    def _guarded(self, operation: Callable[[], _T]) -> _T:
        with self._lock:
            if self._closed:
                raise LibraryError(f"{self._path} is closed. Open the library again")
            try:
                return operation()
            except sqlite3.DatabaseError as error:
                if _primary(error) not in _DAMAGED:
                    raise self._explained(error) from error
                self._translated(self._reset)
            return self._translated(operation)

    def _reset(self) -> None:
        with suppress(sqlite3.Error):
            self._db.close()
        self._db = self._made_anew()

    def _translated(self, operation: Callable[[], _T]) -> _T:
        try:
            return operation()
        except (sqlite3.Error, OSError) as error:
            raise self._explained(error) from error

    def _explained(self, error: sqlite3.Error | OSError) -> Exception:
        code = _primary(error)
        if code == sqlite3.SQLITE_FULL:
            cure = "Free some space and run again"
            return StorageError(f"the disk that holds {self._path} is full. {cure}")
        if code in _LOCKED:
            cure = "Close it and run again"
            return LibraryBusy(f"{self._path} is locked by another program. {cure}")
        if code in _REFUSED or isinstance(error, OSError):
            cure = "Check the free space of its disk and its permissions"
            return StorageError(f"cannot use {self._path}: {error}. {cure}")
        return error


def _primary(error: BaseException) -> int | None:
    """Return SQLite's result code without what it adds to it."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else int(code) & 0xFF


def sealed(data: bytes) -> bytes:
    """Return a value to be stored, with its checksum."""
    return xxhash.xxh3_64_digest(data) + data


def unsealed(stored: object) -> memoryview | None:
    """Return the value that was sealed; None where it is damaged."""
    if not isinstance(stored, bytes) or len(stored) < _SEAL:
        return None
    data = memoryview(stored)[_SEAL:]
    return data if xxhash.xxh3_64_digest(data) == stored[:_SEAL] else None
