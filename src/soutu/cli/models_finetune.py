"""`soutu models fine-tune`: a model that knows one's own kind of pictures better."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from soutu.cli.display import count, printable
from soutu.cli.interrupts import StopRequest
from soutu.cli.labelled_data import layout_option, partial_option, read_labelled, root_option
from soutu.cli.options import examples, quiet_option
from soutu.cli.training_options import (
    leave_out_option,
    loss_option,
    resumable,
    resume_option,
    taught_by_option,
)
from soutu.train.settings import LossName

if TYPE_CHECKING:
    from soutu.train.finetune import FineTuned


@click.command(
    "fine-tune",
    epilog=examples(
        "soutu models fine-tune labels.csv --out my-mini",
        "soutu models fine-tune --library ./pics --blocks 2 --out my-mini",
    ),
)
@click.argument("data", required=False, type=click.Path())
@taught_by_option
@click.option(
    "--model", default="mini", show_default=True, metavar="NAME|DIR",
    help="The model to start from: mini, or one that soutu models distill made.",
)  # fmt: skip
@click.option(
    "--out", required=True, metavar="DIR", type=click.Path(file_okay=False, path_type=Path),
    help="The folder of the new model.",
)  # fmt: skip
@click.option(
    "--blocks", type=click.IntRange(1), default=3, show_default=True, metavar="N",
    help="How many of the last blocks learn; 1 is the last layer alone.",
)  # fmt: skip
@loss_option
@click.option(
    "--epochs", type=click.IntRange(1), default=8, show_default=True,
    help="Rounds through the data at most; training ends where validation gets no better.",
)  # fmt: skip
@click.option(
    "--learning-rate", type=click.FloatRange(0, min_open=True), default=3e-4, show_default=True,
    metavar="RATE", help="The highest one; it falls to 0.",
)  # fmt: skip
@click.option(
    "--val-share", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.2,
    show_default=True, metavar="SHARE", help="Share held out to stop by, where DATA has no split.",
)  # fmt: skip
@click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True,
    help="What chance follows: the same seed, the same model.",
)  # fmt: skip
@layout_option
@root_option
@partial_option
@leave_out_option
@resume_option
@quiet_option
def command(
    *,
    data: str | None,
    library: str | None,
    model: str,
    out: Path,
    blocks: int,
    loss: LossName,
    epochs: int,
    learning_rate: float,
    val_share: float,
    seed: int,
    layout: str | None,
    root: str | None,
    partial: bool,
    leave_out: bool,
    resume: bool,
    quiet: bool,
) -> None:
    """Fine-tune the last layers of a model on labelled pictures.

    They are those of its image tower. The result is a model of its own: soutu train trains heads on
    it, soutu models add takes it. Words know it less the further its pictures move from where they
    were, which is told.
    """
    from soutu.cli.progress import shown_progress
    from soutu.library import default_models
    from soutu.models.store import ModelStore
    from soutu.train import require_extra

    require_extra()
    from soutu.train.finetune import FineTuning, fine_tune
    from soutu.train.settings import Settings

    labelled = read_labelled(data, library, what="DATA", layout=layout, root=root, partial=partial)
    settings = Settings(
        epochs=epochs, batch_size=32, learning_rate=learning_rate, patience=3, seed=seed
    )
    tuning = FineTuning(
        blocks=blocks,
        loss=loss,
        settings=settings,
        val_share=val_share,
        leave_out=leave_out,
        resume=resume,
    )
    base = ModelStore(default_models()).folder_of(model)
    with resumable(), shown_progress(StopRequest(), quiet=quiet) as watcher:
        done = fine_tune(labelled, base, out, tuning, on_progress=watcher)
    if not quiet:
        click.echo("\n".join(_lines(done)))


def _lines(done: FineTuned) -> list[str]:
    folder = printable(str(done.folder))
    learned = f"{count(done.pictures, 'picture')}, {count(done.epochs, 'epoch')}"
    worth = f"{done.before:.3f} before, {done.after:.3f} after"
    return [
        f"{folder}: {done.base} fine-tuned on {learned}, {done.tower.precision}",
        f"mAP of a linear head on held-out pictures: {worth}",
        f"Pictures moved to a cosine of {done.cosine:.2f} from where words expect them",
        f"To train heads on it: soutu train … --model {folder}",
        f"To use it in a library: soutu models add {folder}",
    ]
