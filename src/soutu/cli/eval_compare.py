"""`soutu eval compare`: which of several models, precisions, indexes or heads is better."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from soutu.cli.eval_options import (
    Run,
    allow_missing_option,
    classes_option,
    labelled,
    measured,
    run_options,
    split_option,
    typed,
)
from soutu.cli.labelled_data import layout_option, partial_option, root_option
from soutu.cli.options import examples

if TYPE_CHECKING:
    from soutu.evaluate.report import Report
    from soutu.evaluate.setup import Setup

Task = Literal["tagging", "captions", "pictures", "composed"]


@click.command(
    "compare",
    epilog=examples(
        "soutu eval compare mini openclip-vit-b-32 --data ~/Flickr8k --split test",
        "soutu eval compare clip,precision=fp32 clip,precision=int8 --data ~/Flickr8k",
        "soutu eval compare clip clip,index=int8 --data captions.csv --report index.html",
        "soutu eval compare mini heads/linear heads/gcn --data ~/Birds",
    ),
)
@click.argument("systems", metavar="A B…", nargs=-1, required=True)
@click.option(
    "--data", metavar="DATA", required=True, type=click.Path(),
    help="Labelled pictures, a caption set or a FashionIQ folder, as for the other commands.",
)  # fmt: skip
@click.option(
    "--task", type=click.Choice(["tagging", "captions", "pictures", "composed"]),
    help="What to judge by.  [default: captions where DATA has some, else tagging]",
)  # fmt: skip
@split_option
@classes_option
@layout_option
@root_option
@partial_option
@allow_missing_option
@run_options
def command(
    *,
    systems: tuple[str, ...],
    data: str,
    task: Task | None,
    split: str | None,
    classes: str | None,
    layout: str | None,
    root: str | None,
    partial: bool,
    allow_missing: bool,
    reports: tuple[Path, ...],
    seed: int,
    resamples: int,
    as_json: bool,
    quiet: bool,
) -> None:
    """Compare models, precisions, indexes or trained heads on the same data.

    A, B… are models (NAME or DIR, with settings as in NAME,precision=int8,index=int8) or folders
    of trained heads; each is compared with the first. A verdict stands only where the interval
    of the paired difference says so. Reports show which queries or pictures got better or worse.
    """
    if len(systems) < 2:
        raise click.UsageError("Name at least two to compare.")

    def measure(setup: Setup) -> Report:
        from soutu.evaluate.comparison import compare_retrieval, compare_tagging
        from soutu.evaluate.found import guess_kind, open_found, run_found
        from soutu.evaluate.setup import parse_system
        from soutu.evaluate.tagging import judge

        parsed = [parse_system(text) for text in systems]
        guessed = guess_kind(Path(data))
        chosen: Task = task or ("tagging" if guessed == "pictures" else guessed)
        if chosen == "tagging":
            pictures = labelled(
                data,
                layout=layout,
                root=root,
                partial=partial,
                classes=classes,
                allow_missing=allow_missing,
            )
            judged = [judge(pictures, system, setup, split=split) for system in parsed]
            return compare_tagging(judged, setup, command=typed())
        opened = open_found(
            data, kind=chosen, images=root, split=split, allow_missing=allow_missing
        )
        found = [run_found(opened, system, setup) for system in parsed]
        return compare_retrieval(found, setup, command=typed())

    run = Run(reports=reports, seed=seed, resamples=resamples, as_json=as_json, quiet=quiet)
    measured(run, measure)
