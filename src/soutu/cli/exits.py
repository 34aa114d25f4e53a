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
from typing import NoReturn

import click

from soutu.cli.display import printable
from soutu.errors import InputError, LibraryBusy, SoutuError

OK, FAILED, BAD_INPUT, BUSY, BUG, INTERRUPTED, READER_GONE = 0, 1, 2, 3, 70, 130, 141


def fail(message: str, exit_code: int = FAILED) -> NoReturn:
    """End the command with one line on stderr, whatever the message holds, and an exit code."""
    click.echo(f"soutu: {printable(message)}", err=True)
    sys.exit(exit_code)


@contextmanager
def exit_codes() -> Iterator[None]:
    """Turn every error of the block into its line and its exit code."""
    try:
        yield
    except click.NoSuchOption as error:
        raise _with_hint_at_dashes(error) from None
    except (click.ClickException, click.exceptions.Exit, click.Abort):  # click sees to these
        raise
    except KeyboardInterrupt:
        fail("stopped", INTERRUPTED)
    except BrokenPipeError:
        _mute_stdout()
        sys.exit(READER_GONE)
    except Exception as error:
        if _is_interrupt(error):
            fail("stopped", INTERRUPTED)
        if os.environ.get("SOUTU_DEBUG", "") not in {"", "0"}:
            import traceback

            traceback.print_exc()
        fail(*_explained(error))


def _with_hint_at_dashes(error: click.NoSuchOption) -> click.UsageError:
    """Say how to write a name that begins with a dash, where a name is what is asked for."""
    asked = [] if error.ctx is None else error.ctx.command.params
    if error.option_name.startswith("--") or not any(isinstance(p, click.Argument) for p in asked):
        return error
    hint = "Put -- before a name that begins with a dash."
    return click.UsageError(f"{error.format_message()} {hint}", ctx=error.ctx)


def _is_interrupt(error: BaseException | None) -> bool:
    """Tell whether Ctrl-C is behind an error: one in the middle of an import becomes another."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False


def _explained(error: Exception) -> tuple[str, int]:
    if isinstance(error, LibraryBusy):
        return str(error), BUSY
    if isinstance(error, InputError):
        return str(error), BAD_INPUT
    if isinstance(error, SoutuError):
        return str(error), FAILED
    if isinstance(error, OSError) and error.strerror:
        where = f": {error.filename}" if error.filename else ""
        return f"{error.strerror}{where}", FAILED
    bug = f"{type(error).__name__}: {error}"
    return f"this is a bug in soutu: {bug}. SOUTU_DEBUG=1 shows where; please report it", BUG


def _mute_stdout() -> None:
    """Send what is still buffered nowhere, so that Python's own flush at exit stays quiet."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
