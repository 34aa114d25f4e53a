"""What the commands that learn from labelled pictures share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import get_args

import click

from soutu.train.settings import LossName

taught_by_option = click.option(
    "--library", metavar="DIR", help="Learn what people said in this library, in place of DATA."
)
loss_option = click.option(
    "--loss", type=click.Choice(get_args(LossName)), default="bce", show_default=True,
    help="What training makes small.",
)  # fmt: skip
leave_out_option = click.option(
    "--leave-out", is_flag=True, help="Train without pictures that cannot be read."
)
resume_option = click.option(
    "--resume", is_flag=True, help="Go on where an earlier run with this DIR stopped."
)


@contextmanager
def resumable() -> Iterator[None]:
    """Say how a training that is stopped goes on."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo("To go on from here: the same command with --resume", err=True)
        raise
