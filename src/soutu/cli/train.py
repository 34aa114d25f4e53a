"""`soutu train`: train heads on a labelled data set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from soutu.cli.display import columns, duration, printable, write_json
from soutu.cli.interrupts import StopRequest
from soutu.cli.labelled_data import layout_option, partial_option, read_labelled, root_option
from soutu.cli.options import examples, json_option, precision_option, quiet_option
from soutu.cli.training_options import (
    leave_out_option,
    loss_option,
    resumable,
    resume_option,
    taught_by_option,
)
from soutu.train.catalogue import NAMES, PIXELS
from soutu.train.settings import Hard, LossName

if TYPE_CHECKING:
    from soutu.data import LabelledData
    from soutu.heads import Regions
    from soutu.models.base import PrecisionChoice
    from soutu.train.run import Plan, Splits, TrainedResult

MEASURED = {
    "test": "the test pictures, which nothing was learned or tuned on",
    "val": "the validation pictures, which thresholds were tuned on: a little too good",
}
_PART = click.FloatRange(0, 1, max_open=True)


@click.command(
    "train",
    epilog=examples(
        "soutu train ~/flowers --head linear --out heads",
        "soutu train labels.csv --head linear --head ml-decoder --loss asl --out heads",
        "soutu train coco.json --head mlp --model clip-vit-b-32 --out heads --resume",
        "soutu train --library ./pics --head linear --out heads",
    ),
)
@click.argument("data", required=False, type=click.Path())
@taught_by_option
@click.option(
    "--head", "heads", type=click.Choice(NAMES), multiple=True, required=True,
    help="What to train; several give a table to compare.",
)  # fmt: skip
@click.option(
    "--out", type=click.Path(file_okay=False), required=True, metavar="DIR",
    help="Where heads go, each into DIR/NAME.",
)  # fmt: skip
@loss_option
@click.option(
    "--hard", type=click.Choice(get_args(Hard)), default="none",
    show_default=True, help="Let examples that are answered badly count more, or come more often.",
)  # fmt: skip
@click.option(
    "--epochs", type=click.IntRange(1), default=20, show_default=True,
    help="Rounds through the data; the one that validates best is kept.",
)  # fmt: skip
@click.option(
    "--patience", type=click.IntRange(0), default=0, show_default=True,
    help="End after so many rounds without a better validation; 0 trains them all.",
)  # fmt: skip
@click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True,
    help="What chance follows: the same seed, the same head.",
)  # fmt: skip
@click.option(
    "--model", default="mini", show_default=True, metavar="NAME|DIR",
    help="The model whose vectors the head reads; the library must use the same.",
)  # fmt: skip
@precision_option
@click.option(
    "--regions", type=click.Choice(["whole", "whole+crops"]), default="whole", show_default=True,
    help="Encode whole pictures only, or five crops of each too.",
)  # fmt: skip
@click.option(
    "--side", type=click.IntRange(32, 512), default=64, show_default=True, metavar="PIXELS",
    help="Of the pictures that --head cnn sees, whole, as squares.",
)  # fmt: skip
@click.option(
    "--split", type=click.Choice(["auto", "given", "new"]), default="auto", show_default=True,
    help="Take the data's own splits where it has some, only those, or draw new ones.",
)  # fmt: skip
@click.option(
    "--val-share", type=_PART, default=0.2, show_default=True, metavar="SHARE",
    help="Share held out to stop by and to tune thresholds on.",
)  # fmt: skip
@click.option(
    "--test-share", type=_PART, default=0.0, show_default=True, metavar="SHARE",
    help="Share held out to measure on; without one, figures are of the validation pictures.",
)  # fmt: skip
@layout_option
@root_option
@partial_option
@leave_out_option
@resume_option
@json_option
@quiet_option
def command(
    *,
    data: str | None,
    library: str | None,
    heads: tuple[str, ...],
    out: str,
    loss: LossName,
    hard: Hard,
    epochs: int,
    patience: int,
    seed: int,
    model: str,
    precision: PrecisionChoice,
    regions: Regions,
    side: int,
    split: Splits,
    val_share: float,
    test_share: float,
    layout: str | None,
    root: str | None,
    partial: bool,
    leave_out: bool,
    resume: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Train heads on labelled pictures.

    DATA is a folder with one folder per class, a CSV file, a COCO JSON file or a PASCAL VOC folder;
    --library learns from a library's own labels.
    A head is a small model over the vectors of a picture that knows all classes at once. Pictures
    are encoded once and remembered. Ctrl-C stops; --resume goes on, to the very same result.
    """
    from soutu.train import require_extra

    require_extra()
    from soutu.train.run import Plan
    from soutu.train.settings import Settings

    plan = Plan(
        heads=tuple(dict.fromkeys(heads)),
        loss=loss,
        settings=Settings(epochs=epochs, patience=patience, seed=seed, hard=hard),
        regions=regions,
        side=side,
        splits=split,
        val_share=val_share,
        test_share=test_share,
        resume=resume,
        leave_out=leave_out,
    )
    labelled = read_labelled(data, library, what="DATA", layout=layout, root=root, partial=partial)
    with resumable():
        results = _train(labelled, plan, Path(out), model, precision, quiet=quiet or as_json)
    if as_json:
        write_json([_as_json(result) for result in results])
    elif not quiet:
        click.echo("\n".join(_lines(results, regions)))


def _train(
    data: LabelledData,
    plan: Plan,
    out: Path,
    model: str,
    precision: PrecisionChoice,
    *,
    quiet: bool,
) -> list[TrainedResult]:
    from soutu.cli.progress import shown_progress
    from soutu.library import default_models, default_vectors
    from soutu.library.vectors import VectorCache
    from soutu.models.store import ModelStore
    from soutu.train.run import train_heads

    store = ModelStore(default_models())
    with (
        VectorCache(default_vectors(), store, model, precision=precision) as cache,
        shown_progress(StopRequest(), quiet=quiet) as watcher,
    ):
        return train_heads(data, cache, plan, out, source=model, on_progress=watcher)


def _lines(results: Sequence[TrainedResult], regions: Regions) -> list[str]:
    names = list(results[0].figures)
    rows = [("HEAD", "LOSS", *(name.upper() for name in names), "EPOCHS", "TIME")]
    rows += [
        (
            result.name,
            result.loss or "-",
            *(f"{value:.3f}" for value in result.figures.values()),
            "-" if result.epochs is None else str(result.epochs),
            duration(result.seconds),
        )
        for result in results
    ]
    lines = [
        *columns(rows, right=range(2, len(rows[0]))),
        f"Measured on {MEASURED[results[0].measured_on]}.",
    ]
    usable = [result for result in results if regions == "whole" and result.name not in PIXELS]
    if usable:
        best = max(usable, key=lambda result: result.figures["mAP"])
        lines.append(f"To tag with the best: soutu tags use-head {printable(str(best.folder))}")
    else:
        lines.append("A library keeps one vector a picture: these heads score data sets alone.")
    return lines


def _as_json(result: TrainedResult) -> dict[str, object]:
    return {
        "head": result.name,
        "folder": str(result.folder),
        "loss": result.loss,
        "epochs": result.epochs,
        "seconds": round(result.seconds, 3),
        "measured_on": result.measured_on,
        **result.figures,
    }
