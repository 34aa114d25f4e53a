"""Heads on vectors that are trained with torch: linear, MLP, label graph, ML-Decoder."""

# ruff: noqa: N803 - X is scikit-learn's name

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

import numpy as np
import torch
from torch import nn

from soutu.errors import InputError
from soutu.heads.base import sigmoid
from soutu.train.classifier import VectorClassifier
from soutu.train.decoder import GroupDecoder, TextDecoder
from soutu.train.examples import Examples, check_texts
from soutu.train.gcn import GCNNetwork, adjacency
from soutu.train.loop import logits_of
from soutu.train.networks import LinearNetwork, MLPNetwork, Pooling

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.heads import LinearHead, OnnxGraph
    from soutu.types import Vectors


@dataclass(kw_only=True)
class LinearClassifier(VectorClassifier):
    """One weight vector a label, all trained at once: logistic regression with any loss.

    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(200, 8)).astype(np.float32)
    >>> Y = (X[:, :2] > 0).astype(np.int8)
    >>> LinearClassifier().fit(X, Y, classes=["a", "b"]).predict_proba(X).shape
    (200, 2)
    """

    rate: ClassVar[float] = 1e-2

    pooling: Pooling = "mean"

    def to_head(self) -> LinearHead | OnnxGraph:
        """Return the weights, with the standardisation of the inputs folded into them."""
        network = self.fitted()
        if not self._is_linear(self.pooling):
            return super().to_head()
        assert isinstance(network, LinearNetwork)
        return self._linear(network.standardise, network.weight, network.bias)

    def _network(
        self,
        examples: Examples,
        classes: tuple[str, ...],
        text: Vectors | None,  # noqa: ARG002 - names say nothing to it
    ) -> nn.Module:
        network = LinearNetwork(self._dim(examples), len(classes), pooling=self.pooling)
        network.standardise.fit(examples.inputs)
        return network


@dataclass(kw_only=True)
class MLPClassifier(VectorClassifier):
    """One hidden layer with dropout, then one weight vector a label."""

    hidden: int = 512
    dropout: float = 0.3
    pooling: Pooling = "mean"

    def _network(
        self,
        examples: Examples,
        classes: tuple[str, ...],
        text: Vectors | None,  # noqa: ARG002 - names say nothing to it
    ) -> nn.Module:
        network = MLPNetwork(
            self._dim(examples),
            len(classes),
            hidden=self.hidden,
            dropout=self.dropout,
            pooling=self.pooling,
        )
        network.standardise.fit(examples.inputs)
        return network


@dataclass(kw_only=True)
class GCNClassifier(VectorClassifier):
    """Classifiers computed from the graph of labels that go together (Chen et al. 2019).

    Its nodes are the text vectors given to `fit`, or the identity without. `threshold` is the
    conditional probability from which on two labels are neighbours, `neighbours` the weight that a
    label's neighbours share; `hidden` are the widths between the convolutions. `adjacency`
    [classes, classes] takes the place of the graph found in the labels. Once trained it is linear.
    """

    rate: ClassVar[float] = 5e-3

    hidden: tuple[int, ...] = (512,)
    threshold: float = 0.4
    neighbours: float = 0.2
    pooling: Pooling = "mean"
    adjacency: list[list[float]] | None = None

    def to_head(self) -> LinearHead | OnnxGraph:
        """Return the weights that the graph gives the labels, as of a linear head."""
        network = self.fitted()
        if not self._is_linear(self.pooling):
            return super().to_head()
        assert isinstance(network, GCNNetwork)
        return self._linear(network.standardise, network.classifiers(), network.bias)

    def _network(
        self, examples: Examples, classes: tuple[str, ...], text: Vectors | None
    ) -> nn.Module:
        nodes: NDArray[np.float32] = np.eye(len(classes), dtype=np.float32)
        if text is not None:
            check_texts(text, classes, "gcn")
            # The entries of a unit vector are tiny; nodes of length sqrt(k) have entries near 1.
            nodes = text * np.float32(text.shape[1] ** 0.5)
        graph = self._graph(examples, len(classes))
        network = GCNNetwork(
            self._dim(examples), nodes, graph, hidden=self.hidden, pooling=self.pooling
        )
        network.standardise.fit(examples.inputs)
        return network

    def _graph(self, examples: Examples, labels: int) -> NDArray[np.float32]:
        if self.adjacency is None:
            return adjacency(examples.labels, threshold=self.threshold, neighbours=self.neighbours)
        graph = np.asarray(self.adjacency, np.float32)
        if graph.shape != (labels, labels) or not np.isfinite(graph).all():
            raise InputError(f"the adjacency has the shape {graph.shape} for {labels} classes")
        return graph


Queries = Literal["groups", "text"]


@dataclass(kw_only=True)
class MLDecoderClassifier(VectorClassifier):
    """Queries that attend to the regions of a picture (Ridnik et al. 2023).

    `queries` "text" asks with the text vectors given to `fit`, and can then score labels it never
    saw; "groups" asks with at most `groups` fixed queries, each for several labels, and is faster.
    `width` is that of the decoder, in `heads` attention heads.
    """

    queries: Queries = "groups"
    groups: int = 10
    width: int = 128
    heads: int = 4
    feed_forward: int = 128
    dropout: float = 0.1

    def predict_unseen(self, X: NDArray[np.float32], text: Vectors) -> NDArray[np.float32]:
        """Return probabilities [n, labels] of any labels, by their text vectors [labels, dim].

        Raises InputError for a head without text queries and for text vectors of another length.
        """
        network = self.fitted()
        if not isinstance(network, TextDecoder):
            raise InputError("only an ML-Decoder with text queries scores unseen labels")
        check_texts(text, [f"label {n}" for n in range(len(text))], "scoring unseen labels")
        if text.shape[1] != network.texts.shape[1]:
            raise InputError(
                f"these text vectors have {text.shape[1]} dimensions, those of training "
                f"{network.texts.shape[1]}. Use the same encoder"
            )
        asked = torch.from_numpy(np.ascontiguousarray(text, np.float32))
        return sigmoid(logits_of(lambda vectors: network(vectors, asked), self._checked(X)))

    def _network(
        self, examples: Examples, classes: tuple[str, ...], text: Vectors | None
    ) -> nn.Module:
        if self.queries not in get_args(Queries) or self.width % self.heads:
            raise InputError(
                f"queries {self.queries!r}, width {self.width}, heads {self.heads} do not go "
                "together: queries are groups or text, and heads divide the width"
            )
        dim = self._dim(examples)
        network: GroupDecoder | TextDecoder
        if self.queries == "text":
            check_texts(text, classes, "an ML-Decoder with text queries")
            assert text is not None
            network = TextDecoder(
                dim,
                text,
                width=self.width,
                heads=self.heads,
                feed_forward=self.feed_forward,
                dropout=self.dropout,
            )
        else:
            network = GroupDecoder(
                dim,
                len(classes),
                groups=self.groups,
                width=self.width,
                heads=self.heads,
                feed_forward=self.feed_forward,
                dropout=self.dropout,
            )
        network.standardise.fit(examples.inputs)
        return network
