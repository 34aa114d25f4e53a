"""Ctrl-C during long work: the first asks for a clean stop, the second ends at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequest:
    """Remember that SIGINT or SIGTERM came; a `Stop` for the library to ask between batches."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self._signal = signal.SIGINT

    def __call__(self) -> bool:
        """Say whether a stop was asked for."""
        return self.event.is_set()

    @property
    def exit_code(self) -> int:
        """Give the shell's code for the signal: 130 for Ctrl-C, 143 for SIGTERM."""
        return 128 + self._signal

    @contextmanager
    def listening(self) -> Iterator[StopRequest]:
        """Take the two signals for the time of the block."""
        before = {}
        for number in (signal.SIGINT, signal.SIGTERM):
            # A job that was started with its signals ignored (nohup, `&` in a script) keeps that.
            if signal.getsignal(number) != signal.SIG_IGN:
                before[number] = signal.signal(number, self._receive)
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - given
        if self.event.is_set():
            raise KeyboardInterrupt
        self._signal = signal.Signals(number)
        self.event.set()
