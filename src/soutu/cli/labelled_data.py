"""Options and reading of labelled pictures, for commands that learn from them or judge by them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from soutu.data import LabelledData

layout_option = click.option(
    "--layout", type=click.Choice(["folders", "csv", "coco", "voc"]),
    help="How the labels are written.  [default: seen from the path]",
)  # fmt: skip
root_option = click.option(
    "--root", metavar="DIR", type=click.Path(file_okay=False),
    help="Where the pictures are.  [default: found beside the labels]",
)  # fmt: skip
partial_option = click.option(
    "--partial", is_flag=True, help="What the labels do not name is unknown, and not a no."
)


def read_labelled(
    path: str | None,
    library: str | None,
    *,
    what: str,
    layout: str | None = None,
    root: str | None = None,
    partial: bool = False,
    column: str | None = None,
    separator: str | None = None,
) -> LabelledData:
    """Read labelled pictures, or what people said of a library's; `what` names the argument.

    Raises UsageError unless exactly one is named, and for options that do not go with a library;
    InputError for broken data.
    """
    if (path is None) == (library is None):
        raise click.UsageError(f"Name either {what} or --library.")
    if path is not None:
        from soutu.data import load

        return load(
            path, layout=layout, root=root, partial=partial, separator=separator, column=column
        )
    given = {
        "--layout": layout,
        "--root": root,
        "--partial": partial,
        "--column": column,
        "--separator": separator,
    }
    if used := [name for name, value in given.items() if value]:
        raise click.UsageError(f"{used[0]} is for {what}, and a library needs none.")
    from soutu.library import open_library
    from soutu.library.labelled import labelled

    with open_library(library) as opened:
        return labelled(opened)
