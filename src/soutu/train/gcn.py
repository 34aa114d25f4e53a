"""Label-graph network: classifiers that are computed from how labels go together.

Chen et al. 2019, "Multi-Label Image Recognition with Graph Convolutional Networks".
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from soutu.train.networks import Pooling, Standardise, pooled

if TYPE_CHECKING:
    from numpy.typing import NDArray


def adjacency(
    labels: NDArray[np.int8], *, threshold: float = 0.4, neighbours: float = 0.2
) -> NDArray[np.float32]:
    """Return the re-weighted, normalised label graph [labels, labels] of labels [n, labels].

    Label i points at j where j holds in at least `threshold` of the rows that have i; only rows
    that know both count. The neighbours of a label share the weight `neighbours`, and it keeps the
    rest, so that few labels are smoothed away (Chen et al. 2019, eq. 8). D^-1/2 A D^-1/2 follows.
    """
    yes, known = (labels == 1).astype(np.float64), (labels >= 0).astype(np.float64)
    together, rows = yes.T @ yes, yes.T @ known
    conditional = np.divide(together, rows, out=np.zeros_like(together), where=rows > 0)
    graph = (conditional >= threshold).astype(np.float64)
    np.fill_diagonal(graph, 0)
    degree = graph.sum(axis=1, keepdims=True)
    graph *= neighbours / np.maximum(degree, 1)
    np.fill_diagonal(graph, np.where(degree[:, 0] > 0, 1 - neighbours, 1.0))
    root = 1 / np.sqrt(graph.sum(axis=1))
    return np.asarray(root[:, None] * graph * root, np.float32)


class GCNNetwork(nn.Module):
    """Score vectors against one classifier a label, made by graph convolutions over the labels.

    `nodes` [labels, k] are what a label starts from: text vectors, or the identity where there are
    none. `hidden` are the widths between the convolutions; with none, identity nodes and identity
    adjacency this is the linear head.
    """

    nodes: Tensor
    graph: Tensor

    def __init__(
        self,
        dim: int,
        nodes: NDArray[np.float32],
        graph: NDArray[np.float32],
        *,
        hidden: Sequence[int] = (512,),
        pooling: Pooling = "mean",
    ) -> None:
        super().__init__()
        self.standardise = Standardise(dim)
        self.pooling = pooling
        self.register_buffer("nodes", torch.from_numpy(nodes))
        self.register_buffer("graph", torch.from_numpy(graph))
        widths = [nodes.shape[1], *hidden, dim]
        self.layers = nn.ParameterList(
            nn.Parameter(nn.init.xavier_uniform_(torch.empty(a, b))) for a, b in pairwise(widths)
        )
        self.bias = nn.Parameter(torch.zeros(len(nodes)))

    def classifiers(self) -> Tensor:
        """Return the weights [labels, dim] that the graph gives the labels."""
        found = self.nodes
        for number, layer in enumerate(self.layers):
            if number:
                found = functional.leaky_relu(found, 0.2)
            found = self.graph @ (found @ layer)
        return found

    def forward(self, vectors: Tensor) -> Tensor:
        """Return logits [n, labels]."""
        weight = self.classifiers()

        def head(one: Tensor) -> Tensor:
            return one @ weight.T + self.bias

        return pooled(self.standardise(vectors), head, self.pooling)
