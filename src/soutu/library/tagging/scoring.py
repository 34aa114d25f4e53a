"""The tags of single pictures, with probability, threshold and source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from soutu.errors import InputError
from soutu.library.tagging.heads import NOTHING
from soutu.library.tagging.membership import log_odds
from soutu.library.tagging.tagger import said, threshold_of
from soutu.types import ImageTags, TagScore, TagSource

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.library.tagging.base import TagMode
    from soutu.library.tagging.fitting import Spoken
    from soutu.library.tagging.heads import Head
    from soutu.library.tagging.tagger import Tagger
    from soutu.types import Ids, Vectors

_TOP = 5  # tags a picture gets by `top` and `softmax` where none says how many


@dataclass(frozen=True)
class _Scores:
    """Probabilities and cosines of pictures [n, t], and which tags hold by the heads."""

    probabilities: NDArray[np.float64]
    cosines: NDArray[np.float32]
    holds: NDArray[np.bool_]


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
            groups = [
                vocabulary.groups[g]
                for g in dict.fromkeys(vocabulary.rows[tag].group for tag in self._wanted)
                if g is not None and len(vocabulary.groups[g]) > 1
            ]
            self._tags = list(dict.fromkeys([*self._wanted, *(t for g in groups for t in g)]))
            heads = {tag: head for tag, (_, head) in fitter.heads(self._spoken, self._tags).items()}
            place = {tag: column for column, tag in enumerate(self._tags)}
            self._groups = [[place[tag] for tag in group] for group in groups]
        self._heads: list[Head] = [heads[tag] for tag in self._tags]
        self._weights = np.stack([head.weights for head in self._heads])
        self._bias = np.array([head.bias for head in self._heads], np.float32)
        lengths = np.linalg.norm(self._weights, axis=1)
        self._readable = lengths >= NOTHING
        self._lengths = np.maximum(lengths, NOTHING)
        self._thresholds = np.array(
            [
                0.0 if self._mode == "softmax" else threshold_of(self._spoken, tag, head.threshold)
                for tag, head in zip(self._tags, self._heads, strict=True)
            ]
        )
        self._said: dict[int, tuple[Ids, Ids]] = {}
        if self._mode != "softmax":
            self._said = {tag: said(self._spoken, tag) for tag in self._wanted}
        self._shown = np.isin(self._tags, self._wanted)

    def score(
        self, paths: Sequence[Path], ids: Ids | None, vectors: Vectors
    ) -> Iterator[ImageTags]:
        """Yield the tags of pictures with vectors [n, dim]; no `ids` [n] outside the library."""
        scores = self._computed(vectors)
        sources = self._people(scores, ids)
        for row, path in enumerate(paths):
            columns = self._chosen(scores, row)
            yield ImageTags(
                path=path,
                id=None if ids is None else int(ids[row]),
                tags=tuple(
                    TagScore(
                        tag=self._spoken.vocabulary.name(self._tags[c]),
                        probability=float(scores.probabilities[row, c]),
                        threshold=float(self._thresholds[c]),
                        score=float(scores.cosines[row, c]),
                        source=sources.get((row, c), self._heads[c].source),
                        holds=bool(scores.holds[row, c]),
                    )
                    for c in columns
                ),
            )

    def probabilities(self, vectors: Vectors) -> NDArray[np.float64]:
        """Return the probabilities [n, t] of the wanted tags by the heads alone."""
        return self._computed(vectors).probabilities[:, self._shown]

    @property
    def thresholds(self) -> NDArray[np.float64]:
        """The thresholds [t] of the wanted tags; in a group, of an even split."""
        return np.asarray(np.where(self._thresholds > 0, self._thresholds, 0.5)[self._shown])

    @property
    def tags(self) -> list[int]:
        """The wanted tags [t], in the order of the columns."""
        return [tag for tag, shown in zip(self._tags, self._shown, strict=True) if shown]

    def _computed(self, vectors: Vectors) -> _Scores:
        products = vectors @ self._weights.T
        logits = products + self._bias
        holds = np.zeros(logits.shape, bool)
        alone = np.ones(len(self._tags), bool)
        for group in self._groups:
            alone[group] = False
            best = logits[:, group].argmax(axis=1)
            holds[np.arange(len(vectors)), np.array(group)[best]] = True
            logits[:, group] = log_odds(logits[:, group])
        probabilities = 1 / (1 + np.exp(-np.clip(logits.astype(np.float64), -50, 50)))
        probabilities[:, alone & ~self._readable] = 0
        above = probabilities >= self._thresholds
        return _Scores(
            probabilities=probabilities,
            cosines=(products / self._lengths).astype(np.float32),
            holds=np.where(alone, above & self._readable, holds & above),
        )

    def _people(self, scores: _Scores, ids: Ids | None) -> dict[tuple[int, int], TagSource]:
        """Put labels above the heads; return who said so, by row and column."""
        sources: dict[tuple[int, int], TagSource] = {}
        if ids is None:
            return sources
        row_of = {int(image): row for row, image in enumerate(ids)}
        for column, tag in enumerate(self._tags):
            if tag not in self._said:
                continue
            for value, images in zip((True, False), self._said[tag], strict=True):
                files = set(self._spoken.labels_of(tag).from_files.tolist()) if value else set()
                for image in np.intersect1d(images, ids).tolist():
                    row = row_of[image]
                    scores.probabilities[row, column] = float(value)
                    scores.holds[row, column] = value
                    sources[row, column] = "file" if image in files else "person"
        return sources

    def _chosen(self, scores: _Scores, row: int) -> list[int]:
        probabilities = scores.probabilities[row]
        wanted = self._shown & scores.holds[row] if self._mode == "threshold" else self._shown
        columns = np.flatnonzero(wanted)
        order = np.argsort(-probabilities[columns], kind="stable")
        return [int(c) for c in columns[order][: self._k]]
