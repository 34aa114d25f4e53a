"""Index speed: pictures a second, of soutu, rclip and a torch loop with the same ViT-B/32.

Every engine runs once a round, in a process of its own; the figures are those of its best round.
`decode alone` and `encode alone` use all cores for one half of the work each; the bound is what
the two allow together, 1 / (1/decode + 1/encode). `--memory N` instead indexes N small pictures
with the bundled model and tells how much memory that takes over time.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

import engines
import harness
import pictures
from engines import Indexed
from soutu.images.decode import decode, read
from soutu.images.source import FileEntry, scan
from soutu.library import default_models
from soutu.library.pipeline import CHUNK, encode_files
from soutu.models.base import Encoder, PrecisionChoice
from soutu.models.store import ModelStore

CORES = len(os.sched_getaffinity(0))
PARTS = ("decode", "encode", "pipeline")


def main() -> None:
    """Run the bench."""
    parser = harness.arguments(__doc__, rounds=3)
    parser.add_argument("--small", type=int, default=500, help="pictures of 0.2 MP (default 500)")
    parser.add_argument("--large", type=int, default=100, help="pictures of 12 MP (default 100)")
    parser.add_argument("--memory", type=int, metavar="N", help="measure memory over N pictures")
    chosen = parser.parse_args()
    facts = harness.machine()
    if chosen.memory:
        figures, tables = memory(chosen.memory)
    else:
        figures, tables = speed(chosen.small, chosen.large, chosen.rounds)
    harness.report(facts, tables, figures, chosen.json)


# --- speed ---


def speed(small: int, large: int, count: int) -> tuple[Any, list[str]]:
    """Measure both sets of pictures."""
    figures: dict[str, Any] = {}
    tables = []
    for kind, number in ((pictures.SMALL, small), (pictures.LARGE, large)):
        if number:
            folder = pictures.folder_of(kind, number)
            figures[kind.name] = found = measure(folder, count)
            tables.append(f"### {kind.name}: {pictures.summary(folder)}\n\n{layout(found)}")
    return figures, tables


def measure(folder: Path, count: int) -> dict[str, Any]:
    """Return the seconds of every engine and of every part of soutu."""
    clip = engines.clip_model() / "soutu"
    models: dict[str, tuple[str | Path, PrecisionChoice]] = {
        "fp32": (clip, "fp32"),
        "int8": (clip, "int8"),
        "mini": ("mini", "auto"),
    }
    for model, precision in models.values():
        encoder(model, precision).close()  # quantised here, where it is not timed
    whole: dict[str, Callable[[], Indexed]] = {
        "rclip": partial(engines.index_with_rclip, folder),
        "torch, batches of 16": partial(engines.index_with_torch, folder, batch=16),
        "torch, batches of 32": partial(engines.index_with_torch, folder, batch=32),
    }
    parts: dict[str, Callable[[], float]] = {}
    for name, (model, precision) in models.items():
        whole[f"soutu {name}"] = partial(
            engines.index_with_soutu, folder, model=model, precision=precision
        )
        for part in (decode_alone, encode_alone, pipeline_alone):
            what = f"{part.__name__.removesuffix('_alone')} {name}"
            parts[what] = partial(apart, part, folder, model, precision)
    done: dict[str, list[Any]] = harness.rounds({**whole, **parts}, count)
    return {
        "pictures": engines.count(folder),
        "whole": {name: [asdict(run) for run in done[name]] for name in whole},
        "parts": {name: done[name] for name in parts},
    }


def apart(
    part: Callable[[Path, Encoder], float],
    folder: Path,
    model: str | Path,
    precision: PrecisionChoice,
) -> float:
    """Measure a part in a process of its own, as the engines are."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(with_encoder, part, folder, model, precision).result()


def with_encoder(
    part: Callable[[Path, Encoder], float],
    folder: Path,
    model: str | Path,
    precision: PrecisionChoice,
) -> float:
    """Open a model, then measure a part with it."""
    return part(folder, encoder(model, precision))


def encoder(model: str | Path, precision: PrecisionChoice) -> Encoder:
    """Open a model as indexing does: one thread a run, as many runs as cores."""
    home = Path(engines.soutu_home()["SOUTU_HOME"])
    return ModelStore(default_models(home)).load(model, precision=precision, threads=1)


def entries(folder: Path) -> Iterator[FileEntry]:
    """Yield a folder's pictures."""
    return (entry for entry in scan([folder]) if isinstance(entry, FileEntry))


def decode_alone(folder: Path, model: Encoder) -> float:
    """Return the seconds to read and decode every picture on all cores."""
    spec = model.facts.preprocess
    started = time.perf_counter()
    with ThreadPoolExecutor(CORES) as pool:
        done = sum(pool.map(lambda e: len(decode(read(e.path).data, spec).pixels), entries(folder)))
    assert done
    return time.perf_counter() - started


def encode_alone(folder: Path, model: Encoder) -> float:
    """Return the seconds to encode as many pictures as the folder has, on all cores."""
    spec = model.facts.preprocess
    shape = (CHUNK, 3, spec.height, spec.width)
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    number = engines.count(folder)
    chunks = [min(CHUNK, number - at) for at in range(0, number, CHUNK)]
    model.encode_images(pixels[:1])  # opens the graph
    started = time.perf_counter()
    with ThreadPoolExecutor(CORES) as pool:
        done = sum(pool.map(lambda n: len(model.encode_images(pixels[:n])), chunks))
    assert done == number
    return time.perf_counter() - started


def pipeline_alone(folder: Path, model: Encoder) -> float:
    """Return the seconds to decode and encode every picture, storing nothing."""
    spec = model.facts.preprocess
    model.encode_images(np.zeros((1, 3, spec.height, spec.width), dtype=np.uint8))
    started = time.perf_counter()
    done = sum(len(batch.encoded) for batch in encode_files(entries(folder), model))
    assert done == engines.count(folder)
    return time.perf_counter() - started


def layout(found: Mapping[str, Any]) -> str:
    """Lay out what `measure` found."""
    number, whole = found["pictures"], found["whole"]

    def rate(name: str, key: str) -> float:
        return float(number / min(run[key] for run in whole[name]))

    rows = [
        [
            name,
            f"{rate(name, 'index'):.1f}",
            f"{rate(name, 'index') / rate('rclip', 'index'):.2f}",
            f"{rate(name, 'process'):.1f}",
            f"{rate(name, 'process') / rate('rclip', 'process'):.2f}",
            f"{1000 / rate(name, 'cpu'):.0f}",
            f"{max(run['peak_mb'] for run in runs):.0f}",
        ]
        for name, runs in whole.items()
    ]
    head = ["engine", "indexing /s", "× rclip", "whole command /s", "× rclip"]
    head += ["processor ms a picture", "peak MB"]
    limits = []
    for name in ("fp32", "int8", "mini"):
        best = {key: min(found["parts"][f"{key} {name}"]) for key in PARTS}
        bound = best["decode"] + best["encode"]
        limits.append(
            [
                name,
                *(f"{number / best[key]:.1f}" for key in ("decode", "encode")),
                f"{number / bound:.1f}",
                f"{number / best['pipeline']:.1f}",
                f"{bound / best['pipeline']:.0%}",
                f"{bound * rate(f'soutu {name}', 'index') / number:.0%}",
            ]
        )
    parts = ["soutu", "decode alone /s", "encode alone /s", "bound /s"]
    parts += ["pipeline /s", "of the bound", "`soutu index` of it"]
    return f"{harness.table(head, rows)}\n\n{harness.table(parts, limits)}"


# --- memory ---


def memory(number: int) -> tuple[Any, list[str]]:
    """Index many small pictures and watch the process's memory."""
    folder = pictures.many_files(number)
    with engines.scratch() as place:
        command = [engines.soutu_script(), "index", folder, "--library", place / "library"]
        started = time.perf_counter()
        with subprocess.Popen(
            [*map(str, command), "--quiet"], env={**os.environ, **engines.soutu_home()}
        ) as child:
            whole = list(watch(child))
        seconds = time.perf_counter() - started
        if child.returncode != 0:
            raise SystemExit("soutu index failed")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        alone = pool.submit(pipeline_memory, folder).result()
    rows = []
    for share in (0.1, 0.25, 0.5, 0.75, 0.9, 1.0):
        parts = (samples[: max(1, round(share * len(samples)))] for samples in (whole, alone))
        rows.append([f"{share:.0%}", *(f"{max(part):.0f}" for part in parts)])
    title = f"### {number} pictures with mini in {seconds:.0f} s ({number / seconds:.0f}/s)"
    head = ["of the run", "`soutu index`, peak MB so far", "pipeline alone"]
    figures = {"seconds": seconds, "whole": whole, "pipeline": alone}
    return figures, [f"{title}\n\n{harness.table(head, rows)}"]


def watch(child: subprocess.Popen[bytes]) -> Iterator[float]:
    """Yield a process's memory five times a second until it ends."""
    while child.poll() is None:
        time.sleep(0.2)
        if (used := anonymous_mb(str(child.pid))) is not None:
            yield used


def pipeline_memory(folder: Path) -> list[float]:
    """Return this process's memory after each batch that the pipeline alone gives."""
    batches = encode_files(entries(folder), encoder("mini", "auto"))
    return [anonymous_mb("self") or 0.0 for _ in batches]


def anonymous_mb(pid: str) -> float | None:
    """Return the resident memory of a process that no file backs, in MB."""
    status = Path(f"/proc/{pid}/status")
    lines = status.read_text().splitlines() if status.exists() else []
    found = [int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon")]
    return found[0] if found else None


if __name__ == "__main__":
    main()
