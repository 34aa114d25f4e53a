"""Long work in the background: one job after the other, each with its progress and its end."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from soutu.errors import SoutuError
from soutu.types import Progress  # not for types alone: the OpenAPI document reads `Job`

if TYPE_CHECKING:
    from soutu.library.base import Stop, Watcher

JobState = Literal["waiting", "running", "done", "stopped", "failed"]
Work: TypeAlias = Callable[["Watcher", "Stop"], Any]
"""What a job does, with its watcher and the question whether to stop; returns the report."""

ENDED = frozenset({"done", "stopped", "failed"})
_KEPT = 100  # ended jobs that can still be looked at
_EVERY = 0.1  # seconds between two reports of progress

_log = logging.getLogger("soutu.web")


class JobStopped(Exception):
    """End a job whose work knows no other way to stop."""


@dataclass(frozen=True, kw_only=True)
class JobError:
    """Why a job failed."""

    kind: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job as it is at a moment. Times are UTC; `title` says what was asked for."""

    id: str
    kind: str
    title: Mapping[str, Any] = field(default_factory=dict)
    state: JobState = "waiting"
    progress: Progress | None = None
    created: datetime
    started: datetime | None = None
    ended: datetime | None = None
    result: Any = None
    error: JobError | None = None


class Jobs:
    """Run jobs one at a time in a thread. Safe to call from many threads.

    `changes` counts up with everything that happens to any job; `wait` sleeps until it does.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._work: dict[str, Work] = {}
        self._stops: set[str] = set()
        self._queue: SimpleQueue[str | None] = SimpleQueue()
        self._numbers = itertools.count(1)
        self._thread: threading.Thread | None = None
        self._closed = False
        self.changes = 0

    def start(self, kind: str, work: Work, **title: Any) -> Job:
        """Put a job at the end of the queue."""
        with self._changed:
            if self._closed:
                raise SoutuError("the server is stopping. Ask again when it is back")
            job = Job(
                id=str(next(self._numbers)), kind=kind, title=title, created=datetime.now(UTC)
            )
            self._jobs[job.id] = job
            self._work[job.id] = work
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="soutu-jobs", daemon=True)
                self._thread.start()
            self._notify()
        self._queue.put(job.id)
        return job

    def get(self, id_: str) -> Job | None:
        """Return a job, None for an unknown one."""
        with self._changed:
            return self._jobs.get(id_)

    def list(self) -> list[Job]:
        """Return all jobs, newest first."""
        with self._changed:
            return list(reversed(self._jobs.values()))

    def stop(self, id_: str) -> Job | None:
        """Ask a job to stop; one that waits is over at once. None for an unknown one."""
        with self._changed:
            job = self._jobs.get(id_)
            if job is not None and job.state not in ENDED:
                if job.state == "waiting":
                    self._put(replace(job, state="stopped", ended=datetime.now(UTC)))
                else:
                    self._stops.add(id_)
            return self._jobs.get(id_)

    def wait(self, seen: int, timeout: float) -> int:
        """Sleep until `changes` differs from `seen`, at most `timeout` seconds; return it."""
        with self._changed:
            self._changed.wait_for(lambda: self.changes != seen or self._closed, timeout)
            return self.changes

    def wake(self) -> None:
        """Let everybody who waits look again."""
        with self._changed:
            self._notify()

    def close(self) -> None:
        """Stop the running job, drop those that wait, and return when nothing works any more."""
        with self._changed:
            self._closed = True
            open_ = [job.id for job in self._jobs.values() if job.state not in ENDED]
            self._notify()
        for id_ in open_:
            self.stop(id_)
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while (id_ := self._queue.get()) is not None:
            with self._changed:
                job, work = self._jobs.get(id_), self._work.pop(id_)
                if job is None or job.state in ENDED:
                    continue
                job = replace(job, state="running", started=datetime.now(UTC))
                self._put(job)
            self._end(id_, self._result_of(id_, work))

    def _result_of(self, id_: str, work: Work) -> dict[str, Any]:
        try:
            result = work(self._watcher(id_), lambda: id_ in self._stops)
        except JobStopped:
            return {}
        except SoutuError as error:
            return {"error": JobError(kind=type(error).__name__, message=str(error))}
        except Exception as error:
            _log.exception("job %s", id_)
            message = f"this is a bug in soutu: {type(error).__name__}: {error}"
            return {"error": JobError(kind="Bug", message=message)}
        return {"result": result}

    def _end(self, id_: str, outcome: dict[str, Any]) -> None:
        with self._changed:
            stopped = id_ in self._stops
            self._stops.discard(id_)
            state: JobState = "done"
            if stopped and getattr(outcome.get("result"), "interrupted", True):
                state = "stopped"  # and not finished before it looked
            if "error" in outcome:
                state = "failed"
            ended = datetime.now(UTC)
            self._put(replace(self._jobs[id_], state=state, ended=ended, **outcome))
            done = [job.id for job in self._jobs.values() if job.state in ENDED]
            for old in done[:-_KEPT]:
                del self._jobs[old]

    def _watcher(self, id_: str) -> Watcher:
        last = 0.0

        def watch(progress: Progress) -> None:
            nonlocal last
            now = time.monotonic()
            with self._changed:
                before = self._jobs[id_].progress
                if before is None or before.stage != progress.stage or now - last >= _EVERY:
                    last = now
                    self._put(replace(self._jobs[id_], progress=progress))

        return watch

    def _put(self, job: Job) -> None:
        self._jobs[job.id] = job
        self._notify()

    def _notify(self) -> None:
        self.changes += 1
        self._changed.notify_all()
