"""Find the layers of a graph that int8 would hurt most, by watching what flows into them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from soutu.models.quantize.measuring import open_towers, size_of
from soutu.models.quantize.quiet import quiet
from soutu.models.samples import SAMPLE_TEXTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.models.layout import ModelFiles
    from soutu.types import Pixels

_WATCHED = 4
_RANKED_BELOW = 1_500_000_000
"""Bytes of weights up to which layers are watched; a graph in memory must stay below 2 GiB."""


def rank_layers(
    files: ModelFiles, pictures: Pixels, operators: Sequence[str]
) -> dict[Path, list[str]]:
    """Name the layers of each graph, the one with the largest expected int8 error first.

    Rounding to 255 steps over a tensor's range gives an error of range / sqrt(12) / 255; what
    matters is that error beside the tensor's own root mean square. Raises ModelError for a graph
    that cannot be watched.
    """
    if size_of(files, "fp32") > _RANKED_BELOW:
        return {}
    encoder = open_towers(files, "fp32")
    feeds = encoder.probe(pictures[:_WATCHED], SAMPLE_TEXTS[:_WATCHED])
    encoder.close()
    ranked = {}
    for graph in {files.image.graphs["fp32"], files.text.graphs["fp32"]}:
        with quiet(graph):
            errors = _layer_errors(graph, feeds, operators)
        ranked[graph] = sorted(errors, key=errors.__getitem__, reverse=True)
    return ranked


def _layer_errors(
    graph: Path, feeds: Mapping[str, NDArray[Any]], operators: Sequence[str]
) -> dict[str, float]:
    """Run a graph with the inputs of all its layers watched; return range / rms by layer name."""
    import onnx
    import onnxruntime  # type: ignore[import-untyped]  # it ships no types

    model = onnx.load(graph)
    weights = {one.name for one in model.graph.initializer}
    layers = {
        node.name: node.input[0]
        for node in model.graph.node
        if node.op_type in operators and node.name and node.input[1] in weights
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
