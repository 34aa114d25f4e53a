"""The heads that `soutu train` knows by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from soutu.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from soutu.heads import HeadParts
    from soutu.models.base import Scale
    from soutu.train.settings import LossName, Settings
    from soutu.types import Progress


class Estimator(Protocol):
    """What learns a head from vectors, in scikit-learn's habits."""

    @property
    def classes_(self) -> tuple[str, ...]:
        """The classes [L] that `fit` was given."""
        ...

    @property
    def thresholds_(self) -> NDArray[np.float32]:
        """The least probabilities [L] at which the classes hold."""
        ...

    def fit(
        self,
        X: NDArray[Any],  # noqa: N803 - scikit-learn's name
        Y: NDArray[np.int8],  # noqa: N803 - scikit-learn's name
        *,
        classes: Sequence[str],
        text: NDArray[np.float32] | None = None,
        validation: tuple[NDArray[Any], NDArray[np.int8]] | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        checkpoint: Path | None = None,
    ) -> Self:
        """Learn from labelled vectors."""
        ...

    def predict_proba(self, X: NDArray[Any]) -> NDArray[np.float32]:  # noqa: N803 - as above
        """Return probabilities [n, L]."""
        ...

    def to_head(self) -> HeadParts:
        """Return what `soutu.heads.save_head` stores."""
        ...


NAMES = (
    "zero-shot", "anchored", "logistic", "svm", "chain", "chains",
    "linear", "mlp", "gcn", "ml-decoder", "cnn",
)  # fmt: skip
"""Heads by name, in the order that help and tables list them."""

CLASSICAL = frozenset({"zero-shot", "anchored", "logistic", "svm", "chain", "chains"})
"""Those that scikit-learn trains, or nobody; they know no losses and no epochs."""


PIXELS = frozenset({"cnn"})
"""Those that read pixels and no vectors."""


def make(name: str, *, loss: LossName, settings: Settings, scale: Scale | None = None) -> Estimator:
    """Return an untrained head by name. Raises InputError for an unknown one.

    `scale` is the encoder's own, for heads that start from names; that of CLIP without. Heads by
    scikit-learn take of the settings the seed alone.
    """
    if name in CLASSICAL:
        return _classical(name, seed=settings.seed, scale=scale)
    from soutu.train import estimators

    if name == "linear":
        return estimators.LinearClassifier(loss=loss, settings=settings)
    if name == "mlp":
        return estimators.MLPClassifier(loss=loss, settings=settings)
    if name == "gcn":
        return estimators.GCNClassifier(loss=loss, settings=settings)
    if name == "ml-decoder":
        return estimators.MLDecoderClassifier(loss=loss, settings=settings)
    if name == "cnn":
        from soutu.train.pixels import CNNClassifier

        return CNNClassifier(loss=loss, settings=settings)
    raise InputError(f"there is no head {name!r}; known are {', '.join(NAMES)}")


def _classical(name: str, *, seed: int, scale: Scale | None) -> Estimator:
    from soutu.train.anchored import CLIP, AnchoredClassifier, ZeroShotClassifier
    from soutu.train.chains import ChainClassifier, ChainsClassifier
    from soutu.train.classical import LogisticClassifier, SVMClassifier

    if name == "zero-shot":
        return ZeroShotClassifier(scale=scale or CLIP, seed=seed)
    if name == "anchored":
        return AnchoredClassifier(scale=scale or CLIP, seed=seed)
    if name == "logistic":
        return LogisticClassifier(seed=seed)
    if name == "svm":
        return SVMClassifier(seed=seed)
    return ChainClassifier(seed=seed) if name == "chain" else ChainsClassifier(seed=seed)
