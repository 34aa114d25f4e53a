"""Static int8: activations have fixed scales too, found by running the graph on pictures.

Weights and activations stand between QuantizeLinear and DequantizeLinear nodes (QDQ), which the
runtime fuses into int8 kernels; between convolutions nothing goes back to fp32. Scales come from
the smallest and largest value of each activation, averaged over batches (Jacob et al., Quantization
and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference, CVPR 2018).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from soutu.models.quantize.quiet import has_external_data, quiet
from soutu.models.quantize.report import Recipe

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Feeds = Sequence[Mapping[str, NDArray[Any]]]

LAYERS = ("Conv", "MatMul", "Gemm")
JOINED = (*LAYERS, "Add", "Relu", "MaxPool", "Concat")
"""With these a convolutional net stays in int8 from layer to layer."""
ATTEMPTS = ((True, 0.0, JOINED), (True, 0.0, LAYERS), (True, 0.15, LAYERS), (True, 0.3, LAYERS))
BATCH = 8
FEWEST = 16
"""Pictures below which scales are guesses: half of them calibrate, the others measure."""


def quantize_statically(source: Path, target: Path, recipe: Recipe, feeds: Feeds) -> None:
    """Write the int8 QDQ form of a graph, calibrated on batches of its inputs.

    Raises ModelError for a graph that cannot be read.
    """
    from onnxruntime.quantization import (  # type: ignore[import-untyped]  # it ships no types
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    with quiet(source):
        quantize_static(
            source,
            target,
            _Reader(feeds),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(recipe.operators),
            per_channel=recipe.per_channel,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=[*recipe.kept.get(source, ()), *_without_weights(source)],
            calibrate_method=CalibrationMethod.MinMax,
            use_external_data_format=has_external_data(source),
            extra_options={"ActivationSymmetric": False, "CalibMovingAverage": True},
        )


def _without_weights(graph: Path) -> list[str]:
    """Name the products of two activations: attention, where int8 costs most and gains least."""
    import onnx

    model = onnx.load(graph, load_external_data=False)
    weights = {one.name for one in model.graph.initializer}
    weights |= {node.output[0] for node in model.graph.node if node.op_type == "Constant"}
    return [
        node.name
        for node in model.graph.node
        if node.op_type in LAYERS and weights.isdisjoint(node.input)
    ]


class _Reader:
    """Hand out batches one by one, as onnxruntime's calibration asks for them."""

    def __init__(self, feeds: Feeds) -> None:
        self._feeds = feeds
        self._left: Iterator[Mapping[str, NDArray[Any]]] = iter(feeds)

    def get_next(self) -> Mapping[str, NDArray[Any]] | None:
        """Return the next batch, None at the end."""
        return next(self._left, None)

    def rewind(self) -> None:
        """Start again."""
        self._left = iter(self._feeds)
