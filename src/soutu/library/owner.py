"""Locks of a library folder, and the note that says who holds them.

Two locks, because two things must not happen at once: two runs that change the library (`write`),
and two processes with one vector folder open (the engine allows a single one; a lock per space).
A search therefore waits for nobody while another model's space is being filled. The locks are the
operating system's, so they end with their process; the note beside a lock is only read after the
lock was refused, and a note whose process is gone means nothing.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from soutu.errors import LibraryBusy, StorageError

SHORT_TASKS = frozenset({"search", "status", "remove"})
"""Tasks that end by themselves within moments, so that waiting for them is sensible."""


class Hold:
    """Hold one lock of a library folder until `release`."""

    def __init__(self, lock: FileLock, note: Path) -> None:
        self._lock, self._note = lock, note

    def release(self) -> None:
        """Give the lock back; safe to call twice."""
        if self._lock.is_locked:
            self._note.unlink(missing_ok=True)
            self._lock.release()


def hold(folder: Path, name: str, *, task: str, wait: float = 5.0) -> Hold:
    """Take the lock `name` in a library folder for a task.

    Waits up to `wait` seconds for a holder whose task is short, not at all for a long one.
    Raises LibraryBusy naming the pid and task of the holder, StorageError if the folder cannot
    be written.
    """
    lock = FileLock(folder / f"{name}.lock", thread_local=False)
    note = folder / f"{name}.owner.json"
    deadline = time.monotonic() + wait
    while True:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            owner = _read(note)
            if time.monotonic() >= deadline or owner.get("task", "search") not in SHORT_TASKS:
                raise LibraryBusy(_message(folder, owner)) from None
            time.sleep(0.03)
        except OSError as error:
            msg = f"cannot write in the library {folder}: {error.strerror}. Check its permissions"
            raise StorageError(msg) from error
        else:
            break
    with suppress(OSError):  # the lock counts; on a full disk the note may be missing
        note.write_text(json.dumps({"pid": os.getpid(), "task": task, "since": int(time.time())}))
    return Hold(lock, note)


def _read(note: Path) -> dict[str, str]:
    try:
        found = json.loads(note.read_text())
    except (OSError, ValueError):  # not written yet, or being replaced right now
        return {}
    return {key: str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _message(folder: Path, owner: dict[str, str]) -> str:
    pid = owner.get("pid", "unknown")
    task = owner.get("task", "soutu")
    return (
        f"the library {folder} is in use by process {pid} (soutu {task}). "
        f"Wait until it ends, or stop it: kill {pid}"
    )
