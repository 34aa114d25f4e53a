"""What changes is told as server-sent events."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any

import pytest
from painting import paint
from slow_work import Json, Slow, told
from small_server import small_server

from soutu.types import IndexReport
from soutu.web import events
from soutu.web.events import EventStream, Feed
from soutu.web.server import Server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with small_server(tmp_path) as found:
        yield found


class Listener:
    """A client of an event stream, without a network."""

    def __init__(self, feed: Feed, *, job: str | None = None) -> None:
        self.received: list[bytes] = []
        self.gone = asyncio.Event()
        self.ready = asyncio.Event()
        self.blocked: Awaitable[object] | None = None
        stream = EventStream(feed, job=job)
        self.task = asyncio.ensure_future(stream({"type": "http"}, self._receive, self._send))

    async def _receive(self) -> MutableMapping[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Mapping[str, Any]) -> None:
        if self.blocked is not None:
            await self.blocked
        self.received.append(message.get("body", b""))
        self.ready.set()

    async def until(self, seen: Callable[[list[tuple[str, Json]]], bool]) -> list[tuple[str, Json]]:
        """Wait for what is told to be as wanted."""
        while not seen(found := told(b"".join(self.received))):
            self.ready.clear()
            async with asyncio.timeout(60):
                await self.ready.wait()
        return found


def test_events_of_everything(server: Server, tmp_path: Path) -> None:
    """What is so comes first, then each change of a job and of the library."""

    async def listen() -> None:
        listener = Listener(server.feed)
        first = await listener.until(bool)
        assert [name for name, _ in first] == ["changed"]
        paint(tmp_path / "more" / "blue.png", "blue")
        job = server.jobs.start("index", lambda *_: server.library.add([tmp_path / "more"]))
        found = await listener.until(
            lambda told: (
                any(name == "job" and each["state"] == "done" for name, each in told)
                and sum(name == "changed" for name, _ in told) > 1
            )
        )
        assert {each["id"] for name, each in found if name == "job"} == {job.id}
        stamps = [each["stamp"] for name, each in found if name == "changed"]
        assert stamps[-1] != stamps[0]
        server.feed.end()
        await asyncio.wait_for(listener.task, 60)
        assert listener.received[-1] == b""

    try:
        asyncio.run(listen())
    finally:
        server.jobs.close()
        server.feed.close()


def test_a_client_that_goes_away(server: Server) -> None:
    """Its stream ends, and nothing is kept for it."""

    async def listen() -> None:
        listener = Listener(server.feed)
        await listener.until(bool)
        assert server.feed.streams == 1
        listener.gone.set()
        await asyncio.wait_for(listener.task, 60)
        assert server.feed.streams == 0

    asyncio.run(listen())
    server.feed.close()


def test_a_silent_stream(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comment is sent now and then."""
    monkeypatch.setattr(events, "KEEP_ALIVE", 0.02)

    async def listen() -> None:
        listener = Listener(server.feed)
        async with asyncio.timeout(60):
            while b": still here\n\n" not in listener.received:
                await asyncio.sleep(0.01)
        server.feed.end()
        await asyncio.wait_for(listener.task, 60)

    asyncio.run(listen())
    server.feed.close()


def test_a_slow_client(server: Server) -> None:
    """It misses what was overtaken by news, and gets the last word."""
    slow = Slow()

    async def listen() -> None:
        listener = Listener(server.feed)
        await listener.until(bool)
        gate = asyncio.Event()
        listener.blocked = gate.wait()
        job = server.jobs.start("index", slow)
        await asyncio.to_thread(slow.began.wait, 60)
        slow.may_end.set()
        async with asyncio.timeout(60):
            while (found := server.jobs.get(job.id)) is None or found.state != "done":
                await asyncio.sleep(0.01)
            await asyncio.sleep(1.0)
        listener.blocked = None
        gate.set()
        await listener.until(lambda told: told[-1][0] == "job" and told[-1][1]["state"] == "done")
        server.feed.end()
        await asyncio.wait_for(listener.task, 60)

    try:
        asyncio.run(listen())
    finally:
        server.jobs.close()
        server.feed.close()


def test_a_thousand_idle_streams(server: Server) -> None:
    """They share one thread, and all hear of a change."""

    async def listen() -> None:
        before = threading.active_count()
        listeners = [Listener(server.feed) for _ in range(1000)]
        for each in listeners:
            await each.until(bool)
        assert server.feed.streams == 1000
        assert threading.active_count() == before + 1
        server.jobs.start("index", lambda *_: IndexReport(added=1))
        for each in listeners:
            await each.until(lambda told: told[-1][0] == "job" and told[-1][1]["state"] == "done")
        server.feed.end()
        await asyncio.wait_for(asyncio.gather(*(each.task for each in listeners)), 60)

    try:
        asyncio.run(listen())
    finally:
        server.jobs.close()
        server.feed.close()


def test_streams_after_the_end(server: Server) -> None:
    """A server that stops begins none."""
    server.feed.close()

    async def listen() -> None:
        await asyncio.wait_for(Listener(server.feed).task, 60)

    asyncio.run(listen())
    assert server.feed.streams == 0
