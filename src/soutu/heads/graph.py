"""A head that is an ONNX graph: for networks of any shape."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from soutu.errors import InputError
from soutu.heads.base import HeadKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.models.session import Session
    from soutu.types import Vectors

INPUT, OUTPUT = "vectors", "probabilities"
"""The names of a graph's input, float32 [n, dim] or [n, regions, dim], and output [n, L]."""

_BLOCK = 1024  # pictures scored at once: attention takes memory with every one


@dataclass(frozen=True, kw_only=True, eq=False)
class OnnxGraph:
    """A graph to save: its bytes, with all weights inside, and how many classes it scores.

    `dim` and `regions` are those of its input.
    """

    graph: bytes
    labels: int
    dim: int
    regions: int = 1
    kind: ClassVar[HeadKind] = "onnx"

    @property
    def features(self) -> int:
        """How many numbers a picture it reads."""
        return self.dim * self.regions


class OnnxScorer:
    """Score with a stored graph of L classes.

    Raises InputError for a file that is no graph, and for one of other inputs or outputs.
    """

    def __init__(self, path: Path, *, labels: int, dim: int, regions: int) -> None:
        from soutu.models.session import Session

        self._session = Session(path)
        self.labels, self._dim, self._regions = labels, dim, regions
        if set(self._session.inputs) != {INPUT} or OUTPUT not in self._session.outputs:
            inputs, outputs = ", ".join(self._session.inputs), ", ".join(self._session.outputs)
            raise InputError(
                f"{path} reads {inputs} and gives {outputs}; a head reads {INPUT!r} and gives "
                f"{OUTPUT!r}. Export it again"
            )
        self._flat = _flat(self._session, path)
        self._fits(path)

    def _fits(self, path: Path) -> None:
        """Try one picture, so that what does not fit is said before pictures are scored."""
        shape = (1, self._dim) if self._flat else (1, self._regions, self._dim)
        axes = self._session.inputs[INPUT].shape
        if any(axis not in (None, size) for axis, size in zip(axes[1:], shape[1:], strict=True)):
            raise InputError(f"{path} reads vectors of the shape {axes}; its head says {shape}")
        found = self._session.run({INPUT: np.zeros(shape, np.float32)}, OUTPUT)
        if found.shape != (1, self.labels):
            raise InputError(
                f"{path} gives {found.shape[1]} probabilities a picture for {self.labels} classes"
            )

    def predict_proba(self, vectors: Vectors) -> NDArray[np.float32]:
        """Return the probabilities [n, L] of vectors [n, dim] or [n, regions, dim]."""
        if vectors.ndim not in (2, 3) or vectors[:1].size not in (0, self._dim * self._regions):
            wanted = f"{self._regions} of {self._dim} numbers"
            raise InputError(
                f"the head reads {wanted} a picture; the vectors have the shape {vectors.shape}. "
                "Give those of the encoder and the regions it was trained on"
            )
        shape = (-1, self._dim) if self._flat else (-1, self._regions, self._dim)
        rows = vectors.reshape(shape) if vectors.size else np.empty((0, *shape[1:]), np.float32)
        return scored(self._session, INPUT, rows, labels=self.labels, block=_BLOCK)


def scored(
    session: Session, name: str, rows: NDArray[Any], *, labels: int, block: int
) -> NDArray[np.float32]:
    """Return what a graph says of rows, [n, labels], in blocks of pictures."""
    parts = [
        session.run({name: rows[at : at + block]}, OUTPUT) for at in range(0, len(rows), block)
    ]
    found = np.concatenate(parts) if parts else np.empty((0, labels), np.float32)
    return np.clip(found, 0, 1)  # a sum in float32 may leave the range by its last bit


def _flat(session: Session, path: Path) -> bool:
    axes = len(session.inputs[INPUT].shape)
    if axes not in (2, 3):
        raise InputError(f"{path} reads vectors of {axes} axes; a head reads 2 or 3")
    return axes == 2
