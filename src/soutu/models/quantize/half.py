"""fp16: weights stored as halves; the runtime makes them fp32 when it opens the graph.

Processors without half-precision kernels would convert before and after every node; so only the
file is halved, and the arithmetic is that of fp32. What is lost is the rounding of the weights.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from soutu.models.quantize.quiet import has_external_data, quiet

_SMALLEST = 64
"""Numbers below which a weight is left as it is: a bias or a constant saves nothing."""
_LARGEST = float(np.finfo(np.float16).max)


def halve(source: Path, target: Path) -> None:
    """Write a graph with its fp32 weights stored as fp16.

    Weights that hold values beyond fp16's range stay as they are. Raises ModelError for a graph
    that cannot be read.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    with quiet(source):
        model = onnx.load(source)
        casts = []
        for weight in model.graph.initializer:
            values = numpy_helper.to_array(weight)
            if values.dtype != np.float32 or values.size < _SMALLEST:
                continue
            if np.abs(values).max() > _LARGEST:
                continue
            name, stored = weight.name, f"{weight.name}_half"
            weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), stored))
            casts.append(helper.make_node("Cast", [stored], [name], to=TensorProto.FLOAT))
        for place, cast in enumerate(casts):
            model.graph.node.insert(place, cast)
        onnx.save(
            model,
            target,
            save_as_external_data=has_external_data(source),
            location=f"{target.name}_data",
        )
