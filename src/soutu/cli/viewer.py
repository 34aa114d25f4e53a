"""Open pictures with the desktop's own viewer."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from soutu.errors import SoutuError

AT_ONCE = 10
"""How many pictures are opened at most: each may become a window of its own."""


def open_pictures(paths: Sequence[Path]) -> None:
    """Hand pictures to the viewer and go on. Raises SoutuError when the desktop has none."""
    if len(paths) > AT_ONCE:
        click.echo(f"Opening the first {AT_ONCE} of {len(paths)}.", err=True)
    chosen = [path.absolute() for path in paths[:AT_ONCE]]
    if sys.platform == "win32":
        for path in chosen:
            os.startfile(path)  # noqa: S606 - the desktop chooses the program
        return
    # macOS shows all of them in one window; xdg-open takes one at a time.
    if sys.platform == "darwin":
        commands = [["open", *map(str, chosen)]]
    else:
        commands = [["xdg-open", str(path)] for path in chosen]
    try:
        for command in commands:
            subprocess.Popen(  # noqa: S603 - a fixed program; absolute paths are no options
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
    except FileNotFoundError:
        raise SoutuError(f"no viewer: {commands[0][0]} is not installed") from None
