"""Tables that fit the terminal: what does not fit is cut, and whole in a pipe."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence

from soutu.cli.display import columns

LEAST = 8
"""Cells that a column keeps, however narrow the terminal is."""
_GAP = 2


def fitted(
    rows: Sequence[Sequence[str]], *, right: Sequence[int] = (), cut: Sequence[int] = ()
) -> list[str]:
    """Align rows as `display.columns` does; in a terminal, cut columns until the lines fit.

    `cut` names the columns that may be cut, the one to cut first in front.
    """
    if not sys.stdout.isatty():
        return columns(rows, right=right)
    return columns(cut_to(rows, shutil.get_terminal_size().columns, cut), right=right)


def cut_to(rows: Sequence[Sequence[str]], room: int, cut: Sequence[int]) -> list[list[str]]:
    """Cut the columns named in `cut`, one after the other, until a row takes `room` cells."""
    from rich.cells import cell_len

    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    too_much = sum(widths) + _GAP * (len(widths) - 1) - room
    for column in cut:
        if too_much <= 0:
            break
        kept = min(widths[column], max(LEAST, widths[column] - too_much))
        too_much -= widths[column] - kept
        widths[column] = kept
    return [
        [shortened(cell, width) for cell, width in zip(row, widths, strict=True)] for row in rows
    ]


def shortened(text: str, cells: int) -> str:
    """Return a text that takes at most that many cells; a cut one ends with an ellipsis."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) <= cells:
        return text
    return set_cell_size(text, cells - 1).rstrip() + "…"
