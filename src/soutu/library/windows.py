"""Overlapping windows over a picture, and a map of where in it something scores high.

A model that gives a picture one vector does not say where it saw what. Encoding square windows of
several sizes and averaging their scores over the places they cover does, for any model: as the
multi-scale relevancy of Ha and Song, "Semantic Abstraction" (2022), with scores in the place of
gradients.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.types import Box

_SIDES = (0.3, 0.5, 0.8)  # of windows, in square roots of the picture's area
_STRIDE = 0.5  # from one window to the next, in sides
_MOST = 24  # windows along a side, for pictures of extreme shapes
_WHOLE = 1.2  # a short side of up to so many windows is covered by one that is as large
_CELLS = 7  # along a side of a square picture
_MOST_CELLS = 9
_FLAT = 1e-5  # scores as close as this do not differ


@dataclass(frozen=True, eq=False)
class Windows:
    """Square windows of some sizes; those of each size cover the picture.

    `edges` [n, 4] are left, top, right and bottom as fractions of the sides, `size` [n] numbers
    the sizes from 0, `least` is the smallest window's side in short sides of the picture.
    """

    edges: NDArray[np.float64]
    size: NDArray[np.int64]
    least: float

    @property
    def boxes(self) -> list[Box]:
        """The windows as parts of the picture."""
        from soutu.types import Box

        return [Box(*edges) for edges in self.edges.tolist()]


def windows(width: int, height: int) -> Windows:
    """Lay 45 to 60 windows over a picture, fewer where it is very long."""
    unit = math.sqrt(width * height)
    wide, high = width / unit, height / unit
    short = min(wide, high)
    sides = list(dict.fromkeys(short if short < _WHOLE * side else side for side in _SIDES))
    edges, size = [], []
    for number, side in enumerate(sides):
        for top in _starts(high, side):
            for left in _starts(wide, side):
                edges.append((left / wide, top / high, (left + side) / wide, (top + side) / high))
                size.append(number)
    found = np.clip(np.array(edges), 0, 1)
    return Windows(found, np.array(size), min(sides) / short)


def grid(width: int, height: int) -> tuple[int, int]:
    """Return how many rows and columns of about square cells a picture is told apart into."""
    longer = max(width, height) / min(width, height)
    most = min(_MOST_CELLS, round(_CELLS * math.sqrt(longer)))
    fewest = max(1, round(most / longer))
    return (fewest, most) if width >= height else (most, fewest)


def heat(
    found: Windows, scores: NDArray[np.float32], rows: int, columns: int
) -> NDArray[np.float64]:
    """Average the scores [n] of windows onto cells [rows, columns], from 0 (least) to 1 (most).

    Each size counts alike in each cell: larger windows score higher or lower as a whole, and the
    middle is covered by more of them than the rim. All 0 where the scores do not differ.
    """
    left, top, right, bottom = found.edges.T
    weights = _shares(top, bottom, rows)[:, :, None] * _shares(left, right, columns)[:, None, :]
    maps = []
    for number in np.unique(found.size):
        mine = found.size == number
        cover = weights[mine].sum(axis=0)
        summed = np.tensordot(scores[mine].astype(np.float64), weights[mine], axes=1)
        maps.append(summed / cover)
    mean = np.mean(maps, axis=0)
    low, high = float(mean.min()), float(mean.max())
    if high - low < _FLAT:
        return np.zeros_like(mean)
    return np.asarray((mean - low) / (high - low))


def _starts(length: float, side: float) -> list[float]:
    """Return where windows begin along a side, evenly spaced from one end to the other."""
    steps = math.ceil((length - side) / (side * _STRIDE) - 1e-9)
    last = max(0.0, length - side)
    return [float(start) for start in np.linspace(0, last, min(_MOST, steps + 1))]


def _shares(
    start: NDArray[np.float64], end: NDArray[np.float64], cells: int
) -> NDArray[np.float64]:
    """Return how much of each of the cells along a side [n, cells] lies in spans [n]."""
    edges = np.arange(cells + 1) / cells
    over = np.minimum(end[:, None], edges[1:]) - np.maximum(start[:, None], edges[:-1])
    # Of very long pictures some cells lie between windows: they get what all of them get.
    return np.asarray(np.maximum(over, 1e-9))
