"""The `soutu` command: a group whose commands are imported only when they run."""

from __future__ import annotations

import importlib
from typing import Any

import click

import soutu
from soutu.cli.exits import exit_codes
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
    "serve": "soutu.cli.serve",
}
"""Each command's module, in the order of the help page; the module calls its command `command`."""


class LazyGroup(click.Group):
    """Import a command's module when it is asked for, so that `search` pays for `search` alone."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click gives it
        """Return the commands' names in the order of the help page."""
        return list(COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click gives it
        cmd_name: str,
    ) -> click.Command | None:
        """Import and return one command; None when there is none of that name."""
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        command = importlib.import_module(module).command
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; its errors become one line on stderr and an exit code."""
        with exit_codes():
            return super().invoke(ctx)


@click.group(
    cls=LazyGroup,
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
