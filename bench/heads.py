"""Train and score heads on made vectors, beside scikit-learn's one-vs-rest logistic regression.

50,000 vectors of 512 numbers, 80 labels (3 a picture on average): as many as COCO has. Seconds to
train with the default settings, millions of vector-labels scored a second by the stored head, and
mAP on 5,000 other vectors, so that no speed is bought with quality unseen. Both are told in seconds
that pass and in seconds of processor time, which other work on the machine changes less. An
ensemble of ten chains is scored with drawn weights: training it takes an hour.
"""

from __future__ import annotations

import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

import harness
from soutu.heads import ChainHead, HeadEncoder, HeadFacts, open_head, save_head
from soutu.metrics import mean_average_precision
from soutu.train.catalogue import make
from soutu.train.settings import Settings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.types import Vectors

PICTURES, OTHERS, DIM, LABELS = 50_000, 5_000, 512, 80
EACH = 3.0  # labels of a picture, on average
PEER = "scikit-learn one-vs-rest"
DRAWN = "ten chains, drawn weights"


class Figures(NamedTuple):
    """Seconds to train, millions of vector-labels scored a second, mAP; NaN where not measured.

    `cpu` and `score_cpu` are those of processor time.
    """

    train: float
    cpu: float
    score: float
    score_cpu: float
    quality: float


class Data(NamedTuple):
    """Vectors and labels to train on, and others to measure on."""

    vectors: Vectors
    labels: NDArray[np.int8]
    others: Vectors
    truth: NDArray[np.int8]


def made(seed: int = 0) -> Data:
    """Make vectors as sums of label directions, pairs that go together, and noise."""
    rng = np.random.default_rng(seed)
    n = PICTURES + OTHERS
    directions = rng.normal(size=(LABELS, DIM)).astype(np.float32)
    themes = rng.dirichlet(np.full(LABELS, 0.1), size=20)
    shares = np.minimum(themes[rng.integers(0, 20, n)] * EACH, 0.95)
    labels = (rng.random((n, LABELS)) < shares).astype(np.int8)
    vectors = labels @ directions + rng.normal(0, 6, (n, DIM)).astype(np.float32)
    vectors += 2 * rng.normal(size=DIM).astype(np.float32)  # encoders have a mean direction
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Data(vectors[:PICTURES], labels[:PICTURES], vectors[PICTURES:], labels[PICTURES:])


def peer(data: Data) -> Figures:
    """Train and score one logistic regression a label."""
    head = OneVsRestClassifier(LogisticRegression(C=100, max_iter=200))
    watch = _Watch()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of labels that stopped at max_iter
        head.fit(data.vectors, data.labels)
    return _scored(watch.read(), head.predict_proba, data)


def ours(name: str, data: Data) -> Figures:
    """Train a head with the default settings; score with its stored form."""
    head = make(name, loss="bce", settings=Settings())
    classes = [f"label {number}" for number in range(LABELS)]
    validation = data.others[: OTHERS // 2], data.truth[: OTHERS // 2]
    watch = _Watch()
    head.fit(data.vectors, data.labels, classes=classes, validation=validation)
    took = watch.read()
    history = getattr(head, "history_", None)
    if history is not None:
        print(f"{name}: {len(history.losses)} epochs", file=sys.stderr)
    facts = HeadFacts(
        classes=head.classes_,
        thresholds=tuple(head.thresholds_.tolist()),
        encoder=HeadEncoder(name="made", revision="", dim=DIM),
        method=name,
    )
    with tempfile.TemporaryDirectory() as folder:
        save_head(Path(folder) / "head", head.to_head(), facts)
        return _scored(took, open_head(Path(folder) / "head").predict_proba, data)


def drawn_chains(data: Data, chains: int = 10) -> Figures:
    """Score an ensemble of chains of random orders, with random weights."""
    rng = np.random.default_rng(0)
    order = np.stack([rng.permutation(LABELS) for _ in range(chains)])
    place = np.argsort(order, axis=1)
    links = rng.normal(0, 0.1, (chains, LABELS, LABELS))
    links[place[:, :, None] <= place[:, None, :]] = 0  # a link sees those before it
    head = ChainHead(
        weights=rng.normal(size=(chains, LABELS, DIM)).astype(np.float32),
        links=links.astype(np.float32),
        bias=np.zeros((chains, LABELS), np.float32),
        order=order,
    )
    none = float("nan")
    return _scored((none, none), head.predict_proba, data)._replace(quality=none)


class _Watch:
    """Seconds that pass, and seconds of processor time: what else runs changes only the first."""

    def __init__(self) -> None:
        self._started = time.perf_counter(), time.process_time()

    def read(self) -> tuple[float, float]:
        """Return both since the start."""
        wall, cpu = self._started
        return time.perf_counter() - wall, time.process_time() - cpu


def _scored(
    took: tuple[float, float], score: Callable[[Vectors], NDArray[np.floating[Any]]], data: Data
) -> Figures:
    score(data.others[:100])
    watch = _Watch()
    found = score(data.vectors)
    fast, fast_cpu = (found.size / seconds / 1e6 for seconds in watch.read())
    half = OTHERS // 2
    quality = mean_average_precision(score(data.others[half:]), data.truth[half:])
    return Figures(*took, fast, fast_cpu, quality)


def summary(results: Mapping[str, list[Figures]]) -> str:
    """Lay out medians, and how the peer compares."""
    base = harness.median([one.cpu for one in results[PEER]])
    rows = []
    for name, found in results.items():
        middle = Figures._make(map(harness.median, zip(*found, strict=True)))
        cells = middle.train, middle.cpu, middle.cpu / base, middle.score, middle.score_cpu
        digits = 1, 1, 2, 1, 1
        shown = [_number(cell, n) for cell, n in zip(cells, digits, strict=True)]
        rows.append((name, *shown, _number(middle.quality, 3)))
    speeds = "M vector-labels/s", "M a CPU s"
    return harness.table(("head", "train s", "CPU s", "of the peer's", *speeds, "mAP"), rows)


def _known(figures: Figures) -> dict[str, float]:
    return {name: value for name, value in figures._asdict().items() if not np.isnan(value)}


def _number(value: float, digits: int) -> str:
    return "-" if np.isnan(value) else f"{value:.{digits}f}"


def main() -> None:
    """Run the bench."""
    parser = harness.arguments(__doc__, rounds=3)
    parser.add_argument("--heads", nargs="*", default=["linear", "mlp", "gcn", "ml-decoder"])
    options = parser.parse_args()
    facts = harness.machine("torch", "scikit-learn")
    data = made()
    engines: dict[str, Callable[[], Figures]] = {PEER: lambda: peer(data)}
    for name in options.heads:
        engines[name] = lambda name=name: ours(name, data)  # type: ignore[misc]  # of a lambda
    engines[DRAWN] = lambda: drawn_chains(data)
    results = harness.rounds(engines, options.rounds)
    figures = {name: [_known(one) for one in found] for name, found in results.items()}
    harness.report(facts, [summary(results)], figures, options.json)


if __name__ == "__main__":
    main()
