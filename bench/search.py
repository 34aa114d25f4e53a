"""Latency, recall, memory, build and load time of vector searches, beside FAISS in the same run.

    python bench/search.py [--n 1000000] [--dim 512] [--json FILE] [--engines NAME ...]

The vectors are drawn, not real, but shaped like CLIP's: a mixture of 4,000 clusters of uneven size
in a cone (two random pictures have cosine 0.5), variance falling off along the axes (i ** -0.8,
rotated), and one coordinate that carries most of the mean. Queries are of two kinds:
- pictures: a stored vector with noise (cosine 0.91 to it, 0.76 to the tenth);
- texts: off the manifold of pictures, across a modality gap (cosine 0.34 to the best hit, 0.30 to
  the tenth), which is harder for a graph that was built between pictures.

Each engine is built in one process and asked in another, on the same files, so that memory is its
own. Every query is timed alone, after a pass of other queries of the same kinds.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness import machine, report, table
from search_engines import FILTERS, K, engines, forget, passes
from soutu.metrics import recall_at_k

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.types import Ids, Vectors

BASE = "FAISS Flat"
KINDS = ("pictures", "texts")
CENTRES = 4000
STEP = 50_000


def main() -> None:
    """Run the bench, or one of its own child processes."""
    options = _options()
    if options.child:
        task, name, folder = options.child
        result = {"build": build, "ask": ask}[task](name, Path(folder))
        print(json.dumps(result))
        return
    facts = machine("qdrant-edge-py", "faiss-cpu")
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="soutu-bench-") as folder:
        rows = run(Path(folder), options)
    asked = {"n": options.n, "dim": options.dim, "queries": options.queries, "k": K}
    report(facts, tables(rows, options), {**asked, "rows": rows}, options.json)


def run(folder: Path, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Draw the data, then build and ask each engine; return one row for each setting."""
    started = time.perf_counter()
    draw(folder, options.n, options.dim, options.queries)
    _say(f"drew {options.n:,} x {options.dim} in {time.perf_counter() - started:.0f} s")
    rows: list[dict[str, Any]] = []
    for name in options.engines:
        built = _child("build", name, folder)
        asked = _child("ask", name, folder)
        forget(folder / "built")
        for point, figures in asked.pop("points").items():
            rows.append({"engine": name, "point": point, **built, **asked, **figures})
            _say(f"{name} {point}: {json.dumps(rows[-1])}")
    base = next((row for row in rows if row["engine"] == BASE), None)
    for row in rows:
        for kind in KINDS if base else ():
            row[kind]["times_faster"] = base[kind]["p50"] / row[kind]["p50"] if base else None
    return rows


# --- Data. ---


def draw(folder: Path, n: int, dim: int, queries: int, seed: int = 0) -> None:
    """Write vectors, queries of both kinds and the true neighbours into the folder."""
    rng = np.random.default_rng(seed)
    spectrum = np.arange(1, dim + 1) ** -0.8
    deviation = np.sqrt(spectrum / spectrum.sum()).astype(np.float32)
    rotation = np.linalg.qr(rng.standard_normal((dim, dim)))[0].astype(np.float32)
    mean, gap = _directions(rng, dim)

    def noise(rows: int) -> Vectors:
        drawn: Vectors = (rng.standard_normal((rows, dim), dtype=np.float32) * deviation) @ rotation
        return drawn

    centres = noise(CENTRES)
    weights = rng.gamma(2.0, size=CENTRES)
    weights /= weights.sum()
    stored = np.lib.format.open_memmap(folder / "vectors.npy", "w+", np.float32, (n, dim))
    for start in range(0, n, STEP):
        of = rng.choice(CENTRES, min(STEP, n - start), p=weights)
        part = np.sqrt(0.5) * mean + np.sqrt(0.3) * centres[of] + np.sqrt(0.2) * noise(len(of))
        stored[start : start + len(of)] = _unit(part)

    of = rng.choice(CENTRES, 2 * queries, p=weights)
    texts = np.sqrt(0.6) * gap + np.sqrt(0.25) * centres[of] + np.sqrt(0.15) * noise(len(of))
    near = np.sort(rng.choice(n, 2 * queries, replace=n < 2 * queries))
    drawn = {
        "pictures": rng.permutation(_unit(stored[near] + np.float32(0.45) * noise(len(near)))),
        "texts": _unit(texts),
    }
    for kind, vectors in drawn.items():
        # The second half only warms the caches.
        np.save(folder / f"{kind}.npy", vectors)
        np.save(folder / f"{kind}-true.npy", nearest(stored, vectors[:queries]))
        for name in FILTERS:
            true = nearest(stored, vectors[:queries], name)
            np.save(folder / f"{kind}-true-{name}.npy", true)


def nearest(stored: Vectors, queries: Vectors, filter_name: str | None = None) -> Ids:
    """Return the ids of the K nearest for each query, from products over all vectors."""
    ids = np.zeros((len(queries), K), np.int64)
    best = np.full((len(queries), K), -np.inf, np.float32)
    for start in range(0, len(stored), STEP):
        part = np.arange(start + 1, min(start + STEP, len(stored)) + 1)
        if filter_name:
            part = part[passes(filter_name, part)]
        scores = np.concatenate([best, queries @ stored[part - 1].T], axis=1)
        named = np.concatenate([ids, np.broadcast_to(part, (len(queries), len(part)))], axis=1)
        top = np.argpartition(-scores, K, axis=1)[:, :K]
        best, ids = np.take_along_axis(scores, top, 1), np.take_along_axis(named, top, 1)
    return ids


def _directions(rng: np.random.Generator, dim: int) -> tuple[Vectors, Vectors]:
    """Draw the mean of pictures, mostly along one coordinate, and that of texts, across it."""
    drawn = rng.standard_normal((2, dim))
    drawn[0] *= np.sqrt(0.3) / np.linalg.norm(drawn[0])
    drawn[0, dim // 4] += np.sqrt(0.7)
    mean, gap = np.linalg.qr(drawn.T)[0].T.astype(np.float32)
    return mean * np.sign(mean[dim // 4]), gap


def _unit(vectors: Vectors) -> Vectors:
    unit: Vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit


# --- Child processes. ---


def build(name: str, folder: Path) -> dict[str, Any]:
    """Build one engine."""
    engine = engines()[name]
    started = time.perf_counter()
    engine.build(folder / "vectors.npy", folder / "built")
    seconds = time.perf_counter() - started
    used = os.times()
    files = [p for p in (folder / "built").rglob("*") if p.is_file()]
    return {
        "build_s": seconds,
        "build_cpu_s": used.user + used.system,
        "build_peak_mb": _peak(),
        "disk_mb": sum(p.stat().st_blocks * 512 for p in files) / 2**20,
    }


def ask(name: str, folder: Path) -> dict[str, Any]:
    """Load one engine and time its searches at every setting."""
    engine = engines()[name]
    started = time.perf_counter()
    at = engine.load(folder / "vectors.npy", folder / "built")
    loaded = time.perf_counter()
    queries = {kind: np.load(folder / f"{kind}.npy") for kind in KINDS}
    started_first = time.perf_counter()
    at(next(iter(engine.points.values())))(queries["texts"][0], None)
    result: dict[str, Any] = {
        "load_s": loaded - started,
        "first_ms": 1e3 * (time.perf_counter() - started_first),
        "points": {},
    }
    limit = 100 if engine.exact else len(queries["texts"]) // 2
    for point, settings in engine.points.items():
        search = at(settings)
        figures: dict[str, Any] = {}
        for kind in KINDS:
            timed, warming = np.split(queries[kind], 2)
            for query in warming[:limit]:
                search(query, None)
            figures[kind] = _measure(search, timed[:limit], folder / f"{kind}-true.npy", None)
            for each in FILTERS if engine.filters else ():
                true = folder / f"{kind}-true-{each}.npy"
                figures[f"{kind} {each}"] = _measure(search, timed[:limit], true, each)
        result["points"][point] = figures
    return {**result, **_resident()}


def _measure(
    search: Any, queries: NDArray[np.float32], true: Path, filter_name: str | None
) -> dict[str, float]:
    where = FILTERS[filter_name][1] if filter_name else None
    milliseconds, found = [], []
    for query in queries:
        started = time.perf_counter()
        ids = search(query, where)
        milliseconds.append(1e3 * (time.perf_counter() - started))
        found.append(ids)
    return {
        "p50": float(np.percentile(milliseconds, 50)),
        "p99": float(np.percentile(milliseconds, 99)),
        "recall": recall_at_k(found, np.load(true)[: len(queries)], K),
    }


def _resident() -> dict[str, float]:
    """Measure resident memory in MB; what is mapped from files the system may take back."""
    memory = _memory()
    mapped = memory.get("RssFile", 0.0)
    return {"rss_mb": memory.get("VmRSS", _peak()), "rss_file_mb": mapped}


def _peak() -> float:
    """Return the most MB that were ever resident; `getrusage` would count the parent's, too."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return _memory().get("VmHWM", used)


def _memory() -> dict[str, float]:
    """Read Linux's own figures in MB; elsewhere there are none."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except FileNotFoundError:
        return {}
    return {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines if " kB" in line}


def _child(task: str, name: str, folder: Path) -> dict[str, Any]:
    command = [sys.executable, __file__, "--child", task, name, str(folder)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    result: dict[str, Any] = json.loads(output.splitlines()[-1])
    return result


# --- Output. ---


def tables(rows: list[dict[str, Any]], options: argparse.Namespace) -> list[str]:
    """Lay out what searches give, what they cost, and what filters change."""
    title = f"{options.n:,} × {options.dim} vectors, {options.queries} queries of each kind"
    parts = [f"{title}, each timed alone; recall@{K} against all vectors.", _searches(rows)]
    parts += ["What it costs:", _costs(rows)]
    filtered = [row for row in rows if f"{KINDS[0]} {next(iter(FILTERS))}" in row]
    if filtered:
        parts += ["With a filter that keeps a tenth or a hundredth of the pictures:"]
        parts += [_filtered(filtered)]
    return parts


def _searches(rows: list[dict[str, Any]]) -> str:
    head = ["engine", "search"]
    for kind in KINDS:
        head += [f"{kind}: p50 ms", "p99 ms", f"recall@{K}", f"× {BASE}"]
    lines = []
    for row in rows:
        line = [row["engine"], row["point"]]
        for kind in KINDS:
            f = row[kind]
            faster = f.get("times_faster")
            line += [f"{f['p50']:.2f}", f"{f['p99']:.2f}", f"{f['recall']:.4f}"]
            line += [f"{faster:.1f}" if faster else "-"]
        lines.append(line)
    return table(head, lines)


def _costs(rows: list[dict[str, Any]]) -> str:
    head = ["engine", "memory MB", "of it mapped", "build s", "CPU s", "peak MB", "load s"]
    lines = {
        row["engine"]: [
            row["engine"],
            f"{row['rss_mb']:.0f}",
            f"{row.get('rss_file_mb', 0):.0f}",
            f"{row['build_s']:.0f}",
            f"{row['build_cpu_s']:.0f}",
            f"{row['build_peak_mb']:.0f}",
            f"{row['load_s']:.2f}",
            f"{row['first_ms']:.1f}",
            f"{row['disk_mb']:.0f}",
        ]
        for row in rows
    }
    return table([*head, "first query ms", "disk MB"], list(lines.values()))


def _filtered(rows: list[dict[str, Any]]) -> str:
    columns = [f"{kind} {name}" for kind in KINDS for name in FILTERS]
    head = ["engine", "search"]
    for column in columns:
        head += [f"{column}: p50 ms", f"recall@{K}"]
    lines = []
    for row in rows:
        line = [row["engine"], row["point"]]
        for column in columns:
            line += [f"{row[column]['p50']:.2f}", f"{row[column]['recall']:.4f}"]
        lines.append(line)
    return table(head, lines)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    known = list(engines())
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--n", type=int, default=1_000_000, help="vectors")
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--queries", type=int, default=1000, help="of each kind")
    parser.add_argument("--json", type=Path, help="write all figures here")
    parser.add_argument("--engines", nargs="+", choices=known, default=known, metavar="NAME")
    parser.add_argument("--folder", type=Path, help="where to put the files; needs 10 KB a vector")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
