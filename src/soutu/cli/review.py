"""`soutu review`: answer the questions that teach most, one key each."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from soutu.cli.display import write_json
from soutu.cli.exits import INTERRUPTED
from soutu.cli.options import examples, library_option, who_option
from soutu.cli.reviewing import Review
from soutu.cli.vocabulary import NO_TAGS
from soutu.errors import SoutuError

if TYPE_CHECKING:
    from soutu.library import Library
    from soutu.library.tagging.base import ReviewOrder
    from soutu.types import Question


@click.command(
    "review",
    epilog=examples(
        "soutu review",
        "soutu review --tag cat",
        "soutu review --by picture",
        "soutu review --json -k 100",
    ),
)
@click.option("--tag", metavar="NAME", help="Ask about this tag only.")
@click.option(
    "--by", type=click.Choice(["tag", "picture"]), default="tag", show_default=True,
    help="Ask the questions of one tag together, or those of one picture.",
)  # fmt: skip
@click.option(
    "-k", "--page", type=click.IntRange(min=1), default=20, show_default=True, metavar="N",
    help="How many questions are chosen at a time; the next ones profit from the answers.",
)  # fmt: skip
@who_option
@click.option("--json", "as_json", is_flag=True, help="Print the questions; ask nothing.")
@library_option
def command(
    *,
    tag: str | None,
    by: ReviewOrder,
    page: int,
    who: str | None,
    as_json: bool,
    library: str | None,
) -> None:
    """Ask whether tags are right, where the answers teach most.

    One key is an answer: y yes, n no, s or space skip, u undo the last answer, o open the
    picture, q quit. Each answer is kept at once, also when you stop with Ctrl-C.

    Where the input is no terminal, an answer is read from each line: y, n, s, u or q.
    """
    from soutu.library import open_library

    with open_library(library) as opened:
        if as_json:
            questions = opened.review(tag=tag, by=by, k=page)
            write_json([_as_json(question) for question in questions])
            return
        if not len(opened.tags):
            click.echo(NO_TAGS)
            return
        review = Review(opened, tag=tag, by=by, page=page, who=who)
        try:
            _ask(review)
        except KeyboardInterrupt:
            click.echo(f"\n{review.summary()}")
            sys.exit(INTERRUPTED)
        except SoutuError:  # a line that is no answer, a full disk
            if review.asked:
                click.echo(review.summary())
            raise
        over = not review.asked and review.question() is None
        click.echo(_nothing(opened) if over else review.summary())


def _ask(review: Review) -> None:
    if sys.stdin.isatty() and sys.stdout.isatty():
        from soutu.cli.review_terminal import ask_in_terminal

        ask_in_terminal(review)
    else:
        from soutu.cli.review_lines import ask_by_lines

        ask_by_lines(review)


def _nothing(opened: Library) -> str:
    if not opened.status().images:
        return "The library holds no pictures yet. Run: soutu index FOLDER"
    return "Nothing to ask: every picture has its labels."


def _as_json(question: Question) -> dict[str, object]:
    return {
        "id": question.id,
        "path": str(question.path),
        "tag": question.tag,
        "probability": round(question.probability, 6),
        "threshold": round(question.threshold, 6),
    }
