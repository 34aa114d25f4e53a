"""Every head and every loss on labelled pictures of your own: one table, and what it shows.

All heads see the same vectors and the same splits, with the settings that `soutu train` has by
default: nothing is tuned to the data. Where the data name no split `test`, a fifth is held out, and
another for validation. Thresholds are tuned, and training is stopped, on the validation split; the
test split is only measured on. Classes with too few pictures are left out, as the first line says.

- mAP has a 95 % bootstrap interval over the test pictures and, after ±, its deviation over
  `--seeds` trainings. Other figures are means over these. Heads by scikit-learn are trained once.
- CPU s are seconds of processor time on one thread, to train once. Vectors are made before.
- Verdicts compare two heads on the same test pictures by a paired bootstrap.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

import harness
import labelled
from soutu import metrics
from soutu.data import LabelledData
from soutu.data import load as load_data
from soutu.errors import SoutuError
from soutu.heads import REGIONS, Regions
from soutu.library.tagging.prompts import text_vectors
from soutu.train import MLDecoderClassifier, Plan, Settings
from soutu.train.catalogue import CLASSICAL, make
from soutu.train.run import with_splits
from soutu.types import Tag

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.models.base import Scale
    from soutu.train.catalogue import Estimator
    from soutu.train.settings import Hard, LossName
    from soutu.types import Vectors


TEXT = "ml-decoder, text queries"


@dataclass(frozen=True)
class Recipe:
    """A line of the table: a head, how it is trained, and what it looks at."""

    head: str
    loss: LossName = "bce"
    hard: Hard = "none"
    regions: Regions = "whole"

    @property
    def name(self) -> str:
        """What the table calls it."""
        hard = "" if self.hard == "none" else f", hard: {self.hard}"
        regions = "" if self.regions == "whole" else f", {self.regions}"
        return f"{self.head}{regions}{hard}"

    @property
    def repeats(self) -> bool:
        """Whether chance decides how it turns out, and training it again is cheap."""
        return self.head not in CLASSICAL

    def make(self, seed: int, scale: Scale | None) -> Estimator:
        """Return the untrained head."""
        settings = Settings(seed=seed, hard=self.hard)
        if self.head == TEXT:
            return MLDecoderClassifier(queries="text", loss=self.loss, settings=settings)
        return make(self.head, loss=self.loss, settings=settings, scale=scale)


RECIPES = (
    *(Recipe(name) for name in ("zero-shot", "anchored", "logistic", "svm", "chain", "chains")),
    *(Recipe(name) for name in ("linear", "mlp", "gcn", "ml-decoder", TEXT)),
    *(
        Recipe(name, loss)
        for name in ("linear", "ml-decoder")
        for loss in ("weighted-bce", "focal", "asl")
    ),
    *(Recipe(name, hard="reweight") for name in ("linear", "ml-decoder")),
    *(Recipe(name, regions="whole+crops") for name in ("linear", "mlp", "ml-decoder")),
)
PAIRS = (
    ("logistic", "chain"), ("logistic", "chains"), ("linear", "gcn"), ("linear", "mlp"),
    ("linear", "ml-decoder"), ("mlp", "ml-decoder"), ("linear, whole+crops", "mlp, whole+crops"),
    ("mlp, whole+crops", "ml-decoder, whole+crops"), ("linear", "linear, whole+crops"),
)  # fmt: skip
"""Heads that differ in one thing, the simpler one first: what the verdicts are about."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """Labelled pictures, their vectors by what is looked at, and the vectors of the classes."""

    data: LabelledData
    inputs: Mapping[Regions, Vectors]
    text: Vectors
    scale: Scale | None

    def part(self, regions: Regions, split: str) -> tuple[Vectors, NDArray[np.int8]]:
        """Return the vectors and the labels of a split."""
        rows = np.flatnonzero(np.array(self.data.splits) == split)
        return self.inputs[regions][rows], self.data.labels[rows]


@dataclass(frozen=True, kw_only=True, eq=False)
class Answers:
    """What a head says of the test pictures, for each seed, and the seconds to train it once."""

    scores: Sequence[NDArray[np.float32]]
    decided: Sequence[NDArray[np.bool_]]
    seconds: float


def read(path: Path, model: str, least: int) -> Task:
    """Read, split and encode a labelled set. Raises SoutuError for what cannot be used."""
    data = with_splits(load_data(path), Plan(heads=(), test_share=0.2))
    with labelled.opened(model) as cache:
        inputs = {each: labelled.encoded(cache, data.paths, each).vectors for each in REGIONS}
        yes = {split: (data.part(split).labels == 1).sum(axis=0) for split in ("train", "test")}
        kept = (yes["train"] >= least) & (yes["test"] >= 1)
        data = data.only([name for name, keep in zip(data.classes, kept, strict=True) if keep])
        text = text_vectors([Tag(name=name) for name in data.classes], cache.texts)
        return Task(data=data, inputs=inputs, text=text, scale=cache.facts.scale)


def answers(task: Task, recipe: Recipe, seeds: int) -> Answers:
    """Train a head with each seed, and score the test pictures."""
    test, _ = task.part(recipe.regions, "test")
    scores, decided, seconds = [], [], []
    for seed in range(seeds if recipe.repeats else 1):
        head = recipe.make(seed, task.scale)
        started = time.process_time()
        head.fit(
            *task.part(recipe.regions, "train"),
            classes=task.data.classes,
            text=task.text,
            validation=task.part(recipe.regions, "val"),
        )
        seconds.append(time.process_time() - started)
        scores.append(head.predict_proba(test))
        decided.append(scores[-1] >= head.thresholds_)
    return Answers(scores=scores, decided=decided, seconds=harness.median(seconds))


def warm_up() -> None:
    """Train on a handful of rows, so that no line of the table pays for imports."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, 8)).astype(np.float32)
    labels = (vectors[:, :2] > 0).astype(np.int8)
    for name in ("logistic", "linear"):
        head = make(name, loss="bce", settings=Settings(epochs=1))
        head.fit(vectors, labels, classes=["a", "b"])


def over_seeds(figures: Sequence[metrics.Figure]) -> metrics.Figure:
    """Make a figure of the mean over several trainings."""
    return lambda counts: np.mean([figure(counts) for figure in figures], axis=0)


def measured(found: Answers, labels: NDArray[np.int8]) -> dict[str, float]:
    """Return all figures of a line, as means over its trainings."""
    each = [metrics.mean_average_precision(scores, labels) for scores in found.scores]
    figure = over_seeds([metrics.figure_of_map(scores, labels) for scores in found.scores])
    interval = metrics.bootstrap(figure, len(labels))
    f1s = [metrics.f1(decided, labels) for decided in found.decided]
    ranked = [metrics.micro_average_precision(scores, labels) for scores in found.scores]
    wrong = [metrics.hamming_loss(decided, labels) for decided in found.decided]
    return {
        "mAP": interval.estimate,
        "low": interval.low,
        "high": interval.high,
        "spread": float(np.std(each)) if len(each) > 1 else float("nan"),
        "mAP micro": float(np.mean(ranked)),
        "F1 micro": float(np.mean([one.micro for one in f1s])),
        "F1 macro": float(np.mean([one.macro for one in f1s])),
        "Hamming": float(np.mean(wrong)),
        "seconds": found.seconds,
    }


def compared(a: Answers, b: Answers, labels: NDArray[np.int8]) -> dict[str, metrics.Comparison]:
    """Compare two heads on the same pictures, by ranking and by decisions."""

    def figures(found: Answers) -> dict[str, metrics.Figure]:
        parts = [metrics.f1_parts(one, labels) for one in found.decided]
        subsets = [
            metrics.figure_of_mean(metrics.subset_accuracies(one, labels)) for one in found.decided
        ]
        return {
            "mAP": over_seeds([metrics.figure_of_map(one, labels) for one in found.scores]),
            "F1 micro": over_seeds([metrics.figure_of_parts(one, "micro") for one in parts]),
            "all of a picture right": over_seeds(subsets),
        }

    first, second = figures(a), figures(b)
    return {name: metrics.paired(first[name], second[name], len(labels)) for name in first}


def layout(results: Mapping[Recipe, dict[str, float]]) -> str:
    """Lay out the table, in percent."""
    rows = []
    for recipe, found in results.items():
        loss = "-" if recipe.head in CLASSICAL else recipe.loss
        spread = "" if np.isnan(found["spread"]) else f" ± {100 * found['spread']:.1f}"
        interval = f"{100 * found['low']:.1f}–{100 * found['high']:.1f}"
        shares = [f"{100 * found[name]:.1f}" for name in ("mAP micro", "F1 micro", "F1 macro")]
        ranking = f"{100 * found['mAP']:.1f}{spread}", interval
        last = f"{100 * found['Hamming']:.2f}", f"{found['seconds']:.1f}"
        rows.append([recipe.name, loss, *ranking, *shares, *last])
    names = "mAP micro", "micro F1", "macro F1", "Hamming loss", "CPU s"
    return harness.table(["head", "loss", "mAP", "95 %", *names], rows)


def verdicts(comparisons: Mapping[tuple[str, str], dict[str, metrics.Comparison]]) -> str:
    """Lay out what each step up from a simpler head gains, in points."""
    rows = []
    for (a, b), found in comparisons.items():
        cells = []
        for one in found.values():
            points = [100 * value for value in one.difference]
            said = {"B is better": " **better**", "A is better": " **worse**"}.get(one.verdict, "")
            cells.append(f"{points[0]:+.1f} ({points[1]:+.1f} to {points[2]:+.1f}){said}")
        rows.append([b, a, *cells])
    return harness.table(["head", "beside", *next(iter(comparisons.values()))], rows)


def described(data: LabelledData, name: str) -> str:
    """Say what the labelled set is."""
    parts = Counter(data.splits)
    sizes = ", ".join(f"{parts[split]:,} {split}" for split in ("train", "val", "test"))
    yes, unknown = data.labels == 1, data.labels == -1
    each = f"{len(data.classes)} classes, {yes.sum(axis=1).mean():.2f} a picture"
    return f"### {name}\n\n{sizes}; {each}, {unknown.mean():.1%} unknown"


def measure(task: Task, recipes: Sequence[Recipe], seeds: int, name: str) -> tuple[str, Any]:
    """Measure every line of a set; return its tables and its figures."""
    _, labels = task.part("whole", "test")
    found: dict[Recipe, Answers] = {}
    for recipe in recipes:
        print(f"{name}: {recipe.name}, {recipe.loss}", file=sys.stderr, flush=True)
        found[recipe] = answers(task, recipe, seeds)
    results = {recipe: measured(one, labels) for recipe, one in found.items()}
    plain = {recipe.name: one for recipe, one in found.items() if recipe.loss == "bce"}
    pairs = [pair for pair in PAIRS if set(pair) <= plain.keys()]
    comparisons = {(a, b): compared(plain[a], plain[b], labels) for a, b in pairs}
    tables = [described(task.data, name), layout(results)]
    tables += [verdicts(comparisons)] if comparisons else []
    lines = [{**vars(recipe), **one} for recipe, one in results.items()]
    against = [
        {"head": b, "beside": a, **{name: one._asdict() for name, one in by.items()}}
        for (a, b), by in comparisons.items()
    ]
    return "\n\n".join(tables), {"lines": lines, "comparisons": against}


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, nargs="+", help="labelled sets, as soutu train takes")
    parser.add_argument("--encoder", default="mini", help="name or folder of a model")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of a head (default 3)")
    parser.add_argument("--least", type=int, default=5, help="pictures a class needs (default 5)")
    parser.add_argument("--heads", nargs="*", help="only these lines of the table")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    facts = harness.machine("torch", "scikit-learn")
    recipes = [one for one in RECIPES if chosen.heads is None or one.name in chosen.heads]
    tables, figures = [], {}
    with threadpool_limits(1):
        warm_up()
        for path in chosen.data:
            name = path.parent.name if path.is_file() else path.name
            try:
                task = read(path, chosen.encoder, chosen.least)
                table, figures[name] = measure(task, recipes, chosen.seeds, name)
            except SoutuError as error:
                raise SystemExit(f"{path}: {error}") from error
            tables.append(table)
    harness.report(facts, tables, figures, chosen.json)


if __name__ == "__main__":
    main()
