"""`soutu tags write`: give the tags to other programs, in XMP files."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from soutu.cli.display import count
from soutu.cli.exits import FAILED
from soutu.cli.interrupts import StopRequest
from soutu.cli.options import examples, json_option, library_option, quiet_option
from soutu.cli.report import failure_as_json, folded_failures

if TYPE_CHECKING:
    from soutu.types import WriteReport


@click.command(
    "write",
    epilog=examples("soutu tags write --dry-run", "soutu tags write ~/Pictures/2024 --tag cat"),
)
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path())
@click.option(
    "--tag", "tags", multiple=True, metavar="NAME",
    help="Write only this tag; may be given several times.",
)  # fmt: skip
@click.option(
    "--in-place", is_flag=True,
    help="Write into JPEG and PNG files, each kept as NAME_original, and XMP files that are there.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Write nothing; say how many files would change.")
@json_option
@quiet_option
@library_option
def write(
    *,
    paths: tuple[str, ...],
    tags: tuple[str, ...],
    in_place: bool,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
    library: str | None,
) -> None:
    """Write the tags of pictures to XMP files beside them.

    Photo programs read them as keywords. They are written for all pictures of the library, or
    for those at and below each PATH. What soutu wrote earlier and holds no more is taken out; the
    keywords of others stay. The pictures themselves are not touched without --in-place.

    The exit code is 0 also when some files failed, 1 when every one did, 130 when stopped.
    """
    from soutu.cli.progress import shown_progress
    from soutu.library import open_library

    stop = StopRequest()
    with (
        open_library(library) as opened,
        stop.listening(),
        shown_progress(stop, quiet=quiet or as_json) as watcher,
    ):
        report = opened.write_tags(
            paths or None,
            tags=tags or None,
            in_place=in_place,
            dry_run=dry_run,
            on_progress=watcher,
            should_stop=stop,
        )
    _print(report, dry_run=dry_run, as_json=as_json, quiet=quiet)
    if report.interrupted:
        click.echo("Stopped. Run the same command again to go on.", err=True)
        sys.exit(stop.exit_code)
    if report.failures and not (report.written or report.unchanged):
        sys.exit(FAILED)


def _print(report: WriteReport, *, dry_run: bool, as_json: bool, quiet: bool) -> None:
    if as_json:
        from soutu.cli.display import write_json

        write_json(_as_json(report))
        return
    if not quiet:
        click.echo(_summary(report, dry_run=dry_run))
    if report.failures:
        title = f"{count(len(report.failures), 'file')} could not be written:"
        lines = folded_failures(report.failures, title, whole_list="soutu tags write --json")
        click.echo("\n".join(lines), err=True)


def _summary(report: WriteReport, *, dry_run: bool) -> str:
    done = {
        "to write" if dry_run else "written": report.written,
        "up to date": report.unchanged,
        "failed": len(report.failures),
    }
    parts = [f"{number:,} {what}" for what, number in done.items() if number]
    return ", ".join(parts) or "No pictures there"


def _as_json(report: WriteReport) -> dict[str, object]:
    return {
        "written": report.written,
        "unchanged": report.unchanged,
        "failed": [failure_as_json(failure) for failure in report.failures],
        "interrupted": report.interrupted,
    }


COMMANDS = (write,)
