"""What all estimators that are trained with torch share, in scikit-learn's habits.

Settings go to the constructor; `fit` learns, sets the attributes that end in an underscore and
returns the head; `predict_proba` scores. X are float32 vectors [n, dim], or [n, regions, dim] where
a picture has several; Y int8 [n, classes] of 1 (yes), 0 (no) and -1 (unknown).
"""

# ruff: noqa: N803 - X and Y are scikit-learn's names

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias

import numpy as np
import torch
from torch import nn

from soutu.errors import InputError
from soutu.heads import LinearHead
from soutu.heads.base import sigmoid
from soutu.train.examples import Examples, check_alike, check_examples, thresholds_of
from soutu.train.loop import History, logits_of, train
from soutu.train.losses import loss_of
from soutu.train.networks import (
    Pooling,
    Standardise,
    folded,
)
from soutu.train.onnx import head_graph
from soutu.train.settings import RATE, LossName, Settings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.heads import OnnxGraph
    from soutu.types import Progress, Vectors

    Pairs: TypeAlias = tuple[NDArray[Any], NDArray[np.int8]]
    OnProgress: TypeAlias = Callable[[Progress], None]


@dataclass(kw_only=True)
class TorchClassifier(ABC):
    """What every head trained with torch has in common.

    After `fit`: `classes_`, `thresholds_` float32 [classes] on probabilities (tuned for F1 on the
    validation examples, 0.5 without), `history_`, `network_`.
    """

    rate: ClassVar[float] = RATE  # where the settings name no learning rate

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
            self._settings(),
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
            self.thresholds_ = thresholds_of(scores, held_out.labels)
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
        return {**own, **asdict(self._settings())}

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

    def _settings(self) -> Settings:
        return replace(self.settings, learning_rate=self.settings.learning_rate or self.rate)

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

    def _linear(
        self, standardise: Standardise, weight: torch.Tensor, bias: torch.Tensor
    ) -> LinearHead:
        """Fold a head that is linear in the mean of the regions."""
        weights, biases = folded(standardise, weight, bias)
        regions = self._shape[0] if len(self._shape) == 2 else 1
        return LinearHead(weights=np.tile(weights / regions, (1, regions)), bias=biases)

    def _is_linear(self, pooling: Pooling) -> bool:
        return pooling == "mean" or len(self._shape) == 1


def _examples(inputs: NDArray[Any], labels: NDArray[np.int8]) -> Examples:
    """Take arrays as they are where they have the right type; other floats become float32."""
    inputs, labels = np.asanyarray(inputs), np.asarray(labels)
    if inputs.dtype.kind == "f" and inputs.dtype != np.float32:
        inputs = inputs.astype(np.float32)
    if labels.dtype.kind not in "iub":
        msg = f"labels are {labels.dtype}; give integers: 1 (yes), 0 (no), -1 (unknown)"
        raise InputError(msg)
    return Examples(inputs, labels if labels.dtype == np.int8 else labels.astype(np.int8))


def _digest(text: Vectors | None) -> str | None:
    if text is None:
        return None
    import xxhash

    return xxhash.xxh3_128_hexdigest(text.data)
