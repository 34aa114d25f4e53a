"""`soutu index`: take pictures into the library, and keep it up to date."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from soutu.cli.exits import FAILED
from soutu.cli.interrupts import StopRequest
from soutu.cli.options import (
    examples,
    json_option,
    library_option,
    precision_option,
    quiet_option,
)
from soutu.cli.report import report_as_json, report_failures, report_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soutu.cli.indexing import Indexing
    from soutu.models.base import PrecisionChoice
    from soutu.types import IndexReport


@click.command(
    "index",
    no_args_is_help=True,
    epilog=examples(
        "soutu index ~/Pictures",
        "soutu index ~/Pictures --exclude 'raw/**' --watch",
        "soutu index scans --library ./scans-library --model clip-vit-b-32",
    ),
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path())
@library_option
@click.option(
    "--model", metavar="NAME|DIR",
    help="The model for a new library: see soutu models list.  [default: mini]",
)  # fmt: skip
@precision_option
@click.option(
    "--include", multiple=True, metavar="GLOB",
    help="Take only files that match, as 'holiday/**'; may be given several times.",
)  # fmt: skip
@click.option(
    "--exclude", multiple=True, metavar="GLOB",
    help="Leave out files and folders that match; may be given several times.",
)  # fmt: skip
@click.option("--watch", is_flag=True, help="Then stay, and index what changes, until Ctrl-C.")
@json_option
@quiet_option
def command(
    *,
    paths: tuple[str, ...],
    library: str | None,
    model: str | None,
    precision: PrecisionChoice,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    watch: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Take pictures from files and folders (PATH) into the library.

    The library is made if there is none. Run it again at any time: only what is new or changed
    costs time, renamed files are recognised, vanished ones are taken out. Files that are no
    readable pictures are listed and skipped. Ctrl-C stops cleanly; the next run goes on there.

    The exit code is 0 also when some files failed, 1 when every one did, 130 when stopped.
    """
    from soutu.cli.indexing import Indexing

    indexing = Indexing(
        library=library,
        model=model,
        precision=precision,
        include=include,
        exclude=exclude,
        show_progress=not (quiet or as_json),
    )
    stop = StopRequest()
    with stop.listening():
        report = indexing.run(paths, stop)
        _print(report, as_json=as_json, quiet=quiet)
        if watch and not report.interrupted:
            _watch(indexing, paths, stop, report, as_json=as_json, quiet=quiet)
            return
    if report.interrupted:
        click.echo("Stopped. Run the same command again to go on.", err=True)
        sys.exit(stop.exit_code)
    if report.failures and not _done(report):
        sys.exit(FAILED)


def _watch(
    indexing: Indexing,
    paths: Sequence[str],
    stop: StopRequest,
    report: IndexReport,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Print what changes lead to, until a stop is asked for; failures only when they change."""
    from soutu.cli.watching import watch_for_changes

    if indexing.show_progress:
        click.echo("Watching for changes; Ctrl-C ends it.", err=True)
    told = report.failures
    for later in watch_for_changes(indexing, [Path(path) for path in paths], stop):
        _print(later, as_json=as_json, quiet=quiet, failures=later.failures != told)
        told = later.failures
    if indexing.show_progress:
        click.echo("\nStopped watching.", err=True)


def _done(report: IndexReport) -> int:
    return report.added + report.updated + report.moved + report.removed + report.skipped


def _print(report: IndexReport, *, as_json: bool, quiet: bool, failures: bool = True) -> None:
    if as_json:
        from soutu.cli.display import write_json

        write_json(report_as_json(report))
        return
    if not quiet:
        click.echo("\n".join(report_lines(report)))
    if report.failures and failures:
        click.echo("\n".join(report_failures(report)), err=True)
