"""`soutu eval`: a group whose commands are imported only when they run."""

from __future__ import annotations

import click

from soutu.cli.lazy import LazyGroup
from soutu.cli.options import examples

COMMANDS = {
    "tagging": "soutu.cli.eval_tagging",
    "retrieval": "soutu.cli.eval_retrieval",
    "compare": "soutu.cli.eval_compare",
    "index": "soutu.cli.eval_index",
}
"""Each command's module, in the order of the help page; the module calls its command `command`."""


class EvalGroup(LazyGroup):
    """Import a measurement when it is asked for."""

    modules = COMMANDS


@click.group(
    "eval",
    cls=EvalGroup,
    epilog=examples(
        "soutu eval tagging ~/Birds --report birds.html",
        "soutu eval retrieval ~/Flickr8k --split test",
        "soutu eval compare mini openclip-vit-b-32 --data ~/Flickr8k",
        "soutu eval index --recommend",
    ),
)
def command() -> None:
    """Measure how good tagging, search and the index are."""
