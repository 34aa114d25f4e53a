"""`soutu data`: see what a labelled data set is like before anything is learnt from it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from soutu.cli.exits import FAILED
from soutu.cli.interrupts import StopRequest
from soutu.cli.labelled_data import layout_option, partial_option, read_labelled, root_option
from soutu.cli.options import examples, json_option

if TYPE_CHECKING:
    from soutu.data import LabelledData
    from soutu.data.check import CheckReport
    from soutu.library.base import Watcher
    from soutu.types import Vectors


@click.group(
    "data",
    epilog=examples(
        "soutu data check photos-by-class",
        "soutu data check VOCdevkit/VOC2007 --out report",
    ),
)
def command() -> None:
    """Look at labelled data sets.

    They are a folder for each class, a CSV, COCO JSON, PASCAL VOC, or the labels of a library.
    """


@command.command(
    "check",
    no_args_is_help=True,
    epilog=examples(
        "soutu data check photos-by-class",
        "soutu data check labels.csv --root photos --partial",
        "soutu data check annotations/instances_val2017.json --out report",
        "soutu data check VOCdevkit/VOC2007 --model mini --json",
        "soutu data check --library ./pics",
    ),
)
@click.argument("path", required=False, metavar="PATH", type=click.Path())
@click.option(
    "--library", metavar="DIR", help="Check what people said in this library, in place of PATH.",
)  # fmt: skip
@layout_option
@root_option
@partial_option
@click.option("--column", metavar="NAME", help="The column of a CSV that lists the classes.")
@click.option(
    "--separator", metavar="TEXT",
    help="What stands between the classes of that column.  [default: | ; or , as seen]",
)  # fmt: skip
@click.option(
    "--model", metavar="NAME|DIR",
    help="Find near-duplicates by this model's vectors too: crops, other colours.",
)  # fmt: skip
@click.option(
    "--near", metavar="COSINE", type=click.FloatRange(0.5, 1), default=0.97, show_default=True,
    help="From which cosine on two pictures are nearly the same to --model.",
)  # fmt: skip
@click.option(
    "--labels-only", is_flag=True, help="Read no picture; only see whether the files are there."
)
@click.option(
    "--out", metavar="DIR",
    help="Write the matrices of classes there, as CSV and as pictures (SVG).",
)  # fmt: skip
@json_option
def check(
    *,
    path: str | None,
    library: str | None,
    layout: str | None,
    root: str | None,
    partial: bool,
    column: str | None,
    separator: str | None,
    model: str | None,
    near: float,
    labels_only: bool,
    out: str | None,
    as_json: bool,
) -> None:
    """Tell what a labelled data set is like, and what is wrong with it.

    Counts, how many classes a picture has, which go together, imbalance; copies and near-copies
    of pictures, above all in different splits; the same picture with different labels; files that
    are missing or damaged. The exit code is 1 when there are errors; warnings leave it 0.
    """
    if labels_only and model:
        raise click.UsageError("--model looks at pictures, and --labels-only at none.")
    data = read_labelled(
        path,
        library,
        what="PATH",
        layout=layout,
        root=root,
        partial=partial,
        column=column,
        separator=separator,
    )
    stop = StopRequest()
    with stop.listening():
        report = _checked(data, stop, model, near, labels_only=labels_only, quiet=as_json)
    if report is None:
        click.echo("Stopped before all pictures were seen; nothing can be said yet.", err=True)
        sys.exit(stop.exit_code)
    _print(report, out, as_json=as_json)
    if not report.ok:
        sys.exit(FAILED)


def _checked(
    data: LabelledData,
    stop: StopRequest,
    model: str | None,
    near: float,
    *,
    labels_only: bool,
    quiet: bool,
) -> CheckReport | None:
    """Look at the pictures and check all; None when stopped."""
    from soutu.cli.progress import shown_progress
    from soutu.data.check import check as check_data
    from soutu.data.pictures import look_at

    if labels_only:
        return check_data(data)
    with shown_progress(stop, quiet=quiet) as watcher:
        looks = look_at(data.paths, on_progress=watcher, should_stop=stop)
        if looks is None:
            return None
        vectors = None
        if model is not None:
            vectors = _vectors(data, model, watcher, stop)
            if vectors is None:
                return None
    return check_data(data, looks, vectors=vectors, least_cosine=near)


def _vectors(
    data: LabelledData, model: str, watcher: Watcher | None, stop: StopRequest
) -> Vectors | None:
    """Encode the pictures, float32 [n, dim], zeros where one cannot be read; None when stopped."""
    from soutu.library import default_models
    from soutu.library.encoding import encode_paths
    from soutu.models.store import ModelStore

    encoder = ModelStore(default_models()).load(model, threads=1)
    try:
        return encode_paths(data.paths, encoder, on_progress=watcher, should_stop=stop)
    finally:
        encoder.close()


def _print(report: CheckReport, out: str | None, *, as_json: bool) -> None:
    from soutu.cli.data_report import report_as_json, report_lines
    from soutu.cli.display import shown, write_json

    written = []
    if out is not None:
        from soutu.data.matrices import write_matrices

        written = write_matrices(report.statistics, Path(out).absolute())
    if as_json:
        write_json(report_as_json(report))
        return
    click.echo("\n".join(report_lines(report)))
    if written:
        click.echo(f"\nWritten: {', '.join(shown(file) for file in written)}")
