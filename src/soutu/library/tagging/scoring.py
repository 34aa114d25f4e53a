"""The tags of single pictures, with probability, threshold and source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from soutu.errors import InputError
from soutu.library.relevance import probabilities_of
from soutu.library.tagging.cache import among
from soutu.library.tagging.heads import NOTHING
from soutu.library.tagging.membership import exclusive
from soutu.types import ImageTags, TagScore, TagSource

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.library.tagging.base import TagMode
    from soutu.library.tagging.heads import Head
    from soutu.library.tagging.spoken import Spoken
    from soutu.library.tagging.tagger import Tagger
    from soutu.types import Ids, Vectors

_TOP = 5  # tags a picture gets by `top` and `softmax` where none says how many


@dataclass(frozen=True)
class _Scores:
    """Probabilities and cosines of pictures [n, t], and which tags hold; what people said counts.

    `yes` and `no` are what they said; `left` where they ruled out all but one tag of a group.
    """

    probabilities: NDArray[np.float64]
    cosines: NDArray[np.float32]
    holds: NDArray[np.bool_]
    yes: NDArray[np.bool_]
    no: NDArray[np.bool_]
    left: NDArray[np.bool_]


class Scorer:
    """Score pictures against tags; made once for many pictures.

    Raises InputError where there are no tags, for an unknown one and for a `k` below 1.
    """

    def __init__(
        self,
        tagger: Tagger,
        *,
        mode: TagMode = "threshold",
        k: int | None = None,
        tags: Sequence[str] | None = None,
    ) -> None:
        self._spoken: Spoken = tagger.spoken()
        vocabulary = self._spoken.vocabulary
        if not len(vocabulary):
            msg = (
                "there are no tags yet. Add one: soutu tags add NAME, or a starter vocabulary: "
                "soutu tags import everyday"
            )
            raise InputError(msg)
        if k is not None and k < 1:
            raise InputError(f"{k} tags a picture are asked for. Ask for 1 or more")
        if tags is not None and not tags:
            raise InputError("no tag is named. Name some, or leave tags out to look at all")
        self._wanted = (
            list(vocabulary.rows)
            if tags is None
            else list(dict.fromkeys(vocabulary.find(name).id for name in tags))
        )
        self._mode = mode
        self._k = _TOP if k is None and mode != "threshold" else k
        self._prepare(tagger)

    def _prepare(self, tagger: Tagger) -> None:
        """Fetch the heads; a group's tags are only told apart together."""
        vocabulary, fitter = self._spoken.vocabulary, tagger.fitter
        self._groups: list[list[int]] = []
        if self._mode == "softmax":
            self._tags = self._wanted
            heads = fitter.softmax_heads(self._spoken, self._tags)
            self._groups = [list(range(len(self._tags)))]
        else:
            groups = list(dict.fromkeys(map(vocabulary.rivals, self._wanted)))
            groups = [group for group in groups if group]
            self._tags = list(dict.fromkeys([*self._wanted, *(t for g in groups for t in g)]))
            heads = {tag: head for tag, (_, head) in fitter.heads(self._spoken, self._tags).items()}
            place = {tag: column for column, tag in enumerate(self._tags)}
            self._groups = [[place[tag] for tag in group] for group in groups]
        self._heads: list[Head] = [heads[tag] for tag in self._tags]
        self._fitter = fitter
        self._readable = np.array([head.readable for head in self._heads])
        # What has no vector has no cosine.
        searched = [head.base is None and head.length >= NOTHING for head in self._heads]
        lengths = [
            head.length if has else np.inf for head, has in zip(self._heads, searched, strict=True)
        ]
        self._lengths = np.array(lengths, np.float32)
        self._bias = np.array([head.bias for head in self._heads], np.float32)
        self._thresholds = np.array(
            [
                0.0 if self._mode == "softmax" else self._spoken.threshold(tag, head.threshold)
                for tag, head in zip(self._tags, self._heads, strict=True)
            ]
        )
        self._shown = np.isin(self._tags, self._wanted)

    def score(
        self, paths: Sequence[Path], ids: Ids | None, vectors: Vectors
    ) -> Iterator[ImageTags]:
        """Yield the tags of pictures with vectors [n, dim]; no `ids` [n] outside the library."""
        scores = self._computed(ids, vectors)
        for row, path in enumerate(paths):
            id_ = None if ids is None else int(ids[row])
            yield ImageTags(
                path=path,
                id=id_,
                tags=tuple(
                    TagScore(
                        tag=self._spoken.vocabulary.name(self._tags[c]),
                        probability=float(scores.probabilities[row, c]),
                        threshold=float(self._thresholds[c]),
                        score=float(scores.cosines[row, c]),
                        source=self._source(scores, row, c, id_),
                        holds=bool(scores.holds[row, c]),
                    )
                    for c in self._chosen(scores, row)
                ),
            )

    def open_probabilities(self, ids: Ids, vectors: Vectors) -> NDArray[np.float64]:
        """Return the probabilities [n, t] of the wanted tags; 0 and 1 only where that is settled.

        It is where people said so, or ruled out every other tag of a group.
        """
        scores = self._computed(ids, vectors)
        least, most = np.nextafter(0, 1), np.nextafter(1, 0)
        found = np.clip(scores.probabilities, least, most)
        found[scores.yes | scores.left] = 1
        found[scores.no] = 0
        return found[:, self._shown]

    def probabilities(self, vectors: Vectors) -> NDArray[np.float64]:
        """Return the probabilities [n, t] of the wanted tags by their heads, without labels."""
        return self._computed(None, vectors).probabilities[:, self._shown]

    @property
    def thresholds(self) -> NDArray[np.float64]:
        """The thresholds [t] of the wanted tags; in a group, of an even split."""
        return np.asarray(np.where(self._thresholds > 0, self._thresholds, 0.5)[self._shown])

    @property
    def tags(self) -> list[int]:
        """The wanted tags [t], in the order of the columns."""
        return [tag for tag, shown in zip(self._tags, self._shown, strict=True) if shown]

    def _computed(self, ids: Ids | None, vectors: Vectors) -> _Scores:
        yes, no = self._said(ids, len(vectors))
        logits = self._fitter.logits(self._heads, ids, vectors)
        cosines = (logits - self._bias) / self._lengths
        holds = np.zeros(logits.shape, bool)
        left = np.zeros(logits.shape, bool)
        alone = np.ones(len(self._tags), bool)
        # Of all tags at once people judge some; the softmax is about the others.
        barred = yes | no if self._mode == "softmax" else no
        for group in self._groups:
            alone[group] = False
            out = barred[:, group]
            logits[:, group], best = exclusive(logits[:, group], out)
            rows = np.flatnonzero(best >= 0)
            holds[rows, np.array(group)[best[rows]]] = True
            left[:, group] = ~out & (out.sum(axis=1, keepdims=True) == len(group) - 1)
        probabilities = probabilities_of(logits)
        probabilities[:, alone & ~self._readable] = 0
        above = probabilities >= self._thresholds
        holds = np.where(alone, above & self._readable, holds & above)
        if self._mode == "softmax":
            holds[yes.any(axis=1)] = False
        probabilities[yes], probabilities[no] = 1, 0
        return _Scores(
            probabilities=probabilities,
            cosines=cosines,
            holds=(holds | yes) & ~no,
            yes=yes,
            no=no,
            left=left,
        )

    def _said(self, ids: Ids | None, n: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return where people said yes and no [n, t], of pictures outside the library nowhere."""
        yes, no = (np.zeros((n, len(self._tags)), bool) for _ in range(2))
        if ids is not None:
            for column, tag in enumerate(self._tags):
                said_yes, said_no = self._spoken.said(tag)
                yes[:, column], no[:, column] = among(ids, said_yes), among(ids, said_no)
        return yes, no

    def _source(self, scores: _Scores, row: int, column: int, image: int | None) -> TagSource:
        if scores.no[row, column]:
            return "person"
        if not scores.yes[row, column]:
            return self._heads[column].source
        files = self._spoken.labels_of(self._tags[column]).from_files
        return "file" if image in files else "person"

    def _chosen(self, scores: _Scores, row: int) -> list[int]:
        probabilities = scores.probabilities[row]
        wanted = self._shown & scores.holds[row] if self._mode == "threshold" else self._shown
        if self._mode == "softmax":
            wanted = wanted & ~scores.no[row]
        columns = np.flatnonzero(wanted)
        order = np.argsort(-probabilities[columns], kind="stable")
        return [int(c) for c in columns[order][: self._k]]
