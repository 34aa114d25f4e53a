"""Tags in a search: as filters, as what is browsed by, and in place of words that name them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from soutu.errors import QueryError
from soutu.library.tagging.cache import among
from soutu.library.tagging.membership import probability_cut
from soutu.types import All, AnyOf, HasId, Match, Not

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.library.tagging.heads import Head
    from soutu.library.tagging.tagger import Tagger
    from soutu.types import Filter, Ids

TAG_FIELD = "tag"
"""The field of filters that names tags; no index knows it."""

_LARGE = 20_000  # pictures from which on a page is not worth looking at all of them
_PAGE = 1000
_CERTAIN = probability_cut(1 - 1e-9)  # what a person's yes counts in a ranking


def uses_tags(where: Filter | None) -> bool:
    """Tell whether a filter names tags."""
    match where:
        case Match(field=field):
            return field == TAG_FIELD
        case All(parts) | AnyOf(parts):
            return any(uses_tags(part) for part in parts)
        case Not(part):
            return uses_tags(part)
        case _:
            return False


def resolved(where: Filter, tagger: Tagger, *, expand: bool) -> Filter:
    """Replace tags by the pictures that hold them. Raises InputError for an unknown tag."""
    match where:
        case Match(field, values) if field == TAG_FIELD:
            found = tagger.resolve([str(value) for value in values], expand=expand)
            return HasId(tuple(found.tolist()))
        case All(parts):
            return All(tuple(resolved(part, tagger, expand=expand) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(resolved(part, tagger, expand=expand) for part in parts))
        case Not(part):
            return Not(resolved(part, tagger, expand=expand))
        case _:
            return where


def tag_filter(tags: Sequence[str]) -> Filter | None:
    """Return the filter that `Query.tags` stands for. Raises QueryError for an empty name."""
    parts: list[Filter] = []
    for written in tags:
        name = written.removeprefix("!").strip()
        if not name:
            msg = f"{written!r} names no tag. Write the name of a tag, or !NAME for 'without it'"
            raise QueryError(msg)
        part = Match(TAG_FIELD, (name,))
        parts.append(Not(part) if written.startswith("!") else part)
    return All(tuple(parts)) if parts else None


@dataclass(frozen=True)
class Browsed:
    """Pictures found by tags alone, best first: ids [n] and probabilities [n]."""

    ids: Ids
    probabilities: NDArray[np.float64]


def browse(
    tagger: Tagger, tags: Sequence[str], *, k: int, where: Filter | None, expand: bool
) -> Browsed:
    """Return the k pictures that hold all wanted tags most surely and none of the unwanted.

    `where` is a resolved filter. Pictures that people labelled come first; by unwanted tags
    alone they come in the order of their ids.
    """
    if len(tags) == 1 and where is None and (page := _page(tagger, tags[0], k, expand=expand)):
        return page
    wanted = [name for name in tags if not name.startswith("!")]
    unwanted = [name.removeprefix("!").strip() for name in tags if name.startswith("!")]
    found = None if where is None else tagger.space.index.ids(where)
    for name in wanted:
        ids = tagger.resolve([name], expand=expand)
        found = ids if found is None else np.intersect1d(found, ids, assume_unique=True)
    if found is None:
        found = tagger.space.index.ids()
    if unwanted:
        found = np.setdiff1d(found, tagger.resolve(unwanted, expand=expand), assume_unique=True)
    logits = np.full(len(found), _CERTAIN)
    for name in wanted:
        logits = np.minimum(logits, _logits(tagger, name, found, expand=expand))
    order = np.argsort(-logits, kind="stable")[:k]
    return Browsed(found[order], 1 / (1 + np.exp(-logits[order])))


def _page(tagger: Tagger, name: str, k: int, *, expand: bool) -> Browsed | None:
    """Return the first page of one tag of a large library without looking at every picture."""
    if name.startswith("!") or k > _PAGE or tagger.catalog.count() < _LARGE:
        return None
    spoken = tagger.spoken()
    tag = spoken.vocabulary.find(name).id
    if expand and spoken.vocabulary.children.get(tag):
        return None
    yes, no = spoken.said(tag)
    found = tagger.best(tag, k + len(yes) + len(no))
    if found is None:
        return None
    kept = ~np.isin(found.ids, np.concatenate([yes, no]))
    ids = np.concatenate([yes, found.ids[kept]])[:k]
    logits = np.concatenate([np.full(len(yes), _CERTAIN), found.logits[kept]])[:k]
    return Browsed(ids, 1 / (1 + np.exp(-logits.astype(np.float64))))


def _logits(tagger: Tagger, name: str, ids: Ids, *, expand: bool) -> NDArray[np.float64]:
    """Return how surely the pictures ids [n] hold a tag or, with `expand`, a narrower one."""
    spoken = tagger.spoken()
    tag = spoken.vocabulary.find(name).id
    tags = spoken.vocabulary.narrower([tag]) if expand else [tag]
    logits = np.full(len(ids), -_CERTAIN)
    for each, members in tagger.members(tags).items():
        shared, mine, theirs = np.intersect1d(
            ids, members.ids, assume_unique=True, return_indices=True
        )
        if len(shared):
            values = np.minimum(members.logits[theirs], _CERTAIN)
            logits[mine] = np.maximum(logits[mine], values)
        logits[among(ids, spoken.labels_of(each).yes)] = _CERTAIN
    return logits


@dataclass(frozen=True)
class TaggedWords:
    """Words that are the name of a tag: the vector [dim] that stands for them.

    `head` is the tag's head where it was taught; then its probability is the relevance.
    """

    vector: NDArray[np.float32]
    head: Head | None


def words_as_tags(tagger: Tagger, texts: Sequence[str]) -> dict[str, TaggedWords]:
    """Return those of the texts that name a tag, with what stands for them."""
    spoken = tagger.spoken()
    found: dict[str, TaggedWords] = {}
    for text in texts:
        tag = spoken.vocabulary.id_of(text)
        if tag is None:
            continue
        _, head = tagger.fitter.heads(spoken, [tag])[tag]
        # The weights of a group's head compare its tags; they are no query by themselves.
        taught = head.source != "zero-shot" and not spoken.vocabulary.rivals(tag)
        if taught and head.base is None and head.length > 0:
            found[text] = TaggedWords(head.query(0.0)[0], head)
        else:
            found[text] = TaggedWords(tagger.fitter.text_vectors(spoken, [tag])[0], None)
    return found
