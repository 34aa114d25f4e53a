"""Tagging quality: F1 of thresholds that find themselves, beside thresholds tuned on the answers.

Peers that see all answers: (a) one threshold for all tags, the best there is for the figure in
question, on the raw cosine, and also on soutu's probability; (b) the best threshold of each tag,
the oracle. soutu sees no label, then some labels a tag, half of them yes where possible; labelled
pictures do not count for that tag, for any engine. Figures are ratios to (a) on the cosine.
Pictures without any label count as such. Tags with fewer than `--least` pictures are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import harness
import labelled
from soutu.library.relevance import SAMPLE, concepts
from soutu.library.tagging.heads import Background, Heads, zero_shot
from soutu.library.tagging.learning import refine
from soutu.library.tagging.prompts import text_vectors
from soutu.types import Tag

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.types import Vectors

    Truth = NDArray[np.bool_]
    Scores = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """A labelled set in a model's space: `truth` [pictures, tags], and what soutu knows of it."""

    tags: tuple[str, ...]
    vectors: Vectors
    truth: Truth
    texts: Vectors
    background: Background
    heads: Heads


def load(chosen: Any) -> Task:
    """Read and encode what the command line names."""
    data = labelled.read(chosen.data, layout=chosen.layout, root=chosen.root)
    truth = data.labels == 1
    enough = truth.sum(axis=0) >= chosen.least
    if not enough.any():
        raise SystemExit(f"no label has {chosen.least} pictures. Give a lower --least")
    tags = tuple(name for name, keep in zip(data.classes, enough, strict=True) if keep)
    with labelled.opened(chosen.model) as cache:
        vectors = labelled.encoded(cache, data.paths).vectors
        texts = text_vectors([Tag(name=name) for name in tags], cache.texts)
        everyday = text_vectors([Tag(name=name) for name in concepts()], cache.texts)
        order = np.random.default_rng(0).permutation(len(vectors))[:SAMPLE]
        background = Background.measure(
            sample=vectors[order], concepts=everyday, scale=cache.facts.scale
        )
    return Task(
        tags=tags,
        vectors=vectors,
        truth=truth[:, enough],
        texts=texts,
        background=background,
        heads=zero_shot(texts, background),
    )


def draw(truth: NDArray[np.bool_], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Choose `count` pictures of one tag to label, half of them yes where there are enough.

    An odd one goes to either side by chance. At least half of the yes pictures stay unlabelled.
    """
    yes, no = np.flatnonzero(truth), np.flatnonzero(~truth)
    half = count // 2 + int(count % 2 == 1 and rng.random() < 0.5)
    wanted = min(half, len(yes) // 2)
    chosen = [rng.permutation(yes)[:wanted], rng.permutation(no)[: count - wanted]]
    return np.concatenate(chosen).astype(np.int64)


def f1(decisions: Truth, truth: Truth, counted: Truth) -> dict[str, float]:
    """Compute micro and macro F1 over the decisions [pictures, tags] that are counted."""
    hits = (decisions & truth & counted).sum(axis=0)
    claims = (decisions & counted).sum(axis=0) + (truth & counted).sum(axis=0)
    each = 2 * hits / np.maximum(claims, 1)
    return {"micro": float(2 * hits.sum() / max(claims.sum(), 1)), "macro": float(each.mean())}


def best_global(scores: Scores, truth: Truth, counted: Truth) -> dict[str, float]:
    """Return the best micro and the best macro F1 that one threshold reaches."""
    cuts = np.quantile(scores, 1 - np.geomspace(1e-5, 0.9, 150))
    found = [f1(scores >= cut, truth, counted) for cut in cuts]
    return {kind: max(each[kind] for each in found) for kind in ("micro", "macro")}


def oracle(scores: Scores, truth: Truth, counted: Truth) -> dict[str, float]:
    """Return macro F1 of each tag's best threshold, and the best micro F1 of any thresholds.

    Micro F1 above some x needs thresholds that make 2 * hits - x * claims positive, which is a
    sum over tags: each picks its best for this x, until x no longer rises (Dinkelbach 1967).
    """
    curves = []
    for tag in range(truth.shape[1]):
        rows = np.flatnonzero(counted[:, tag])
        order = rows[np.argsort(-scores[rows, tag], kind="stable")]
        hits = np.concatenate([[0], np.cumsum(truth[order, tag])])
        curves.append((hits, np.arange(len(hits)) + hits[-1]))
    macro = np.mean([np.max(2 * hits / np.maximum(claims, 1)) for hits, claims in curves])
    micro = 0.0
    for _ in range(50):
        best = [int(np.argmax(2 * hits - micro * claims)) for hits, claims in curves]
        hit = sum(curve[0][at] for curve, at in zip(curves, best, strict=True))
        claim = sum(curve[1][at] for curve, at in zip(curves, best, strict=True))
        new = 2 * hit / max(claim, 1)
        if new <= micro + 1e-9:
            break
        micro = new
    return {"micro": float(micro), "macro": float(macro)}


def labelled_heads(task: Task, count: int, seed: int) -> tuple[Heads, Truth]:
    """Refine every tag with `count` labels; say which decisions [pictures, tags] still count."""
    counted = np.ones(task.truth.shape, dtype=np.bool_)
    heads = []
    for tag in range(len(task.tags)):
        rows = draw(task.truth[:, tag], count, np.random.default_rng([seed, tag, count]))
        counted[rows, tag] = False
        y = task.truth[rows, tag]
        heads.append(refine(task.texts[tag], task.background, task.vectors[rows], y))
    return Heads.stack(heads, dim=task.texts.shape[1]), counted


def measure(task: Task, count: int, seed: int) -> dict[str, dict[str, float]]:
    """Measure all engines, with `count` labels a tag left out for all."""
    heads, counted = labelled_heads(task, count, seed)
    cosines = task.vectors @ task.texts.T
    zero = task.heads.probabilities(task.vectors)
    learned = heads.probabilities(task.vectors)
    over = (task.truth, counted)
    engines: Mapping[str, Callable[[], dict[str, float]]] = {
        "(a) one threshold on the cosine": lambda: best_global(cosines, *over),
        "one threshold on the probability": lambda: best_global(learned, *over),
        "(b) oracle threshold of each tag": lambda: oracle(learned, *over),
        "soutu": lambda: f1(learned >= heads.thresholds, *over),
        "soutu, the labels ignored": lambda: f1(zero >= task.heads.thresholds, *over),
    }
    return {name: engine() for name, engine in engines.items()}


def main() -> None:
    """Run the bench."""
    parser = labelled.arguments(__doc__)
    parser.add_argument("--labels", type=int, nargs="*", default=[0, 10], help="default 0 10")
    parser.add_argument("--least", type=int, default=2, help="pictures a tag needs (default 2)")
    chosen = parser.parse_args()
    facts = harness.machine()
    task = load(chosen)
    tables, figures = [], {}
    for count in chosen.labels:
        seeds = range(chosen.rounds if count else 1)
        runs = [measure(task, count, seed) for seed in seeds]
        figures[count] = runs
        tables.append(f"### labels a tag: {count}\n\n{layout(runs)}")
    pictures, tags = task.truth.shape
    head = f"{pictures} pictures, {tags} tags, {task.truth.mean():.2%} of the decisions are yes"
    harness.report(facts, [head, *tables], figures, chosen.json)


def layout(runs: list[dict[str, dict[str, float]]]) -> str:
    """Lay out F1 and its ratio to (a), averaged over the runs."""
    rows = []
    for name in runs[0]:
        row: list[object] = [name]
        for kind in ("micro", "macro"):
            value = float(np.mean([run[name][kind] for run in runs]))
            base = float(np.mean([next(iter(run.values()))[kind] for run in runs]))
            row += [f"{value:.3f}", f"{value / max(base, 1e-9):.2f}"]
        rows.append(row)
    return harness.table(["threshold", "micro F1", "ratio", "macro F1", "ratio"], rows)


if __name__ == "__main__":
    main()
