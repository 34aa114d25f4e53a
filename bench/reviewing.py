"""What labels are worth by where they come from: F1 and mAP beside those without any label.

- balanced: half yes, half no, at random, as in the other benches.
- random: pictures of the library at random.
- queue: soutu's review queue, eight questions a page, answered by the truth; the head is refitted
  after each page.
- top: the pictures highest in the tag's list.
- top yes, top no: only the right, or only the wrong ones of these.

F1 is that of the thresholds that soutu finds, as a ratio to its own without labels; mAP is the
difference in points. Labelled pictures count for neither. With `--wrong`, that share of the answers
is the opposite of the truth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import harness
import labelled
from soutu.heads.base import sigmoid
from soutu.index.base import spread
from soutu.library.tagging.learning import refine
from soutu.library.tagging.review import choose_for_tag
from soutu.metrics import average_precision
from tagging import Task, draw, f1, load

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.library.tagging.heads import Head

    Rows = NDArray[np.int64]
    Bools = NDArray[np.bool_]

SOURCES = ("balanced", "random", "queue", "top", "top yes", "top no")
PAGE = 8
POOL, LIKELY = 4096, 1024  # the pictures that the library's own queue looks at


def answered(task: Task, tag: int, rows: Rows, wrong: float, seed: int) -> Bools:
    """Say what a person would say, who errs in the share `wrong` of the pictures."""
    errs = np.random.default_rng([seed, tag]).random(len(task.vectors)) < wrong
    said: Bools = task.truth[rows, tag] ^ errs[rows]
    return said


def learned(task: Task, tag: int, rows: Rows, wrong: float, seed: int) -> Head:
    """Refine a tag by what was said of these pictures."""
    y = answered(task, tag, rows, wrong, seed)
    return refine(task.texts[tag], task.background, task.vectors[rows], y)


def queued(task: Task, tag: int, count: int, wrong: float, seed: int) -> Rows:
    """Answer the review queue; return the pictures in the order in which they were asked.

    Draws differ in the pictures that the library has: nine of ten.
    """
    vectors = task.vectors
    rng = np.random.default_rng([seed, tag])
    here = np.sort(rng.permutation(len(vectors))[: len(vectors) * 9 // 10])
    asked = np.zeros(0, dtype=np.int64)
    while len(asked) < min(count, len(here)):
        head = learned(task, tag, asked, wrong, seed)
        free = np.setdiff1d(here, asked)
        likely = free[np.argsort(-(vectors[free] @ head.weights), kind="stable")[:LIKELY]]
        pool = np.union1d(np.intersect1d(spread(here, POOL), free), likely)
        p = sigmoid(vectors[pool] @ head.weights + np.float32(head.bias))
        page = min(PAGE, count - len(asked))
        chosen = choose_for_tag(
            p, head.threshold, vectors[pool], page, asked_vectors=vectors[asked]
        )
        asked = np.concatenate([asked, pool[chosen]])
    return asked


def ordered(task: Task, tag: int, source: str, count: int, wrong: float, seed: int) -> Rows:
    """Return `count` pictures to label for a tag, those labelled first first."""
    truth = task.truth[:, tag]
    rng = np.random.default_rng([seed, tag, count])
    if source == "balanced":
        return draw(truth, count, rng)
    if source == "random":
        return rng.permutation(len(truth))[:count]
    if source == "queue":
        return queued(task, tag, count, wrong, seed)
    top = np.argsort(-(task.vectors @ task.texts[tag]), kind="stable")
    if source == "top yes":
        yes = top[truth[top]]
        return yes[: min(count, len(yes) // 2)]
    return (top[~truth[top]] if source == "top no" else top)[:count]


def measure(
    task: Task, source: str, count: int, orders: list[Rows], wrong: float, seed: int
) -> dict[str, float]:
    """Compare soutu with `count` labels a tag, the first of each order, and without any."""
    before = task.heads.probabilities(task.vectors)
    counted = np.ones(task.truth.shape, dtype=np.bool_)
    holds = np.zeros(task.truth.shape, dtype=np.bool_)
    gains = []
    for tag, order in enumerate(orders):
        # Half yes, half no is not what the first of many so drawn are.
        rows = ordered(task, tag, source, count, wrong, seed) if source == "balanced" else order
        head = learned(task, tag, rows[:count], wrong, seed)
        logits = task.vectors @ head.weights + np.float32(head.bias)
        holds[:, tag] = sigmoid(logits) >= head.threshold
        counted[rows[:count], tag] = False
        rest = counted[:, tag]
        truth = task.truth[rest, tag]
        if truth.any():
            after, then = (average_precision(s[rest], truth) for s in (logits, before[:, tag]))
            gains.append(after - then)
    new = f1(holds, task.truth, counted)
    old = f1(before >= task.heads.thresholds, task.truth, counted)
    ratios = {kind: new[kind] / max(old[kind], 1e-9) for kind in new}
    return {**ratios, "mAP": 100 * float(np.mean(gains)) if gains else 0.0}


def main() -> None:
    """Run the bench."""
    parser = labelled.arguments(__doc__)
    counts = [5, 10, 20, 50]
    parser.add_argument("--labels", type=int, nargs="*", default=counts, help=f"default {counts}")
    parser.add_argument("--source", choices=SOURCES, nargs="*", default=SOURCES, help="default all")
    parser.add_argument("--wrong", type=float, default=0.0, help="share of wrong answers")
    parser.add_argument("--least", type=int, default=6, help="pictures a tag needs (default 6)")
    chosen = parser.parse_args()
    facts = harness.machine()
    task = load(chosen)
    figures: dict[str, dict[int, dict[str, float]]] = {}
    for source in chosen.source:
        runs = []
        for seed in range(chosen.rounds):
            over = (chosen.wrong, seed)
            orders = [
                ordered(task, tag, source, max(chosen.labels), *over)
                for tag in range(len(task.tags))
            ]
            runs.append([measure(task, source, n, orders, *over) for n in chosen.labels])
        figures[source] = {
            n: {key: float(np.mean([run[at][key] for run in runs])) for key in runs[0][at]}
            for at, n in enumerate(chosen.labels)
        }
    pictures, tags = task.truth.shape
    head = (
        f"micro F1 / macro F1 as ratios to no labels, and points of mAP gained: {pictures} "
        f"pictures, {tags} tags, {chosen.rounds} draws, {chosen.wrong:.0%} of the answers wrong"
    )
    rows = [
        [source, *(f"{v['micro']:.2f} / {v['macro']:.2f} {v['mAP']:+.1f}" for v in by.values())]
        for source, by in figures.items()
    ]
    table = harness.table(["labels a tag", *(str(n) for n in chosen.labels)], rows)
    harness.report(facts, [head, table], figures, chosen.json)


if __name__ == "__main__":
    main()
