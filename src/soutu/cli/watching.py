"""Watch folders, and index again what changes in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from soutu.errors import LibraryBusy

if TYPE_CHECKING:
    from soutu.cli.indexing import Indexing
    from soutu.cli.interrupts import StopRequest
    from soutu.types import Failure, IndexReport

QUIET_FOR_MS = 500
AT_LATEST_MS = 5000
"""A run starts once nothing has changed for the first span, or changes went on for the second."""
SECONDS_BETWEEN_TRIES = 1.0


def watch_for_changes(
    indexing: Indexing, roots: Sequence[Path], stop: StopRequest
) -> Iterator[IndexReport]:
    """Yield a report for each run that found something to do, until a stop is asked for.

    A change is indexed by another run over the given path that it lies below, so that globs and
    renames mean the same as ever; unchanged files cost one look each. Between runs the library is
    closed, so that searches from other processes get in.
    """
    from watchfiles import watch

    assert indexing.place is not None, "the first run opened the library"
    own = (indexing.place.absolute(), indexing.place.resolve())
    failures: tuple[Failure, ...] | None = None
    changes = watch(
        *(root.absolute() for root in roots),
        watch_filter=lambda _, path: not any(map(Path(path).is_relative_to, own)),
        debounce=AT_LATEST_MS,
        step=QUIET_FOR_MS,
        stop_event=stop.event,
        raise_interrupt=False,
    )
    for changed in changes:
        touched = _above([Path(path) for _, path in changed], roots)
        report = _run_when_free(indexing, touched, stop)
        if report is not None:
            if _found_something(report) or report.failures != failures:
                yield report
            failures = report.failures
        if stop():
            return


def _above(changed: Sequence[Path], roots: Sequence[Path]) -> Sequence[Path]:
    """Return the roots that a changed path lies below."""
    touched = [
        root
        for root in roots
        if any(
            # The system may report a path with its symlinks followed.
            path.is_relative_to(root.absolute()) or path.is_relative_to(root.resolve())
            for path in changed
        )
    ]
    return touched or roots


def _run_when_free(
    indexing: Indexing, roots: Sequence[Path], stop: StopRequest
) -> IndexReport | None:
    """Index the roots, waiting while another process holds the library; None once stopped."""
    waiting = False
    while not stop():
        try:
            return indexing.run(roots, stop)
        except LibraryBusy as busy:
            if not waiting:
                click.echo(f"Waiting: {busy}", err=True)
            waiting = True
            stop.event.wait(SECONDS_BETWEEN_TRIES)
    return None


def _found_something(report: IndexReport) -> bool:
    return bool(report.added or report.updated or report.moved or report.removed)
