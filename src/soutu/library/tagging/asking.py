"""The review queue and suggestions: which pictures are looked at, and what is made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from soutu.catalog.keywords import images_with, unclaimed
from soutu.errors import InputError
from soutu.library.tagging.membership import of_all
from soutu.library.tagging.names import name_key
from soutu.library.tagging.review import choose_for_pictures, choose_for_tag, uncertainty
from soutu.library.tagging.scoring import Scorer
from soutu.types import MergeIdea, Question, TagIdea

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.library.tagging.base import ReviewOrder
    from soutu.library.tagging.heads import Head
    from soutu.library.tagging.spoken import Spoken
    from soutu.library.tagging.tagger import Tagger
    from soutu.types import Ids, Vectors

_POOL = 4096  # pictures spread over the library, from which questions and ideas come
_LIKELY = 1024  # besides, the pictures most likely to hold the tag asked about
_ROUNDS = 8  # tags a page of questions is spread over
_SHOWN = 5  # pictures shown with an idea


def questions(tagger: Tagger, *, tag: str | None, by: ReviewOrder, k: int) -> list[Question]:
    """Return the k questions whose answers teach most; see `Library.review`."""
    if k < 1:
        raise InputError(f"{k} questions are asked for. Ask for 1 or more")
    spoken = tagger.spoken()
    if tag is not None:
        return _about_tag(tagger, spoken, spoken.vocabulary.find(tag).id, k)
    scorer = Scorer(tagger)  # refuses an empty vocabulary in the right words
    ids, vectors = _pool(tagger)
    if not len(ids):
        return []
    open_ = scorer.open_probabilities(ids, vectors)
    if by == "picture":
        return _about_pictures(tagger, scorer, ids, vectors, open_, k)
    return _about_tags(tagger, scorer, open_, k)


def _about_tag(tagger: Tagger, spoken: Spoken, tag: int, k: int) -> list[Question]:
    name = spoken.vocabulary.name(tag)
    scorer = Scorer(tagger, tags=[name])
    labels = spoken.labels_of(tag)
    asked = np.concatenate([labels.yes, labels.no])
    _, head = tagger.fitter.heads(spoken, [tag])[tag]
    likely = _likely(tagger, head, _LIKELY + len(asked))
    ids, _ = _pool(tagger)
    ids, vectors = tagger.space.index.get(np.union1d(ids, likely))
    probabilities = scorer.open_probabilities(ids, vectors)[:, 0]
    open_ = (probabilities > 0) & (probabilities < 1)
    ids, vectors, probabilities = ids[open_], vectors[open_], probabilities[open_]
    if not len(ids):
        return []
    threshold = float(scorer.thresholds[0])
    chosen = choose_for_tag(
        probabilities,
        threshold,
        vectors,
        k,
        asked_vectors=tagger.space.index.get(asked)[1],
    )
    return worded(tagger, name, threshold, ids[chosen], probabilities[chosen])


def _likely(tagger: Tagger, head: Head, k: int) -> Ids:
    """Return the ids of about the k pictures most likely to hold a tag, by its head."""
    if head.base is None:
        return tagger.space.index.search(head.query(0.0)[0][None], k=k)[0].ids
    every = of_all(tagger.space, tagger.fitter, head, tagger.catalog.ids())
    return every.ids[np.argsort(-every.logits, kind="stable")[:k]]


def _about_tags(
    tagger: Tagger, scorer: Scorer, open_: NDArray[np.float64], k: int
) -> list[Question]:
    """Spread a page over the tags that are most uncertain and least labelled."""
    spoken = tagger.spoken()
    total = np.nansum(uncertainty(open_, scorer.thresholds[None]) * (open_ > 0), axis=0)
    labels = [spoken.labels_of(tag) for tag in scorer.tags]
    known = np.array([len(each.yes) + len(each.no) for each in labels])
    order = np.argsort(-total / (1 + known), kind="stable")[: min(_ROUNDS, k)]
    share = -(-k // len(order))
    found: list[Question] = []
    for column in order.tolist():
        part = min(share, k - len(found))
        if part > 0:
            found += _about_tag(tagger, spoken, scorer.tags[column], part)
    return found


def _about_pictures(
    tagger: Tagger,
    scorer: Scorer,
    ids: Ids,
    vectors: Vectors,
    open_: NDArray[np.float64],
    k: int,
) -> list[Question]:
    vocabulary = tagger.spoken().vocabulary
    rows = tagger.catalog.with_ids(ids.tolist())
    found: list[Question] = []
    for picture, columns in choose_for_pictures(open_, scorer.thresholds, vectors, k):
        image = int(ids[picture])
        for column in columns.tolist():
            if image in rows and len(found) < k:
                found.append(
                    Question(
                        id=image,
                        path=rows[image].path,
                        tag=vocabulary.name(scorer.tags[column]),
                        probability=float(open_[picture, column]),
                        threshold=float(scorer.thresholds[column]),
                    )
                )
    return found


def worded(
    tagger: Tagger, name: str, threshold: float, ids: Ids, probabilities: NDArray[np.float64]
) -> list[Question]:
    """Ask about a tag on pictures ids [n], as far as the library has them."""
    rows = tagger.catalog.with_ids(ids.tolist())
    return [
        Question(
            id=image,
            path=rows[image].path,
            tag=name,
            probability=float(probability),
            threshold=threshold,
        )
        for image, probability in zip(ids.tolist(), probabilities, strict=True)
        if image in rows
    ]


# --- suggestions ---


def ideas(tagger: Tagger, limit: int) -> list[TagIdea]:
    """Suggest tags for frequent kinds of pictures that no tag covers; see `Tags.suggest`.

    Keywords of files come first. Other counts are scaled from a sample to the library.
    """
    from soutu.library.tagging.files import words
    from soutu.library.tagging.suggest import suggest_tags

    spoken = tagger.spoken()
    keywords = _from_keywords(tagger, limit)
    limit -= len(keywords)
    ids, vectors = _pool(tagger)
    if not len(ids) or limit < 1:
        return keywords
    tags = list(spoken.vocabulary.rows)
    covered = np.zeros(len(ids), bool)
    for held in tagger.holding(tags).values():
        covered |= np.isin(ids, held, assume_unique=True)
    taken = {name_key(idea.name) for idea in keywords}
    names = [
        word
        for word in words()
        if spoken.vocabulary.id_of(word) is None and name_key(word) not in taken
    ]
    found = suggest_tags(
        vectors,
        covered,
        names,
        tagger.fitter.word_vectors(names),
        tagger.fitter.text_vectors(spoken, tags),
        limit=limit,
    )
    scale = tagger.catalog.count() / len(ids)
    ideas_ = []
    for idea in found:
        shown = [int(ids[i]) for i in idea.members[:_SHOWN]]
        rows = tagger.catalog.with_ids(shown)
        ideas_.append(
            TagIdea(
                name=idea.name,
                count=round(idea.count * scale),
                score=idea.score,
                examples=tuple(rows[i].path for i in shown if i in rows),
            )
        )
    return keywords + ideas_


def _from_keywords(tagger: Tagger, limit: int) -> list[TagIdea]:
    """Suggest the keywords that files are tagged with most often and that are no tags."""
    found = []
    for name, count in unclaimed(tagger.catalog)[:limit]:
        shown = images_with(tagger.catalog, name_key(name), _SHOWN)
        rows = tagger.catalog.with_ids(shown)
        paths = tuple(rows[i].path for i in shown if i in rows)
        found.append(TagIdea(name=name, count=count, score=1.0, examples=paths))
    return found


def merges(tagger: Tagger, limit: int) -> list[MergeIdea]:
    """Suggest pairs of tags to merge; see `Tags.similar`."""
    from soutu.library.tagging.similar import similar_tags

    spoken = tagger.spoken()
    vocabulary = spoken.vocabulary
    tags = list(vocabulary.rows)
    if len(tags) < 2 or limit < 1:
        return []
    place = {tag: row for row, tag in enumerate(tags)}
    members = list(tagger.holding(tags).values())
    labels = [spoken.labels_of(tag) for tag in tags]
    return similar_tags(
        [vocabulary.name(tag) for tag in tags],
        tagger.fitter.text_vectors(spoken, tags),
        members,
        [
            len(ids) + 10 * (len(each.yes) + len(each.no))
            for ids, each in zip(members, labels, strict=True)
        ],
        limit=limit,
        related={
            (place[tag], place[parent])
            for tag in tags
            if (parent := vocabulary.rows[tag].parent) is not None
        },
        groups=[vocabulary.rivals(tag) or None for tag in tags],
    )


def _pool(tagger: Tagger) -> tuple[Ids, Vectors]:
    from soutu.index.base import spread

    return tagger.space.index.get(spread(tagger.catalog.ids(), _POOL))
