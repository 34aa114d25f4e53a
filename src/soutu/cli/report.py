"""Write down what an indexing run did."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from soutu.cli.display import count, duration, printable, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from soutu.types import Failure, IndexReport

FAILURES_SHOWN = 20
REASONS_SHOWN = 5


def report_lines(report: IndexReport) -> list[str]:
    """Return the summary for a person; the failures are apart, in `report_failures`."""
    done = {
        "added": report.added,
        "updated": report.updated,
        "moved": report.moved,
        "removed": report.removed,
        "already up to date": report.skipped,
        "failed": len(report.failures),
    }
    parts = [f"{number:,} {what}" for what, number in done.items() if number]
    encoded = report.added + report.updated
    rate = f", {encoded / report.seconds:,.0f} pictures/s" if encoded and report.seconds else ""
    return [f"{', '.join(parts) or 'No pictures there'} ({duration(report.seconds)}{rate})"]


def report_failures(report: IndexReport) -> list[str]:
    """Return the failures of an indexing run."""
    title = f"{count(len(report.failures), 'file')} could not be indexed:"
    return folded_failures(report.failures, title, whole_list="soutu status --failed")


def folded_failures(failures: Sequence[Failure], title: str, *, whole_list: str) -> list[str]:
    """Return the first failures below a title, and the rest counted by reason.

    `whole_list` is the command that lists all of them.
    """
    first, rest = failures[:FAILURES_SHOWN], failures[FAILURES_SHOWN:]
    lines = [title, *(f"  {line}" for line in failure_lines(first))]
    if rest:
        reasons = Counter(failure.reason for failure in rest).most_common()
        told = [f"{number:,} × {printable(reason)}" for reason, number in reasons[:REASONS_SHOWN]]
        others = sum(number for _, number in reasons[REASONS_SHOWN:])
        told += [f"{others:,} × other reasons"] if others else []
        lines.append(f"  … and {len(rest):,} more: {'; '.join(told)}")
        lines.append(f"  All of them: {whole_list}")
    return lines


def failure_lines(failures: Iterable[Failure]) -> list[str]:
    """Return one line for each failure: its path and the reason."""
    return [f"{shown(failure.path)}: {printable(failure.reason)}" for failure in failures]


def failure_as_json(failure: Failure) -> dict[str, str]:
    """Return a failure as plain data."""
    return {"path": str(failure.path), "reason": failure.reason}


def report_as_json(report: IndexReport) -> dict[str, object]:
    """Return the whole report as plain data, every failure in it."""
    return {
        "added": report.added,
        "updated": report.updated,
        "moved": report.moved,
        "removed": report.removed,
        "skipped": report.skipped,
        "failed": [failure_as_json(failure) for failure in report.failures],
        "seconds": round(report.seconds, 3),
        "interrupted": report.interrupted,
    }
