"""`soutu eval index`."""

import click


@click.command("index")
def command() -> None:
    """Measure."""
