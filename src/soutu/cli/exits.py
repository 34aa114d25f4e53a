"""Turn what goes wrong into one line on stderr and an exit code.

0    done; also when a search finds nothing, or when only some files could not be indexed
1    it failed (the library is damaged, the disk is full, no hub answers, every file is bad …)
2    what was asked for cannot be done as written: an argument, a query, a model
3    another process holds the library
70   a bug in soutu
130  stopped with Ctrl-C (143: with SIGTERM)
141  the reader of the output went away
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import click

from soutu.cli.display import printable
from soutu.errors import InputError, LibraryBusy, SoutuError

OK, FAILED, BAD_INPUT, BUSY, BUG, INTERRUPTED, READER_GONE = 0, 1, 2, 3, 70, 130, 141


class Failed(click.ClickException):
    """End the command with one line on stderr and an exit code."""

    def __init__(self, message: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code

    def show(self, file: IO[Any] | None = None) -> None:
        """Write `soutu: message` on stderr, as one line whatever the message holds."""
        click.echo(f"soutu: {printable(self.message)}", file=file, err=file is None)


@contextmanager
def exit_codes() -> Iterator[None]:
    """Raise every error as a `Failed` that carries its exit code."""
    try:
        yield
    except (click.ClickException, click.exceptions.Exit, click.Abort):
        raise
    except KeyboardInterrupt:
        raise Failed("stopped", INTERRUPTED) from None
    except BrokenPipeError:
        _mute_stdout()
        raise click.exceptions.Exit(READER_GONE) from None
    except Exception as error:
        if os.environ.get("SOUTU_DEBUG", "") not in {"", "0"}:
            import traceback

            traceback.print_exc()
        raise _explained(error) from error


def _explained(error: Exception) -> Failed:
    if isinstance(error, LibraryBusy):
        return Failed(str(error), BUSY)
    if isinstance(error, InputError):
        return Failed(str(error), BAD_INPUT)
    if isinstance(error, SoutuError):
        return Failed(str(error), FAILED)
    if isinstance(error, OSError) and error.strerror:
        where = f": {error.filename}" if error.filename else ""
        return Failed(f"{error.strerror}{where}", FAILED)
    return Failed(
        f"this is a bug in soutu: {type(error).__name__}: {error}. "
        "SOUTU_DEBUG=1 shows where; please report it",
        BUG,
    )


def _mute_stdout() -> None:
    """Send what is still buffered nowhere, so that Python's own flush at exit stays quiet."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
