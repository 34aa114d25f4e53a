"""Answer one query: compose, search the index, fuse, diversify, calibrate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from soutu.errors import QueryError
from soutu.library.query import Composed, compose
from soutu.library.ranking import diversify, fuse
from soutu.library.relevance import probabilities_of
from soutu.library.tagging.names import name_key
from soutu.library.tagging.querying import browse, resolved, tag_filter, uses_tags, words_as_tags
from soutu.types import All, HasId, Hit, Not

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.catalog.catalog import Catalog
    from soutu.catalog.shown import Shown
    from soutu.library.relevance import Calibration
    from soutu.library.spaces import Space
    from soutu.library.tagging.heads import Head
    from soutu.library.tagging.querying import TaggedWords
    from soutu.library.tagging.tagger import Tagger
    from soutu.models.base import Encoder
    from soutu.types import Filter, Ids, Query, Term

_WIDER = 5  # candidates per hit wanted, where a second stage reorders them
_FEWEST = 50  # candidates at least, so that the stages have something to choose from


@dataclass(frozen=True)
class Ranked:
    """Pictures in the order of an answer, best first: ids, scores and relevances [n]."""

    ids: Ids
    scores: NDArray[np.float32]
    relevance: NDArray[np.float64]
    by_name: frozenset[int]

    def __getitem__(self, part: slice) -> Ranked:
        return Ranked(self.ids[part], self.scores[part], self.relevance[part], self.by_name)

    def hits(self, shown: Shown) -> list[Hit]:
        """Look the pictures up."""
        ids = self.ids.tolist()
        rows = shown.get(ids)
        return [
            Hit(
                id=image_id,
                path=rows[image_id][0],
                score=score,
                relevance=relevance,
                info=rows[image_id][1],
                by_name=image_id in self.by_name,
            )
            for image_id, score, relevance in zip(
                ids, self.scores.tolist(), self.relevance.tolist(), strict=True
            )
            if image_id in rows  # a killed run can leave vectors without rows, until the next one
        ]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A query of terms ready for the index, and what makes relevances of its cosines.

    `tagged` are those of its texts that name a tag, `head` the taught head that is the whole
    query, if it is one.
    """

    composed: Composed
    calibration: Calibration
    tagged: Mapping[str, TaggedWords]
    head: Head | None

    def relevance(self, scores: NDArray[np.float32]) -> NDArray[np.float64]:
        """Turn cosines [n] with the query into relevances [n]."""
        if self.head is None:
            query, kind = self.composed.vector, self.composed.kind
            return self.calibration.relevance(scores, query=query, kind=kind)
        return probabilities_of(self.head.logits_of(scores))

    def alone(self, query: Query) -> list[Asked]:
        """Return each term of the query as if it were all that is asked for, with weight 1."""
        return [
            replace(
                self,
                composed=Composed(
                    vector=vector,
                    parts=vector[None],
                    kind="image" if term.text is None else "text",
                    files=frozenset(),
                ),
                head=_head(term, self.tagged),
            )
            for term, vector in zip(query.terms, self.composed.parts, strict=True)
        ]


def rank(
    query: Query,
    *,
    k: int,
    catalog: Catalog,
    space: Space,
    encoder: Callable[[], Encoder],
    tagger: Callable[[], Tagger],
    named: frozenset[str],
) -> Ranked:
    """Return the k best pictures of a query, best first; `named` are the keys of all tags' names.

    Raises InputError.
    """
    if not query.terms and not query.keywords:
        return _by_tags(query, k, tagger())
    query = with_tags_resolved(query, tagger)
    if not query.terms:
        return _by_name(query, k, space)
    asked = ask(query, catalog=catalog, space=space, encoder=encoder(), tagger=tagger, named=named)
    return _by_meaning(query, k, asked, catalog, space)


def with_tags_resolved(query: Query, tagger: Callable[[], Tagger]) -> Query:
    """Turn what names tags into the pictures that hold them."""
    parts = [part for part in (query.where, tag_filter(query.tags)) if part is not None]
    if not any(uses_tags(part) for part in parts):
        return query
    return replace(query, where=resolved(All(tuple(parts)), tagger(), expand=query.expand), tags=())


def _by_tags(query: Query, k: int, tagger: Tagger) -> Ranked:
    tag_filter(query.tags)  # refuses empty names
    where = query.where
    if where is not None:
        where = resolved(where, tagger, expand=query.expand)
    found = browse(tagger, query.tags, k=k, where=where, expand=query.expand)
    scores = found.probabilities.astype(np.float32)
    return Ranked(found.ids, scores, found.probabilities, frozenset())


def _by_name(query: Query, k: int, space: Space) -> Ranked:
    found = space.index.search_words(query.keywords or "", k=k, where=query.where)
    literal = np.ones(len(found.ids))
    return Ranked(found.ids, found.scores, literal, frozenset(found.ids.tolist()))


def _by_meaning(query: Query, k: int, asked: Asked, catalog: Catalog, space: Space) -> Ranked:
    composed = asked.composed
    where = _leaving_out(composed, query.where, catalog)
    staged = bool(query.keywords) or query.diversity > 0
    wanted = max(k * _WIDER, _FEWEST) if staged else k
    found = space.index.search(composed.vector[None], k=wanted, where=where)[0]
    ids, scores = found.ids, found.scores
    by_name: frozenset[int] = frozenset()
    if query.keywords:
        named = space.index.search_words(query.keywords, k=wanted, where=where).ids
        by_name = frozenset(named.tolist())
        ids = fuse([ids, named])
    if staged:
        ids, vectors = space.index.get(ids)
        scores = vectors @ composed.vector
        if query.diversity > 0 and len(ids):
            order = diversify(scores, vectors, k=k, diversity=query.diversity)
            ids, scores = ids[order], scores[order]
    ids, scores = ids[:k], scores[:k]
    return Ranked(ids, scores, asked.relevance(scores), by_name)


def ask(
    query: Query,
    *,
    catalog: Catalog,
    space: Space,
    encoder: Encoder,
    tagger: Callable[[], Tagger],
    named: frozenset[str],
) -> Asked:
    """Turn a query with terms into what the index is asked. Raises QueryError."""
    calibration = space.calibration(encoder)
    tagged = _words_as_tags(query, tagger, named)
    known = {text: each.vector for text, each in tagged.items()}
    composed = compose(query, encoder, calibration.sample, StoredPictures(catalog, space), known)
    head = _head(query.terms[0], tagged) if composed.kind == "text" else None
    return Asked(composed=composed, calibration=calibration, tagged=tagged, head=head)


def _head(term: Term, tagged: Mapping[str, TaggedWords]) -> Head | None:
    """Return the taught head that stands for the words of a term, if one does."""
    words = tagged.get(term.text or "")
    return None if words is None else words.head


def _words_as_tags(
    query: Query, tagger: Callable[[], Tagger], named: frozenset[str]
) -> dict[str, TaggedWords]:
    """Return the texts of a query that are the name of a tag, with what stands for them."""
    texts = [term.text for term in query.terms if term.text is not None]
    if not query.expand or not texts:
        return {}
    if named.isdisjoint(map(name_key, texts)):
        return {}
    return words_as_tags(tagger(), texts)


def _leaving_out(composed: Composed, where: Filter | None, catalog: Catalog) -> Filter | None:
    """Leave out the query's own pictures: nobody asks for what they hold in their hand."""
    rows = catalog.at_paths(list(composed.files)) if composed.files else {}
    own = (*composed.ids, *(row.id for row in rows.values()))
    if not own:
        return where
    parts = () if where is None else (where,)
    return All((*parts, Not(HasId(own))))


class StoredPictures:
    """Find pictures of a library by id; see `query.Stored`."""

    def __init__(self, catalog: Catalog, space: Space) -> None:
        self._catalog, self._space = catalog, space

    def vector(self, id_: int) -> NDArray[np.float32]:
        """Return its vector [dim]. Raises QueryError where there is none."""
        _, vectors = self._space.index.get(np.array([id_], np.int64))
        if not len(vectors):
            raise _unknown(id_)
        return np.asarray(vectors[0])

    def file(self, id_: int) -> Path:
        """Return where its file is. Raises QueryError where there is none."""
        row = self._catalog.with_ids([id_]).get(id_)
        if row is None:
            raise _unknown(id_)
        return row.path


def _unknown(id_: int) -> QueryError:
    return QueryError(f"the library holds no picture with the id {id_}")
