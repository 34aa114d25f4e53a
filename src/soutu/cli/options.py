"""Options that several commands share."""

from __future__ import annotations

from typing import Any

import click


def examples(*commands: str) -> str:
    r"""Return a help page's closing block of example commands; click keeps `\b` blocks as is."""
    return "\b\nExamples:\n" + "\n".join(f"  {command}" for command in commands)


class Share(click.FloatRange):
    """A number from 0 to 1, which may be written as a percentage, as soutu shows it."""

    def __init__(self) -> None:
        super().__init__(0, 1)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number. Raises BadParameter."""
        if not isinstance(value, str) or not value.endswith("%"):
            return super().convert(value, param, ctx)
        percent: Any = value.removesuffix("%")
        return float(click.FloatRange(0, 100).convert(percent, param, ctx)) / 100


library_option = click.option(
    "--library",
    metavar="DIR",
    help="The library to work on.  [default: $SOUTU_LIBRARY, else your data folder]",
)
precision_option = click.option(
    "--precision",
    type=click.Choice(["auto", "fp32", "fp16", "int8"]),
    default="auto",
    show_default=True,
    help="How exactly to compute; auto takes int8 where it is measured to be as good.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
quiet_option = click.option(
    "-q", "--quiet", is_flag=True, help="Say nothing unless something goes wrong."
)
who_option = click.option(
    "--who", metavar="NAME", help="Whose word this is.  [default: your login name]"
)
