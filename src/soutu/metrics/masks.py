"""Labels with unknown entries: what every figure checks and splits in the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Scores: TypeAlias = "NDArray[np.floating[Any]]"
"""Any real scores, higher is better."""
Labels: TypeAlias = "NDArray[np.bool_] | NDArray[np.signedinteger[Any]]"
"""What holds: True or 1 yes, False or 0 no, -1 unknown, which no figure counts."""
Figures: TypeAlias = "NDArray[np.float64]"
"""One figure for each row or label; NaN for those that do not count."""


class Masks(NamedTuple):
    """Labels taken apart: where one holds, and where it is known whether it does."""

    yes: NDArray[np.bool_]
    known: NDArray[np.bool_]


def masks(labels: Labels) -> Masks:
    """Take labels apart. Raises ValueError for a value other than 1, 0, -1."""
    if labels.dtype == np.bool_:
        return Masks(labels.astype(np.bool_, copy=False), np.ones(labels.shape, np.bool_))
    if labels.size and (labels.min() < -1 or labels.max() > 1):
        raise ValueError(f"labels are 1, 0 or -1, not {labels.min()} .. {labels.max()}")
    return Masks(labels == 1, labels >= 0)


def require_alike(scores: Scores | NDArray[np.bool_], labels: Labels, *, axes: int) -> None:
    """Raise ValueError unless both have the same shape of that many axes, and no score is NaN."""
    if scores.shape != labels.shape or scores.ndim != axes:
        wanted = "[n]" if axes == 1 else "[n, labels]"
        raise ValueError(
            f"{scores.shape} scores or decisions for {labels.shape} labels; both must be {wanted}"
        )
    if np.issubdtype(scores.dtype, np.floating) and np.isnan(scores).any():
        raise ValueError(f"{int(np.isnan(scores).sum())} of {scores.size} scores are NaN")


def quotient(above: Figures, below: NDArray[Any], *, empty: float) -> Figures:
    """Divide; `empty` where there is nothing to divide by."""
    answer = np.full(above.shape, empty)
    np.divide(above, below, out=answer, where=below > 0)
    return answer


def mean(figures: Figures, *, empty: float = float("nan")) -> float:
    """Average the figures that count (are no NaN); `empty` where none does."""
    counted = figures[~np.isnan(figures)]
    return float(counted.mean()) if counted.size else empty
