"""The command line: one file per command; the only place that knows exit codes."""

from __future__ import annotations

import io
import os
import sys


def main() -> None:
    """Run `soutu` and exit with its code."""
    try:
        _run()
    except SystemExit as end:
        # By now every library is closed. Freeing the objects of all modules one by one would
        # take as long as a quarter of a search, so the process ends without it.
        if end.code is None or isinstance(end.code, int):
            _end(end.code or 0)
        raise


def _run() -> None:
    try:
        if isinstance(sys.stdout, io.TextIOWrapper):
            # A terminal that cannot show a character gets its escape, never a UnicodeEncodeError.
            sys.stdout.reconfigure(errors="backslashreplace")
        from soutu.cli.app import app
        from soutu.cli.exits import exit_codes

        with exit_codes():  # for what fails before a command runs, such as its import
            app(prog_name="soutu")
    except KeyboardInterrupt:  # Ctrl-C while Python is still importing
        sys.exit(130)


def _end(code: int) -> None:
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):  # Python's own way out knows what to do
        return
    os._exit(code)
