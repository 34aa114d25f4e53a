"""Say why a picture answers a query: term by term, tag by tag, and where in the picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from soutu.errors import ImageError
from soutu.index.base import check_filter
from soutu.index.keywords import tokenize
from soutu.library.pictures import missing
from soutu.library.record import words_of
from soutu.library.searching import ask, rank, with_tags_resolved
from soutu.library.tagging.querying import TAG_FIELD, tag_filter
from soutu.library.windows import grid, heat, windows
from soutu.types import All, AnyOf, Explanation, HasId, Match, Not, TermMatch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.catalog.catalog import Catalog, ImageRow
    from soutu.library.searching import Asked
    from soutu.library.spaces import Space
    from soutu.library.tagging.tagger import Tagger
    from soutu.library.windows import Windows
    from soutu.models.base import Encoder
    from soutu.types import Filter, Query, TagScore, Vectors

_BETTER = 1e-3  # how much more a part must score than the whole: decoding is not that exact
_BATCH = 16  # windows encoded at once; other threads' texts wait no longer than that


class Explainer:
    """Explain answers in one space of a library; see `Library.explain`."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        space: Space,
        encoder: Callable[[], Encoder],
        tagger: Callable[[], Tagger],
        named: frozenset[str],
    ) -> None:
        self._catalog, self._space, self._named = catalog, space, named
        self._encoder, self._tagger = encoder, tagger

    def explain(self, query: Query, row: ImageRow) -> Explanation:
        """Say why a picture answers a query, or why it does not. Raises InputError."""
        _, vectors = self._space.index.get(np.array([row.id], np.int64))
        if not len(vectors):  # a run was killed between the picture's row and its vector
            raise missing(row.path)
        tags, least = self._tags(query, row, vectors)
        plain = Explanation(
            id=row.id,
            path=row.path,
            score=0.0,
            relevance=0.0,
            tags=tags,
            words=found_words(query.keywords or "", words_of(row)),
        )
        if query.terms:
            return self._by_terms(query, row, vectors[0], plain)
        score, relevance = self._without_terms(query, row, least)
        return replace(plain, score=score, relevance=relevance)

    def _by_terms(
        self, query: Query, row: ImageRow, vector: NDArray[np.float32], plain: Explanation
    ) -> Explanation:
        check_filter(with_tags_resolved(query, self._tagger).where)  # as a search would
        asked = ask(
            query,
            catalog=self._catalog,
            space=self._space,
            encoder=self._encoder(),
            tagger=self._tagger,
            named=self._named,
        )
        parts = _parts(row, self._encoder())
        whole = float(vector @ asked.composed.vector)
        return replace(
            plain,
            score=whole,
            relevance=_relevance(asked, whole),
            terms=tuple(_matches(query, asked, vector, parts)),
            heat=() if parts is None else parts.heat(asked.composed.vector),
        )

    def _without_terms(self, query: Query, row: ImageRow, least: float) -> tuple[float, float]:
        """Search this one picture; where a filter keeps it out, say what it has all the same."""
        only = HasId((row.id,))
        narrow = replace(query, where=only if query.where is None else All((query.where, only)))
        hits = self._answer(narrow)
        if not hits and query.keywords:
            hits = self._answer(replace(query, where=only, tags=()))
        if hits:
            return hits[0]
        return (0.0, 0.0) if query.keywords else (least, least)

    def _answer(self, query: Query) -> list[tuple[float, float]]:
        ranked = rank(
            query,
            k=1,
            catalog=self._catalog,
            space=self._space,
            encoder=self._encoder,
            tagger=self._tagger,
            named=self._named,
        )
        return list(zip(ranked.scores.tolist(), ranked.relevance.tolist(), strict=True))

    def _tags(
        self, query: Query, row: ImageRow, vectors: Vectors
    ) -> tuple[tuple[TagScore, ...], float]:
        """Return the query's tags on the picture, and the least probability of a wanted one.

        Where narrower tags stand in for a tag, those that hold are told too.
        """
        from soutu.library.tagging.scoring import Scorer

        wanted = list(dict.fromkeys(_named(tag_filter(query.tags), held=True)))
        every = list(
            dict.fromkeys([*wanted, *_named(tag_filter(query.tags)), *_named(query.where)])
        )
        if not every:
            return (), 0.0
        tagger = self._tagger()
        vocabulary = tagger.spoken().vocabulary
        stands: dict[str, list[str]] = {}
        for name in every:
            tag = vocabulary.find(name).id
            tags = vocabulary.narrower([tag]) if query.expand else [tag]
            stands[name] = [vocabulary.name(each) for each in tags]
        names = list(dict.fromkeys(each for group in stands.values() for each in group))
        scorer = Scorer(tagger, mode="top", k=len(names), tags=names)
        (found,) = scorer.score([row.path], np.array([row.id], np.int64), vectors)
        known = {each.tag: each.probability for each in found.tags}
        asked = {group[0] for group in stands.values()}
        shown = tuple(each for each in found.tags if each.tag in asked or each.holds)
        surest = [max(known[each] for each in stands[name]) for name in wanted]
        return shown, min(surest, default=0.0)


@dataclass(frozen=True, eq=False)
class _Parts:
    """The windows of a picture and their vectors [n, dim]."""

    windows: Windows
    vectors: Vectors
    cells: tuple[int, int]

    def heat(self, vector: NDArray[np.float32]) -> tuple[tuple[float, ...], ...]:
        """Return where the picture fits a vector [dim]; see `Explanation.heat`."""
        found = heat(self.windows, self.vectors @ vector, *self.cells)
        return tuple(tuple(row) for row in found.tolist())


def _parts(row: ImageRow, encoder: Encoder) -> _Parts | None:
    """Encode the windows of a picture; None where its file cannot be read any more."""
    from soutu.images.decode import decode_parts, read

    spec = encoder.facts.preprocess
    laid = windows(row.info.width, row.info.height)
    # The smallest window keeps as many pixels as the model sees; more would only cost time.
    enough = math.ceil(max(spec.height, spec.width) / laid.least)
    try:
        pixels = decode_parts(read(row.path).data, spec, laid.boxes, min_side=enough)
    except ImageError:
        return None
    batches = range(0, len(pixels), _BATCH)
    vectors = [encoder.encode_images(pixels[start : start + _BATCH]) for start in batches]
    return _Parts(laid, np.concatenate(vectors), grid(row.info.width, row.info.height))


def _matches(
    query: Query, asked: Asked, vector: NDArray[np.float32], parts: _Parts | None
) -> Iterator[TermMatch]:
    """Yield how well each term fits by itself, whether it is wanted or not."""
    for term, alone in zip(query.terms, asked.alone(query), strict=True):
        whole = float(vector @ alone.composed.vector)
        box = None
        if parts is not None:
            scores = parts.vectors @ alone.composed.vector
            best = int(scores.argmax())
            box = parts.windows.boxes[best] if scores[best] > whole + _BETTER else None
        yield TermMatch(
            text=term.text,
            weight=term.weight,
            score=whole,
            relevance=_relevance(alone, whole),
            box=box,
        )


def _relevance(asked: Asked, score: float) -> float:
    return float(asked.relevance(np.array([score], np.float32))[0])


def found_words(keywords: str, text: str) -> tuple[str, ...]:
    """Return the keywords that are in a text, as `index.keywords` compares them.

    Of a word only the longest parts that are found are told: `redDress` of `reddress.jpg` as a
    whole, of `red.jpg` as `red`.
    """
    held = set(tokenize(text))
    found: dict[str, None] = {}
    for word in keywords.split():
        parts = [token for token in tokenize(word) if token in held]
        found |= dict.fromkeys(p for p in parts if not any(p != q and p in q for q in parts))
    return tuple(found)


def _named(where: Filter | None, *, held: bool = False) -> Iterator[str]:
    """Yield the tags that a filter names; with `held`, without those it leaves out."""
    match where:
        case Match(field, values) if field == TAG_FIELD:
            yield from map(str, values)
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from _named(part, held=held)
        case Not(part) if not held:
            yield from _named(part)
