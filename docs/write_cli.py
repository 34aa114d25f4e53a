"""Write every command's help page into docs/cli.md, between its markers.

`make docs` runs it. With `--check` nothing is written: it exits with 1 when the file is stale.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from soutu.cli.app import app

PAGE = Path(__file__).with_name("cli.md")
BEGIN, END = "<!-- help pages: written by `make docs` -->", "<!-- end of help pages -->"


def commands(command: click.Command, context: click.Context) -> Iterator[click.Context]:
    """Yield a context for the command and everything below it, in the order of the help."""
    yield context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from commands(below, click.Context(below, context, name, terminal_width=80))


def help_pages() -> str:
    """Return all help pages as Markdown."""
    top = click.Context(app, info_name="soutu", terminal_width=80, **app.context_settings)
    sections = [
        f"### `{context.command_path}`\n\n```text\n{context.get_help().rstrip()}\n```"
        for context in commands(app, top)
    ]
    return "\n\n".join(sections)


def with_help_pages(text: str) -> str:
    """Return the page's text with the help between the markers replaced by today's."""
    between = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    assert between.search(text), f"{PAGE.name} has lost its markers"
    return between.sub(lambda _: f"{BEGIN}\n\n{help_pages()}\n\n{END}", text)


def main() -> None:
    """Write the page, or check it."""
    text = PAGE.read_text("utf-8")
    fresh = with_help_pages(text)
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(fresh, "utf-8")
    elif fresh != text:
        sys.exit(f"{PAGE.name} is stale. Run: make docs")


if __name__ == "__main__":
    main()
