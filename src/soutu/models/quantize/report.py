"""What is known of a quantised form of a model, and how it takes the place of the fp32 files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from soutu.models.base import Encoder, Precision

if TYPE_CHECKING:
    from soutu.models.layout import ModelFiles, TowerFiles

Method = Literal["dynamic", "static", "fp16"]
METHODS: tuple[Method, ...] = get_args(Method)
PRECISION: Mapping[Method, Precision] = {"dynamic": "int8", "static": "int8", "fp16": "fp16"}

ACCEPT = 0.99
"""The lowest cosine to fp32, over all samples, at which a quantised form is accepted."""

Quality: TypeAlias = Callable[[Encoder], Mapping[str, float]]
"""Measures an encoder on the user's data: figures by name (mAP, R@10), in percent."""


@dataclass(frozen=True, kw_only=True)
class QuantizeReport:
    """How a quantised form of a model compares with fp32.

    Cosines are over pictures and texts, speeds in pictures a second, sizes in bytes.

    `accepted` where the lowest cosine is at least `ACCEPT` and the form is faster. `origin` tells
    whose files were measured: made here, or shipped with the model. `samples` is the number of
    pictures measured on; `drawn` where the user gave none. `per_channel` and `kept_fp32` (a number
    of layers) tell how the files were made. `quality_fp32` and `quality` are figures on the user's
    data, in percent, where there was data.
    """

    method: Method
    cosine_mean: float
    cosine_min: float
    text_cosine_min: float
    speed_fp32: float
    speed: float
    bytes_fp32: int
    bytes: int
    accepted: bool
    origin: Literal["soutu", "shipped"] = "soutu"
    samples: int = 0
    drawn: bool = True
    per_channel: bool = False
    kept_fp32: int = 0
    quality_fp32: Mapping[str, float] = field(default_factory=dict)
    quality: Mapping[str, float] = field(default_factory=dict)

    @property
    def precision(self) -> Precision:
        """The precision under which the form is asked for."""
        return PRECISION[self.method]


@dataclass(frozen=True)
class Recipe:
    """How int8 graphs are made.

    One scale a channel or not, which nodes of each graph stay fp32, and which kinds of nodes are
    quantised.
    """

    per_channel: bool
    kept: Mapping[Path, tuple[str, ...]]
    operators: tuple[str, ...]


def with_graphs(files: ModelFiles, folder: Path, precision: Precision) -> ModelFiles:
    """Return the files with the graphs of `folder` as those of a precision."""
    combined = folder / "model.onnx"
    image = combined if combined.is_file() else folder / "image.onnx"
    text = combined if combined.is_file() else folder / "text.onnx"
    return replace(
        files,
        image=_with(files.image, image, precision),
        text=_with(files.text, text, precision),
    )


def _with(tower: TowerFiles, graph: Path, precision: Precision) -> TowerFiles:
    return replace(tower, graphs={**tower.graphs, precision: graph})
