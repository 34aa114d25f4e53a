"""How tags, their changes and commands about them are written down."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from soutu.cli.display import count, printable

if TYPE_CHECKING:
    from soutu.types import Change, ImportReport, Tag, TagHead

SKIPPED_SHOWN = 10
NO_TAGS = "There are no tags yet. Run: soutu tags import everyday (or: soutu tags add NAME)"


def tag_as_json(tag: Tag) -> dict[str, object]:
    """Return a tag as plain data."""
    return {
        "name": tag.name,
        "aliases": list(tag.aliases),
        "prompts": list(tag.prompts),
        "parent": tag.parent,
        "group": tag.group,
        "threshold": tag.threshold,
    }


def head_rows(head: TagHead) -> list[tuple[str, str]]:
    """Write a trained head as rows of a label and a value."""
    of = f" of {printable(head.data)}" if head.data else ""
    rows = [("head", f"{head.method}{of}, for {printable(head.model)}")]
    return rows if head.idle is None else [*rows, ("", f"not in use: {printable(head.idle)}")]


def head_as_json(head: TagHead) -> dict[str, object]:
    """Return a trained head as plain data."""
    return {
        "digest": head.digest,
        "method": head.method,
        "data": head.data,
        "model": head.model,
        "revision": head.revision,
        "precision": head.precision,
        "dim": head.dim,
        "made": head.made,
        "idle": head.idle,
    }


def names(found: tuple[str, ...]) -> str:
    """Write names for a person, or a dash for none."""
    return ", ".join(map(printable, found)) or "-"


def percent(probability: float) -> str:
    """Write a probability or threshold, as 45%."""
    return f"{probability:.0%}"


def typed(*words: str) -> str:
    """Write a command as it has to be typed in a shell; the words are options and arguments."""
    return printable(shlex.join(["soutu", *words]))


def imported(report: ImportReport, noun: str) -> str:
    """Write down what an import did."""
    done = {
        "added": report.added,
        "changed": report.updated,
        "unchanged": report.unchanged,
        "skipped": len(report.skipped),
    }
    parts = [f"{number:,} {what}" for what, number in done.items() if number]
    total = count(sum(done.values()), noun)
    if not parts:
        return f"No {noun}s there; nothing changed"
    lines = [f"{total}: {', '.join(parts)}"]
    lines += [f"  skipped {printable(why)}" for why in report.skipped[:SKIPPED_SHOWN]]
    if (more := len(report.skipped) - SKIPPED_SHOWN) > 0:
        lines.append(f"  … and {more:,} more")
    return "\n".join(lines)


def undone(change: Change) -> str:
    """Write that a change was taken back."""
    # What a batch of labels was says so itself: 12 labels from a.csv.
    action = "" if change.action == "labels" else f"{change.action} "
    return f"Undone: {action}{printable(change.what)}"
