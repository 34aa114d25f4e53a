"""The parts of `soutu tags` about trained heads: use-head, drop-head, heads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from soutu.cli.display import columns, count, printable, write_json
from soutu.cli.options import examples, json_option, library_option
from soutu.cli.vocabulary import head_as_json, head_rows, names, typed

if TYPE_CHECKING:
    from soutu.types import HeadReport, HeadUse

_SHOWN = 8


@click.command(
    "use-head",
    no_args_is_help=True,
    epilog=examples(
        "soutu tags use-head heads/flowers",
        "soutu tags use-head heads/zoo --as hound=dog --without background",
    ),
)
@click.argument("folder", metavar="DIR")
@click.option(
    "--as", "renamed", multiple=True, metavar="CLASS=TAG",
    help="The tag of a class, where it has another name; may be given several times.",
)  # fmt: skip
@click.option(
    "--without", multiple=True, metavar="CLASS",
    help="Leave a class of the head out; may be given several times.",
)  # fmt: skip
@library_option
def use_head(
    *, folder: str, renamed: tuple[str, ...], without: tuple[str, ...], library: str | None
) -> None:
    """Let a trained head score the tags of its classes.

    DIR is a folder that soutu train made; it is copied into the library. Tags that are not there
    are added. What people said, and thresholds they set, stay; new labels teach on top of the head.
    It works with the model that it was trained on.
    """
    from soutu.library import open_library

    tags: dict[str, str | None] = dict(map(_renamed, renamed))
    if twice := sorted(tags.keys() & set(without)):
        raise click.UsageError(f"{twice[0]!r} is both renamed and left out.")
    tags |= dict.fromkeys(without)
    with open_library(library) as opened:
        report = opened.use_head(folder, tags=tags)
    click.echo("\n".join(_used(report)))


def _renamed(text: str) -> tuple[str, str]:
    name, sign, tag = text.rpartition("=")
    if not (sign and name and tag):
        raise click.UsageError(f"--as {text!r}: write CLASS=TAG.")
    return name, tag


def _used(report: HeadReport) -> list[str]:
    (_, told), *_ = head_rows(report.head)
    lines = [f"The head ({told}) scores {count(len(report.tags), 'tag')}: {_few(report.tags)}"]
    if report.added:
        lines.append(f"Added {count(len(report.added), 'tag')}: {_few(report.added)}")
    lines.append(f"To take it back: {typed('tags', 'undo')}")
    return lines


def _few(found: tuple[str, ...]) -> str:
    more = len(found) - _SHOWN
    return names(found[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


@click.command("drop-head")
@click.argument("tags", nargs=-1, metavar="[TAG]...")
@library_option
def drop_head(*, tags: tuple[str, ...], library: str | None) -> None:
    """Let texts and labels score tags again.

    Without names, all tags that have a trained head give it up. The tags stay, and so does what
    people said.
    """
    from soutu.library import open_library

    with open_library(library) as opened:
        dropped = opened.drop_head(tags or None)
    if dropped:
        click.echo(f"{count(dropped, 'tag')} without a trained head now. To take it back: "
                   f"{typed('tags', 'undo')}")  # fmt: skip
    else:
        click.echo("No tag has a trained head.")


@click.command("heads")
@json_option
@library_option
def heads(*, as_json: bool, library: str | None) -> None:
    """List the trained heads that tags were given."""
    from soutu.library import open_library

    with open_library(library) as opened:
        found = opened.heads()
    if as_json:
        write_json([{**head_as_json(each.head), "tags": list(each.tags)} for each in found])
    elif not found:
        click.echo(f"No tag has a trained head. To use one: {typed('tags', 'use-head', 'DIR')}")
    else:
        click.echo("\n\n".join("\n".join(_lines(each)) for each in found))


def _lines(use: HeadUse) -> list[str]:
    made = [("made", printable(use.head.made))] if use.head.made else []
    return columns([*head_rows(use.head), *made, ("tags", _few(use.tags))])


COMMANDS: Sequence[click.Command] = (use_head, drop_head, heads)
