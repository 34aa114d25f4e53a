"""`soutu eval`: a group whose commands are imported only when they run."""

from __future__ import annotations

import click

from soutu.cli.lazy import LazyGroup
from soutu.cli.options import examples

COMMANDS = {
    "index": "soutu.cli.eval_index",
}
"""Each command's module, in the order of the help page; the module calls its command `command`."""


class EvalGroup(LazyGroup):
    """Import a measurement when it is asked for."""

    modules = COMMANDS


@click.group("eval", cls=EvalGroup, epilog=examples("soutu eval index --recommend"))
def command() -> None:
    """Measure how good tagging, search and the index are."""
