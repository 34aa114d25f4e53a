"""A number that tells of every change of a catalog, and a way to write what is none."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa

from soutu.catalog import sqlite
from soutu.errors import LibraryBroken, LibraryBusy, LibraryError

T = TypeVar("T")

_PATIENCE = 1.0  # seconds that a note waits for other writers; searches wait for notes
_PAUSE = 0.01
_BUSY_MS = 5  # that it waits with the connection in hand, which others ask for the number


class Stamp:
    """SQLite's data_version of one connection: it differs after commits of every other one.

    What is logged of searches must not count: each search would make all answers that are kept
    worthless, and every open page ask again. So it is written by this very connection.
    """

    def __init__(self, engine: sa.Engine, label: str) -> None:
        self._engine, self._label = engine, label
        self._lock = threading.Lock()
        self._open: tuple[sa.Connection, sa.PoolProxiedConnection] | None = None
        self._closed = False

    def number(self) -> int:
        """Return the number; microseconds."""
        with self._lock:
            connection = self._opened()[1]
            try:
                # Past SQLAlchemy, which would take ten times as long.
                found = connection.cursor().execute("PRAGMA data_version").fetchone()
            except Exception as error:
                raise LibraryBroken(f"cannot read {self._label}: {error}") from error
            return int(found[0])

    def note(self, work: Callable[[sa.Connection], T]) -> T:
        """Write in one transaction, without a change of the number. Raises LibraryBusy."""
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                return self._noted(work)
            except LibraryBusy:
                if time.monotonic() > until:
                    raise
            time.sleep(_PAUSE)  # others may ask for the number meanwhile

    def close(self) -> None:
        """Let go of the connection, for good."""
        with self._lock:
            self._closed = True
            if self._open is not None:
                self._open[0].close()
                self._open = None

    def _noted(self, work: Callable[[sa.Connection], T]) -> T:
        with self._lock:
            connection = self._opened()[0]
            try:
                with connection.begin():
                    return work(connection)
            except sa.exc.DBAPIError as error:
                raise sqlite.translated(error, self._label) from error

    def _opened(self) -> tuple[sa.Connection, sa.PoolProxiedConnection]:
        """Return the connection, as SQLAlchemy's and as the driver's."""
        if self._closed:
            raise LibraryError(f"{self._label} was closed. Open the library again: open_library()")
        if self._open is None:
            made = self._engine.connect()
            made.execution_options(**{sqlite.HOW: sqlite.CHANGING})
            driver = made.connection
            driver.cursor().execute(f"PRAGMA busy_timeout={_BUSY_MS}")
            self._open = (made, driver)
        return self._open
