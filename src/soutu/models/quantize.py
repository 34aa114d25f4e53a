"""Quantise a model's weights to int8, and measure what that costs and brings.

Weights become signed int8; activations are quantised as they come, one scale a tensor
(onnxruntime's dynamic quantisation). One scale for all of a layer's weights is fastest, one a
channel more exact. Real weights can have outlier activations that neither can hold: then the
layers where the expected error is largest stay in fp32. The first attempt whose vectors agree with
those of fp32 is taken.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from soutu.errors import MissingExtra, ModelError
from soutu.models.base import Precision
from soutu.models.encoder import DualEncoder
from soutu.models.layout import TowerFiles
from soutu.models.samples import SAMPLE_TEXTS, sample_pictures

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.models.layout import ModelFiles
    from soutu.types import Pixels, Vectors

ACCEPT = 0.99
"""The lowest cosine to fp32, over all samples, at which `auto` takes int8."""
OPERATORS = ("MatMul", "Gemm")
ATTEMPTS = ((False, 0.0), (True, 0.0), (True, 0.15), (True, 0.3))
"""One scale a channel or not, and the share of the layers that stays fp32; the fastest first."""
_TIMED_BATCH = 8
_WATCHED = 4
_RANKED_BELOW = 1_500_000_000
"""Bytes of weights up to which layers are watched; a graph in memory must stay below 2 GiB."""


@dataclass(frozen=True, kw_only=True)
class QuantizeReport:
    """How int8 compares with fp32.

    Cosines are over pictures and texts, speeds in pictures a second, sizes in bytes.

    `accepted` where the lowest cosine is at least `ACCEPT` and int8 is faster. `origin` tells whose
    int8 files were measured: made here, or shipped with the model. `per_channel` and `kept_fp32`
    (a number of layers) tell how they were made.
    """

    cosine_mean: float
    cosine_min: float
    text_cosine_min: float
    speed_fp32: float
    speed_int8: float
    bytes_fp32: int
    bytes_int8: int
    accepted: bool
    origin: Literal["soutu", "shipped"] = "soutu"
    per_channel: bool = False
    kept_fp32: int = 0


@dataclass(frozen=True)
class Recipe:
    """How int8 graphs are made: one scale a channel or not, and which nodes of each stay fp32."""

    per_channel: bool
    kept: Mapping[Path, Sequence[str]]


def available() -> bool:
    """Tell whether the `quantize` extra is installed."""
    from importlib.util import find_spec

    return find_spec("onnx") is not None


def quantize(files: ModelFiles, folder: Path, *, samples: Pixels | None = None) -> QuantizeReport:
    """Write int8 graphs of both towers into `folder` and measure them against fp32.

    `samples` are uint8 pictures [n, 3, height, width] prepared for the model; None draws some.
    Raises MissingExtra without the `quantize` extra, ModelError for graphs that the quantiser
    cannot read.
    """
    if not available():
        raise MissingExtra(need="quantising a model", extra="quantize")
    pictures = sample_pictures(files.preprocess) if samples is None else samples
    ranked = _rank(files, pictures)
    tried: list[tuple[QuantizeReport, Recipe]] = []
    for per_channel, share in ATTEMPTS:
        kept = {graph: names[: int(share * len(names))] for graph, names in ranked.items()}
        recipe = Recipe(per_channel, kept)
        if any(recipe == other for _, other in tried):
            continue  # too few layers to keep another one
        made = write_int8(files, folder, recipe)
        report = replace(
            measure(files, made, pictures),
            per_channel=per_channel,
            kept_fp32=sum(len(names) for names in kept.values()),
        )
        if report.cosine_min >= ACCEPT:
            return report  # the next attempts are no faster
        tried.append((report, recipe))
    best, recipe = max(tried, key=lambda one: one[0].cosine_min)
    write_int8(files, folder, recipe)  # for who asks for int8 all the same
    return best


def write_int8(files: ModelFiles, folder: Path, recipe: Recipe) -> ModelFiles:
    """Write int8 graphs into `folder`; return the files with them in place of any other int8."""
    folder.mkdir(parents=True, exist_ok=True)
    image, text = files.image.graphs["fp32"], files.text.graphs["fp32"]
    if image == text:
        _quantize_graph(image, folder / "model.onnx", recipe)
    else:
        _quantize_graph(image, folder / "image.onnx", recipe)
        _quantize_graph(text, folder / "text.onnx", recipe)
    return with_int8(files, folder)


def with_int8(files: ModelFiles, folder: Path) -> ModelFiles:
    """Return the files with the int8 graphs of `folder`."""
    combined = folder / "model.onnx"
    image = combined if combined.is_file() else folder / "image.onnx"
    text = combined if combined.is_file() else folder / "text.onnx"
    return replace(files, image=_with(files.image, image), text=_with(files.text, text))


def measure(
    fp32: ModelFiles,
    int8: ModelFiles,
    pictures: Pixels | None = None,
    *,
    origin: Literal["soutu", "shipped"] = "soutu",
) -> QuantizeReport:
    """Compare the int8 vectors of pictures and texts with those of fp32."""
    if pictures is None:
        pictures = sample_pictures(fp32.preprocess)
    images, texts, speeds = [], [], []
    for encoder in (_encoder(fp32, "fp32"), _encoder(int8, "int8")):
        images.append(encoder.encode_images(pictures))
        speeds.append(_speed(encoder, pictures))
        texts.append(encoder.encode_texts(SAMPLE_TEXTS))
        encoder.close()
    image_cosines, text_cosines = _cosines(*images), _cosines(*texts)
    cosines = np.concatenate([image_cosines, text_cosines])
    return QuantizeReport(
        cosine_mean=float(cosines.mean()),
        cosine_min=float(cosines.min()),
        text_cosine_min=float(text_cosines.min()),
        speed_fp32=speeds[0],
        speed_int8=speeds[1],
        bytes_fp32=size_of(fp32, "fp32"),
        bytes_int8=size_of(int8, "int8"),
        accepted=bool(cosines.min() >= ACCEPT and speeds[1] > speeds[0]),
        origin=origin,
    )


def rejected(files: ModelFiles) -> QuantizeReport:
    """Return the verdict on a model that cannot be quantised at all."""
    size = size_of(files, "fp32")
    return QuantizeReport(
        cosine_mean=0,
        cosine_min=0,
        text_cosine_min=0,
        speed_fp32=0,
        speed_int8=0,
        bytes_fp32=size,
        bytes_int8=size,
        accepted=False,
    )


def size_of(files: ModelFiles, precision: Precision) -> int:
    """Add up the bytes of both towers' weights."""
    paths = {*files.image.weights(precision), *files.text.weights(precision)}
    return sum(path.stat().st_size for path in paths)


def _with(tower: TowerFiles, graph: Path) -> TowerFiles:
    return replace(tower, graphs={**tower.graphs, "int8": graph})


def _encoder(files: ModelFiles, precision: Precision) -> DualEncoder:
    return DualEncoder(files, name="measured", revision="", precision=precision)


def _cosines(a: Vectors, b: Vectors) -> NDArray[np.float64]:
    same = (a == b).all(axis=1)  # two zero rows agree, though they have no direction
    return np.where(same, 1.0, np.einsum("nd,nd->n", a, b, dtype=np.float64))


def _speed(encoder: DualEncoder, pictures: Pixels) -> float:
    batch = pictures[:_TIMED_BATCH]
    start = time.perf_counter()
    rounds = 0
    while rounds < 2 or time.perf_counter() - start < 0.3:
        encoder.encode_images(batch)
        rounds += 1
    return rounds * len(batch) / (time.perf_counter() - start)


def _quantize_graph(source: Path, target: Path, recipe: Recipe) -> None:
    # onnxruntime ships no types.
    from onnxruntime.quantization import (  # type: ignore[import-untyped]
        QuantType,
        quantize_dynamic,
    )

    with _quiet(source):
        quantize_dynamic(
            source,
            target,
            op_types_to_quantize=list(OPERATORS),
            per_channel=recipe.per_channel,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=list(recipe.kept.get(source, ())),
            use_external_data_format=_has_data(source),
        )


def _has_data(graph: Path) -> bool:
    return any(path.stat().st_size > 0 for path in graph.parent.glob(f"{graph.name}_data*"))


def _rank(files: ModelFiles, pictures: Pixels) -> dict[Path, list[str]]:
    """Name the layers of each graph, the one with the largest expected int8 error first.

    Rounding to 255 steps over a tensor's range gives an error of range / sqrt(12) / 255; what
    matters is that error beside the tensor's own root mean square.
    """
    if size_of(files, "fp32") > _RANKED_BELOW:
        return {}
    encoder = _encoder(files, "fp32")
    feeds = encoder.probe(pictures[:_WATCHED], SAMPLE_TEXTS[:_WATCHED])
    encoder.close()
    ranked = {}
    for graph in {files.image.graphs["fp32"], files.text.graphs["fp32"]}:
        with _quiet(graph):
            errors = _layer_errors(graph, feeds)
        ranked[graph] = sorted(errors, key=errors.__getitem__, reverse=True)
    return ranked


def _layer_errors(graph: Path, feeds: Mapping[str, NDArray[Any]]) -> dict[str, float]:
    """Run a graph with all its inner products watched; return range / rms by layer name."""
    import onnx
    import onnxruntime  # type: ignore[import-untyped]  # it ships no types

    model = onnx.load(graph)
    weights = {one.name for one in model.graph.initializer}
    layers = {
        node.name: node.input[0]
        for node in model.graph.node
        if node.op_type in OPERATORS and node.name and node.input[1] in weights
    }
    known = {one.name for one in (*model.graph.output, *model.graph.input)}
    watched = [name for name in dict.fromkeys(layers.values()) if name not in known]
    if not watched:
        return {}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in watched)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    taken = {one.name for one in session.get_inputs()}
    values = session.run(watched, {k: v for k, v in feeds.items() if k in taken})
    by_name = dict(zip(watched, map(_rounding_error, values), strict=True))
    return {name: by_name.get(source, 0.0) for name, source in layers.items()}


def _rounding_error(values: NDArray[Any]) -> float:
    span = float(values.max() - values.min())
    rms = float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))
    return span / rms if rms else 0.0


@contextmanager
def _quiet(graph: Path) -> Iterator[None]:
    """Hold back the quantiser's advice on the root logger, and name the graph that it fails on."""
    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.ERROR)
    try:
        yield
    except OSError:
        raise
    except Exception as error:  # it fails on graphs it does not know in many ways
        raise ModelError(f"{graph} cannot be quantised: {error}") from error
    finally:
        logging.getLogger().setLevel(level)
