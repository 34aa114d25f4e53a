"""The `TrainedHead` protocol, and what a head may look at of a picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

import numpy as np

from soutu.errors import InputError
from soutu.types import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.types import Vectors

HeadKind = Literal["linear", "chain", "onnx", "pixels"]
"""How a head scores; what it was trained by stands in `HeadFacts.method`."""

Regions = Literal["whole", "whole+crops"]
"""Which parts of a picture were encoded for a head; see `REGIONS`."""

REGIONS: Mapping[Regions, tuple[Box, ...]] = {
    "whole": (Box(0, 0, 1, 1),),
    "whole+crops": (
        Box(0, 0, 1, 1),
        Box(0, 0, 0.5, 0.5),
        Box(0.5, 0, 1, 0.5),
        Box(0, 0.5, 0.5, 1),
        Box(0.5, 0.5, 1, 1),
        Box(0.25, 0.25, 0.75, 0.75),
    ),
}
"""The boxes of each layout, in the order of the regions' axis."""

_STEEP = 30.0  # logits beyond this are certain; keeps exp() in range

_Array = TypeVar("_Array", "NDArray[np.float32]", "NDArray[np.float64]")


class TrainedHead(Protocol):
    """Score pictures for classes. Safe to call from many threads."""

    @property
    def classes_(self) -> tuple[str, ...]:
        """The classes [L], in the order of the columns."""
        ...

    @property
    def thresholds_(self) -> NDArray[np.float32]:
        """The least probabilities [L] at which the classes hold."""
        ...

    def predict_proba(self, X: Vectors) -> NDArray[np.float32]:  # noqa: N803 - scikit-learn's name
        """Return the probabilities [n, L] of vectors [n, dim] or [n, regions, dim]."""
        ...


def sigmoid(logits: _Array) -> _Array:
    """Turn logits into probabilities 0..1, of the same shape and precision."""
    kept: _Array = np.clip(logits, -_STEEP, _STEEP)
    np.negative(kept, out=kept)
    np.exp(kept, out=kept)
    kept += 1
    return np.reciprocal(kept, out=kept)


def flattened(vectors: Vectors, features: int) -> Vectors:
    """Return vectors [n, dim] or [n, regions, dim] as rows [n, features].

    The regions of a picture stand one after the other. Raises InputError for another shape.
    """
    if vectors.ndim not in (2, 3) or vectors[:1].size not in (0, features):
        raise InputError(
            f"the head reads {features} numbers a picture; the vectors have the shape "
            f"{vectors.shape}. Give those of the encoder and the regions it was trained on"
        )
    return vectors.reshape(len(vectors), features).astype(np.float32, copy=False)


def checked(name: str, values: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return an array of a head as float32. Raises InputError for another shape and for NaN."""
    if values.shape != shape:
        raise InputError(f"the head's {name} have the shape {values.shape}; {shape} is wanted")
    if not np.isfinite(values).all():
        raise InputError(f"the head's {name} hold NaN or infinity. Train it again")
    return np.ascontiguousarray(values, np.float32)
