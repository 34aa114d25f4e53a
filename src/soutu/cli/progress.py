"""Show how far long work is, on stderr: a bar in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from soutu.cli.display import duration
from soutu.cli.interrupts import StopRequest

if TYPE_CHECKING:
    from soutu.library.base import Watcher
    from soutu.types import Progress

STAGES = {
    "scan": "looking through folders",
    "index": "indexing",
    "fill": "encoding",
    "optimize": "tidying the index",
    "download": "downloading",
    "tag": "tagging",
    "write": "writing tags",
    "keywords": "reading keywords",
    "check": "looking at pictures",
    "measure": "measuring",
    "texts": "learning words",
    "train": "training",
}
SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def shown_progress(stop: StopRequest, *, quiet: bool = False) -> Iterator[Watcher | None]:
    """Give a watcher that shows `Progress` values while the block runs; None when quiet."""
    if quiet:
        yield None
    elif sys.stderr.isatty():
        from soutu.cli.progress_bar import ProgressBar

        with ProgressBar(stop) as progress_bar:
            yield progress_bar
    else:
        yield ProgressLines(stop)


class ProgressLines:
    """Print a line when a stage starts to take long, and every few seconds from then on."""

    def __init__(self, stop: StopRequest, every: float = SECONDS_BETWEEN_LINES) -> None:
        self._stop = stop
        self._every = every
        self._stage = ""
        self._start = self._last = 0.0
        self._first_done = 0

    def __call__(self, progress: Progress) -> None:
        """Print where the work is, if the last line is old enough."""
        now = time.monotonic()
        if progress.stage != self._stage:
            self._stage, self._start, self._last = progress.stage, now, now
            self._first_done = progress.done
        elif now - self._last >= self._every:
            self._last = now
            seconds = now - self._start
            click.echo(describe(progress, self._first_done, seconds, self._stop()), err=True)


def describe(progress: Progress, first_done: int, seconds: float, stopping: bool) -> str:
    """Write one line, as `indexing: 120/500, 45/s, 8.4 s left, 2 failed`."""
    rate = (progress.done - first_done) / seconds if seconds > 0 else 0.0
    bytes_each = 1e6 if progress.stage == "download" else 1.0
    unit = " MB" if progress.stage == "download" else ""
    of = "" if progress.total is None else f"/{progress.total / bytes_each:,.0f}"
    parts = [f"{progress.done / bytes_each:,.0f}{of}{unit}"]
    if rate > 0:
        parts.append(f"{rate / bytes_each:,.1f}{unit}/s")
        if progress.total is not None:
            parts.append(f"{duration((progress.total - progress.done) / rate)} left")
    if progress.failed:
        parts.append(f"{progress.failed:,} failed")
    if stopping:
        parts.append("stopping after this batch")
    return f"{STAGES[progress.stage]}: {', '.join(parts)}"
