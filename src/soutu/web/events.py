"""Tell clients what changes, as server-sent events.

One thread looks, for all streams together; a stream that has nothing to say costs a timer. What a
slow client has not taken yet is replaced by what is newer, so that none fills the memory.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from starlette.responses import Response

from soutu.errors import SoutuError
from soutu.web.jobs import ENDED, Job
from soutu.wire import to_json

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from soutu.library import Library
    from soutu.web.jobs import Jobs

KEEP_ALIVE = 15.0
"""Seconds of silence after which a comment is sent, for proxies and to notice who is gone."""
_LOOK = 1.0  # seconds between two looks at the library
_REST = 0.2  # seconds between two deliveries

CHANGED = "changed"
"""The event that tells of a change of the library, and its place in a mailbox."""

_log = logging.getLogger("soutu.web")


class Event(NamedTuple):
    """One event as it is sent; `last` says that nothing follows of its key."""

    text: bytes
    last: bool = False


class Mailbox:
    """Hold what one client has not been told yet. Everything in it runs in its event loop."""

    def __init__(self, *, job: str | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        self._job, self._new = job, asyncio.Event()
        self._waiting: dict[str, bytes] = {}
        self._closed = False

    def put(self, events: Mapping[str, Event]) -> None:
        """Take events by key, each in the place of an older one of its key."""
        for key, event in events.items():
            if self._job in (None, key):
                self._waiting.pop(key, None)  # to the end: what is new comes last
                self._waiting[key] = event.text
                self._new.set()
                self._closed = self._closed or (key == self._job and event.last)

    def close(self) -> None:
        """Take nothing more; what waits is still told."""
        self._closed = True
        self._new.set()

    async def next(self) -> bytes | None:
        """Wait for events and return them; a comment after KEEP_ALIVE seconds, None at the end."""
        try:
            async with asyncio.timeout(KEEP_ALIVE):
                await self._new.wait()
        except TimeoutError:
            return b": still here\n\n"
        found = b"".join(self._waiting.values())
        self._waiting.clear()
        if not self._closed:
            self._new.clear()
        return found or None


class Feed:
    """Watch the jobs and the library, and fill the mailboxes."""

    def __init__(self, jobs: Jobs, library: Library) -> None:
        self._jobs, self._library = jobs, library
        self._lock = threading.Lock()
        self._boxes: set[Mailbox] = set()
        self._thread: threading.Thread | None = None
        self._stamp = -1
        self._ended = False

    @property
    def streams(self) -> int:
        """How many clients listen."""
        return len(self._boxes)

    @contextmanager
    def subscribed(self, *, job: str | None = None) -> Iterator[Mailbox]:
        """Fill a mailbox with what is so now and with every change, of one job or of everything.

        To be called in an event loop.
        """
        box = Mailbox(job=job)
        with self._lock:
            if self._thread is None and not self._ended:
                self._stamp = self._look(-1)
                self._thread = threading.Thread(target=self._watch, name="soutu-feed")
                self._thread.start()
            self._boxes.add(box)
            box.put({CHANGED: changed_event(self._stamp)})
            # Under the lock, as the watcher looks: what it tells next is not older than this.
            jobs = [each for each in self._jobs.list() if each.state not in ENDED or each.id == job]
            box.put({each.id: job_event(each) for each in reversed(jobs)})
        if self._ended:
            box.close()
        try:
            yield box
        finally:
            with self._lock:
                self._boxes.discard(box)

    def end(self) -> None:
        """End every stream, from whichever thread; those that come later end at once."""
        with self._lock:
            self._ended = True
            boxes = list(self._boxes)
        for box in boxes:
            _soon(box.loop, box.close)
        self._jobs.wake()

    def close(self) -> None:
        """End every stream, and return when nothing is watched any more."""
        self.end()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        seen, looked = -1, time.monotonic()
        known = {job.id: job for job in self._jobs.list() if job.state in ENDED}
        while not self._ended:
            seen = self._jobs.wait(seen, _LOOK)
            stamp = self._stamp
            if time.monotonic() - looked >= _LOOK:
                looked, stamp = time.monotonic(), self._look(stamp)
            with self._lock:
                jobs = self._jobs.list()
                new = [job for job in reversed(jobs) if known.get(job.id) is not job]
                known = {job.id: job for job in jobs}
                events = {job.id: job_event(job) for job in new}
                if stamp != self._stamp:
                    self._stamp = stamp
                    events[CHANGED] = changed_event(stamp)
                self._deliver(events)
            time.sleep(_REST)

    def _look(self, before: int) -> int:
        try:
            return self._library.changes()
        except SoutuError as error:
            _log.warning("cannot see whether the library changes: %s", error)
            return before

    def _deliver(self, events: Mapping[str, Event]) -> None:
        if not events:
            return
        groups: dict[asyncio.AbstractEventLoop, list[Mailbox]] = {}
        for box in self._boxes:
            groups.setdefault(box.loop, []).append(box)
        for loop, boxes in groups.items():
            _soon(loop, partial(_fill, boxes, events))


class EventStream(Response):
    """Send what happens as server-sent events until that is over, or the client is gone."""

    media_type = "text/event-stream"

    def __init__(self, feed: Feed, *, job: str | None = None) -> None:
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._feed, self._job = feed, job

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI gives it
        """Answer."""
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        with self._feed.subscribed(job=self._job) as box:
            await send(start)
            leaving = asyncio.ensure_future(_close_when_gone(receive, box))
            try:
                part: bytes | None = b"retry: 2000\n\n"
                while part is not None:
                    await send({"type": "http.response.body", "body": part, "more_body": True})
                    part = None if leaving.done() else await box.next()
            finally:
                leaving.cancel()
                with suppress(asyncio.CancelledError):
                    await leaving
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def job_event(job: Job) -> Event:
    """Tell how a job is."""
    return Event(_written("job", job), last=job.state in ENDED)


def changed_event(stamp: int) -> Event:
    """Tell that the library has changed."""
    return Event(_written(CHANGED, {"stamp": stamp}))


def _written(name: str, value: object) -> bytes:
    return f"event: {name}\ndata: {json.dumps(to_json(value))}\n\n".encode()


def _fill(boxes: Sequence[Mailbox], events: Mapping[str, Event]) -> None:
    for box in boxes:
        box.put(events)


def _soon(loop: asyncio.AbstractEventLoop, work: Callable[[], object]) -> None:
    with suppress(RuntimeError):  # that loop is closed, and its clients are gone
        loop.call_soon_threadsafe(work)


async def _close_when_gone(receive: Receive, box: Mailbox) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    box.close()
