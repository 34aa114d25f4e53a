"""Train heads on a labelled data set: split, encode once, train each, measure, keep."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from soutu.data import LabelledData, stratified
from soutu.errors import InputError
from soutu.heads import (
    HeadData,
    HeadEncoder,
    HeadFacts,
    Regions,
    require_head_folder,
    save_head,
)
from soutu.heads.pixels import pixel_encoder, squashed
from soutu.heads.seen import marks
from soutu.library.pixels import PicturePixels, picture_pixels
from soutu.library.tagging.prompts import text_vectors
from soutu.metrics import f1, hamming_loss, mean_average_precision
from soutu.train.catalogue import PIXELS, Estimator, make
from soutu.train.examples import Examples, check_examples
from soutu.train.settings import LossName, Settings
from soutu.types import Tag

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.library.vectors import PictureVectors, VectorCache
    from soutu.models.base import EncoderFacts
    from soutu.types import Failure, Progress

Splits = Literal["auto", "given", "new"]
"""Whose splits are used: the data's own where it has them, those alone, or fresh ones."""
_SHOWN = 5
_WHOLE: Regions = "whole"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to train, and how.

    `heads` are names of `catalogue.NAMES`. `side` is that of the pictures which heads over pixels
    see. `val_share` and `test_share` are the shares of pictures
    held out where splits are new. `leave_out` trains without pictures that cannot be read, which
    are an error otherwise.
    """

    heads: Sequence[str]
    loss: LossName = "bce"
    settings: Settings = field(default_factory=Settings)
    regions: Regions = "whole"
    side: int = 64
    splits: Splits = "auto"
    val_share: float = 0.2
    test_share: float = 0.0
    resume: bool = False
    leave_out: bool = False


@dataclass(frozen=True, kw_only=True)
class TrainedResult:
    """A head that was trained: its folder, its figures, and on which split they were measured.

    On "val" they are a little too good: thresholds were tuned there.
    """

    name: str
    folder: Path
    loss: str | None
    seconds: float
    figures: Mapping[str, float]
    measured_on: str
    epochs: int | None = None


def train_heads(
    data: LabelledData,
    cache: VectorCache,
    plan: Plan,
    out: Path,
    *,
    source: str = "",
    on_progress: Callable[[Progress], None] | None = None,
) -> list[TrainedResult]:
    """Train heads on a data set and keep each as a folder `out`/NAME.

    Vectors are those of `cache`, made where it lacks them; checkpoints lie in `out`/NAME.run.
    `source` is what the encoder can be loaded by again. Everything is checked before the first
    head trains. Raises InputError for data, splits or heads that cannot be trained with.
    """
    scale = cache.facts.scale
    estimators = [
        (name, make(name, loss=plan.loss, settings=plan.settings, scale=scale))
        for name in plan.heads
    ]
    for name in plan.heads:
        require_head_folder(out / name)
    data = with_splits(data, plan)
    check_labels(data)
    found = _looked_at(data, cache, plan, on_progress)
    if not plan.leave_out:
        require_all(found.failures, len(data))
    data = data.take(found.rows)
    check_labels(data)
    text = text_vectors([Tag(name=name) for name in data.classes], cache.texts)
    taught = HeadData(
        name=data.name, digest=data.digest, pictures=len(data), seen=_seen(data, found)
    )
    vectors, squares = _inputs(data, found, plan, on_progress)
    results = []
    for name, estimator in estimators:
        mine = squares if name in PIXELS else vectors
        checkpoint = out / f"{name}.run"
        if not plan.resume:
            shutil.rmtree(checkpoint, ignore_errors=True)
        started = time.perf_counter()
        estimator.fit(
            mine["train"].inputs,
            mine["train"].labels,
            classes=data.classes,
            text=text,
            validation=(mine["val"].inputs, mine["val"].labels),
            on_progress=on_progress,
            checkpoint=checkpoint,
        )
        seconds = time.perf_counter() - started
        result = _result(name, estimator, mine, seconds, out / name)
        facts = _facts(estimator, result, taught, cache.facts, plan, source)
        save_head(result.folder, estimator.to_head(), facts)
        results.append(result)
    return results


def with_splits(data: LabelledData, plan: Plan) -> LabelledData:
    """Return the data with the splits "train", "val" and perhaps "test" that a plan asks for.

    Data that has its own but no "val" gets one from its "train". Raises InputError where the
    plan wants the data's own and there are none.
    """
    own = set(data.splits or ())
    if plan.splits == "given" and not {"train", "val"} <= own:
        has = ", ".join(sorted(own)) or "none"
        msg = f"{data.name} has no splits train and val (it has: {has}). Use --split auto or new"
        raise InputError(msg)
    if plan.splits == "new" or "train" not in own:
        rest = 1 - plan.val_share - plan.test_share
        if plan.val_share <= 0 or plan.test_share < 0 or rest <= 0:
            msg = (
                f"with {plan.val_share:g} for validation and {plan.test_share:g} for testing, "
                f"{rest:g} is left to train on. Both shares must leave something"
            )
            raise InputError(msg)
        shares = {"train": rest, "val": plan.val_share}
        if plan.test_share > 0:
            shares["test"] = plan.test_share
        return stratified(data, shares, seed=plan.settings.seed)
    if "val" in own:
        return data
    return _split_train(data, plan)


def measured(estimator: Estimator, examples: Examples) -> dict[str, float]:
    """Return mAP, micro and macro F1 and Hamming loss at the head's own thresholds."""
    scores = estimator.predict_proba(examples.inputs)
    decided = scores >= estimator.thresholds_
    both = f1(decided, examples.labels)
    return {
        "mAP": mean_average_precision(scores, examples.labels),
        "micro F1": both.micro,
        "macro F1": both.macro,
        "Hamming loss": hamming_loss(decided, examples.labels),
    }


def _split_train(data: LabelledData, plan: Plan) -> LabelledData:
    """Take a validation split from the training one, and leave the others as they are."""
    from dataclasses import replace

    assert data.splits is not None
    shares = {"train": 1 - plan.val_share, "val": plan.val_share}
    divided = stratified(data.part("train"), shares, seed=plan.settings.seed)
    fresh = iter(divided.splits or ())
    return replace(
        data, splits=tuple(next(fresh) if name == "train" else name for name in data.splits)
    )


def check_labels(data: LabelledData) -> None:
    """Raise InputError for labels that nothing can be learned from.

    Before pictures are encoded, which may take hours.
    """
    for split, every in (("train", True), ("val", False)):
        labels = data.part(split).labels
        stand_in = np.zeros((len(labels), 1), np.float32)
        what = "training" if every else "validation"
        check_examples(Examples(stand_in, labels), data.classes, what=what, every=every)


def require_all(failures: Sequence[Failure], pictures: int) -> None:
    """Raise InputError, naming files, where any could not be read."""
    if not failures:
        return
    named = "; ".join(f"{one.path}: {one.reason}" for one in failures[:_SHOWN])
    rest = len(failures) - _SHOWN
    more = f"; and {rest} more" if rest > 0 else ""
    msg = (
        f"{len(failures)} of {pictures} pictures cannot be read: {named}{more}. Mend the "
        "data, or leave them out"
    )
    raise InputError(msg)


def _seen(data: LabelledData, found: PictureVectors | PicturePixels) -> str:
    """Note the pictures that heads learn from, or tune thresholds on."""
    assert data.splits is not None
    pairs = zip(found.contents, data.splits, strict=True)
    return marks(content for content, split in pairs if split in ("train", "val"))


def _looked_at(
    data: LabelledData,
    cache: VectorCache,
    plan: Plan,
    on_progress: Callable[[Progress], None] | None,
) -> PictureVectors | PicturePixels:
    """Encode the pictures, or only read them where no head wants vectors."""
    if PIXELS.issuperset(plan.heads):
        return picture_pixels(data.paths, squashed(plan.side), on_progress=on_progress)
    return cache.pictures(data.paths, regions=plan.regions, on_progress=on_progress)


def _inputs(
    data: LabelledData,
    found: PictureVectors | PicturePixels,
    plan: Plan,
    on_progress: Callable[[Progress], None] | None,
) -> tuple[dict[str, Examples], dict[str, Examples]]:
    """Return vectors and pixels of all pictures, each where a head wants them."""
    if isinstance(found, PicturePixels):
        return {}, parts_of(data, found.pixels)
    vectors = parts_of(data, found.vectors)
    if PIXELS.isdisjoint(plan.heads):
        return vectors, {}
    read = picture_pixels(data.paths, squashed(plan.side), on_progress=on_progress)
    if read.failures:
        one = read.failures[0]
        msg = f"{one.path} has become unreadable: {one.reason}. Run the same command again"
        raise InputError(msg)
    return vectors, parts_of(data, read.pixels)


def parts_of(data: LabelledData, inputs: NDArray[Any]) -> dict[str, Examples]:
    """Divide inputs [n, ...] and labels by the splits "train", "val" and "test"."""
    splits = np.array(data.splits)
    rows = {split: np.flatnonzero(splits == split) for split in ("train", "val", "test")}
    return {split: Examples(inputs[mine], data.labels[mine]) for split, mine in rows.items()}


def _result(
    name: str, estimator: Estimator, parts: Mapping[str, Examples], seconds: float, folder: Path
) -> TrainedResult:
    measured_on = "test" if len(parts["test"]) else "val"
    return TrainedResult(
        name=name,
        folder=folder,
        loss=getattr(estimator, "loss", None),
        seconds=seconds,
        figures=measured(estimator, parts[measured_on]),
        measured_on=measured_on,
        epochs=_epochs(estimator),
    )


def _epochs(estimator: Estimator) -> int | None:
    history = getattr(estimator, "history_", None)
    return None if history is None else len(history.losses)


def _facts(
    estimator: Estimator,
    result: TrainedResult,
    taught: HeadData,
    facts: EncoderFacts,
    plan: Plan,
    source: str,
) -> HeadFacts:
    describe: Callable[[], dict[str, Any]] = getattr(estimator, "parameters", dict)
    encoder, regions = pixel_encoder(plan.side), _WHOLE
    if result.name not in PIXELS:
        regions = plan.regions
        encoder = HeadEncoder(
            name=facts.name,
            revision=facts.revision,
            dim=facts.dim,
            precision=facts.precision,
            source=source or facts.name,
        )
    return HeadFacts(
        classes=estimator.classes_,
        thresholds=tuple(estimator.thresholds_.tolist()),
        encoder=encoder,
        method=result.name,
        regions=regions,
        loss=result.loss,
        parameters=describe(),
        data=taught,
        metrics={f"{result.measured_on} {name}": value for name, value in result.figures.items()},
        versions={name: version(name) for name in ("torch", "scikit-learn")},
    )
