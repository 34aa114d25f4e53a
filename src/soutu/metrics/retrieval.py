"""Figures of search: ranks, recall, precision, average precision and nDCG of each query.

Scores are [queries, items], higher is better; what is relevant is [queries, items], where -1
leaves an item out of that query's ranking (the query itself, say). Queries without anything
relevant do not count: they are NaN, which `mean` leaves out. A tie never depends on the order of
the items.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from soutu.metrics.masks import masks, mean, quotient, require_alike
from soutu.metrics.ranking import average_precisions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.metrics.masks import Figures, Labels, Scores


class RankFigures(NamedTuple):
    """What the ranks of the first relevant item say of all queries."""

    recall: Mapping[int, float]
    """For each k the share of queries with a relevant item among the first k: caption sets' R@k."""
    mean: float
    median: float


def recall_at_k(
    found: Sequence[Sequence[int]] | NDArray[np.int64],
    true: Sequence[Sequence[int]] | NDArray[np.int64],
    k: int,
) -> float:
    """Average over queries the share of the true ids that are among the first k found.

    `found` are ids best first; rows may be shorter than k. Queries without true ids do not count;
    without any query that does, the answer is NaN.
    """
    return mean(recalls_at_k(found, true, k))


def recalls_at_k(
    found: Sequence[Sequence[int]] | NDArray[np.int64],
    true: Sequence[Sequence[int]] | NDArray[np.int64],
    k: int,
) -> Figures:
    """Compute for each query the share of its true ids among the first k found; see recall_at_k."""
    if len(found) != len(true):
        raise ValueError(f"{len(found)} answers for {len(true)} queries")
    shares = np.full(len(found), np.nan)
    for row, (answer, wanted) in enumerate(zip(found, true, strict=True)):
        targets = {int(i) for i in wanted}
        if targets:
            shares[row] = len(targets & {int(i) for i in answer[:k]}) / len(targets)
    return shares


def first_ranks(scores: Scores, relevant: Labels) -> Figures:
    """Find for each query the rank, from 1, of its best relevant item.

    An item that is not relevant and has the same score stands before it, so that a system which
    scores all alike finds nothing.
    """
    require_alike(scores, relevant, axes=2)
    yes, known = masks(relevant)
    best = np.where(yes, scores, -np.inf).max(axis=1, keepdims=True, initial=-np.inf)
    before = (known & ~yes & (scores >= best)).sum(axis=1)
    return np.where(yes.any(axis=1), before + 1.0, np.nan)


def rank_figures(ranks: Figures, ks: Sequence[int] = (1, 5, 10)) -> RankFigures:
    """Summarise ranks [queries]: recall at each k, mean and median."""
    counted = ranks[~np.isnan(ranks)]
    if not counted.size:
        nan = float("nan")
        return RankFigures(dict.fromkeys(ks, nan), nan, nan)
    recall = {k: float((counted <= k).mean()) for k in ks}
    return RankFigures(recall, float(counted.mean()), float(np.median(counted)))


def query_average_precisions(scores: Scores, relevant: Labels) -> Figures:
    """Compute the average precision of each query's ranking; their mean is retrieval's mAP."""
    return average_precisions(scores.T, relevant.T)


def precisions_at_k(scores: Scores, relevant: Labels, k: int) -> Figures:
    """Compute for each query the share of its first k items that are relevant.

    Items that tie for the last places count by their share. A ranking of fewer than k items is
    still divided by k.
    """
    require_alike(scores, relevant, axes=2)
    if k < 1:
        raise ValueError(f"k is {k}; it must be 1 or more")
    yes, known = masks(relevant)
    values = np.where(known, scores, -np.inf)
    if not values.shape[1]:
        return np.full(len(values), np.nan)
    place = min(k, values.shape[1]) - 1
    last = -np.partition(-values, place, axis=1)[:, [place]]
    above, tied = values > last, (values == last) & known
    room = k - above.sum(axis=1)
    ties = tied.sum(axis=1)
    share = np.where(ties > room, quotient(room * 1.0, ties, empty=0.0), 1.0)
    hits = (above & yes).sum(axis=1) + share * (tied & yes).sum(axis=1)
    return np.where(yes.any(axis=1), hits / k, np.nan)


def ndcgs_at_k(scores: Scores, gains: Labels | NDArray[Any], k: int | None = None) -> Figures:
    """Compute the normalised discounted cumulative gain of each query's first k items (or of all).

    `gains` [queries, items] say how relevant each item is: 0 or more, negative leaves it out. The
    discount is 1 / log2(rank + 1), gains count as they are, and ties share their places evenly
    (Järvelin and Kekäläinen 2002; McSherry and Najork 2008), all as in scikit-learn.
    """
    require_alike(scores, gains, axes=2)
    items = scores.shape[1]
    discount = 1 / np.log2(np.arange(items) + 2.0)
    discount[items if k is None else k :] = 0
    known = gains >= 0
    worth = np.where(known, gains, 0).astype(np.float64)
    # The best that could be: gains in falling order. Those left out are 0 and last.
    ideal = -np.sort(-worth, axis=1) @ discount
    values = np.where(known, scores, -np.inf)
    order = np.argsort(-values, axis=1)
    ranked = np.take_along_axis(values, order, 1)
    worth = np.take_along_axis(worth, order, 1)
    reached = (worth * _shared(ranked, discount)).sum(axis=1)
    return quotient(reached, ideal, empty=np.nan)


def _shared(ranked: Scores, discount: Figures) -> Figures:
    """Give each place of the rankings [queries, items] the mean discount of its run of ties."""
    queries, items = ranked.shape
    if not items:
        return np.zeros((queries, 0))
    first = np.ones(ranked.shape, np.bool_)
    first[:, 1:] = ranked[:, 1:] != ranked[:, :-1]
    starts = np.flatnonzero(first)
    lengths = np.diff(starts, append=ranked.size)
    sums = np.concatenate([[0.0], np.cumsum(discount)])
    begin = starts % items
    means = (sums[begin + lengths] - sums[begin]) / lengths
    return np.repeat(means, lengths).reshape(queries, items)
