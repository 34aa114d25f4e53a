"""Work for jobs that ends when a test says so, and a reader of event streams."""

from __future__ import annotations

import json
import threading
from typing import Any, TypeAlias

from soutu.library.base import Stop, Watcher
from soutu.types import IndexReport, Progress

Json: TypeAlias = Any


def told(stream: bytes) -> list[tuple[str, Json]]:
    """Read events: names with data."""
    found = []
    for block in stream.decode().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
        if "event" in lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


class Slow:
    """Work that goes on until it may end, or is told to stop."""

    def __init__(self) -> None:
        self.began, self.may_end = threading.Event(), threading.Event()

    def __call__(self, watch: Watcher, should_stop: Stop) -> IndexReport:
        self.began.set()
        watch(Progress(stage="index", done=1, total=9))
        while not self.may_end.wait(0.01):
            if should_stop():
                return IndexReport(added=1, interrupted=True)
        return IndexReport(added=9)
