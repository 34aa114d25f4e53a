"""The two ways of answering that an experiment compares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from soutu.library.answers import depth_of, query_key
from soutu.library.experiments.checking import space_of
from soutu.library.experiments.drafting import chosen, digest, draft
from soutu.library.searching import Ranked

if TYPE_CHECKING:
    from soutu.catalog.catalog import SpaceRow
    from soutu.catalog.trials import Trial
    from soutu.library.current import CurrentSpace
    from soutu.library.searcher import Searcher
    from soutu.types import Hit, Query, Variant


@dataclass(frozen=True, kw_only=True)
class Answered:
    """A page of an answer: `side` is a, b or ab, and `sides` says whose each picture is."""

    hits: list[Hit]
    side: str
    sides: Mapping[int, str]
    more: bool


@dataclass(frozen=True)
class _B:
    """How B answers a query: perhaps as another query, perhaps in another space."""

    query: Query
    row: SpaceRow | None


class Ways:
    """Answer queries by A, by B, or by both."""

    def __init__(self, spaces: CurrentSpace, searcher: Searcher) -> None:
        self._spaces, self._searcher = spaces, searcher

    def question(self, query: Query) -> str:
        """Return a text that is the same for the same question."""
        return repr(query_key(query))

    def plain(self, query: Query, k: int, start: int) -> tuple[list[Hit], bool]:
        """Return a page as A gives it, and whether there may be more."""
        hits = self._searcher.page(query, k=k, start=start)
        return hits, len(hits) == k > 0

    def answer(
        self, trial: Trial, query: Query, session: str, k: int, start: int
    ) -> Answered | None:
        """Answer a query of a person; None where the experiment has nothing to do with it.

        That is where B would answer as A does, and for people outside its share.
        """
        experiment = trial.experiment
        b = self._b(experiment.variant, query)
        if b is None or k < 1:
            return None
        of_b = chosen(trial.salt, session, experiment.share)
        if experiment.kind == "split":
            return self._one(query, b if of_b else None, k, start)
        if not of_b:
            return None
        return self._both(query, b, digest(trial.salt, session, self.question(query)), k, start)

    def _one(self, query: Query, b: _B | None, k: int, start: int) -> Answered:
        if b is None:
            side, hits = "a", self._searcher.page(query, k=k, start=start)
        else:
            side, hits = "b", self._searcher.page(b.query, k=k, start=start, row=b.row)
        sides = dict.fromkeys((hit.id for hit in hits), side)
        return Answered(hits=hits, side=side, sides=sides, more=len(hits) == k)

    def _both(self, query: Query, b: _B, seed: str, k: int, start: int) -> Answered:
        depth = depth_of(start, k)
        rankings = {
            "a": self._searcher.ranking(query, depth=depth),
            "b": self._searcher.ranking(b.query, depth=depth, row=b.row),
        }
        drafted = draft(
            rankings["a"].ids.tolist(), rankings["b"].ids.tolist(), n=start + k, seed=seed
        )
        ids, sides = drafted.ids[start:], dict(zip(drafted.ids, drafted.sides, strict=True))
        hits = self._searcher.hits(_picked(rankings, ids, sides))
        return Answered(hits=hits, side="ab", sides=sides, more=len(ids) == k)

    def _b(self, variant: Variant, query: Query) -> _B | None:
        """Return how B answers; None where that is how A does."""
        if not query.terms:  # tags and names of files are not found by vectors
            return None
        asked = query
        if variant.diversity is not None and query.diversity == 0:
            asked = replace(asked, diversity=variant.diversity)
        if variant.keywords and query.keywords is None:
            words = [t.text for t in query.terms if t.text is not None and t.weight > 0]
            asked = replace(asked, keywords=" ".join(words) or None)
        row = space_of(variant, self._searcher.catalog, self._spaces)
        return None if asked == query and row is None else _B(asked, row)


def _picked(rankings: Mapping[str, Ranked], ids: list[int], sides: Mapping[int, str]) -> Ranked:
    """Gather pictures, each with the figures of the ranking that it was taken from."""
    places = {
        side: {id_: n for n, id_ in enumerate(ranking.ids.tolist())}
        for side, ranking in rankings.items()
    }
    found = []
    for id_ in ids:
        side = sides[id_] if sides[id_] in rankings else "a" if id_ in places["a"] else "b"
        found.append((rankings[side], places[side][id_]))
    return Ranked(
        np.array(ids, np.int64),
        np.array([ranking.scores[n] for ranking, n in found], np.float32),
        np.array([ranking.relevance[n] for ranking, n in found], np.float64),
        frozenset().union(*(ranking.by_name for ranking in rankings.values())),
    )
