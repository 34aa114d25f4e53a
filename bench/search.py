"""Search speed, recall and memory of soutu's indexes beside FAISS, on the same vectors.

Seeded vectors in clusters stand for pictures. Two kinds of queries: picture-like (a member of a
cluster, disturbed) and text-like (mostly a direction that all texts share and no picture has, as
CLIP's texts lie apart from its pictures). Each engine runs in a process of its own, one after
another, on the same file; recall is against exact search.

    python bench/search.py                 # 1,000,000 x 512, half an hour
    python bench/search.py --n 100000      # a quick look

Needs `pip install faiss-cpu`, in addition to the `dev` extra.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import harness
from soutu.index.edge import EdgeIndex
from soutu.index.edge_folder import EdgeSettings
from soutu.index.memory import MemoryIndex
from soutu.metrics import recall_at_k

F32 = NDArray[np.float32]
K = 10
BATCH = 20_000
QUERIES = 500  # of each kind
Answer = Callable[[F32], NDArray[np.int64]]

CODES = {
    "edge exact": EdgeSettings(graph_from=10**9),
    "edge HNSW fp32": EdgeSettings(codes="fp32"),
    "edge HNSW int8": EdgeSettings(codes="int8"),
    "edge HNSW 4-bit (default)": EdgeSettings(),
    "edge HNSW 2-bit": EdgeSettings(codes="turbo2"),
    "edge HNSW 1-bit": EdgeSettings(codes="binary"),
}
ENGINES = ("FAISS Flat", "FAISS HNSW32", "FAISS IVF-PQ", "memory", *CODES)


def unit(rows: F32) -> F32:
    """Scale rows to unit length."""
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def make(folder: Path, n: int, dim: int) -> None:
    """Write vectors, queries and the true neighbours of these, unless they are there."""
    if (folder / "truth.npy").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    centres = unit(rng.standard_normal((max(50, n // 250), dim), dtype=np.float32))
    vectors = np.lib.format.open_memmap(folder / "x.npy", "w+", np.float32, (n, dim))
    for start in range(0, n, BATCH):
        size = min(BATCH, n - start)
        noise = unit(rng.standard_normal((size, dim), dtype=np.float32))
        vectors[start : start + size] = unit(centres[rng.integers(len(centres), size=size)] + noise)
    vectors.flush()
    members = np.sort(rng.choice(n, QUERIES, replace=False))
    pictures = unit(vectors[members] + 0.6 * unit(rng.standard_normal((QUERIES, dim), np.float32)))
    gap = unit(rng.standard_normal((1, dim), dtype=np.float32))
    own = centres[rng.integers(len(centres), size=QUERIES)]
    noise = unit(rng.standard_normal((QUERIES, dim), dtype=np.float32))
    queries = np.concatenate([pictures, unit(1.5 * gap + own + 0.8 * noise)])
    np.save(folder / "q.npy", queries)
    best = np.full((len(queries), 0), 0, dtype=np.int64)
    scores = np.full((len(queries), 0), 0, dtype=np.float32)
    for start in range(0, n, BATCH):
        found = queries @ vectors[start : start + BATCH].T
        ids = np.broadcast_to(np.arange(start, start + found.shape[1]), found.shape)
        scores, best = np.hstack([scores, found]), np.hstack([best, ids])
        order = np.argsort(-scores, axis=1)[:, :K]
        scores = np.take_along_axis(scores, order, axis=1)
        best = np.take_along_axis(best, order, axis=1)
    np.save(folder / "truth.npy", best)


def payload(number: int) -> dict[str, Any]:
    """Return what a picture of a camera carries."""
    return {"folder": ["/", "/photos", f"/photos/{number // 1000}"], "bytes": number}


def fill(index: MemoryIndex | EdgeIndex, vectors: F32) -> None:
    """Store the vectors as an indexing run does, and build the graph."""
    for start in range(0, len(vectors), BATCH):
        ids = np.arange(start, min(start + BATCH, len(vectors)), dtype=np.int64)
        rows = np.ascontiguousarray(vectors[start : start + BATCH])
        index.upsert(ids + 1, rows, [payload(i) for i in ids.tolist()])
    index.optimize()


def soutu_engine(name: str, folder: Path, vectors: F32) -> tuple[float, float, Answer, float]:
    """Build and load one of soutu's indexes: seconds of both, how to ask it, MB on disk."""
    started = time.perf_counter()
    if name == "memory":
        memory = MemoryIndex(vectors.shape[1])
        fill(memory, vectors)
        built = time.perf_counter() - started
        return built, 0.0, lambda q: memory.search(q[None], k=K)[0].ids - 1, 0.0
    place, settings, dim = folder / "edge", CODES[name], vectors.shape[1]
    shutil.rmtree(place, ignore_errors=True)
    index = EdgeIndex.open(place, dim=dim, config=settings)
    fill(index, vectors)
    index.close()
    built = time.perf_counter() - started
    started = time.perf_counter()
    opened = EdgeIndex.open(place, dim=dim, config=settings)
    loaded = time.perf_counter() - started
    exact = name == "edge exact"
    size = sum(f.stat().st_blocks * 512 for f in place.rglob("*") if f.is_file()) / 1e6
    return built, loaded, lambda q: opened.search(q[None], k=K, exact=exact)[0].ids - 1, size


def faiss_engine(name: str, folder: Path, vectors: F32) -> tuple[float, float, Answer, float]:
    """Build and load one of FAISS's indexes, with the parameters its wiki recommends."""
    try:
        faiss: Any = importlib.import_module("faiss")
    except ImportError:
        raise SystemExit("bench/search.py needs FAISS. Run: pip install faiss-cpu") from None
    dim, n = vectors.shape[1], len(vectors)
    lists = int(4 * n**0.5)
    factory = {
        "FAISS Flat": "Flat",
        "FAISS HNSW32": "HNSW32",
        "FAISS IVF-PQ": f"IVF{lists},PQ64",
    }[name]
    started = time.perf_counter()
    index = faiss.index_factory(dim, factory, faiss.METRIC_INNER_PRODUCT)
    if not index.is_trained:
        index.train(np.ascontiguousarray(vectors[:: max(1, n // (40 * lists))]))
    for start in range(0, n, BATCH):
        index.add(np.ascontiguousarray(vectors[start : start + BATCH]))
    if name == "FAISS HNSW32":
        index.hnsw.efSearch = 128
    if name == "FAISS IVF-PQ":
        index.nprobe = 32
    built = time.perf_counter() - started
    path = folder / "faiss.index"
    faiss.write_index(index, str(path))
    started = time.perf_counter()
    opened = faiss.read_index(str(path))
    loaded = time.perf_counter() - started
    del index
    size = path.stat().st_size / 1e6
    path.unlink()
    return built, loaded, lambda q: opened.search(q[None], K)[1][0], size


def measure(name: str, folder: Path) -> dict[str, Any]:
    """Build one engine and ask it every query, one at a time; run in a process of its own."""
    vectors = np.load(folder / "x.npy", mmap_mode="r")
    queries, truth = np.load(folder / "q.npy"), np.load(folder / "truth.npy")
    make_engine = faiss_engine if name.startswith("FAISS") else soutu_engine
    built, loaded, ask, disk = make_engine(name, folder, vectors)
    count = len(queries) if "HNSW" in name or "IVF" in name else 200  # exact ones need fewer
    kinds = {"picture": range(QUERIES), "text": range(QUERIES, 2 * QUERIES)}
    result: dict[str, Any] = {"built_s": built, "loaded_s": loaded, "disk_mb": disk}
    for number in (0, QUERIES):  # the first queries page in what the load left on disk
        for query in queries[number : number + 50]:
            ask(query)
    for kind, rows in kinds.items():
        taken, hits = [], []
        for row in list(rows)[: count // 2]:
            started = time.perf_counter()
            found = ask(queries[row])
            taken.append(1000 * (time.perf_counter() - started))
            hits.append(recall_at_k(found[None], truth[row : row + 1], K))
        result[kind] = {
            "p50_ms": float(np.percentile(taken, 50)),
            "p99_ms": float(np.percentile(taken, 99)),
            "recall": float(np.mean(hits)),
        }
    result["anonymous_mb"], result["resident_mb"] = memory_mb()
    return result


def memory_mb() -> tuple[float, float]:
    """Return memory that only this process can use, and all that is resident, in MB."""
    try:
        status = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return peak, peak
    facts = {line.split(":")[0]: line.split()[1] for line in status if line.endswith("kB")}
    return int(facts["RssAnon"]) / 1024, int(facts["VmRSS"]) / 1024


def row(name: str, found: dict[str, Any], flat: dict[str, Any]) -> list[object]:
    """Lay out one engine's figures, its median latency as a ratio to FAISS Flat's too."""
    cells: list[object] = [name]
    for kind in ("picture", "text"):
        part = found[kind]
        ratio = flat[kind]["p50_ms"] / part["p50_ms"]
        cells += [f"{part['p50_ms']:.2f}", f"{part['p99_ms']:.2f}", f"{part['recall']:.4f}"]
        cells += [f"{ratio:.1f}"]
    mb = ("anonymous_mb", "resident_mb", "disk_mb")
    seconds = [f"{found['built_s']:.0f}", f"{found['loaded_s']:.2f}"]
    return [*cells, *seconds, *(f"{found[key]:.0f}" for key in mb)]


def main() -> None:
    """Run the bench."""
    parser = harness.arguments(__doc__, rounds=1)
    parser.add_argument("--n", type=int, default=1_000_000, help="how many vectors")
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--engines", nargs="*", default=ENGINES, help="which, FAISS Flat first")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    folder = harness.CACHE / f"search-{options.n}-{options.dim}"
    if options.one:
        print(json.dumps(measure(options.one, folder)))
        return
    facts = harness.machine("qdrant-edge-py", "faiss-cpu")
    make(folder, options.n, options.dim)
    found: dict[str, Any] = {}
    for name in dict.fromkeys(["FAISS Flat", *options.engines]):
        print(name, file=sys.stderr, flush=True)
        size = ["--n", str(options.n), "--dim", str(options.dim)]
        command = [sys.executable, __file__, "--one", name, *size]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ)
        found[name] = json.loads(done.stdout.splitlines()[-1])
    head = ["engine", "picture p50 ms", "p99", "recall@10", "× Flat"]
    head += ["text p50 ms", "p99", "recall@10", "× Flat"]
    head += ["build s", "load s", "own MB", "resident MB", "disk MB"]
    rows = [row(name, part, found["FAISS Flat"]) for name, part in found.items()]
    harness.report(facts, [harness.table(head, rows)], found, options.json)


if __name__ == "__main__":
    main()
