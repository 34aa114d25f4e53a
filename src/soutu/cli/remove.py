"""`soutu remove`: make the library forget pictures."""

from __future__ import annotations

import sys

import click

from soutu.cli.display import count
from soutu.cli.exits import BAD_INPUT, fail
from soutu.cli.options import examples, library_option

ASKS_ABOVE = 100


@click.command(
    "remove",
    no_args_is_help=True,
    epilog=examples("soutu remove ~/Pictures/old", "soutu remove --yes /mnt/usb-stick"),
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path())
@click.option("-y", "--yes", is_flag=True, help=f"Do not ask, however many (> {ASKS_ABOVE}).")
@library_option
def command(*, paths: tuple[str, ...], yes: bool, library: str | None) -> None:
    """Make the library forget files and whole folders (PATH).

    The files themselves stay where they are; none is ever deleted or changed.
    """
    from soutu.library import open_library

    with open_library(library) as opened:
        if not yes:
            _ask(opened.remove(paths, dry_run=True))
        forgotten = opened.remove(paths)
    if forgotten:
        click.echo(f"Forgot {count(forgotten, 'picture')}. The files themselves are untouched.")
    else:
        click.echo("The library held none of these; nothing to forget.")


def _ask(pictures: int) -> None:
    if pictures <= ASKS_ABOVE:
        return
    if not sys.stdin.isatty():
        fail(
            f"this would forget {count(pictures, 'picture')}, and nobody is here to ask. "
            "Say --yes if you mean it",
            BAD_INPUT,
        )
    click.confirm(f"Forget {count(pictures, 'picture')}? (The files stay.)", abort=True)
