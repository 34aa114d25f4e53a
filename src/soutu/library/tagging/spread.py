"""How a tag's probabilities are spread over a library, and the pictures beside a threshold."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from soutu.errors import InputError
from soutu.heads.base import sigmoid
from soutu.index.base import spread as evenly
from soutu.library.tagging.asking import worded
from soutu.library.tagging.edits import checked_threshold
from soutu.library.tagging.heads import NOTHING
from soutu.library.tagging.membership import blocks, probability_cut, told_apart
from soutu.library.tagging.scoring import Scorer
from soutu.types import TagBorder, TagSpread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.library.tagging.heads import Head
    from soutu.library.tagging.tagger import Tagger
    from soutu.types import Ids, Question

_SURE = 100_000  # the surest pictures are looked at one by one: a sample misses rare tags
_SAMPLE = 20_000  # pictures that stand for all others
_KEPT = 8  # tags, of at most 3 MB each


@dataclass(frozen=True, eq=False)
class _Open:
    """Pictures that nobody labelled with a tag, by how surely it holds by its head.

    `ids` [n], `logits` [n], falling, `can` [n], False where another tag of the group is more
    probable or the model cannot read the tag, and how many pictures each one stands for.
    """

    ids: Ids
    logits: NDArray[np.float32]
    can: NDArray[np.bool_]
    stands_for: NDArray[np.float64]

    def at(self, places: NDArray[np.int64]) -> _Open:
        """Return the pictures at places [m], in that order."""
        return _Open(
            self.ids[places], self.logits[places], self.can[places], self.stands_for[places]
        )

    def in_order(self) -> _Open:
        """Return the pictures with the surest first."""
        return self.at(np.argsort(-self.logits, kind="stable"))

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """The probabilities [n] of the tag."""
        return sigmoid(self.logits.astype(np.float64))


@dataclass(frozen=True, eq=False)
class _Scored:
    """A tag's open pictures, and the probabilities by its head of those that labels settle.

    `settled` [m] are all of these, in a group also the pictures labelled with another tag; `yes`
    and `no` are those labelled with the tag itself.
    """

    open: _Open
    settled: NDArray[np.float64]
    yes: NDArray[np.float64]
    no: NDArray[np.float64]


class Spreads:
    """Answer `Tags.spread` and `Tags.border` from what is kept of the tags last asked about.

    It is kept until the tag's head, or a picture, changes. Use it from one thread at a time.
    """

    def __init__(self, tagger: Tagger) -> None:
        self._tagger = tagger
        self._kept: OrderedDict[int, tuple[Hashable, _Scored]] = OrderedDict()

    def spread(self, name: str, *, bins: int) -> TagSpread:
        """Count pictures by the probability of a tag; see `Tags.spread`."""
        if bins < 1:
            raise InputError(f"{bins} bins are asked for. Ask for 1 or more")
        tag = self._tagger.spoken().vocabulary.find(name).id
        scored = self._scored(tag)
        edges = np.linspace(0, 1, bins + 1)
        free = scored.open
        weighed = np.histogram(free.probabilities, edges, weights=free.stands_for)[0]
        settled, yes, no = (
            np.histogram(part, edges)[0] for part in (scored.settled, scored.yes, scored.no)
        )
        # Rounded as sums, so that the bins together have as many pictures as the library.
        counts = np.diff(np.round(np.cumsum(weighed)), prepend=0).astype(np.int64) + settled
        return TagSpread(
            tag=self._tagger.spoken().vocabulary.name(tag),
            threshold=self._threshold(tag),
            edges=tuple(edges.tolist()),
            counts=tuple(counts.tolist()),
            yes=tuple(yes.tolist()),
            no=tuple(no.tolist()),
        )

    def border(self, name: str, *, threshold: float | None, k: int) -> TagBorder:
        """Return the pictures beside a threshold of a tag; see `Tags.border`."""
        if k < 1:
            raise InputError(f"{k} pictures a side are asked for. Ask for 1 or more")
        checked_threshold(threshold)
        spoken = self._tagger.spoken()
        tag = spoken.vocabulary.find(name).id
        at = self._threshold(tag) if threshold is None else threshold
        free = self._scored(tag).open
        holds = free.can & (free.logits >= np.float32(probability_cut(at)))
        yes, _ = spoken.said(tag)
        name = spoken.vocabulary.name(tag)

        def asked(places: NDArray[np.int64]) -> tuple[Question, ...]:
            near = free.at(places[:k])
            return tuple(worded(self._tagger, name, at, near.ids, near.probabilities))

        return TagBorder(
            tag=name,
            threshold=at,
            count=round(float(free.stands_for[holds].sum())) + len(yes),
            above=asked(np.flatnonzero(holds)[::-1]),
            below=asked(np.flatnonzero(~holds)),
        )

    def clear(self) -> None:
        """Drop what was computed from vectors that were made anew."""
        self._kept.clear()

    def _scored(self, tag: int) -> _Scored:
        tagger = self._tagger
        heads = tagger.fitter.heads(tagger.spoken(), self._rivals(tag) or [tag])
        # The keys of heads name texts and labels, the version the pictures.
        stamp = (tagger.catalog.version(), *(key for key, _ in heads.values()))
        known = self._kept.get(tag)
        if known is None or known[0] != stamp:
            known = self._kept[tag] = (stamp, self._score(tag, heads[tag][1]))
        self._kept.move_to_end(tag)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return known[1]

    def _rivals(self, tag: int) -> list[int]:
        """Return the tags of a tag's group, with itself; none where it stands alone."""
        return list(self._tagger.spoken().vocabulary.rivals(tag))

    def _threshold(self, tag: int) -> float:
        spoken = self._tagger.spoken()
        _, head = self._tagger.fitter.heads(spoken, [tag])[tag]
        return spoken.threshold(tag, head.threshold)

    def _score(self, tag: int, head: Head) -> _Scored:
        spoken, index = self._tagger.spoken(), self._tagger.space.index
        pictures = self._tagger.catalog.ids()
        labelled = np.concatenate(spoken.said(tag))
        unlabelled = np.setdiff1d(pictures, labelled, assume_unique=True)
        if rivals := self._rivals(tag):
            found = self._in_group(unlabelled, rivals, rivals.index(tag))
        elif head.length < NOTHING:
            found = _unreadable(unlabelled)
        else:
            found = self._by_itself(unlabelled, head, beside=len(labelled))
        ids, vectors = index.get(labelled)
        scorer = Scorer(self._tagger, tags=[spoken.vocabulary.name(tag)])
        settled, labels = scorer.probabilities(vectors)[:, 0], spoken.labels_of(tag)
        yes, no = np.isin(ids, labels.yes), np.isin(ids, labels.no)
        return _Scored(found, settled, settled[yes], settled[no])

    def _by_itself(self, pictures: Ids, head: Head, *, beside: int) -> _Open:
        """Score the surest of some pictures and a sample of the others, by a tag's own head.

        Unlike reading all vectors, a search for the surest 100,000 takes the engine less than a
        second. `beside` is how many other pictures it may find.
        """
        index = self._tagger.space.index
        (sure,) = index.search(head.query(0.0)[0][None], k=_SURE + beside, exact=True)
        mine = np.isin(sure.ids, pictures)
        ids, logits = sure.ids[mine], head.logits_of(sure.scores[mine])
        others = np.setdiff1d(pictures, ids, assume_unique=True)
        chosen = evenly(others, _SAMPLE)
        share = len(others) / max(1, len(chosen))
        sample, vectors = index.get(chosen)
        logits = np.concatenate([logits, vectors @ head.weights + np.float32(head.bias)])
        stands_for = np.repeat([1.0, share], [len(ids), len(sample)])
        can = np.ones(len(logits), np.bool_)
        return _Open(np.concatenate([ids, sample]), logits, can, stands_for).in_order()

    def _in_group(self, pictures: Ids, rivals: list[int], column: int) -> _Open:
        """Score pictures, in a large library a sample, against all tags of a group."""
        tagger = self._tagger
        chosen = pictures if len(pictures) <= _SURE else evenly(pictures, _SAMPLE)
        ids, logits = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
        can = [np.empty(0, np.bool_)]
        for block, vectors in blocks(tagger.space, chosen):
            odds, best = told_apart(tagger.spoken(), tagger.fitter, rivals, block, vectors)
            ids.append(block)
            logits.append(odds[:, column])
            can.append(best == column)
        found = np.concatenate(ids)
        share = len(pictures) / max(1, len(chosen))
        stands_for = np.full(len(found), share)
        return _Open(found, np.concatenate(logits), np.concatenate(can), stands_for).in_order()


def _unreadable(pictures: Ids) -> _Open:
    """Say of pictures that the model knows nothing of a tag."""
    ids = evenly(pictures, _SAMPLE)
    share = len(pictures) / max(1, len(ids))
    logits = np.full(len(ids), -np.inf, np.float32)
    return _Open(ids, logits, np.zeros(len(ids), np.bool_), np.full(len(ids), share))
