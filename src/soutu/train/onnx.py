"""Write networks as ONNX graphs that give probabilities."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from soutu.heads import OnnxGraph
from soutu.heads.graph import INPUT, OUTPUT

if TYPE_CHECKING:
    from onnx import ModelProto

_SAMPLE = 3  # pictures that the export looks at; not 1, which it would take as fixed


class _Probabilities(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.sigmoid(self.network(inputs))


def head_graph(network: nn.Module, *, labels: int, dim: int, regions: int = 1) -> OnnxGraph:
    """Export a network over vectors as the graph of a head.

    It reads float32 [n, dim], or [n, regions, dim] where regions are more than one.
    """
    shape = (_SAMPLE, dim) if regions == 1 else (_SAMPLE, regions, dim)
    graph = export(network, torch.zeros(shape), input_name=INPUT)
    return OnnxGraph(graph=graph, labels=labels, dim=dim, regions=regions)


def export(network: nn.Module, sample: Tensor, *, input_name: str) -> bytes:
    """Export a network followed by a sigmoid; return the graph's bytes, weights inside.

    The first axis of `sample` may have any length in the graph. The output is `probabilities`.
    """
    batch = torch.export.Dim("n", min=1)
    with _quiet():
        program = torch.onnx.export(
            _Probabilities(network).eval(),
            (sample,),
            input_names=[input_name],
            output_names=[OUTPUT],
            dynamic_shapes=({0: batch},),
            dynamo=True,
            optimize=True,
            verbose=False,
        )
    assert program is not None
    return _without_traces(program.model_proto)


def _without_traces(model: ModelProto) -> bytes:
    """Leave out where in the source each node comes from: it names paths of this machine."""
    for part in (model, model.graph, *model.graph.node, *model.graph.value_info):
        del part.metadata_props[:]
    for one in (*model.graph.initializer, *model.graph.input, *model.graph.output):
        del one.metadata_props[:]
    data: bytes = model.SerializeToString()
    return data


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back what the exporter's parts say about each other."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript")]
    levels = [one.level for one in loggers]
    for one in loggers:
        one.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for one, level in zip(loggers, levels, strict=True):
            one.setLevel(level)
