"""Learning from yes and no: mAP against the number of labels a tag.

soutu's heads beside the zero-shot ones, plain logistic regression (scikit-learn's defaults) and
the nearest prototype (mean of the yes minus mean of the no, by cosine). Labels are drawn half yes,
half no, where there are enough; labelled pictures do not count for that tag, for any engine.
Where all labels agree, logistic regression cannot be fitted and the prototype stands in for it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

import harness
import labelled
from soutu.library.tagging.learning import refine
from soutu.metrics import average_precision
from tagging import Task, draw, load

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.types import Vectors

    Direction = NDArray[np.float32]
    Learner = Callable[[Task, int, Vectors, NDArray[np.bool_]], Direction]


def zero_shot(task: Task, tag: int, _: Vectors, __: NDArray[np.bool_]) -> Direction:
    """Rank by the text alone."""
    text: Direction = task.texts[tag]
    return text


def soutu(task: Task, tag: int, vectors: Vectors, y: NDArray[np.bool_]) -> Direction:
    """Rank by soutu's head."""
    return refine(task.texts[tag], task.background, vectors, y).weights


def prototype(task: Task, tag: int, vectors: Vectors, y: NDArray[np.bool_]) -> Direction:
    """Rank by the mean of the yes minus the mean of the no."""
    if len(y) == 0:
        return np.zeros_like(task.texts[tag])
    sides = [vectors[y == value].mean(axis=0) for value in (True, False) if (y == value).any()]
    signs = [1 if value else -1 for value in (True, False) if (y == value).any()]
    return np.asarray(sum(sign * side for sign, side in zip(signs, sides, strict=True)))


def logistic(task: Task, tag: int, vectors: Vectors, y: NDArray[np.bool_]) -> Direction:
    """Rank by scikit-learn's LogisticRegression with its defaults."""
    from sklearn.linear_model import LogisticRegression

    if len(set(y.tolist())) < 2:
        return prototype(task, tag, vectors, y)
    return np.asarray(LogisticRegression().fit(vectors, y).coef_[0], dtype=np.float32)


LEARNERS: Mapping[str, Learner] = {
    "zero-shot": zero_shot,
    "plain logistic regression": logistic,
    "nearest prototype": prototype,
    "soutu": soutu,
}


def measure(task: Task, count: int, seed: int) -> dict[str, list[float]]:
    """Return the average precision of every tag, by engine."""
    found: dict[str, list[float]] = {name: [] for name in LEARNERS}
    for tag in range(len(task.tags)):
        truth = task.truth[:, tag]
        rows = draw(truth, count, np.random.default_rng([seed, tag, count]))
        rest = np.ones(len(truth), dtype=np.bool_)
        rest[rows] = False
        for name, learner in LEARNERS.items():
            direction = learner(task, tag, task.vectors[rows], truth[rows])
            scores = task.vectors[rest] @ direction
            found[name].append(average_precision(scores, truth[rest]))
    return found


def main() -> None:
    """Run the bench."""
    parser = labelled.arguments(__doc__)
    counts = [0, 1, 2, 5, 10, 50]
    parser.add_argument("--labels", type=int, nargs="*", default=counts, help=f"default {counts}")
    parser.add_argument("--least", type=int, default=6, help="pictures a tag needs (default 6)")
    chosen = parser.parse_args()
    facts = harness.machine("scikit-learn")
    task = load(chosen)
    figures: dict[str, dict[int, float]] = {name: {} for name in LEARNERS}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn's remarks on convergence
        for count in chosen.labels:
            runs = [measure(task, count, seed) for seed in range(chosen.rounds if count else 1)]
            for name, values in figures.items():
                values[count] = float(np.mean([np.nanmean(run[name]) for run in runs]))
    pictures, tags = task.truth.shape
    head = f"mAP in percent, {pictures} pictures, {tags} tags, {chosen.rounds} draws of labels"
    rows = [
        [name, *(f"{100 * value:.1f}" for value in values.values())]
        for name, values in figures.items()
    ]
    table = harness.table(["labels a tag", *(str(count) for count in chosen.labels)], rows)
    harness.report(facts, [head, table], figures, chosen.json)


if __name__ == "__main__":
    main()
