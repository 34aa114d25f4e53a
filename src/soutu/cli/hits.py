"""Print hits for a person: with thumbnails, as a table that fits the terminal, or plain."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from soutu.cli.display import bar, columns, day, pixels, shown

if TYPE_CHECKING:
    from rich.text import Text

    from soutu.types import Hit

BAR_CELLS = 8
ROOM_FOR_SCORE, ROOM_FOR_FACTS = 60, 80
"""Terminal widths from which the score, and the picture's size and date, are shown."""


def print_hits(hits: Sequence[Hit], *, dimmed: bool, thumbnails: str) -> None:
    """Print hits, best first; `thumbnails` is auto, always or never."""
    terminal = sys.stdout.isatty()
    if thumbnails == "always" or (thumbnails == "auto" and terminal):
        from soutu.cli.thumbnails import graphics_protocol

        draw = graphics_protocol(forced=thumbnails == "always")
        if draw is not None:
            from soutu.cli.thumbnails import print_with_thumbnails

            print_with_thumbnails(hits, draw, dimmed=dimmed)
            return
    if terminal:
        _print_table(hits, dimmed=dimmed)
    else:
        _print_plain(hits)


def _print_plain(hits: Sequence[Hit]) -> None:
    rows = [
        (
            str(rank),
            f"{hit.relevance:.2f}",
            f"{hit.score:.4f}",
            pixels(hit.info),
            day(hit.info.taken_at) or "-",
            shown(hit.path),
        )
        for rank, hit in enumerate(hits, 1)
    ]
    click.echo("\n".join(columns(rows, right=(0, 1, 2))))


def _print_table(hits: Sequence[Hit], *, dimmed: bool) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    score, facts = console.width >= ROOM_FOR_SCORE, console.width >= ROOM_FOR_FACTS
    table = Table(box=None, pad_edge=False, header_style="dim", style="dim" if dimmed else "")
    table.add_column("#", justify="right", style="dim", no_wrap=True)
    table.add_column("relevance", no_wrap=True)
    if score:
        table.add_column("score", justify="right", style="dim", no_wrap=True)
    table.add_column("picture", overflow="fold", ratio=1)
    if facts:
        table.add_column("size", justify="right", style="dim", no_wrap=True)
        table.add_column("taken", style="dim", no_wrap=True)
    for rank, hit in enumerate(hits, 1):
        cells = [Text(str(rank)), _relevance(hit, dimmed)]
        cells += [Text(f"{hit.score:.3f}")] if score else []
        # A terminal that knows hyperlinks opens the picture on a click; others show the name.
        cells.append(Text(shown(hit.path), style=f"link {hit.path.absolute().as_uri()}"))
        cells += [Text(pixels(hit.info)), Text(day(hit.info.taken_at))] if facts else []
        table.add_row(*cells, style="dim" if dimmed else None)
    console.print(table)


def _relevance(hit: Hit, dimmed: bool) -> Text:
    from rich.text import Text

    drawn = Text(bar(hit.relevance, BAR_CELLS), style="" if dimmed else "green")
    return drawn.append(f" {hit.relevance:4.0%}", style="not dim" if not dimmed else "")
