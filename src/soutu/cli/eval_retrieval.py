"""`soutu eval retrieval`: how well pictures are found by words, by pictures, or by both."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from soutu.cli.eval_options import (
    Run,
    allow_missing_option,
    measured,
    run_options,
    split_option,
    typed,
)
from soutu.cli.labelled_data import root_option
from soutu.cli.options import examples, precision_option

if TYPE_CHECKING:
    from soutu.evaluate.report import Report
    from soutu.evaluate.setup import IndexChoice, Setup
    from soutu.models.base import PrecisionChoice

INDEXES = ("exact", "library", "fp32", "int8", "turbo4", "turbo2", "binary")
KINDS = ("captions", "pictures", "composed")

kind_option = click.option(
    "--kind", type=click.Choice(KINDS),
    help="What asks: captions, pictures of a class, or a picture and words.  [default: guessed]",
)  # fmt: skip


@click.command(
    "retrieval",
    epilog=examples(
        "soutu eval retrieval ~/Flickr8k --split test --report flickr.html",
        "soutu eval retrieval captions_val2017.json --root ~/coco/val2017",
        "soutu eval retrieval ~/Birds --kind pictures",
        "soutu eval retrieval ~/FashionIQ --split val",
    ),
)
@click.argument("data", metavar="DATA", type=click.Path())
@click.option(
    "--model", metavar="NAME|DIR", default="mini", show_default=True, help="The encoder to judge."
)
@precision_option
@click.option(
    "--index", type=click.Choice(INDEXES), default="exact", show_default=True,
    help="How pictures are searched: all of them, as a library does, or by codes and a graph.",
)  # fmt: skip
@kind_option
@split_option
@root_option
@allow_missing_option
@run_options
def command(
    *,
    data: str,
    model: str,
    precision: PrecisionChoice,
    index: IndexChoice,
    kind: Literal["captions", "pictures", "composed"] | None,
    split: str | None,
    root: str | None,
    allow_missing: bool,
    reports: tuple[Path, ...],
    seed: int,
    resamples: int,
    as_json: bool,
    quiet: bool,
) -> None:
    """Judge search on captions, or on pictures of known classes.

    DATA is a caption set (Flickr8k, Flickr30k, COCO captions, or a CSV with the columns image and
    caption, and perhaps language and split), labelled pictures, or a FashionIQ folder. Languages
    are judged apart; latency stands beside quality. Vectors are kept: a second run encodes
    nothing, and a stopped one goes on.
    """

    def measure(setup: Setup) -> Report:
        from soutu.evaluate.found import open_found, run_found
        from soutu.evaluate.retrieval_report import retrieval_report
        from soutu.evaluate.setup import System

        opened = open_found(data, kind=kind, images=root, split=split, allow_missing=allow_missing)
        system = System(model=model, precision=precision, index=index)
        return retrieval_report(run_found(opened, system, setup), setup, command=typed())

    run = Run(reports=reports, seed=seed, resamples=resamples, as_json=as_json, quiet=quiet)
    measured(run, measure)
