"""What was computed of tags in one space, kept in a file: vectors of texts, heads, pictures.

All of it can be computed again; a file that is damaged or of another version starts empty.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from soutu.library.tagging.heads import Head

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.types import Ids

_VERSION = "1"  # of this file and of the formulas behind it; another one starts afresh
_CHUNK = 500

_TABLES = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS texts (key TEXT PRIMARY KEY, vector BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS heads (
    tag INTEGER PRIMARY KEY, key TEXT NOT NULL, weights BLOB NOT NULL, bias REAL NOT NULL,
    threshold REAL NOT NULL, source TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS members (
    tag INTEGER PRIMARY KEY, key TEXT NOT NULL, ids BLOB NOT NULL, logits BLOB NOT NULL);
"""


@dataclass(frozen=True)
class Members:
    """The pictures on which a tag holds by its head: ids [n], ascending, and their logits [n]."""

    ids: Ids
    logits: NDArray[np.float32]

    def replaced(self, changed: Ids, fresh: Members) -> Members:
        """Return these members with those of `changed` [m], ascending, as `fresh` has them."""
        kept = ~np.isin(self.ids, changed, assume_unique=True)
        ids = np.concatenate([self.ids[kept], fresh.ids])
        order = np.argsort(ids, kind="stable")
        return Members(ids[order], np.concatenate([self.logits[kept], fresh.logits])[order])


class TagCache:
    """Keep computed values in an SQLite file. Use it from one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._db = self._opened()
            intact = self.meta("version") == _VERSION.encode()
        except sqlite3.DatabaseError:
            intact = False
        if not intact:
            with suppress(AttributeError, sqlite3.Error):
                self._db.close()
            for suffix in ("", "-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            self._db = self._opened()
            self.set_meta("version", _VERSION.encode())

    def _opened(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, timeout=30, check_same_thread=False, isolation_level=None)
        try:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=OFF")  # derived: a power cut may cost it
            db.executescript(_TABLES)
        except BaseException:
            db.close()
            raise
        return db

    def close(self) -> None:
        """Release the file; safe to call twice."""
        self._db.close()

    def clear(self) -> None:
        """Forget everything but the vectors of texts."""
        self._db.execute("BEGIN")
        for table in ("heads", "members"):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - two constants
        self._db.execute("DELETE FROM meta WHERE key <> 'version'")
        self._db.execute("COMMIT")

    # --- single values ---

    def meta(self, key: str) -> bytes | None:
        """Return a value, or None."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else bytes(row[0])

    def set_meta(self, key: str, value: bytes) -> None:
        """Store a value."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    # --- vectors of texts ---

    def texts(self, keys: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return the vectors [dim] that are known, by key."""
        rows = self._select("SELECT key, vector FROM texts WHERE key IN", keys)
        return {key: np.frombuffer(vector, np.float32) for key, vector in rows}

    def put_texts(self, vectors: Mapping[str, NDArray[np.float32]]) -> None:
        """Store vectors by key."""
        rows = [(key, vector.astype(np.float32).tobytes()) for key, vector in vectors.items()]
        self._many("INSERT OR REPLACE INTO texts VALUES (?, ?)", rows)

    # --- heads ---

    def heads(self, tags: Sequence[int]) -> dict[int, tuple[str, Head]]:
        """Return the heads that are known with the keys they were stored under, by tag."""
        columns = "tag, key, weights, bias, threshold, source"
        rows = self._select(f"SELECT {columns} FROM heads WHERE tag IN", tags)  # noqa: S608 - constant
        return {
            tag: (
                key,
                Head(
                    weights=np.frombuffer(weights, np.float32),
                    bias=bias,
                    threshold=threshold,
                    source=source,
                ),
            )
            for tag, key, weights, bias, threshold, source in rows
        }

    def put_heads(self, heads: Mapping[int, tuple[str, Head]]) -> None:
        """Store heads under keys that say what they were made from."""
        self._many(
            "INSERT OR REPLACE INTO heads VALUES (?, ?, ?, ?, ?, ?)",
            [
                (
                    tag,
                    key,
                    head.weights.astype(np.float32).tobytes(),
                    float(head.bias),
                    float(head.threshold),
                    head.source,
                )
                for tag, (key, head) in heads.items()
            ],
        )

    # --- pictures ---

    def member_keys(self) -> dict[int, str]:
        """Return under which key the members of each tag were stored."""
        return dict(self._db.execute("SELECT tag, key FROM members").fetchall())

    def members(self, tags: Sequence[int]) -> dict[int, Members]:
        """Return the members that are known, by tag."""
        rows = self._select("SELECT tag, ids, logits FROM members WHERE tag IN", tags)
        return {
            tag: Members(np.frombuffer(ids, np.int64), np.frombuffer(logits, np.float32))
            for tag, ids, logits in rows
        }

    def put_members(self, found: Mapping[int, tuple[str, Members]], *, version: int) -> None:
        """Store members as of a version of the pictures; all of it or, when killed, nothing."""
        rows = [
            (tag, key, each.ids.tobytes(), each.logits.tobytes())
            for tag, (key, each) in found.items()
        ]
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.executemany("INSERT OR REPLACE INTO members VALUES (?, ?, ?, ?)", rows)
            self.set_meta("pictures", str(version).encode())
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise

    def forget(self, tags: Iterable[int]) -> None:
        """Drop what is known of tags."""
        rows = [(tag,) for tag in tags]
        self._many("DELETE FROM heads WHERE tag = ?", rows)
        self._many("DELETE FROM members WHERE tag = ?", rows)

    def known(self) -> list[int]:
        """Return the tags that have a head or members here."""
        rows = self._db.execute("SELECT tag FROM heads UNION SELECT tag FROM members")
        return [tag for (tag,) in rows]

    def _select(self, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = []
        for start in range(0, len(values), _CHUNK):
            part = values[start : start + _CHUNK]
            marks = ",".join("?" * len(part))
            rows += self._db.execute(f"{statement} ({marks})", tuple(part)).fetchall()
        return rows

    def _many(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if not rows:
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.executemany(statement, rows)
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
