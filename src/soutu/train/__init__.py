"""Train multi-label heads on vectors and pictures: needs the extra `train` (torch, scikit-learn).

Nothing here is imported when soutu or its command line starts. Every name below raises
MissingExtra, with the pip command, where a package is not installed.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from soutu.errors import MissingExtra

if TYPE_CHECKING:
    from soutu.train.anchored import AnchoredClassifier, ZeroShotClassifier
    from soutu.train.chains import ChainClassifier, ChainsClassifier
    from soutu.train.classical import LogisticClassifier, SVMClassifier
    from soutu.train.estimators import (
        GCNClassifier,
        LinearClassifier,
        MLDecoderClassifier,
        MLPClassifier,
    )
    from soutu.train.pixels import CNNClassifier, FineTunedClassifier
    from soutu.train.run import Plan, TrainedResult, train_heads
    from soutu.train.settings import Settings

__all__ = [
    "AnchoredClassifier",
    "CNNClassifier",
    "ChainClassifier",
    "ChainsClassifier",
    "FineTunedClassifier",
    "GCNClassifier",
    "LinearClassifier",
    "LogisticClassifier",
    "MLDecoderClassifier",
    "MLPClassifier",
    "Plan",
    "SVMClassifier",
    "Settings",
    "TrainedResult",
    "ZeroShotClassifier",
    "train_heads",
]

_HOMES = {
    "AnchoredClassifier": "anchored",
    "ChainClassifier": "chains",
    "ChainsClassifier": "chains",
    "LogisticClassifier": "classical",
    "SVMClassifier": "classical",
    "ZeroShotClassifier": "anchored",
    "CNNClassifier": "pixels",
    "FineTunedClassifier": "pixels",
    "GCNClassifier": "estimators",
    "LinearClassifier": "estimators",
    "MLDecoderClassifier": "estimators",
    "MLPClassifier": "estimators",
    "Plan": "run",
    "Settings": "settings",
    "TrainedResult": "run",
    "train_heads": "run",
}
_NEEDED = ("torch", "sklearn", "onnx", "onnxscript")


def require_extra() -> None:
    """Raise MissingExtra, naming what is missing, unless the extra `train` is installed."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise MissingExtra(need=f"training ({', '.join(missing)})", extra="train")


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, once the extra is known to be there."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    require_extra()
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
