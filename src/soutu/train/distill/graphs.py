"""The student as ONNX graphs, written node by node: no exporter is needed.

Batch normalisation is folded into the convolutions; the normalisation of pixels and of vectors is
in the graph.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from soutu.train.distill.networks import MEAN, STD, Block, Convolution, ImageTower

if TYPE_CHECKING:
    import onnx
    from numpy.typing import NDArray

OPSET, IR_VERSION = 17, 8
_TINY = 1e-6


class _Graph:
    """A graph while it is being written."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def weight(self, values: Any) -> str:
        from onnx import numpy_helper

        name = f"weight{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def add(self, kind: str, *inputs: str, out: str = "", **attributes: Any) -> str:
        from onnx import helper

        name = f"{kind}{len(self.nodes)}"
        out = out or f"{name}_out"
        self.nodes.append(helper.make_node(kind, list(inputs), [out], name=name, **attributes))
        return out

    def save(self, path: Path, inputs: onnx.ValueInfoProto, outputs: onnx.ValueInfoProto) -> None:
        import onnx
        from onnx import helper

        graph = helper.make_graph(self.nodes, "student", [inputs], [outputs], self.weights)
        opset = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION)
        onnx.checker.check_model(model)
        onnx.save(model, path)


def write_image_graph(tower: ImageTower, path: Path, size: int) -> None:
    """Write `pixels` uint8 [batch, 3, size, size] to `embedding` float32 [batch, dim]."""
    from onnx import TensorProto, helper

    graph = _Graph()
    x = graph.add("Cast", "pixels", to=TensorProto.FLOAT)
    x = graph.add("Sub", x, graph.weight(np.float32(MEAN)))
    x = graph.add("Mul", x, graph.weight(np.float32(1 / STD)))
    for layer in tower.body:
        x = _block(graph, x, layer) if isinstance(layer, Block) else _convolution(graph, x, layer)
    x = graph.add("Flatten", graph.add("GlobalAveragePool", x), axis=1)
    weights, bias = _array(tower.project.weight), _array(tower.project.bias)
    x = graph.add("Gemm", x, graph.weight(weights), graph.weight(bias), transB=1)
    graph.add("Div", x, graph.add("ReduceL2", x, axes=[1], keepdims=1), out="embedding")
    graph.save(
        path,
        helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["batch", 3, size, size]),
        helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", len(bias)]),
    )


def write_text_graph(table: NDArray[np.float32], path: Path) -> None:
    """Write `ids` int64 [batch, length], padded with 0, to `embedding` float32 [batch, dim].

    Token vectors are int8, with one scale each.
    """
    from onnx import TensorProto, helper

    scales = np.abs(table).max(axis=1) / 127
    rows = np.rint(table / np.maximum(scales, 1e-12)[:, None]).astype(np.int8)
    graph = _Graph()
    x = graph.add("Gather", graph.weight(rows), "ids")
    x = graph.add("Cast", x, to=TensorProto.FLOAT)
    scale = graph.add("Gather", graph.weight(scales.astype(np.float32)), "ids")
    scale = graph.add("Unsqueeze", scale, graph.weight(np.array([2])))
    x = graph.add("Mul", x, scale)
    x = graph.add("ReduceSum", x, graph.weight(np.array([1])), keepdims=0)
    length = graph.add("ReduceL2", x, axes=[1], keepdims=1)
    length = graph.add("Max", length, graph.weight(np.float32(_TINY)))
    graph.add("Div", x, length, out="embedding")
    graph.save(
        path,
        helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "length"]),
        helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", table.shape[1]]),
    )


def _block(graph: _Graph, x: str, block: Block) -> str:
    inner = x
    for layer in block.layers:
        inner = _convolution(graph, inner, layer)
    return graph.add("Relu", graph.add("Add", x, inner))


def _convolution(graph: _Graph, x: str, layer: nn.Module) -> str:
    assert isinstance(layer, Convolution)
    convolution, norm = layer.parts()
    factor = _array(norm.weight) / np.sqrt(_array(norm.get_buffer("running_var")) + norm.eps)
    weights = _array(convolution.weight) * factor[:, None, None, None]
    bias = _array(norm.bias) - _array(norm.get_buffer("running_mean")) * factor
    x = graph.add(
        "Conv",
        x,
        graph.weight(weights),
        graph.weight(bias),
        kernel_shape=list(convolution.kernel_size),
        strides=list(convolution.stride),
        pads=[int(pad) for pad in convolution.padding] * 2,
    )
    return graph.add("Relu", x) if layer.rectify else x


def _array(tensor: Any) -> NDArray[np.float32]:
    return np.asarray(tensor.detach().float().cpu().numpy())
