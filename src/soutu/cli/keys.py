"""Read single keys from a terminal, without Enter."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import click

QUIT = "q"
"""What the end of the input (Ctrl-D) is read as."""

RESUMED = "resumed"
"""What is read after Ctrl-Z and `fg`: the shell has written since, so ask again."""


@contextmanager
def single_keys() -> Iterator[Callable[[], str]]:
    """Give a function that waits for a key; special keys are read as an empty string.

    Keys typed ahead are kept. Ctrl-C raises KeyboardInterrupt; after Ctrl-Z and `fg` the function
    returns RESUMED.
    """
    if sys.platform == "win32":
        yield click.getchar
        return
    with ExitStack() as stack:
        woken = stack.enter_context(_woken_by_signals())
        yield _Keys(sys.stdin.fileno(), woken, stack).next


@contextmanager
def _woken_by_signals() -> Iterator[int]:
    """Give a pipe that can be read once a signal came, whichever thread it came to.

    Python runs handlers in the main thread only, and a signal that the system gives to another
    thread does not end the main one's wait for a key.
    """
    read, write = os.pipe()
    os.set_blocking(read, False)
    os.set_blocking(write, False)
    before = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    try:
        yield read
    finally:
        signal.set_wakeup_fd(before)
        os.close(read)
        os.close(write)


class _Keys:
    """Take a terminal for single keys until the stack closes; give it to the shell on Ctrl-Z."""

    def __init__(self, terminal: int, woken: int, stack: ExitStack) -> None:
        import termios

        self._terminal, self._woken = terminal, woken
        self._usual = termios.tcgetattr(terminal)
        self._resumed = False
        for number, handler in ((signal.SIGCONT, self._continue), (signal.SIGTSTP, self._stop)):
            stack.callback(signal.signal, number, signal.signal(number, handler))
        stack.callback(self._give_back)
        self._take()

    def next(self) -> str:
        """Wait for a key."""
        while True:
            if self._resumed:
                self._resumed = False
                return RESUMED
            ready, _, _ = select.select([self._terminal, self._woken], [], [])
            if self._woken in ready:  # the handlers have run by now
                with suppress(BlockingIOError):
                    os.read(self._woken, 512)
            elif not self._resumed:
                return _read_key(self._terminal)

    def _take(self) -> None:
        import termios
        import tty

        # Not click.getchar, which throws away what is typed between two of its calls.
        tty.setcbreak(self._terminal, termios.TCSADRAIN)

    def _give_back(self) -> None:
        import termios

        termios.tcsetattr(self._terminal, termios.TCSADRAIN, self._usual)

    def _in_background(self) -> bool:
        try:
            return os.tcgetpgrp(self._terminal) != os.getpgrp()
        except OSError:  # the terminal has no job control
            return False

    def _stop(self, *_signal: object) -> None:
        self._give_back()  # some shells leave the terminal as the stopped program had it
        ours = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        # To this thread: another one might take a signal to the process only later.
        signal.pthread_kill(threading.get_ident(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, ours)
        self._continue()

    def _continue(self, *_signal: object) -> None:
        if self._in_background():
            # By `bg`: nothing can be asked there. Stop as a read would, until `fg` continues it.
            signal.pthread_kill(threading.get_ident(), signal.SIGTTIN)
            return
        self._take()
        self._resumed = True


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
