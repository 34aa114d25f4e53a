"""Review without a terminal: a question a line, and an answer from each line of stdin."""

from __future__ import annotations

import sys

import click

from soutu.cli.answers import meaning
from soutu.cli.display import printable, shown
from soutu.cli.reviewing import Review
from soutu.errors import InputError

ANSWERS = "y (yes), n (no), s (skip), u (undo) or q (quit)"


def ask_by_lines(review: Review) -> None:
    """Ask until the answers end, `q` comes or no question is left.

    Raises InputError for a line that is no answer; what was answered before stays.
    """
    number = 0
    while question := review.question():
        click.echo(
            f"{question.probability:4.0%}  {printable(question.tag)}  {shown(question.path)}"
        )
        line = sys.stdin.readline()
        number += 1
        said = meaning(line.strip()) if line else "quit"
        if said == "quit":
            return
        if said == "undo":
            review.undo()
        elif said in ("yes", "no", "skip"):
            review.answer(said)
        else:
            raise InputError(f"answer {number} is {line.strip()!r}. Write {ANSWERS}")
