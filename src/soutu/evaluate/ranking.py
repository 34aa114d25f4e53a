"""Rank items for queries, block by block, and keep what the figures of search are made of."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from soutu.evaluate.measures import Measure, Measures, clustered, mean_of, tell
from soutu.metrics import (
    figure_of_median,
    first_ranks,
    ndcgs_at_k,
    precisions_at_k,
    query_average_precisions,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.evaluate.setup import IndexChoice, Setup
    from soutu.metrics import Figures, Labels, Scores
    from soutu.types import Vectors

Direction = Literal["text to image", "image to text", "image to image", "picture and words"]
Search = Callable[["Vectors"], "Scores"]
"""Scores [q, items] of queries [q, dim]; -inf for items that an approximate search missed."""
Relevance = Callable[[int, int], "Labels"]
"""What is relevant [q, items] for the queries from one number up to another; -1 leaves out."""

SHOWN = 5
"""Best items kept for each query, for pictures of mistakes."""
FOUND = 200
"""How many items an approximate index is asked for; what it does not find ranks last."""
_BLOCK = 1 << 22  # scores at once
_FEW = 16  # relevant items up to which counting is faster than sorting


@dataclass(frozen=True, kw_only=True, eq=False)
class Ranking:
    """What became of each query of one direction and language.

    `ranks` of the best relevant item, `average_precisions` and `ndcgs` (at 10) are [queries],
    `precisions` by k where many items are relevant; `top` [queries, SHOWN] are the best items.
    `group` [queries] says what is resampled together, of `groups`.
    """

    direction: Direction
    language: str
    items: int
    ranks: Figures
    average_precisions: Figures
    ndcgs: Figures
    top: NDArray[np.intp]
    group: NDArray[np.intp]
    groups: int
    cutoffs: tuple[int, ...] = (1, 5, 10)
    precisions: dict[int, Figures] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What reports call it."""
        return f"{self.direction}, {self.language}" if self.language else self.direction

    @property
    def measures(self) -> Measures:
        """The figures of search: recall, ranks, mAP, nDCG."""
        group = self.group
        found: dict[str, Measure] = {
            f"R@{k}": mean_of((self.ranks <= k).astype(float), group=group) for k in self.cutoffs
        }
        found["mean rank"] = mean_of(self.ranks, group=group, higher_is_better=False, share=False)
        found["median rank"] = Measure(
            figure=clustered(figure_of_median(self.ranks), group),
            higher_is_better=False,
            share=False,
            each=self.ranks,
        )
        found["mAP"] = mean_of(self.average_precisions, group=group)
        found["nDCG@10"] = mean_of(self.ndcgs, group=group)
        for k, values in self.precisions.items():
            found[f"precision@{k}"] = mean_of(values, group=group)
        return found


def rank(
    queries: Vectors,
    search: Search,
    relevance: Relevance,
    *,
    direction: Direction,
    language: str,
    items: int,
    setup: Setup,
    group: NDArray[np.intp] | None = None,
    cutoffs: tuple[int, ...] = (1, 5, 10),
    precision_at: tuple[int, ...] = (),
) -> Ranking:
    """Rank all items for each query. Raises Stopped."""
    count = len(queries)
    ranks, precisions, ndcgs = (np.empty(count) for _ in range(3))
    at_k = {k: np.empty(count) for k in precision_at}
    top = np.empty((count, min(SHOWN, items)), np.intp)
    step = max(1, _BLOCK // max(1, items))
    for start in range(0, count, step):
        tell(setup, start, count)
        block = slice(start, min(start + step, count))
        scores = search(queries[block])
        relevant = relevance(block.start, block.stop)
        ranks[block] = first_ranks(scores, relevant)
        precisions[block], ndcgs[block] = _graded(scores, relevant)
        for k, values in at_k.items():
            values[block] = precisions_at_k(scores, relevant, k)
        top[block] = _best(scores, relevant, top.shape[1])
    return Ranking(
        direction=direction,
        language=language,
        items=items,
        ranks=ranks,
        average_precisions=precisions,
        ndcgs=ndcgs,
        top=top,
        group=np.arange(count) if group is None else group,
        groups=count if group is None else int(group.max(initial=-1)) + 1,
        cutoffs=cutoffs,
        precisions=at_k,
    )


@contextmanager
def searching(items: Vectors, index: IndexChoice) -> Iterator[Search]:
    """Give a search over items [n, dim], exact or through an index that is built for the block."""
    if index == "exact":
        yield lambda queries: np.asarray(queries @ items.T)
        return
    from soutu.index.edge import EdgeIndex
    from soutu.index.edge_folder import EdgeSettings

    # "library" is what a library of this size does; the others walk a graph at any size.
    config = EdgeSettings() if index == "library" else EdgeSettings(codes=index, graph_from=1)
    with tempfile.TemporaryDirectory(prefix="soutu-eval-") as folder:
        engine = EdgeIndex.open(Path(folder) / "vectors", dim=items.shape[1], config=config)
        try:
            engine.upsert(np.arange(1, len(items) + 1), items, [{}] * len(items))
            engine.optimize()

            def search(queries: Vectors) -> Scores:
                scores = np.full((len(queries), len(items)), -np.inf, np.float32)
                found = engine.search(queries, k=min(FOUND, len(items)))
                for row, each in enumerate(found):
                    scores[row, each.ids - 1] = each.scores
                return scores

            yield search
        finally:
            engine.close()


def _graded(scores: Scores, relevant: Labels) -> tuple[Figures, Figures]:
    """Return average precision and nDCG@10 of queries [q], the fast way where few are relevant."""
    if relevant.dtype == np.bool_ and int(relevant.sum(axis=1).max(initial=0)) <= _FEW:
        return _graded_few(scores, relevant)
    return query_average_precisions(scores, relevant), ndcgs_at_k(scores, relevant, 10)


def _graded_few(scores: Scores, relevant: Labels) -> tuple[Figures, Figures]:
    """Count what stands before each relevant item: no ranking is sorted.

    The same figures as in `soutu.metrics`: equal scores are one step of average precision, and
    share their discounts.
    """
    items = scores.shape[1]
    sums = np.concatenate([[0.0], np.cumsum(1 / np.log2(np.arange(min(10, items)) + 2.0))])
    sums = np.pad(sums, (0, items + 1 - len(sums)), mode="edge")
    precision, gain = np.full(len(scores), np.nan), np.full(len(scores), np.nan)
    for query, row in enumerate(scores):
        right = row[relevant[query]][:, None]
        if not len(right):
            continue
        before, until = (row > right).sum(axis=1), (row >= right).sum(axis=1)
        precision[query] = ((right <= right.T).sum(axis=1) / until).mean()
        shared = (sums[until] - sums[before]) / (until - before)
        gain[query] = shared.sum() / sums[len(right)]
    return precision, gain


def _best(scores: Scores, relevant: Labels, k: int) -> NDArray[np.intp]:
    """Return the k best items [q, k] of each query, best first; left-out ones last."""
    values = np.where(relevant == -1, -np.inf, scores)
    some = np.argpartition(-values, k - 1, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(values, some, 1), axis=1, kind="stable")
    return np.take_along_axis(some, order, 1)
