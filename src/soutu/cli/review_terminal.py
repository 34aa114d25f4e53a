"""Review in a terminal: the picture where it can be shown, and one key as the answer."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from soutu.cli.answers import meaning
from soutu.cli.display import bar, printable, shown
from soutu.cli.keys import RESUMED, single_keys
from soutu.cli.reviewing import Review
from soutu.cli.table import shortened
from soutu.cli.thumbnails import ROWS, graphics_protocol, print_beside, room_beside
from soutu.errors import InputError, SoutuError

if TYPE_CHECKING:
    from soutu.cli.answers import Said
    from soutu.cli.reviewing import Answer
    from soutu.cli.thumbnails import Draw
    from soutu.types import Question

KEYS = "y yes · n no · s skip · u undo · o open · q quit"
BAR_CELLS = 8


def ask_in_terminal(review: Review) -> None:
    """Ask until `q` is pressed or no question is left."""
    draw = graphics_protocol()
    click.secho(KEYS, dim=True)
    with single_keys() as next_key:
        while question := review.question():
            _show(question, review.asked + 1, draw)
            if not _answered(review, question, next_key):
                return


def _answered(review: Review, question: Question, next_key: Callable[[], str]) -> bool:
    """Wait for a key that leads on to another question; False for the one that ends it."""
    while True:
        match _understood(question, next_key):
            case "yes" | "no" | "skip" as answer:
                click.echo(answer)
                _keep(review, answer)
                return True
            case "undo":
                if review.undo():
                    click.echo("undo")
                    return True
                click.echo("\a", nl=False)  # nothing to take back
            case "open":
                if not _opened(question.path):
                    _prompt(question)
            case "quit":
                click.echo("quit")
                return False


def _understood(question: Question, next_key: Callable[[], str]) -> Said:
    """Wait for a key that means something; others ring, and letters show the keys."""
    while True:
        key = next_key()
        if said := meaning(key):
            return said
        if key != RESUMED:
            click.echo("\a", nl=False)
            if not key:  # an arrow or function key, which somebody may hold down
                continue
            click.secho(f"\n   {KEYS}", dim=True)
        _prompt(question)


def _keep(review: Review, answer: Answer) -> None:
    try:
        review.answer(answer)
    except InputError as error:  # the picture or the tag is gone by now; on to the next question
        click.echo(f"soutu: {printable(str(error))}", err=True)


def _opened(path: Path) -> bool:
    from soutu.cli.viewer import open_pictures

    try:
        open_pictures([path])
    except SoutuError as error:
        click.echo(f"\nsoutu: {printable(str(error))}", err=True)
        return False
    return True


def _show(question: Question, number: int, draw: Draw | None) -> None:
    if draw is None:
        click.echo(f"{number}. {_link(question.path, shown(question.path))}")
    else:
        room = room_beside()
        lines = [
            _link(question.path, shortened(f"{number}. {printable(question.path.name)}", room)),
            shortened(printable(str(question.path.parent)), room),
        ]
        print_beside(question.path, [*lines, *[""] * (ROWS - len(lines))], draw)
    _prompt(question)


def _prompt(question: Question) -> None:
    asked = click.style(f"{printable(question.tag)}?", bold=True)
    probability = f"{bar(question.probability, BAR_CELLS)} {question.probability:.0%}"
    click.echo(f"   {asked}  {probability}, holds from {question.threshold:.0%}  ", nl=False)


def _link(path: Path, text: str) -> str:
    """Return the text as a hyperlink to the picture, for terminals that know them (OSC 8)."""
    if os.environ.get("TERM", "dumb") == "dumb":
        return text
    return f"\x1b]8;;{path.absolute().as_uri()}\x1b\\{text}\x1b]8;;\x1b\\"
