"""The parts of `soutu tags` about files: import, export, starters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from soutu.cli.display import count, printable
from soutu.cli.options import examples, library_option
from soutu.cli.table import fitted
from soutu.cli.vocabulary import imported
from soutu.errors import InputError

if TYPE_CHECKING:
    from soutu.library.tagging.base import OnConflict


@click.command(
    "import",
    no_args_is_help=True,
    epilog=examples("soutu tags import everyday", "soutu tags import my-tags.toml"),
)
@click.argument("source", metavar="[FILE|STARTER]", required=False)
@click.option(
    "--keywords", is_flag=True,
    help="Make tags of the keywords that the library's picture files bring along.",
)  # fmt: skip
@click.option(
    "--on-conflict", type=click.Choice(["update", "skip", "error"]), default="update",
    show_default=True, help="What to do with a tag that is there already.",
)  # fmt: skip
@library_option
def import_tags(
    *, source: str | None, keywords: bool, on_conflict: OnConflict, library: str | None
) -> None:
    """Add the tags of a file, or a vocabulary that comes with soutu.

    The file is a .csv, .json or .toml; soutu tags export writes one. soutu tags starters names
    the vocabularies to start from. All of it is taken, or nothing. The library is made if there
    is none.
    """
    from soutu.library import open_library
    from soutu.library.tagging.files import starter_vocabularies

    if (source is None) is not keywords:
        raise click.UsageError("Name a file or a starter vocabulary, or say --keywords.")
    if source is None:
        with open_library(library) as opened:
            click.echo(imported(opened.tags.add_keywords(), "tag"))
        return
    if source not in (starters := starter_vocabularies()) and not _is_path(source):
        known = f" nor one that comes with soutu ({', '.join(starters)})" if starters else ""
        raise InputError(f"{source} is no file{known}. Check the name")
    with open_library(library, create=True) as opened:
        report = opened.tags.load(source, on_conflict=on_conflict)
    click.echo(imported(report, "tag"))


def _is_path(source: str) -> bool:
    """Tell whether somebody means a file, which is read, or refused, as such."""
    return source == "-" or Path(source).exists()


@click.command("export", no_args_is_help=True, epilog=examples("soutu tags export my-tags.toml"))
@click.argument("file", metavar="FILE")
@library_option
def export(*, file: str, library: str | None) -> None:
    """Write all tags to a .csv, .json or .toml file."""
    from soutu.library import open_library

    with open_library(library) as opened:
        written = opened.tags.save(file)
    click.echo(f"Wrote {count(written, 'tag')} to {printable(file)}")


@click.command("starters")
def starters() -> None:
    """List the vocabularies that come with soutu.

    To take one: soutu tags import NAME
    """
    from soutu.library.tagging.files import starter_vocabularies

    rows = [tuple(map(printable, each)) for each in starter_vocabularies().items()]
    click.echo("\n".join(fitted(rows, cut=(1,))))


COMMANDS = (import_tags, export, starters)
