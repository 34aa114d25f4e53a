"""Heads by scikit-learn: each label by itself, with logistic regression or a linear SVM.

Their settings and attributes are in scikit-learn's habits; see `classifier` for X and Y. A label's
unknown examples are left out for that label alone. All of these heads are linear once trained; the
regions of a picture stand one after the other as its features.
"""

# ruff: noqa: N803 - X and Y are scikit-learn's names

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, Self, TypeVar

import numpy as np

from soutu.errors import InputError
from soutu.heads import ChainHead, LinearHead
from soutu.train.examples import Examples, check_alike, check_examples, thresholds_of
from soutu.types import Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.types import Vectors

    Reals = NDArray[np.float64]
    Labels = NDArray[np.int8]

OneClass = Literal["refuse", "prior"]
"""What is done about labels without a yes, or without a no: an error before training starts, or a
head that gives each picture the same probability (by Laplace's rule of succession)."""

Parts = TypeVar("Parts", LinearHead, ChainHead)

_FOLDS = 3  # of the SVM's scores that Platt scaling learns from


@dataclass(frozen=True)
class Standardised:
    """Features [n, f] moved and scaled to mean 0 and variance 1, and the way back for weights."""

    features: NDArray[np.float32]
    mean: Reals
    scale: Reals

    @classmethod
    def of(cls, vectors: NDArray[np.float32]) -> Standardised:
        """Standardise rows [n, f]; what does not vary stays as it is."""
        mean, scale = vectors.mean(axis=0, dtype=np.float64), vectors.std(axis=0, dtype=np.float64)
        scale[scale < 1e-8] = 1.0
        return cls(((vectors - mean) / scale).astype(np.float32), mean, scale)

    def folded(self, weights: Reals, bias: float) -> tuple[Reals, float]:
        """Return weights [f] and bias of the features as they were, for those of these."""
        own = weights / self.scale
        return own, bias - float(own @ self.mean)


@dataclass(kw_only=True)
class ClassicalClassifier(ABC, Generic[Parts]):
    """What the heads by scikit-learn have in common.

    After `fit`: `classes_`, `thresholds_` float32 [classes] on probabilities (tuned for F1 on the
    validation examples, 0.5 without) and `head_`. `seed` makes it repeatable.
    """

    one_class: OneClass = "refuse"
    seed: int = 0

    def fit(
        self,
        X: NDArray[Any],
        Y: NDArray[Any],
        *,
        classes: Sequence[str],
        text: Vectors | None = None,
        validation: tuple[NDArray[Any], NDArray[Any]] | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        checkpoint: Path | None = None,  # noqa: ARG002 - done in minutes, it keeps none
    ) -> Self:
        """Learn from labelled vectors.

        `text` are text vectors [classes, dim], for heads that start from names; `validation` are
        vectors and labels to tune thresholds on. Raises InputError, before training, for examples
        that nothing can be learned from.
        """
        examples = Examples(_floats(X), np.asarray(Y, np.int8))
        check_examples(examples, classes, every=self.one_class == "refuse" and self.learns)
        held_out = None
        if validation is not None:
            held_out = Examples(_floats(validation[0]), np.asarray(validation[1], np.int8))
            check_examples(held_out, classes, what="validation", every=False)
            check_alike(examples, held_out)

        def report(done: int, total: int) -> None:
            if on_progress is not None:
                on_progress(Progress(stage="train", done=done, total=total))

        with _quiet():
            self.head_: Parts = self._fit(examples, tuple(classes), text, report)
        self.classes_ = tuple(classes)
        self.thresholds_ = np.full(len(classes), 0.5, np.float32)
        if held_out is not None:
            scores = self.predict_proba(held_out.inputs)
            self.thresholds_ = thresholds_of(scores, held_out.labels)
        return self

    @property
    def learns(self) -> bool:
        """Whether it looks at labels at all."""
        return True

    def predict_proba(self, X: NDArray[Any]) -> NDArray[np.float32]:
        """Return probabilities [n, classes]. Raises InputError for vectors of another shape."""
        return self.to_head().predict_proba(_floats(X))

    def to_head(self) -> Parts:
        """Return what `soutu.heads.save_head` stores. Raises InputError before `fit`."""
        head: Parts | None = getattr(self, "head_", None)
        if head is None:
            raise InputError(f"this {type(self).__name__} has learned nothing yet. Call fit first")
        return head

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002 - scikit-learn's
        """Return the constructor's settings, as scikit-learn asks for them."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def parameters(self) -> dict[str, Any]:
        """Return all settings as JSON values, for the record of what was trained."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in self.get_params().items()
        }

    @abstractmethod
    def _fit(
        self,
        examples: Examples,
        classes: tuple[str, ...],
        text: Vectors | None,
        report: Callable[[int, int], None],
    ) -> Parts:
        """Train, telling how many of how many steps are done."""


@dataclass(kw_only=True)
class IndependentClassifier(ClassicalClassifier[LinearHead]):
    """Binary relevance: each label is learned as if there were no other.

    `c` is the inverse strength of the penalty on standardised features, `balanced` weighs yes and
    no alike however many there are of each.
    """

    c: float = 0.1
    balanced: bool = False

    def _fit(
        self,
        examples: Examples,
        classes: tuple[str, ...],
        text: Vectors | None,  # noqa: ARG002 - names say nothing to it
        report: Callable[[int, int], None],
    ) -> LinearHead:
        if not self.c > 0:
            raise InputError(f"c is {self.c}; it must be more than 0")
        inputs = Standardised.of(flat(examples.inputs))
        rows = []
        for label in range(len(classes)):
            said = examples.labels[:, label]
            known = said >= 0
            yes = said[known] == 1
            if yes.all() or not yes.any():
                rows.append((np.zeros(len(inputs.mean)), constant(yes)))
            else:
                rows.append(inputs.folded(*self._learn(inputs.features[known], yes)))
            report(label + 1, len(classes))
        return LinearHead(
            weights=np.array([weights for weights, _ in rows], np.float32),
            bias=np.array([bias for _, bias in rows], np.float32),
        )

    @abstractmethod
    def _learn(self, features: NDArray[np.float32], yes: NDArray[np.bool_]) -> tuple[Reals, float]:
        """Return weights [f] and bias of the logit, from examples of both kinds."""


@dataclass(kw_only=True)
class LogisticClassifier(IndependentClassifier):
    """Logistic regression, one label at a time.

    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(200, 8)).astype(np.float32)
    >>> Y = (X[:, :2] > 0).astype(np.int8)
    >>> LogisticClassifier().fit(X, Y, classes=["a", "b"]).predict_proba(X).shape
    (200, 2)
    """

    def _learn(self, features: NDArray[np.float32], yes: NDArray[np.bool_]) -> tuple[Reals, float]:
        return logistic(features, yes, c=self.c, balanced=self.balanced)


@dataclass(kw_only=True)
class SVMClassifier(IndependentClassifier):
    """A linear support vector machine, one label at a time, with Platt scaling.

    The sigmoid learns from scores of parts that the machine did not see (Platt 1999, Probabilistic
    outputs for support vector machines), of an example or two from all that there is.
    """

    c: float = 0.01

    def _learn(self, features: NDArray[np.float32], yes: NDArray[np.bool_]) -> tuple[Reals, float]:
        from sklearn.model_selection import StratifiedKFold, cross_val_predict
        from sklearn.svm import LinearSVC

        machine = LinearSVC(
            C=self.c,
            class_weight="balanced" if self.balanced else None,
            random_state=self.seed,
            dual="auto",
            max_iter=10_000,
        )
        folds = min(_FOLDS, int(yes.sum()), int((~yes).sum()))
        scores = None
        if folds > 1:
            parts = StratifiedKFold(folds, shuffle=True, random_state=self.seed)
            scores = cross_val_predict(machine, features, yes, cv=parts, method="decision_function")
        machine.fit(features, yes)
        if scores is None:
            scores = machine.decision_function(features)
        slope, bias = platt(scores, yes)
        weights = machine.coef_[0].astype(np.float64)
        return slope * weights, slope * float(machine.intercept_[0]) + bias


def logistic(
    features: NDArray[np.floating[Any]],
    yes: NDArray[np.bool_],
    *,
    c: float,
    balanced: bool = False,
    weights: Reals | None = None,
) -> tuple[Reals, float]:
    """Fit logistic regression to examples of both kinds; return weights [f] and bias."""
    from sklearn.linear_model import LogisticRegression

    kind = "balanced" if balanced else None
    model = LogisticRegression(C=c, class_weight=kind, max_iter=1000)
    model.fit(features, yes, sample_weight=weights)
    return model.coef_[0].astype(np.float64), float(model.intercept_[0])


def platt(scores: NDArray[np.floating[Any]], yes: NDArray[np.bool_]) -> tuple[float, float]:
    """Fit the slope and the bias that turn scores [n] into logits.

    The targets are a little less than sure, as Platt proposes: (yes + 1) / (yes + 2) and
    1 / (no + 2). Scores that rank no better than chance get a slope of 0 or more.
    """
    many, few = int(yes.sum()), int((~yes).sum())
    target = np.where(yes, (many + 1) / (many + 2), 1 / (few + 2))
    spread = float(np.std(scores)) or 1.0
    # Each example counts for both answers, with the weights of its target.
    both = np.concatenate([scores, scores])[:, None] / spread
    answers = np.repeat([True, False], len(scores))
    shares = np.concatenate([target, 1 - target])
    weights, bias = logistic(both, answers, c=1e4, weights=shares)
    return max(float(weights[0]) / spread, 0.0), bias


def constant(yes: NDArray[np.bool_]) -> float:
    """Return the logit of a label of one kind only, by Laplace's rule of succession."""
    share = (float(yes.sum()) + 1) / (len(yes) + 2)
    return float(np.log(share / (1 - share)))


def flat(inputs: NDArray[Any]) -> NDArray[np.float32]:
    """Return vectors [n, dim] or [n, regions, dim] as rows [n, f]."""
    return np.asarray(inputs, np.float32).reshape(len(inputs), -1)


def _floats(inputs: NDArray[Any]) -> NDArray[np.float32]:
    found = np.asarray(inputs)
    if found.ndim not in (2, 3) or found.dtype.kind != "f":
        raise InputError(
            f"these inputs are {found.dtype} of the shape {found.shape}; give float32 vectors "
            "[n, dim] or [n, regions, dim]"
        )
    return found.astype(np.float32, copy=False)


@contextmanager
def _quiet() -> Iterator[None]:
    """Say nothing of a solver that stopped at its last step: what it found is used."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield
