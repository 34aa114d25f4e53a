"""Random labelled scores: tied, masked, and with labels or rows that nobody knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from numpy.typing import NDArray

few = settings(deadline=None, max_examples=60)
"""Enough examples to meet every tie and mask of such small data."""


class Drawn(NamedTuple):
    scores: NDArray[np.float64]  # 0 .. 1
    labels: NDArray[np.int8]

    @property
    def decisions(self) -> NDArray[np.bool_]:
        return self.scores >= 0.5


@st.composite
def labelled_scores(
    draw: st.DrawFn, *, masked: bool = False, rows: int = 12, labels: int = 5
) -> Drawn:
    """Draw scores of few or many distinct values, and labels of any density."""
    shape = draw(st.integers(1, rows)), draw(st.integers(1, labels))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    levels = draw(st.sampled_from([1, 2, 5, 1000]))
    scores = rng.integers(0, levels + 1, shape) / levels
    truth = (rng.random(shape) < draw(st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]))).astype(np.int8)
    if masked:
        truth[rng.random(shape) < draw(st.sampled_from([0.1, 0.5, 1.0]))] = -1
    return Drawn(scores, truth)
