"""Answer queries, page by page, from the current space of a library or from another one."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from soutu.library.answers import Answers, query_key
from soutu.library.pictures import missing, picture_row
from soutu.library.query import check_terms, known_vectors
from soutu.library.searching import Ranked, StoredPictures, rank, with_tags_resolved
from soutu.types import Encoded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from soutu.catalog.catalog import Catalog, SpaceRow
    from soutu.catalog.shown import Shown
    from soutu.library.current import CurrentSpace
    from soutu.library.spaces import Space
    from soutu.library.tagging.base import PictureRef
    from soutu.library.tagging.tagging import Tagging
    from soutu.types import Explanation, Hit, Query, Term


@dataclass(frozen=True, kw_only=True)
class Searcher:
    """Search a library. `spaces` opens its spaces, `answers` keeps what was found.

    Safe to call from many threads.
    """

    catalog: Catalog
    spaces: CurrentSpace
    tagging: Tagging
    answers: Answers
    shown: Shown

    def page(
        self, query: Query, *, k: int, start: int = 0, row: SpaceRow | None = None
    ) -> list[Hit]:
        """Return k hits from place `start` on, in a space, by default the current one."""
        space = self._space(row)
        if space is None or k < 1:
            return []
        return self.answers.page(
            self._key(query, row),
            start=start,
            k=k,
            rank=self._ranker(query, space, row),
            look_up=self.hits,
        )

    def ranking(self, query: Query, *, depth: int, row: SpaceRow | None = None) -> Ranked:
        """Return the `depth` best pictures of a query, as `page` finds them."""
        space = self._space(row)
        if space is None:
            return Ranked(np.empty(0, np.int64), np.empty(0, np.float32), np.empty(0), frozenset())
        return self.answers.ranking(self._key(query, row), depth, self._ranker(query, space, row))

    def hits(self, ranked: Ranked) -> list[Hit]:
        """Look pictures up."""
        return ranked.hits(self.shown)

    def encode(self, terms: Sequence[Term]) -> Encoded:
        """Turn words and pictures into unit vectors; see `Library.encode`."""
        check_terms(terms)
        encoder, space = self.spaces.encoder(), self.spaces.space()
        assert space is not None  # there is an encoder
        stored = StoredPictures(self.catalog, space)
        vectors = known_vectors(terms, encoder, stored, {})
        facts = encoder.facts
        return Encoded(model=facts.name, revision=facts.revision, vectors=vectors)

    def explain(self, query: Query, picture: PictureRef) -> Explanation:
        """Say why a picture answers a query; see `Library.explain`."""
        from soutu.library.explain import Explainer

        row, space = picture_row(self.catalog, picture), self.spaces.space()
        if space is None:
            raise missing(picture)
        explainer = Explainer(
            catalog=self.catalog,
            space=space,
            encoder=self.spaces.encoder,
            tagger=self.tagging.tagger,
            named=self.tagging.name_keys(),
        )
        return explainer.explain(query, row)

    def _space(self, row: SpaceRow | None) -> Space | None:
        return self.spaces.space() if row is None else self.spaces.opened(row)

    def _key(self, query: Query, row: SpaceRow | None) -> Hashable:
        """Return what tells answers apart; what people say changes them, too."""
        key = (query_key(query), self.catalog.stamp())
        return key if row is None else (*key, row.name)

    def _ranker(self, query: Query, space: Space, row: SpaceRow | None) -> Callable[[int], Ranked]:
        encoder, tagger = self.spaces.encoder, self.tagging.tagger
        if row is not None:
            # Which pictures a filter by tags lets through is for the current space to say.
            query = with_tags_resolved(query, self.tagging.tagger)
            encoder = partial(self.spaces.encoder_of, row)
            tagger = partial(self.tagging.tagger_in, space, encoder)

        def ranked(depth: int) -> Ranked:
            return rank(
                query,
                k=depth,
                catalog=self.catalog,
                space=space,
                encoder=encoder,
                tagger=tagger,
                named=self.tagging.name_keys(),
            )

        return ranked
