"""The command line: one file per command; the only place that knows exit codes."""

from __future__ import annotations

import io
import sys


def main() -> None:
    """Run `soutu` and exit with its code."""
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
