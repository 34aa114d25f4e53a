"""Heads on vectors that are trained with torch, in scikit-learn's habits.

Settings go to the constructor; `fit` learns, sets the attributes that end in an underscore and
returns the head; `predict_proba` scores. X are float32 vectors [n, dim], or [n, regions, dim] where
a picture has several; Y int8 [n, classes] of 1 (yes), 0 (no) and -1 (unknown).
"""

# ruff: noqa: N803 - X and Y are scikit-learn's names

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, get_args

import numpy as np
import torch
from torch import nn

from soutu.errors import InputError
from soutu.heads import LinearHead
from soutu.heads.base import sigmoid
from soutu.metrics import tuned_thresholds
from soutu.train.decoder import GroupDecoder, TextDecoder
from soutu.train.examples import Examples, check_alike, check_examples, check_texts
from soutu.train.gcn import GCNNetwork, adjacency
from soutu.train.loop import History, logits_of, train
from soutu.train.losses import LossName, loss_of
from soutu.train.networks import (
    LinearNetwork,
    MLPNetwork,
    Pooling,
    Standardise,
    folded,
)
from soutu.train.onnx import head_graph
from soutu.train.settings import Settings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.heads import OnnxGraph
    from soutu.train.decoder import QueryLayer
    from soutu.types import Progress, Vectors

    Pairs: TypeAlias = tuple[NDArray[Any], NDArray[np.int8]]
    OnProgress: TypeAlias = Callable[[Progress], None]


@dataclass(kw_only=True)
class TorchClassifier(ABC):
    """What every head trained with torch has in common.

    After `fit`: `classes_`, `thresholds_` float32 [classes] on probabilities (tuned for F1 on the
    validation examples, 0.5 without), `history_`, `network_`.
    """

    loss: LossName = "bce"
    settings: Settings = field(default_factory=Settings)

    def fit(
        self,
        X: NDArray[Any],
        Y: NDArray[np.int8],
        *,
        classes: Sequence[str],
        text: NDArray[np.float32] | None = None,
        validation: Pairs | None = None,
        on_progress: OnProgress | None = None,
        checkpoint: Path | None = None,
    ) -> Self:
        """Learn from labelled examples.

        `text` are text vectors [classes, dim], for heads that start from names; `validation` are
        inputs and labels to stop early by and to tune thresholds on; `checkpoint` is a folder to
        keep the state of training in, which goes on from what is there. Raises InputError, before
        training, for examples that nothing can be learned from and for a checkpoint of another
        run.
        """
        examples = _examples(X, Y)
        check_examples(examples, classes)
        held_out = None
        if validation is not None:
            held_out = _examples(*validation)
            check_examples(held_out, classes, what="validation", every=False)
            check_alike(examples, held_out)
        text = None if text is None else np.ascontiguousarray(text, np.float32)
        loss = loss_of(self.loss, examples.labels)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.settings.seed)
            network = self._network(examples, tuple(classes), text)
        self.history_: History = train(
            network,
            examples,
            loss,
            self.settings,
            validation=held_out,
            checkpoint=checkpoint,
            made_of={**self._made_of(), "classes": list(classes), "text": _digest(text)},
            on_progress=on_progress,
        )
        self.network_ = network
        self.classes_ = tuple(classes)
        self._shape = examples.inputs.shape[1:]
        self.thresholds_ = np.full(len(classes), 0.5, np.float32)
        if held_out is not None:
            scores = self.predict_proba(held_out.inputs)
            self.thresholds_ = tuned_thresholds(scores, held_out.labels).astype(np.float32)
        return self

    def predict_proba(self, X: NDArray[Any]) -> NDArray[np.float32]:
        """Return probabilities [n, classes]. Raises InputError for inputs of another shape."""
        return sigmoid(logits_of(self.fitted(), self._checked(X)))

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002 - scikit-learn's
        """Return the constructor's settings, as scikit-learn asks for them."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def parameters(self) -> dict[str, Any]:
        """Return all settings as JSON values, for the record of what was trained."""
        own = {name: value for name, value in self.get_params().items() if name != "settings"}
        return {**own, **asdict(self.settings)}

    def fitted(self) -> nn.Module:
        """Return the trained network. Raises InputError before `fit`."""
        network = getattr(self, "network_", None)
        if not isinstance(network, nn.Module):
            raise InputError(f"this {type(self).__name__} has learned nothing yet. Call fit first")
        return network

    @abstractmethod
    def _network(
        self, examples: Examples, classes: tuple[str, ...], text: Vectors | None
    ) -> nn.Module:
        """Make the untrained network."""

    def _made_of(self) -> dict[str, Any]:
        known = {name: value for name, value in self.get_params().items() if name != "settings"}
        return {"head": type(self).__name__, **known}

    def _checked(self, X: NDArray[Any]) -> NDArray[Any]:
        self.fitted()
        if X.shape[1:] != self._shape:
            msg = (
                f"this head was trained on inputs of the shape {self._shape} each, these have "
                f"{X.shape[1:]}. Use the same encoder and regions"
            )
            raise InputError(msg)
        return X


@dataclass(kw_only=True)
class VectorClassifier(TorchClassifier):
    """A head over vectors, which can be kept as a folder and used by a library."""

    def to_head(self) -> LinearHead | OnnxGraph:
        """Return what `soutu.heads.save_head` stores: a graph, or weights where it is linear."""
        regions, dim = (1, *self._shape)[-2:]
        return head_graph(self.fitted(), labels=len(self.classes_), dim=dim, regions=regions)

    def _dim(self, examples: Examples) -> int:
        """Return the length of the vectors. Raises InputError for inputs that are none."""
        if examples.inputs.ndim not in (2, 3) or examples.inputs.dtype != np.float32:
            msg = (
                f"{type(self).__name__} takes float32 vectors [n, dim] or [n, regions, dim]; these "
                f"are {examples.inputs.dtype} of the shape {examples.inputs.shape}"
            )
            raise InputError(msg)
        return int(examples.inputs.shape[-1])

    def _linear(self, standardise: Standardise, weight: torch.Tensor, bias: torch.Tensor) -> LinearHead:
        """Fold a head that is linear in the mean of the regions."""
        weights, biases = folded(standardise, weight, bias)
        regions = self._shape[0] if len(self._shape) == 2 else 1
        return LinearHead(weights=np.tile(weights / regions, (1, regions)), bias=biases)

    def _is_linear(self, pooling: Pooling) -> bool:
        return pooling == "mean" or len(self._shape) == 1


@dataclass(kw_only=True)
class LinearClassifier(VectorClassifier):
    """One weight vector a label, all trained at once: logistic regression with any loss.

    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(200, 8)).astype(np.float32)
    >>> Y = (X[:, :2] > 0).astype(np.int8)
    >>> LinearClassifier().fit(X, Y, classes=["a", "b"]).predict_proba(X).shape
    (200, 2)
    """

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
    label's neighbours share; `hidden` are the widths between the convolutions. `adjacency` [classes,
    classes] takes the place of the graph found in the labels. Once trained it is linear.
    """

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
            return adjacency(
                examples.labels, threshold=self.threshold, neighbours=self.neighbours
            )
        graph = np.asarray(self.adjacency, np.float32)
        if graph.shape != (labels, labels) or not np.isfinite(graph).all():
            raise InputError(f"the adjacency has the shape {graph.shape} for {labels} classes")
        return graph


Queries = Literal["auto", "groups", "text"]


@dataclass(kw_only=True)
class MLDecoderClassifier(VectorClassifier):
    """Queries that attend to the regions of a picture (Ridnik et al. 2023).

    `queries` "text" asks with the text vectors given to `fit`, and can then score labels it never
    saw; "groups" asks with at most `groups` fixed queries, each for several labels, and is faster;
    "auto" is "groups". `width` is that of the decoder.
    """

    queries: Queries = "auto"
    groups: int = 10
    width: int = 128
    heads: int = 4
    feed_forward: int = 256
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
        own, network.texts = network.texts, torch.from_numpy(np.ascontiguousarray(text))
        try:
            return sigmoid(logits_of(network, self._checked(X)))
        finally:
            network.texts = own

    def _network(
        self, examples: Examples, classes: tuple[str, ...], text: Vectors | None
    ) -> nn.Module:
        self._check_sizes()
        dim = self._dim(examples)
        network: GroupDecoder | TextDecoder
        if self.queries == "text":
            check_texts(text, classes, "an ML-Decoder with text queries")
            assert text is not None
            network = TextDecoder(dim, text, layer=self._layer, width=self.width, dropout=self.dropout)
        else:
            network = GroupDecoder(
                dim,
                len(classes),
                groups=self.groups,
                layer=self._layer,
                width=self.width,
                dropout=self.dropout,
            )
        network.standardise.fit(examples.inputs)
        return network
