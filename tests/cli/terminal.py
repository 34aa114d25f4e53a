"""Run a program in a terminal of its own, and read what it writes there."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

PROGRAM = Path(__file__).with_name("program.py")


class Terminal:
    """A pseudo-terminal with a program in it; `wait` returns its exit code."""

    def __init__(
        self,
        args: Sequence[str],
        *,
        columns: int = 80,
        env: Mapping[str, str] | None = None,
        program: Path = PROGRAM,
    ) -> None:
        self._own, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        kept = {k: v for k, v in os.environ.items() if k not in {"TMUX", "NO_COLOR", "COLUMNS"}}
        self.process = subprocess.Popen(
            [sys.executable, program, *args],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env={**kept, "TERM": "xterm-256color", **(env or {})},
        )
        os.close(theirs)
        self.text = ""

    def read_until(self, wanted: str, *, seconds: float = 20) -> None:
        """Read until some text has come; fail if it does not."""
        end = time.monotonic() + seconds
        while wanted not in self.text:
            assert time.monotonic() < end, f"{wanted!r} never came: {self.text!r}"
            assert self._read(), f"it ended without {wanted!r}: {self.text!r}"

    def press(self, keys: str) -> None:
        """Send keys, as if they were typed."""
        os.write(self._own, keys.encode())

    def wait(self) -> int:
        """Read until the program ends, and return its exit code."""
        while self._read():
            pass
        return self.process.wait(timeout=20)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._own], [], [], 0.2)
        if not ready:
            return self.process.poll() is None
        try:
            found = os.read(self._own, 65536)
        except OSError:  # the other side is closed
            return False
        self.text += found.decode(errors="replace")
        return bool(found)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._own)
