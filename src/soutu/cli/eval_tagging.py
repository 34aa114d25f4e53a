"""`soutu eval tagging`: how good a model, a trained head or a library's tags are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

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
from soutu.cli.options import examples, precision_option

if TYPE_CHECKING:
    from soutu.evaluate.report import Report
    from soutu.evaluate.setup import Setup, System
    from soutu.models.base import PrecisionChoice


@click.command(
    "tagging",
    epilog=examples(
        "soutu eval tagging ~/Birds --report birds.html",
        "soutu eval tagging labels.csv --root ~/Pictures --head heads/birds",
        "soutu eval tagging ~/Birds --library ~/pics.soutu --json",
    ),
)
@click.argument("data", metavar="DATA", type=click.Path())
@click.option("--model", metavar="NAME|DIR", help="Tell classes by their names.  [default: mini]")
@precision_option
@click.option(
    "--head", metavar="DIR", type=click.Path(path_type=Path),
    help="Judge a trained head.",
)  # fmt: skip
@click.option("--library", metavar="DIR", help="Judge the tags of a library.")
@split_option
@classes_option
@layout_option
@root_option
@partial_option
@allow_missing_option
@run_options
def command(
    *,
    data: str,
    model: str | None,
    precision: PrecisionChoice,
    head: Path | None,
    library: str | None,
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
    """Judge tags on labelled pictures, with intervals.

    DATA is a folder per class, a CSV, a COCO JSON or a PASCAL VOC folder. Unknown labels never
    count. Thresholds are tuned on the split val, or by folds where there is none, never on the
    pictures that they decide. Vectors are kept: a second run encodes nothing, and a stopped one
    goes on.
    """
    system = _system(model, precision, head, library)

    def measure(setup: Setup) -> Report:
        from soutu.evaluate.tagging import judge
        from soutu.evaluate.tagging_report import tagging_report

        chosen = labelled(
            data,
            layout=layout,
            root=root,
            partial=partial,
            classes=classes,
            allow_missing=allow_missing,
        )
        return tagging_report(judge(chosen, system, setup, split=split), setup, command=typed())

    run = Run(reports=reports, seed=seed, resamples=resamples, as_json=as_json, quiet=quiet)
    measured(run, measure)


def _system(
    model: str | None, precision: PrecisionChoice, head: Path | None, library: str | None
) -> System:
    from soutu.evaluate.setup import System

    given = [
        name
        for name, value in (("--model", model), ("--head", head), ("--library", library))
        if value is not None
    ]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)} exclude each other: judge one at a time.")
    if precision != "auto" and (head or library):
        raise click.UsageError("--precision goes with --model: a head and a library have theirs.")
    return System(model=model or "mini", precision=precision, head=head, library=library)
