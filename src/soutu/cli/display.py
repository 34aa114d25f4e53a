"""How names and figures are written for a person: safe in a terminal, short, aligned."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from soutu.types import ImageInfo

_JOINER = "\u200d"  # invisible by design, and what holds family emoji together
_BYTE = re.compile("[\udc80-\udcff]")
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def printable(text: str) -> str:
    r"""Escape what a terminal would act on: control and invisible characters, undecodable bytes.

    A newline becomes `\n`, an escape `\x1b`, a byte that is no UTF-8 `\xff`.
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char == _JOINER else _escaped(char) for char in text
    )


def _escaped(char: str) -> str:
    if _BYTE.match(char):  # a byte of a file name, as os.fsdecode keeps it
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char.encode("unicode_escape").decode("ascii")


def shown(path: Path) -> str:
    """Write a path for a person: relative to the current folder when it lies below it."""
    try:
        return printable(str(path.relative_to(Path.cwd())))
    except (ValueError, OSError):  # elsewhere, or the current folder is gone
        return printable(str(path))


def bar(share: float, cells: int) -> str:
    """Draw a share of 0..1 as a bar of that many character cells."""
    eighths = round(min(max(share, 0.0), 1.0) * cells * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(cells, "·")


def pixels(info: ImageInfo) -> str:
    """Write a picture's size, as 640×427."""
    return f"{info.width}×{info.height}"


def day(moment: datetime | None) -> str:
    """Write the day a picture was taken, or nothing."""
    return f"{moment:%Y-%m-%d}" if moment else ""


def count(number: int, noun: str) -> str:
    """Write a number with its noun, as 1,000 pictures or 1 picture."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def data_size(number: float) -> str:
    """Write bytes as B, kB, MB, GB (powers of 1,000)."""
    if number < 1000:
        return f"{number:.0f} B"
    for unit in ("kB", "MB", "GB"):
        number /= 1000
        if number < 999.95:
            return f"{number:.1f} {unit}"
    return f"{number / 1000:.1f} TB"


def duration(seconds: float) -> str:
    """Write a time span as 0.4 s, 2:05 min or 1:02:05 h."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d} h" if hours else f"{minutes}:{rest:02d} min"


def columns(rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> list[str]:
    """Align rows of cells in columns by the width a terminal gives them (CJK counts double)."""
    from rich.cells import cell_len

    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        padded = [
            " " * (width - cell_len(cell)) + cell
            if number in right
            else cell + " " * (width - cell_len(cell))
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(padded).rstrip())
    return lines


def write_json(value: object) -> None:
    r"""Print JSON in plain ASCII.

    A name that is no UTF-8 survives it: each stray byte becomes a lone `\udcXX`, which Python's
    `os.fsencode` turns back.
    """
    import json

    click.echo(json.dumps(value, indent=2))


def write_raw_paths(paths: Sequence[Path], *, end: bytes) -> None:
    """Write paths as the bytes that the file system knows them by, each followed by `end`."""
    sys.stdout.buffer.write(b"".join(os.fsencode(path) + end for path in paths))
    sys.stdout.flush()
