"""Review: which questions (does this tag hold for this picture?) teach most.

A question is worth asking when the machine does not know the answer and the answer says something
about other pictures too. Both count, multiplied:

    value = uncertainty * distance to the nearest picture that is asked or labelled already

Uncertainty sampling (Lewis and Gale, SIGIR 1994) alone asks for ten near copies in a row; covering
the pictures (core-sets: Sener and Savarese, ICLR 2018) alone asks what is plain. The product is
what BADGE (Ash et al., ICLR 2020) weighs for a logistic model, whose gradient is a picture's vector
scaled by how unsure the answer is; taken greedily here, so that the same library gives the same
questions.

The distance counts only as far as a fifth of what is usual between two pictures of the pool. Those
farthest from all others are odd ones; what holds for them does not hold for the many at the same
score, and a threshold learned from such answers is wrong (on outliers among the uncertain: Settles
and Craven, EMNLP 2008).

The first page of a tag differs: two of its eight questions are about what looks plainly right, one
about what looks plainly wrong. The threshold of a tag that nobody judged yet is a guess, and the
pictures around it may all get the same answer; a threshold and a calibrated probability need both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.types import Vectors

    Probabilities = NDArray[np.floating[Any]]
    """Calibrated probabilities, 0..1."""
    Indices = NDArray[np.intp]

Stratum = Literal["likely", "uncertain", "unlikely"]

FIRST_PAGE: tuple[Stratum, ...] = (
    "likely", "uncertain", "uncertain", "uncertain",
    "likely", "uncertain", "uncertain", "unlikely",
)  # fmt: skip
"""What a tag's first questions are about; all later ones are about uncertain pictures."""

_POOL_PER_QUESTION = 64  # candidates for each question; more only adds plainer pictures
_POOL = (512, 10_000)
_EDGE = 1e-6  # probabilities nearer to 0 and 1 than this are rounding, not knowledge
_COPY = 1e-3  # the distance given to a copy of an asked picture: asked last, by uncertainty
_FAR = 0.2  # of the mean distance between two pictures: farther ones are equally far
_NEAR_COPY = 0.02  # distance of a picture from its resized or recompressed self
_BLOCK = 1 << 22  # numbers held at once while comparing, 16 MB


def uncertainty(probabilities: Probabilities, thresholds: Probabilities | float) -> Probabilities:
    """Measure how open it is whether a tag holds, from 0 to 1 at the threshold itself.

    4 q (1 - q), where the logit of q is the distance of the two logits: symmetrical around the
    threshold on the logit scale. `probabilities` of any shape, `thresholds` one or broadcastable.
    """
    p = np.clip(probabilities, _EDGE, 1 - _EDGE)
    t = np.clip(thresholds, _EDGE, 1 - _EDGE)
    yes, no = p * (1 - t), t * (1 - p)
    open_: Probabilities = 4 * yes * no / (yes + no) ** 2
    return open_


def choose_for_tag(
    probabilities: Probabilities,
    threshold: float,
    vectors: Vectors,
    k: int,
    *,
    asked_vectors: Vectors | None = None,
) -> Indices:
    """Choose up to k pictures to ask about one tag, most instructive first.

    `probabilities` [n] and unit `vectors` [n, dim] are of pictures without a label of this tag,
    `asked_vectors` [a, dim] of those that have one. Returns indices [<= k] into the n. Equal
    pictures are taken in their order, so the answer depends on nothing else.
    """
    n = len(probabilities)
    k = min(k, n)
    if k <= 0:
        return np.zeros(0, dtype=np.intp)
    asked = 0 if asked_vectors is None else len(asked_vectors)
    pool = _pool_for_tag(probabilities.astype(np.float64), threshold, k)
    greedy = _Greedy(vectors[pool.index], asked_vectors)
    unsure = pool.weights["uncertain"]
    page = [pool.weights[stratum] for stratum in FIRST_PAGE[asked : asked + k]]
    turns = page + [unsure] * (k - len(page))
    return pool.index[[greedy.take(weights, unsure) for weights in turns]]


def choose_for_pictures(
    probabilities: Probabilities,
    thresholds: Probabilities,
    vectors: Vectors,
    k: int,
    *,
    questions: int = 5,
    asked_vectors: Vectors | None = None,
) -> list[tuple[int, Indices]]:
    """Choose up to k pictures to ask about, each with its most uncertain tags first.

    `probabilities` [n, t], `thresholds` [t], unit `vectors` [n, dim]; `asked_vectors` [a, dim]
    are of pictures reviewed already. A picture counts by the summed uncertainty of the up to
    `questions` tags that it would be asked about. A probability of exactly 0 or 1 is settled (a
    person said so) and not asked; a picture with nothing open is not chosen. Returns (index of the
    picture, indices of tags).
    """
    n, t = probabilities.shape
    questions = min(questions, t)
    if min(n, k, questions) <= 0:
        return []
    total = _total_uncertainty(probabilities, thresholds, questions)
    pool = _first(-total, _pool_size(k, n))
    pool = pool[total[pool] > 0]
    greedy = _Greedy(vectors[pool], asked_vectors)
    weights = total[pool]
    chosen = [int(pool[greedy.take(weights, weights)]) for _ in range(min(k, len(pool)))]
    answer = []
    for picture in chosen:
        row = _open(probabilities[picture], thresholds)
        tags = np.argsort(-row, kind="stable")[:questions]
        answer.append((picture, tags[row[tags] > 0]))
    return answer


@dataclass(frozen=True, kw_only=True)
class _Pool:
    """Candidates of n: `index` [m], ascending, and how much each stratum wants them, [m] each."""

    index: Indices
    weights: dict[Stratum, NDArray[np.float64]]


def _pool_for_tag(probabilities: NDArray[np.float64], threshold: float, k: int) -> _Pool:
    n = len(probabilities)
    open_ = uncertainty(probabilities, threshold)
    size = _pool_size(k, n)
    few = max(len(FIRST_PAGE), size // len(FIRST_PAGE))
    # By rank, not by probability: of a tag that nobody judged, only the order can be trusted.
    below = np.flatnonzero(probabilities < threshold)
    plain = below[_first(probabilities[below], len(below) // 2)]
    parts: dict[Stratum, Indices] = {
        "uncertain": _first(-open_, size),
        "likely": _first(-probabilities, few),
        "unlikely": plain[:: max(1, len(plain) // few)],
    }
    index = np.unique(np.concatenate(list(parts.values())))
    merit = {"uncertain": open_, "likely": probabilities + _EDGE, "unlikely": np.ones(n)}
    weights: dict[Stratum, NDArray[np.float64]] = {
        stratum: np.where(np.isin(index, part), merit[stratum][index], 0.0)
        for stratum, part in parts.items()
    }
    return _Pool(index=index, weights=weights)


class _Greedy:
    """Take pictures one by one, each far from those taken or asked before."""

    def __init__(self, vectors: Vectors, asked: Vectors | None) -> None:
        self._vectors = vectors
        self._free = np.ones(len(vectors), dtype=bool)
        self._distance = np.ones(len(vectors), dtype=np.float64)  # 1 - cosine
        usual = 1.0 - float((vectors.sum(axis=0) ** 2).sum()) / max(1, len(vectors)) ** 2
        self._far = max(_FAR * usual, _NEAR_COPY)
        if asked is not None:
            rows = max(1, _BLOCK // max(1, len(vectors)))
            for at in range(0, len(asked), rows):
                self._come_nearer((vectors @ asked[at : at + rows].T).max(axis=1))

    def take(self, weights: NDArray[np.float64], otherwise: NDArray[np.float64]) -> int:
        """Return the free picture of highest value.

        Where only near copies have a weight, `otherwise` weighs.
        """
        new = self._free & (self._distance > _NEAR_COPY)
        left = weights if bool((weights[new] > 0).any()) else otherwise
        far = np.minimum(self._distance, self._far)
        value = np.where(self._free, left * (far + _COPY), -1.0)
        best = int(value.argmax())
        self._free[best] = False
        self._come_nearer(self._vectors @ self._vectors[best])
        return best

    def _come_nearer(self, cosines: NDArray[np.float32]) -> None:
        np.minimum(self._distance, np.maximum(1.0 - cosines, 0.0), out=self._distance)


def _total_uncertainty(
    probabilities: Probabilities, thresholds: Probabilities, questions: int
) -> NDArray[np.float64]:
    n, t = probabilities.shape
    total = np.empty(n, dtype=np.float64)
    rows = max(1, _BLOCK // t)
    for at in range(0, n, rows):
        open_ = _open(probabilities[at : at + rows], thresholds)
        most = np.partition(open_, t - questions, axis=1)[:, t - questions :]
        total[at : at + rows] = most.sum(axis=1)
    return total


def _open(probabilities: Probabilities, thresholds: Probabilities) -> Probabilities:
    settled = (probabilities <= 0) | (probabilities >= 1)
    return np.where(settled, 0.0, uncertainty(probabilities, thresholds))


def _pool_size(k: int, n: int) -> int:
    low, high = _POOL
    return min(n, max(k, min(high, max(low, _POOL_PER_QUESTION * k))))


def _first(keys: NDArray[np.floating[Any]], count: int) -> Indices:
    """Return the indices of the `count` least keys, least first; equal ones in their order."""
    if count < len(keys) and count > 0:
        # Sorting all of them takes longer than everything else together.
        edge = np.partition(keys, count - 1)[count - 1]
        within = np.flatnonzero(keys <= edge)
        return within[np.argsort(keys[within], kind="stable")][:count]
    return np.argsort(keys, kind="stable")[:count]
