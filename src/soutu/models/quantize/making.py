"""Make a quantised form of a model: the first attempt whose vectors agree with fp32 is taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from soutu.errors import InputError, MissingExtra, ModelError
from soutu.models.base import Precision
from soutu.models.quantize import dynamic, static
from soutu.models.quantize.half import halve
from soutu.models.quantize.measuring import measure, open_towers
from soutu.models.quantize.ranking import rank_layers
from soutu.models.quantize.report import (
    ACCEPT,
    PRECISION,
    Method,
    Quality,
    QuantizeReport,
    Recipe,
    with_graphs,
)
from soutu.models.samples import sample_pictures

if TYPE_CHECKING:
    from soutu.models.layout import ModelFiles
    from soutu.types import Pixels


def available() -> bool:
    """Tell whether the `quantize` extra is installed."""
    from importlib.util import find_spec

    return find_spec("onnx") is not None


def make(
    files: ModelFiles,
    folder: Path,
    *,
    method: Method = "dynamic",
    samples: Pixels | None = None,
    quality: Quality | None = None,
) -> QuantizeReport:
    """Write the graphs of a form of both towers into `folder` and measure them against fp32.

    `samples` are uint8 pictures [n, 3, height, width] prepared for the model; None draws some. For
    `static` they are needed: one half calibrates, the other measures. `quality` measures both
    forms on the user's data. Raises MissingExtra without the `quantize` extra, InputError for too
    few samples, ModelError for graphs that the quantiser cannot read.
    """
    if not available():
        raise MissingExtra(need="quantising a model", extra="quantize")
    folder.mkdir(parents=True, exist_ok=True)
    if method == "fp16":
        for source, target in _graphs(files, folder).items():
            halve(source, target)
        report = measure(with_graphs(files, folder, "fp16"), samples, method=method)
    elif method == "static":
        given = _enough(samples)
        report = _first_that_agrees(files, _static_plan(files, folder, given[::2]), given[1::2])
    else:
        report = _first_that_agrees(files, _dynamic_plan(files, folder), samples)
    if quality is None:
        return report
    made = with_graphs(files, folder, PRECISION[method])
    return replace(
        report,
        quality_fp32=_figures(made, "fp32", quality),
        quality=_figures(made, PRECISION[method], quality),
    )


@dataclass(frozen=True)
class _Plan:
    """How the int8 graphs of a method are made: what is tried, the fastest first, and by whom."""

    method: Method
    attempts: tuple[tuple[bool, float, tuple[str, ...]], ...]
    layers: tuple[str, ...]
    write: Callable[[Recipe], ModelFiles]


def _first_that_agrees(files: ModelFiles, plan: _Plan, samples: Pixels | None) -> QuantizeReport:
    """Try the plan's attempts; leave the first that agrees with fp32 written, or the best one."""
    pictures = sample_pictures(files.preprocess) if samples is None else samples
    ranked = rank_layers(files, pictures, plan.layers)
    tried: list[tuple[QuantizeReport, Recipe]] = []
    for per_channel, share, operators in plan.attempts:
        kept = {graph: tuple(names[: int(share * len(names))]) for graph, names in ranked.items()}
        recipe = Recipe(per_channel, kept, operators)
        if any(recipe == other for _, other in tried):
            continue  # too few layers to keep another one
        report = replace(
            measure(plan.write(recipe), samples, method=plan.method),
            per_channel=per_channel,
            kept_fp32=sum(len(names) for names in kept.values()),
        )
        if report.cosine_min >= ACCEPT:
            return report  # the next attempts are no faster
        tried.append((report, recipe))
    best, recipe = max(tried, key=lambda one: one[0].cosine_min)
    plan.write(recipe)  # for who asks for int8 all the same
    return best


def _dynamic_plan(files: ModelFiles, folder: Path) -> _Plan:
    def write(recipe: Recipe) -> ModelFiles:
        for source, target in _graphs(files, folder).items():
            dynamic.quantize_dynamically(source, target, recipe)
        return with_graphs(files, folder, "int8")

    return _Plan("dynamic", dynamic.ATTEMPTS, dynamic.OPERATORS, write)


def _static_plan(files: ModelFiles, folder: Path, pictures: Pixels) -> _Plan:
    """Plan a static image tower; the text tower, which sees no pictures, becomes dynamic int8."""
    image, text = files.image.graphs["fp32"], files.text.graphs["fp32"]
    if image == text:
        raise ModelError(
            f"{image} holds both towers in one graph, which static int8 cannot calibrate on "
            "pictures alone. Use the dynamic method"
        )
    encoder = open_towers(files, "fp32")
    feeds = encoder.probe_images(pictures, static.BATCH)
    encoder.close()

    def write(recipe: Recipe) -> ModelFiles:
        static.quantize_statically(image, folder / "image.onnx", recipe, feeds)
        plain = replace(recipe, operators=dynamic.OPERATORS)
        dynamic.quantize_dynamically(text, folder / "text.onnx", plain)
        return with_graphs(files, folder, "int8")

    return _Plan("static", static.ATTEMPTS, static.LAYERS, write)


def _figures(files: ModelFiles, precision: Precision, quality: Quality) -> dict[str, float]:
    encoder = open_towers(files, precision)
    try:
        return dict(quality(encoder))
    finally:
        encoder.close()


def _graphs(files: ModelFiles, folder: Path) -> dict[Path, Path]:
    """Map each fp32 graph to the file of its new form."""
    image, text = files.image.graphs["fp32"], files.text.graphs["fp32"]
    if image == text:
        return {image: folder / "model.onnx"}
    return {image: folder / "image.onnx", text: folder / "text.onnx"}


def _enough(samples: Pixels | None) -> Pixels:
    if samples is None:
        raise InputError(
            "static int8 is calibrated on your pictures, and none were given. Name a folder "
            "(--samples DIR) or a library (--library DIR)"
        )
    if len(samples) < static.FEWEST:
        raise InputError(
            f"static int8 needs {static.FEWEST} pictures to calibrate on, got {len(samples)}. "
            "Give more, or use the dynamic method"
        )
    return samples
