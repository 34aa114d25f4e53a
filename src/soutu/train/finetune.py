"""Fine-tune the image tower of a model that soutu made: a new model folder, for data of one's own.

Only the last blocks learn, together with a linear head that is not kept: any head can be trained
on the new model's vectors. The text tower stays as it is, so words find the less the further
pictures move from where they were; how far that is, is measured.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from soutu.library.pixels import picture_pixels
from soutu.metrics import mean_average_precision
from soutu.models.record import read_json, replace_folder, write_json
from soutu.train.distill.export import ExportedTower, export_tower, require_model_folder
from soutu.train.distill.networks import ImageTower
from soutu.train.distill.settings import Settings as Shape
from soutu.train.distill.start import Start, open_start, tower_of
from soutu.train.estimators import LinearClassifier
from soutu.train.examples import Examples
from soutu.train.loop import logits_of
from soutu.train.pixels import FineTunedClassifier
from soutu.train.run import Plan, check_labels, parts_of, require_all, with_splits
from soutu.train.settings import LossName, Settings
from soutu.types import Preprocess

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.data import LabelledData
    from soutu.types import Progress

_KEPT = ("text.onnx", "tokenizer.json")
_CALIBRATING = 400  # pictures that int8 activations are calibrated on


@dataclass(frozen=True, kw_only=True)
class FineTuning:
    """How to fine-tune: the last `blocks` of the tower, 1 being its last layer.

    `val_share` of the pictures is held out where the data has no split "val". `leave_out` goes on
    without pictures that cannot be read, which are an error otherwise; `resume` goes on where an
    earlier run stopped.
    """

    blocks: int = 3
    loss: LossName = "bce"
    settings: Settings = field(
        default_factory=lambda: Settings(epochs=8, batch_size=32, learning_rate=3e-4, patience=3)
    )
    val_share: float = 0.2
    leave_out: bool = False
    resume: bool = False


@dataclass(frozen=True, kw_only=True)
class FineTuned:
    """A model that was fine-tuned.

    `before` and `after` are the validation mAP of a linear head on the vectors of the base and of
    this model; `cosine` is the mean between both vectors of a validation picture.
    """

    folder: Path
    base: str
    pictures: int
    before: float
    after: float
    cosine: float
    epochs: int
    tower: ExportedTower


def fine_tune(
    data: LabelledData,
    base: Path,
    out: Path,
    tuning: FineTuning,
    *,
    on_progress: Callable[[Progress], None] | None = None,
) -> FineTuned:
    """Fine-tune the image tower of the model folder `base` on labelled pictures; write `out`.

    Checkpoints lie in `out`.run. Raises InputError for a folder of another kind of model, for data
    that nothing can be learned from, and for an `out` that holds something else.
    """
    require_model_folder(out)
    start = open_start(base)
    side = int(read_json(base / "config.json")["image_size"])
    tower = tower_of(start, Shape(size=side, dim=start.dim))
    data = with_splits(data, Plan(heads=(), settings=tuning.settings, val_share=tuning.val_share))
    check_labels(data)
    data, parts = _decoded(data, side, tuning, on_progress)
    head = _learned(tower, data, parts, out.with_name(f"{out.name}.run"), tuning, on_progress)
    tuned = head.tuned()
    assert isinstance(tuned, ImageTower)
    before, after = (_vectors(each, parts) for each in (tower, tuned))
    figures = {
        "before": _worth(before, parts, data.classes, tuning),
        "after": _worth(after, parts, data.classes, tuning),
        "cosine": float(np.einsum("nd,nd->n", before["val"], after["val"]).mean()),
    }
    config = _config(base, out.name, start, data, tuning, figures)
    exported = _write(tuned, base, out, parts["train"].inputs, config)
    return FineTuned(
        folder=out,
        base=start.name,
        pictures=len(data),
        epochs=len(head.history_.losses),
        tower=exported,
        **figures,
    )


def _decoded(
    data: LabelledData,
    side: int,
    tuning: FineTuning,
    on_progress: Callable[[Progress], None] | None,
) -> tuple[LabelledData, dict[str, Examples]]:
    """Read the pixels of all pictures that can be read, as the model sees them."""
    spec = Preprocess(height=side, width=side, resize=side)
    found = picture_pixels(data.paths, spec, on_progress=on_progress)
    if not tuning.leave_out:
        require_all(found.failures, len(data))
    data = data.take(found.rows)
    check_labels(data)
    return data, parts_of(data, found.pixels)


def _learned(
    tower: ImageTower,
    data: LabelledData,
    parts: Mapping[str, Examples],
    checkpoint: Path,
    tuning: FineTuning,
    on_progress: Callable[[Progress], None] | None,
) -> FineTunedClassifier:
    if not tuning.resume:
        shutil.rmtree(checkpoint, ignore_errors=True)
    head = FineTunedClassifier(
        tower=tower,
        blocks=tuning.blocks,
        mean=(0, 0, 0),  # it normalises by itself
        std=(1 / 255, 1 / 255, 1 / 255),
        loss=tuning.loss,
        settings=tuning.settings,
    )
    return head.fit(
        parts["train"].inputs,
        parts["train"].labels,
        classes=data.classes,
        validation=(parts["val"].inputs, parts["val"].labels),
        on_progress=on_progress,
        checkpoint=checkpoint,
    )


def _vectors(tower: ImageTower, parts: Mapping[str, Examples]) -> dict[str, NDArray[np.float32]]:
    return {
        split: logits_of(lambda pixels: tower(pixels.float()), parts[split].inputs)
        for split in ("train", "val")
    }


def _worth(
    vectors: Mapping[str, NDArray[np.float32]],
    parts: Mapping[str, Examples],
    classes: Sequence[str],
    tuning: FineTuning,
) -> float:
    """Return the validation mAP of a linear head on vectors."""
    held_out = (vectors["val"], parts["val"].labels)
    head = LinearClassifier(loss=tuning.loss, settings=Settings(seed=tuning.settings.seed))
    head.fit(vectors["train"], parts["train"].labels, classes=classes, validation=held_out)
    return mean_average_precision(head.predict_proba(held_out[0]), held_out[1])


def _write(
    tower: ImageTower, base: Path, out: Path, pixels: NDArray[np.uint8], config: dict[str, Any]
) -> ExportedTower:
    """Write the tower beside the base's texts; activations are calibrated on its own pictures."""
    rows = np.linspace(0, len(pixels) - 1, min(_CALIBRATING, len(pixels))).astype(int)

    def fill(fresh: Path) -> ExportedTower:
        made = export_tower(tower, pixels[rows], fresh)
        for name in _KEPT:
            shutil.copyfile(base / name, fresh / name)
        write_json(fresh / "config.json", {**config, "precision": made.precision})
        return made

    return replace_folder(out, fill)


def _config(
    base: Path,
    name: str,
    start: Start,
    data: LabelledData,
    tuning: FineTuning,
    figures: Mapping[str, float],
) -> dict[str, Any]:
    """Return the base's facts, with what was done to it."""
    tuned = {
        "base": start.name,
        "base_digest": start.digest,
        "data": {"name": data.name, "digest": data.digest, "pictures": len(data)},
        "blocks": tuning.blocks,
        "loss": tuning.loss,
        **asdict(tuning.settings),
        **{key: round(value, 4) for key, value in figures.items()},
    }
    return {**read_json(base / "config.json"), "name": name, "fine_tuned": tuned}
