"""The documentation of the command line says all there is, as it is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from soutu.cli.app import app

DOCS = Path(__file__).parents[2] / "docs"


def commands(command: click.Command, path: str = "soutu") -> Iterator[tuple[str, click.Command]]:
    """Yield every command with what is typed for it."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from commands(below, f"{path} {name}")


@pytest.mark.parametrize(("path", "command"), list(commands(app)))
def test_everything_has_a_help_text(path: str, command: click.Command) -> None:
    """A command says what it does in a sentence that fits its line; each option explains itself."""
    assert command.help, path
    first = command.help.split("\n\n")[0]
    assert first.endswith(".")
    assert command.get_short_help_str(70) == first
    for option in command.params:
        assert not isinstance(option, click.Option) or option.help, f"{path} {option.name}"


def test_help_pages_in_the_docs_are_fresh() -> None:
    """`make docs` was run after the last change of a command."""
    done = subprocess.run(
        [sys.executable, DOCS / "write_cli.py", "--check"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_every_exit_code_is_documented() -> None:
    """The table in the docs has the codes that the program can end with."""
    from soutu.cli import exits

    text = (DOCS / "cli.md").read_text("utf-8")
    codes = [value for name, value in vars(exits).items() if name.isupper()]
    assert codes
    for code in codes:
        assert f"| {code} |" in text
