"""What labels are like as a whole: counts, cardinality, co-occurrence, imbalance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from soutu.data.labelled import NO, YES, LabelledData, Labels

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BLOCK = 1 << 24  # cells of a block of rows, so that thousands of classes fit into memory


class PairCount(NamedTuple):
    """Two classes on the same pictures, `a` the rarer one.

    `both` pictures hold both; `lift` is how many times as often that is as chance would have it.
    """

    a: str
    b: str
    both: int
    b_given_a: float
    a_given_b: float
    lift: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Statistics:
    """Figures of a data set, with L classes; what is unknown counts nowhere.

    `yes`, `no` and `unknown` int64 [L]. `cardinality` is the mean number of classes of a picture,
    `density` the share of known labels that are yes (cardinality / L where all are known);
    Tsoumakas and Katakis, Multi-Label Classification: An Overview, 2007. `label_sets` is how many
    different rows there are, `bare` how many pictures hold no class.

    `together` int64 [L, L] counts pictures that hold both classes; `given` float64 [L, L] is
    P(column | row) among the pictures that hold the row's class and where the column's is known,
    NaN without any.

    `imbalance` float64 [L] is the count of the most frequent class over that of each (IRLbl), inf
    without any; `mean_imbalance` is its mean, `worst_imbalance` its largest, over classes that
    have pictures (NaN without any); Charte et al., Addressing Imbalance in Multilabel
    Classification, 2015.
    """

    classes: tuple[str, ...]
    pictures: int
    splits: Mapping[str, int]
    yes: NDArray[np.int64]
    no: NDArray[np.int64]
    unknown: NDArray[np.int64]
    cardinality: float
    density: float
    label_sets: int
    bare: int
    together: NDArray[np.int64]
    given: NDArray[np.float64]
    imbalance: NDArray[np.float64]
    mean_imbalance: float
    worst_imbalance: float

    def top_pairs(self, limit: int) -> list[PairCount]:
        """Return the pairs of classes that most pictures hold together, most first."""
        first, second = np.triu_indices(len(self.classes), k=1)
        both = self.together[first, second]
        order = np.lexsort((second, first, -both))[:limit]
        pairs = [(int(first[at]), int(second[at])) for at in order if both[at]]
        return [self._pair(*sorted(pair, key=lambda at: (self.yes[at], at))) for pair in pairs]

    def _pair(self, a: int, b: int) -> PairCount:
        known = self.yes[b] + self.no[b]
        return PairCount(
            a=self.classes[a],
            b=self.classes[b],
            both=int(self.together[a, b]),
            b_given_a=float(self.given[a, b]),
            a_given_b=float(self.given[b, a]),
            lift=float(self.given[a, b] / (self.yes[b] / known)),
        )


def statistics(data: LabelledData) -> Statistics:
    """Count what the labels of a data set are like."""
    labels = data.labels
    yes, no = (labels == YES).sum(axis=0), (labels == NO).sum(axis=0)
    known, pictures = int(yes.sum() + no.sum()), len(labels)
    together, seen = _together(labels)
    with np.errstate(divide="ignore", invalid="ignore"):
        given = together / seen
        imbalance = yes.max() / yes if yes.any() else np.full(len(yes), np.inf)
    finite = imbalance[yes > 0]
    held = (labels == YES).any(axis=1)
    return Statistics(
        classes=data.classes,
        pictures=pictures,
        splits=_split_sizes(data),
        yes=yes,
        no=no,
        unknown=pictures - yes - no,
        cardinality=float(yes.sum() / pictures) if pictures else float("nan"),
        density=float(yes.sum() / known) if known else float("nan"),
        label_sets=len(np.unique(labels, axis=0)),
        bare=int(pictures - held.sum()),
        together=together,
        given=given,
        imbalance=imbalance,
        mean_imbalance=float(finite.mean()) if len(finite) else float("nan"),
        worst_imbalance=float(finite.max()) if len(finite) else float("nan"),
    )


def _split_sizes(data: LabelledData) -> dict[str, int]:
    names, counts = np.unique(np.array(data.splits or (), str), return_counts=True)
    sizes = dict(zip(names.tolist(), counts.tolist(), strict=True))
    return {name: sizes[name] for name in dict.fromkeys(data.splits or ())}


def _together(labels: Labels) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count rows with both classes yes, and rows with the row's yes and the column's known."""
    classes = labels.shape[1]
    both = np.zeros((classes, classes), np.int64)
    seen = np.zeros_like(both)
    step = max(1, _BLOCK // max(1, classes))
    for start in range(0, len(labels), step):
        block = labels[start : start + step]
        holds = (block == YES).astype(np.float32)  # exact below 2**24 rows a block
        both += (holds.T @ holds).astype(np.int64)
        seen += (holds.T @ (block >= NO).astype(np.float32)).astype(np.int64)
    return both, seen
