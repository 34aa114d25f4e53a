"""The `soutu` command: a group whose commands are imported only when they run."""

from __future__ import annotations

from typing import Any

import click

import soutu
from soutu.cli.exits import exit_codes
from soutu.cli.lazy import LazyGroup
from soutu.cli.options import examples

COMMANDS = {
    "index": "soutu.cli.index",
    "search": "soutu.cli.search",
    "tags": "soutu.cli.tags",
    "tag": "soutu.cli.tag",
    "label": "soutu.cli.label",
    "review": "soutu.cli.review",
    "status": "soutu.cli.status",
    "remove": "soutu.cli.remove",
    "models": "soutu.cli.models",
    "data": "soutu.cli.data",
    "eval": "soutu.cli.eval",
    "serve": "soutu.cli.serve",
    "train": "soutu.cli.train",
    "experiments": "soutu.cli.experiments",
}
"""Each command's module, in the order of the help page; the module calls its command `command`."""


class Program(LazyGroup):
    """The commands, and the exit codes that their errors become."""

    modules = COMMANDS

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; its errors become one line on stderr and an exit code."""
        with exit_codes():
            return super().invoke(ctx)


@click.group(
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples(
        "soutu index ~/Pictures",
        "soutu search a cat on a sofa",
        "soutu search 日落 --minus people",
        'soutu search --image beach.jpg --plus "at night"',
        "soutu tags import everyday",
        "soutu search --tag cat",
        "soutu serve --open",
    ),
)
@click.version_option(soutu.__version__, message="soutu %(version)s", help="Print the version.")
def app() -> None:
    """Find and tag pictures by meaning: in words, with a picture, or both.

    Each command has a help page of its own: soutu search -h
    """
