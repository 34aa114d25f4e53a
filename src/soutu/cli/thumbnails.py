"""Small pictures beside the hits, in terminals that can draw them.

Two protocols cover the terminals in use: kitty's graphics protocol
(sw.kovidgoyal.net/kitty/graphics-protocol) and iTerm2's inline images
(iterm2.com/documentation-images.html).
"""

from __future__ import annotations

import base64
import io
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import click

from soutu.cli.display import bar, day, pixels, printable

if TYPE_CHECKING:
    from soutu.types import Hit

ROWS, COLUMNS = 5, 12
"""Room for one thumbnail, in character cells; a cell is taken to be twice as high as wide."""
PIXELS = (COLUMNS * 20, ROWS * 40)
_CHUNK = 4096  # what kitty takes at most in one escape sequence


@dataclass(frozen=True, kw_only=True)
class Thumbnail:
    """A small PNG with its size in pixels."""

    png: bytes
    width: int
    height: int


Draw: TypeAlias = Callable[[Thumbnail], str]
"""Turn a thumbnail into the escape sequence that shows it."""


def graphics_protocol(*, forced: bool = False, env: Mapping[str, str] = os.environ) -> Draw | None:
    """Tell from the environment how this terminal shows pictures; None if it cannot.

    Inside tmux and screen pictures do not get through, so they count as unable. `forced` passes
    over that, and takes kitty's protocol for a terminal that is not known.
    """
    term, program = env.get("TERM", ""), env.get("TERM_PROGRAM", "")
    multiplexed = bool(env.get("TMUX")) or term.startswith(("screen", "tmux"))
    if multiplexed and not forced:
        return None
    if env.get("KITTY_WINDOW_ID") or term in {"xterm-kitty", "xterm-ghostty"}:
        return draw_kitty
    if program == "ghostty":
        return draw_kitty
    if program in {"iTerm.app", "WezTerm", "mintty"} or env.get("LC_TERMINAL") == "iTerm2":
        return draw_iterm
    return draw_kitty if forced else None


def draw_kitty(thumbnail: Thumbnail) -> str:
    """Write a picture in kitty's protocol, scaled into the room for a thumbnail."""
    # With one of c (columns) and r (rows) given, kitty keeps the picture's proportions.
    wide = thumbnail.width * 2 * ROWS > thumbnail.height * COLUMNS
    fit = f"c={COLUMNS}" if wide else f"r={ROWS}"
    data = base64.standard_b64encode(thumbnail.png).decode("ascii")
    chunks = [data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK)]
    parts = []
    for number, chunk in enumerate(chunks):
        more = int(number + 1 < len(chunks))
        # q=2: the terminal must not answer, or its answers would land in the shell's input.
        keys = f"a=T,f=100,q=2,{fit},m={more}" if number == 0 else f"q=2,m={more}"
        parts.append(f"\x1b_G{keys};{chunk}\x1b\\")
    return "".join(parts)


def draw_iterm(thumbnail: Thumbnail) -> str:
    """Write a picture in iTerm2's protocol, scaled into the room for a thumbnail."""
    data = base64.standard_b64encode(thumbnail.png).decode("ascii")
    keys = f"inline=1;size={len(thumbnail.png)};width={COLUMNS};height={ROWS};preserveAspectRatio=1"
    return f"\x1b]1337;File={keys}:{data}\x07"


def print_with_thumbnails(hits: Sequence[Hit], draw: Draw, *, dimmed: bool) -> None:
    """Print each hit as a thumbnail with its facts beside it."""
    room = room_beside()
    for rank, hit in enumerate(hits, 1):
        facts = [click.style(text, dim=dimmed) for text in _facts(rank, hit, room)]
        print_beside(hit.path, facts, draw)


def room_beside() -> int:
    """Return how many cells are left beside a thumbnail."""
    return max(shutil.get_terminal_size().columns - COLUMNS - 3, 8)


def print_beside(path: Path, lines: Sequence[str], draw: Draw) -> None:
    """Print a picture as a thumbnail with as many lines beside it as it is high (ROWS)."""
    thumbnail = read_thumbnail(path)
    image = draw(thumbnail) if thumbnail else ""
    # Make room first (the screen may scroll), then draw at a saved place: after that the
    # cursor is known, whatever the protocol does with it.
    drawn = "\n" * ROWS + f"\x1b[{ROWS}A\x1b7{image}\x1b8"
    text = "".join(f"\x1b[{COLUMNS + 3}G{line}\n" for line in lines)
    click.echo(drawn + text, nl=False, color=True)


def _facts(rank: int, hit: Hit, room: int) -> list[str]:
    """Return exactly as many lines as a thumbnail is high, each cut to `room` cells."""
    from rich.cells import set_cell_size

    info = hit.info
    facts = " · ".join(filter(None, [pixels(info), day(info.taken_at), info.camera]))
    lines = [
        f"{rank}. {printable(hit.path.name)}",
        printable(str(hit.path.parent)),
        f"{bar(hit.relevance, 10)} {hit.relevance:.0%}  score {hit.score:.3f}",
        printable(facts),
        "",
    ]
    return [set_cell_size(line, room).rstrip() for line in lines]


def read_thumbnail(path: Path) -> Thumbnail | None:
    """Return a picture made small and upright, or None if it cannot be read."""
    from soutu.errors import ImageError
    from soutu.images.decode import open_rgb, read

    try:
        picture = open_rgb(read(path).data, min_side=max(PIXELS))
    except ImageError:
        return None  # the file may have changed since it was indexed; its facts are still shown
    picture.thumbnail(PIXELS)
    stored = io.BytesIO()
    picture.save(stored, "PNG")
    return Thumbnail(png=stored.getvalue(), width=picture.width, height=picture.height)
