"""`soutu experiments`: compare two ways of answering searches on the people who search."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from soutu.cli.display import printable, write_json
from soutu.cli.options import Share, examples, json_option, library_option
from soutu.cli.table import fitted

if TYPE_CHECKING:
    from soutu.types import Experiment


@click.group(
    "experiments",
    epilog=examples(
        "soutu experiments start siglip --model siglip2-b-16",
        "soutu experiments list",
        "soutu experiments report siglip",
        "soutu experiments stop siglip",
    ),
)
def command() -> None:
    """Compare two ways of answering searches, by what people click.

    Way A is how the library answers now. Way B answers by other vectors of the library or with
    other settings. People who search in the page of soutu serve are the judges.
    """


@command.command(
    "start",
    no_args_is_help=True,
    epilog=examples(
        "soutu experiments start siglip --model siglip2-b-16",
        "soutu experiments start varied --diversity 0.4 --kind split --share 20%",
    ),
)
@click.argument("name")
@click.option(
    "--kind", type=click.Choice(["interleaved", "split"]), default="interleaved",
    show_default=True,
    help="Show both ways in one list, or each person one way.",
)  # fmt: skip
@click.option("--model", metavar="NAME", help="B searches the vectors of this model.")
@click.option(
    "--precision", type=click.Choice(["fp32", "int8"]),
    help="B searches vectors of this precision.",
)  # fmt: skip
@click.option("--diversity", type=Share(), metavar="X", help="B takes that much variety, 0 to 1.")
@click.option("--keywords", is_flag=True, help="B also looks for the words in names of files.")
@click.option(
    "--share", type=Share(), metavar="X",
    help="Answer this share of the people by B.  [default: 50% of a split, else all]",
)  # fmt: skip
@click.option("--keep-words", is_flag=True, help="Keep the words people ask, not only a hash.")
@library_option
def start(
    *,
    name: str,
    kind: Literal["interleaved", "split"],
    model: str | None,
    precision: str | None,
    diversity: float | None,
    keywords: bool,
    share: float | None,
    keep_words: bool,
    library: str | None,
) -> None:
    """Start an experiment.

    Say what B does otherwise: one or several of --model, --precision, --diversity and --keywords.
    The library must hold B's vectors: soutu models use makes them. One experiment runs at a time.
    """
    from soutu.library import open_library

    with open_library(library) as opened:
        made = opened.experiments.start(
            name,
            kind=kind,
            model=model,
            precision=precision,
            diversity=diversity,
            keywords=keywords,
            share=share,
            keep_words=keep_words,
        )
    click.echo(f"Started {printable(made.name)}: {_described(made)}.")


@command.command("stop", no_args_is_help=True)
@click.argument("name")
@library_option
def stop(*, name: str, library: str | None) -> None:
    """End an experiment; its log stays."""
    from soutu.library import open_library

    with open_library(library) as opened:
        opened.experiments.stop(name)
    click.echo(f"Ended {printable(name)}. Everybody is answered by A again.")


@command.command("list")
@json_option
@library_option
def list_experiments(*, as_json: bool, library: str | None) -> None:
    """List the experiments, the last one first."""
    from soutu.library import open_library
    from soutu.wire import to_json

    with open_library(library) as opened:
        found = list(opened.experiments)
    if as_json:
        write_json(to_json(found))
    elif not found:
        click.echo("There are no experiments. Start one: soutu experiments start --help")
    else:
        rows = [(printable(each.name), _dates(each), _described(each)) for each in found]
        click.echo("\n".join(fitted(rows, cut=(2, 0))))


@command.command(
    "report",
    no_args_is_help=True,
    epilog=examples(
        "soutu experiments report siglip", "soutu experiments report siglip --json --effect 0.02"
    ),
)
@click.argument("name")
@click.option(
    "--effect", type=Share(), metavar="X",
    help="Which difference is worth knowing of, to say how many more it takes.  [default: 5%]",
)  # fmt: skip
@click.option("--out", metavar="FILE", type=click.Path(), help="Write the report into a file.")
@json_option
@library_option
def report(
    *, name: str, effect: float | None, out: str | None, as_json: bool, library: str | None
) -> None:
    """Say which way is better, as far as the clicks show it.

    The report is Markdown. There is a verdict only where the interval allows one.
    """
    import json

    from soutu.library import open_library
    from soutu.library.experiments.base import EFFECT
    from soutu.library.experiments.markdown import as_markdown
    from soutu.wire import to_json

    with open_library(library) as opened:
        found = opened.experiments.report(name, effect=EFFECT if effect is None else effect)
    if out is not None:
        text = json.dumps(to_json(found), indent=2) + "\n" if as_json else as_markdown(found)
        _write(Path(out), text)
    elif as_json:
        write_json(to_json(found))
    else:
        click.echo(as_markdown(found), nl=False)


def _write(path: Path, text: str) -> None:
    """Write a file. Raises StorageError."""
    from soutu.errors import StorageError

    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        msg = f"cannot write {path}: {error.strerror}. Choose another place"
        raise StorageError(msg) from error


@command.command("rm", no_args_is_help=True)
@click.argument("name")
@library_option
def rm(*, name: str, library: str | None) -> None:
    """Delete an experiment that has ended, with its log."""
    from soutu.library import open_library

    with open_library(library) as opened:
        opened.experiments.remove(name)
    click.echo(f"Deleted {printable(name)} and its log.")


def _dates(each: Experiment) -> str:
    return f"{_day(each.started)} to {'now' if each.stopped is None else _day(each.stopped)}"


def _day(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d}"


def _described(each: Experiment) -> str:
    from soutu.library.experiments.markdown import told

    people = f"{each.share:.0%} of the people"
    if each.kind == "split":
        return f"B answers {people}: {printable(told(each.variant))}"
    return f"{people} get lists of both, B with {printable(told(each.variant))}"
