"""Read single keys from a terminal, without Enter."""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

QUIT = "q"
"""What the end of the input (Ctrl-D) is read as."""


@contextmanager
def single_keys() -> Iterator[Callable[[], str]]:
    """Give a function that waits for a key; special keys are read as an empty string.

    Keys typed ahead are kept. Ctrl-C raises KeyboardInterrupt; after Ctrl-Z and `fg` it goes on.
    """
    if sys.platform == "win32":
        yield click.getchar
        return
    import termios
    import tty

    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)

    def prepare(*_signal: object) -> None:
        # Not click.getchar, which throws away what is typed between two of its calls.
        tty.setcbreak(terminal, termios.TCSADRAIN)

    resumed = signal.signal(signal.SIGCONT, prepare)
    prepare()
    try:
        yield lambda: _read_key(terminal)
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
        signal.signal(signal.SIGCONT, resumed)


def _read_key(terminal: int) -> str:
    first = os.read(terminal, 1)
    if first in {b"", b"\x04"}:
        return QUIT
    if first == b"\x1b":
        _skip_sequence(terminal)
        return ""
    if first[0] < 0x80:
        return first.decode("ascii")
    more = 1 + (first[0] >= 0xE0) + (first[0] >= 0xF0)  # bytes of a UTF-8 character
    return (first + os.read(terminal, more)).decode("utf-8", errors="replace")


def _skip_sequence(terminal: int) -> None:
    """Read the rest of what an arrow or function key sends: [ … letter, or O and a letter."""

    def waiting() -> bool:
        return bool(select.select([terminal], [], [], 0)[0])

    if not waiting():
        return  # the Escape key itself
    kind = os.read(terminal, 1)
    while kind in {b"[", b"O"} and waiting():
        if 0x40 <= os.read(terminal, 1)[0] <= 0x7E:
            return
