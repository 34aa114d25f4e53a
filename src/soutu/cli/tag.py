"""`soutu tag`: say which tags pictures have, and how sure that is."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, TextIO

import click

from soutu.cli.display import count, printable
from soutu.cli.exits import FAILED
from soutu.cli.interrupts import StopRequest
from soutu.cli.options import examples, library_option
from soutu.cli.tagged import tags_of, write
from soutu.cli.vocabulary import NO_TAGS
from soutu.errors import InputError

if TYPE_CHECKING:
    from soutu.library.tagging.base import TagMode
    from soutu.types import ImageTags, Tag


@click.command(
    "tag",
    no_args_is_help=True,
    epilog=examples(
        "soutu tag beach.jpg",
        "soutu tag *.jpg -k 3 --scores",
        "soutu tag --all --format jsonl > tags.jsonl",
    ),
)
@click.argument("images", nargs=-1, metavar="[IMAGE]...")
@click.option("--all", "everything", is_flag=True, help="Every picture of the library.")
@click.option(
    "--tag", "tags", multiple=True, metavar="NAME",
    help="Look at this tag only; may be given several times.",
)  # fmt: skip
@click.option(
    "--mode", type=click.Choice(["threshold", "top", "softmax"]),
    help="threshold: tags that reach theirs; top: the most probable; softmax: the most probable "
    "if exactly one tag is right.  [default: threshold, with -k top]",
)  # fmt: skip
@click.option(
    "-k", "--top", type=click.IntRange(min=1), metavar="N",
    help="How many tags a picture gets at most.  [default: all; with top and softmax 5]",
)  # fmt: skip
@click.option("--scores", is_flag=True, help="Show the cosine of picture and tag too.")
@click.option(
    "--format", "form", type=click.Choice(["table", "json", "jsonl", "csv"]), default="table",
    show_default=True, help="A table to read, JSON, JSON line by line, or CSV.",
)  # fmt: skip
@library_option
def command(
    *,
    images: tuple[str, ...],
    everything: bool,
    tags: tuple[str, ...],
    mode: TagMode | None,
    top: int | None,
    scores: bool,
    form: str,
    library: str | None,
) -> None:
    """Print the tags of pictures (IMAGE), of the library or not.

    Each tag comes with its probability, the threshold that it has to reach, and who says so:
    the model (zero-shot), the model taught by labels (learned), a trained head, a person, or the
    picture's file.

    Pictures that cannot be read are named, and the others go on; the exit code is 1 when none
    could be read.
    """
    from soutu.cli.progress import shown_progress
    from soutu.library import open_library

    if bool(images) == everything:
        raise click.UsageError("Name pictures, or say --all for the whole library.")
    mode = mode or ("top" if top else "threshold")
    failures: list[str] = []
    out = sys.stdout  # a progress bar puts something else in its place while it is drawn
    with open_library(library) as opened, ExitStack() as bar:
        vocabulary = list(opened.tags)
        known = [tag.name for tag in vocabulary]
        if not known:
            raise InputError(NO_TAGS[0].lower() + NO_TAGS[1:])
        asked = [opened.tags.get(name).name for name in tags]
        watcher = bar.enter_context(shown_progress(StopRequest(), quiet=not everything))
        found = tags_of(
            opened, images or None, failures.append,
            mode=mode, k=top, tags=asked or None, on_progress=watcher,
        )  # fmt: skip
        found = _without_the_bar(found, bar.close, whole=form == "json", out=out)
        written = write(
            found, form, out, names=asked or known, scores=scores,
            at_zero=set() if mode == "softmax" else _at_zero(vocabulary),
        )  # fmt: skip
    if everything and not written:
        click.echo("The library holds no pictures yet. Run: soutu index FOLDER", err=True)
    if failures:
        _report(failures, written)


def _at_zero(vocabulary: Iterable[Tag]) -> set[str]:
    """Name the tags whose threshold of 0 is somebody's, and not that of a group."""
    return {tag.name for tag in vocabulary if tag.threshold == 0 and tag.group is None}


def _without_the_bar(
    found: Iterator[ImageTags], close: Callable[[], object], *, whole: bool, out: TextIO
) -> Iterator[ImageTags]:
    """Close the progress bar before anything is written where it stands.

    What is written as a `whole` comes after all pictures; a file is written to beside the bar.
    """
    if whole:
        pictures = list(found)
        close()
        yield from pictures
        return
    beside = _is_file(out)
    for picture in found:
        if not beside:
            close()
        yield picture


def _is_file(out: TextIO) -> bool:
    try:
        return stat.S_ISREG(os.fstat(out.fileno()).st_mode)
    except (OSError, ValueError):  # it has no number, as in tests
        return False


def _report(failures: Sequence[str], written: int) -> None:
    lines = [f"{count(len(failures), 'picture')} could not be read:"]
    lines += [f"  {printable(reason)}" for reason in failures]
    click.echo("\n".join(lines), err=True)
    if not written:
        sys.exit(FAILED)
