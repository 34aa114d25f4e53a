"""Suggestions for a vocabulary: tags that are missing, and tags that say the same."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from soutu.library.tagging.clusters import Cluster, centre, find_clusters

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.types import Vectors

    Indices = NDArray[np.intp]

MAX_CLUSTERED = 4096
"""Pictures that are clustered; of more, every so-manieth."""

_MIN_COUNT = 3
_MIN_SHARE = 200  # one picture in so many of the sample is frequent
_FIT = 1.0  # spreads by which a name must fit its cluster better than any picture
_CHOICES = 5  # names that are tried; the next ones fit by accident
_SAME_KIND = 0.5  # cosine of two clusters around the centre from which they are one kind
_SAMPLED_WORDS = 1024
_SYNONYM = (4.5, 0.5, 0.95)  # spreads above the mean cosine of two texts; bounds on the cosine


@dataclass(frozen=True, kw_only=True)
class Idea:
    """A tag that may be worth adding.

    `count` pictures of the sample form it, `members` are their indices, most typical first;
    `score` 0..1 is how alike they are.
    """

    name: str
    count: int
    score: float
    members: Indices


def suggest_tags(
    vectors: Vectors,
    covered: NDArray[np.bool_],
    words: Sequence[str],
    word_vectors: Vectors,
    known_vectors: Vectors,
    *,
    limit: int,
) -> list[Idea]:
    """Suggest tags for frequent kinds of pictures that no tag covers, best first.

    `vectors` [n, dim] are pictures spread over the library, `covered` [n] says which have a tag;
    `word_vectors` [w, dim] belong to the words that may name a tag, `known_vectors` [t, dim] to the
    tags there are, all of unit length. Alike clusters of one name are one idea; a cluster whose
    name means what a tag means already, or that no word fits, is none. Ordered by count * score.
    """
    open_ = np.flatnonzero(~covered)
    open_ = open_[:: max(1, -(-len(open_) // MAX_CLUSTERED))]
    if not (len(open_) and len(words) and limit > 0):
        return []
    frequent = max(_MIN_COUNT, len(open_) // _MIN_SHARE)
    centred = centre(vectors, vectors)
    clusters = find_clusters(centred[open_], centred, min_count=frequent)
    namer = _Namer(vectors, word_vectors, known_vectors)
    named: dict[int, list[tuple[Cluster, Indices]]] = {}
    kinds: dict[int, Vectors] = {}  # the direction of the best fitting cluster of a name
    # A word goes to the cluster that it fits best, not to the one that comes first.
    for cluster in sorted(
        clusters, key=lambda each: -namer.fit(vectors[open_[each.members]]).max()
    ):
        members = open_[cluster.members]
        kind = centred[members].mean(axis=0)
        kind /= max(float(np.linalg.norm(kind)), 1e-6)
        word = namer.name(vectors[members], kind, kinds)
        if word is not None:
            kinds.setdefault(word, kind)
            named.setdefault(word, []).append((cluster, members))
    ideas = [_idea(words[word], same) for word, same in named.items()]
    return sorted(ideas, key=lambda idea: (-idea.count * idea.score, idea.name))[:limit]


class _Namer:
    """Name groups of pictures with the word whose cosine exceeds its usual one the most.

    Raw cosines do not compare: some words are near to every picture (hubs). Each word is measured
    against its own mean over the sample, but in a spread common to all. With its own, a word that
    only one kind of picture answers to would reach the same figure however faintly it answers.
    """

    def __init__(self, vectors: Vectors, words: Vectors, known: Vectors) -> None:
        self._words = words
        cosines = vectors @ words.T
        self._usual = cosines.mean(axis=0)
        self._spread = max(float(cosines.std(axis=0).mean()), 1e-6)
        self._taken = np.zeros(len(words), dtype=bool)
        if len(known):
            level = synonym_level(words)
            rows = max(1, (1 << 22) // len(words))
            for at in range(0, len(known), rows):
                self._taken |= (known[at : at + rows] @ words.T >= level).any(axis=0)

    def fit(self, pictures: Vectors) -> NDArray[np.float32]:
        """Say by how many spreads each word's cosine with pictures [n, dim] exceeds its usual."""
        found: NDArray[np.float32] = self._words @ pictures.mean(axis=0) - self._usual
        return found / self._spread

    def name(self, pictures: Vectors, kind: Vectors, kinds: Mapping[int, Vectors]) -> int | None:
        """Return the index of the word that fits these pictures [n, dim]; None where none does.

        `kind` [dim] is their direction around the centre, `kinds` those that have a name. A word is
        given again only to pictures that are alike; others get their next best. None, too, where
        the best word means what a tag means already: these are pictures that the tag missed.
        """
        fit = self.fit(pictures)
        for word in np.argsort(-fit, kind="stable")[:_CHOICES].tolist():
            if self._taken[word] or fit[word] < _FIT:
                return None
            if word not in kinds or float(kind @ kinds[word]) >= _SAME_KIND:
                return int(word)
        return None


def synonym_level(texts: Vectors) -> float:
    """Return the cosine from which two texts of this model mean the same, from all pairs [t, dim].

    Models differ: two unrelated words have a cosine of 0.15 in one and of 0.8 in another.
    """
    spreads, low, high = _SYNONYM
    part = texts[:: max(1, -(-len(texts) // _SAMPLED_WORDS))]
    pairs = (part @ part.T)[np.triu_indices(len(part), 1)]
    if not len(pairs):
        return high
    return float(np.clip(pairs.mean() + spreads * pairs.std(), low, high))


def _idea(name: str, same: Collection[tuple[Cluster, Indices]]) -> Idea:
    """Make one idea of the clusters of one name; the members of the best named come first."""
    members = np.concatenate([indices for _, indices in same])
    weight = sum(len(indices) * cluster.tightness for cluster, indices in same)
    score = float(np.clip(weight / len(members), 0.0, 1.0))
    return Idea(name=name, count=len(members), score=score, members=members)
