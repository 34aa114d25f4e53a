"""`soutu tags`: own a vocabulary: see it, change it, and carry it in and out of files."""

from __future__ import annotations

import click

from soutu.cli import tags_edit, tags_files, tags_heads, tags_see, tags_write
from soutu.cli.options import examples


@click.group(
    "tags",
    epilog=examples(
        "soutu tags import everyday",
        "soutu tags add tabby --alias 虎斑猫 --parent cat",
        "soutu tags counts",
        "soutu search --tag cat",
    ),
)
def command() -> None:
    """See and change the tags of a library.

    A tag is a saved query with a name: adding or changing one reads no picture again and holds
    at once. Every change can be undone. A tag is found by its name and by each of its aliases,
    in any script.
    """


for _part in (tags_see, tags_edit, tags_files, tags_heads, tags_write):
    for _command in _part.COMMANDS:
        command.add_command(_command)
