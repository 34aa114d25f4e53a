"""Orders of hits beyond the plain cosine: fusion with keywords, and diversity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.types import Ids, Vectors

_RRF = 60  # the constant of the paper: how slowly a list's say fades with rank


def fuse(lists: Sequence[Ids]) -> Ids:
    """Merge rankings by reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009).

    Each list [n] holds ids, best first; an id counts 1 / (60 + rank) for each list it is in.
    Equal sums keep the order of the first list that has them.
    """
    total: dict[int, float] = {}
    for ranked in lists:
        for rank, image_id in enumerate(ranked.tolist(), start=1):
            total[image_id] = total.get(image_id, 0.0) + 1 / (_RRF + rank)
    order = sorted(total, key=lambda image_id: -total[image_id])
    return np.array(order, dtype=np.int64)


def diversify(
    scores: NDArray[np.float32], vectors: Vectors, *, k: int, diversity: float
) -> NDArray[np.intp]:
    """Choose k of n hits by maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998).

    `scores` [n] are cosines with the query, `vectors` [n, dim] the hits' own. `diversity` 0 keeps
    the best first, 1 looks only for what differs from the hits already chosen. Returns indices.
    """
    spread = float(scores.max() - scores.min()) or 1.0
    merit = (scores - scores.min()) / spread  # pictures resemble each other more than they do words
    closest = np.full(len(scores), -np.inf, dtype=np.float32)
    chosen: list[int] = []
    free = np.ones(len(scores), dtype=bool)
    while len(chosen) < min(k, len(scores)):
        likeness = np.maximum(closest, 0.0)
        value = np.where(free, (1 - diversity) * merit - diversity * likeness, -np.inf)
        best = int(value.argmax())
        chosen.append(best)
        free[best] = False
        closest = np.maximum(closest, vectors @ vectors[best])
    return np.array(chosen, dtype=np.intp)
