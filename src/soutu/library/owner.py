"""Locks of a library folder, and the note that says who holds them.

Two locks, because two things must not happen at once: two runs that change the library (`write`),
and two processes with one vector folder open (the engine allows a single one; a lock per space).
A search therefore waits for nobody while another model's space is being filled. The locks are the
operating system's, so they end with their process; the note beside a lock is only read after the
lock was refused, and a note whose process is gone means nothing.

A server holds a third lock (`serve`) for as long as it runs; its note says where it answers.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from soutu.errors import LibraryBusy, StorageError

SHORT_TASKS = frozenset({"search", "status", "remove"})
"""Tasks that end by themselves within moments, so that waiting for them is sensible."""

SERVE = "serve"
"""The lock of a server, and its task."""

_SURE = 0.1  # seconds a lock is refused before its note is believed: `serving` tries locks too


@dataclass(frozen=True, kw_only=True)
class Note:
    """Who serves a library, and where. `token_file` holds what the server asks for, if it does."""

    pid: int
    url: str
    token_file: Path | None = None


class Hold:
    """Hold one lock of a library folder until `release`."""

    def __init__(self, lock: FileLock, note: Path, facts: Mapping[str, Any]) -> None:
        self._lock, self._note, self._facts = lock, note, dict(facts)
        self.tell()

    def tell(self, **facts: str | int | None) -> None:
        """Write the note anew with further facts."""
        self._facts |= facts
        draft = self._note.with_suffix(f".{os.getpid()}")
        with suppress(OSError):  # the lock counts; on a full disk the note may be missing
            draft.write_text(json.dumps(self._facts))
            draft.replace(self._note)  # at once, so that nobody reads half of it

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
    started = time.monotonic()
    while True:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            owner = _read(note)
            short = owner.get("task", "search") in SHORT_TASKS
            if time.monotonic() >= started + (wait if short else min(wait, _SURE)):
                raise LibraryBusy(_message(folder, owner)) from None
            time.sleep(0.03)
        except OSError as error:
            msg = f"cannot write in the library {folder}: {error.strerror}. Check its permissions"
            raise StorageError(msg) from error
        else:
            break
    return Hold(lock, note, {"pid": os.getpid(), "task": task, "since": int(time.time())})


def serving(folder: Path) -> Note | None:
    """Return where a library folder is being served right now, None where no server runs."""
    owner = _read(folder / f"{SERVE}.owner.json")
    if "url" not in owner or not owner.get("pid", "").isdigit():
        return None
    lock = FileLock(folder / f"{SERVE}.lock", thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        token_file = Path(owner["token_file"]) if "token_file" in owner else None
        return Note(pid=int(owner["pid"]), url=owner["url"], token_file=token_file)
    except OSError:
        return None
    lock.release()
    return None


def _read(note: Path) -> dict[str, str]:
    try:
        found = json.loads(note.read_text())
    except (OSError, ValueError):  # not written yet, or being replaced right now
        return {}
    if not isinstance(found, dict):
        return {}
    return {key: str(value) for key, value in found.items() if value is not None}


def _message(folder: Path, owner: dict[str, str]) -> str:
    pid = owner.get("pid", "unknown")
    task = owner.get("task", "soutu")
    if "url" in owner:
        return (
            f"the library {folder} is served already, at {owner['url']} (process {pid}). "
            f"Open that address, or stop the server: kill {pid}"
        )
    said = f"the library {folder} is in use by process {pid} (soutu {task}). Wait until it ends"
    # A server's own jobs are stopped from the page, not by ending the server.
    return said if pid == str(os.getpid()) else f"{said}, or stop it: kill {pid}"
