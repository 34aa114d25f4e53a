"""SQLite as a catalog needs it: its settings, how its transactions begin, what its errors mean."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from soutu.errors import LibraryBroken, LibraryBusy, StorageError

HOW = "soutu_begin"
"""The execution option that says how a transaction begins."""

CHANGING = "BEGIN IMMEDIATE"
"""Take the write lock first: what a change reads before it writes cannot be outdated then."""

READING = "BEGIN"
"""See the rows of one moment, and wait for nobody."""


def engine(path: Path) -> sa.Engine:
    """Return an engine for the database at a path."""
    made = sa.create_engine(
        f"sqlite:///{path}", connect_args={"timeout": 30}, pool_size=16, max_overflow=48
    )
    sa.event.listen(made, "connect", _configure)
    sa.event.listen(made, "begin", _begin)
    return made


def _configure(connection: Any, _record: Any) -> None:
    # The driver's own transactions begin at the first change, so that two SELECTs of one
    # "transaction" see different rows; `_begin` begins them at once.
    connection.isolation_level = None
    cursor = connection.cursor()
    # WAL lets a search read while an indexing run writes; NORMAL survives a killed process.
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(HOW, CHANGING))


def translated(error: sa.exc.DBAPIError, label: str) -> Exception:
    """Return the error to raise for one of the database; `label` names the catalog."""
    text = str(error.orig)
    if "disk is full" in text or getattr(error.orig, "errno", None) == errno.ENOSPC:
        return StorageError(f"the disk that holds {label} is full. Free some space and run again")
    if "locked" in text:
        return LibraryBusy(f"{label} is locked by another program. Close it and run again")
    if "readonly" in text or "unable to open" in text or "disk I/O" in text:
        cure = "Check the free space of its disk and its permissions"
        return StorageError(f"cannot write {label}: {text}. {cure}")
    if isinstance(error, sa.exc.DatabaseError):
        return LibraryBroken(
            f"the catalog {label} is damaged ({text}). Restore it from a backup, or move the "
            f"library folder away and run soutu index again; the pictures themselves are untouched"
        )
    return error
