"""Cold search: the whole process of a search in words, in a library of 10,000 pictures.

soutu searches with its bundled model, rclip (`--no-indexing`) with its ViT-B/32, in a database of
the same pictures. The first run of each warms the disk cache and is not counted. `--imports` adds
what soutu's imports take.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import engines
import harness
import pictures

QUERY = "a cat"


def main() -> None:
    """Run the bench."""
    parser = harness.arguments(__doc__, rounds=9)
    parser.add_argument("--pictures", type=int, default=10_000, help="pictures (default 10,000)")
    parser.add_argument("--imports", action="store_true", help="show what soutu's imports take")
    chosen = parser.parse_args()
    facts = harness.machine("sqlalchemy", "qdrant-edge-py", "tokenizers")
    folder = pictures.many_files(chosen.pictures)
    library = engines.soutu_library(folder, f"many-{chosen.pictures}")
    data = engines.rclip_library(folder, f"many-{chosen.pictures}")
    search: list[str | Path] = [engines.soutu_script(), "search", QUERY, "--library", library]
    search += ["--all", "--format", "paths"]
    rclip: list[str | Path] = [engines.rclip_python().parent / "rclip", "--no-indexing", QUERY]
    rclip_env = {"RCLIP_DATADIR": str(data), "HF_HUB_OFFLINE": "1"}

    def run_soutu() -> harness.Finished:
        return harness.run(search, env=engines.soutu_home())

    def run_rclip() -> harness.Finished:
        return harness.run(rclip, env=rclip_env, cwd=folder)

    both = {"soutu": run_soutu, "rclip": run_rclip}
    for name, engine in both.items():
        if engine().out.count(".jpg") < 10:
            raise SystemExit(f"{name} found nothing")
    found = harness.rounds(both, chosen.rounds)
    seconds = {name: [run.seconds for run in runs] for name, runs in found.items()}
    half = {name: harness.median(times) for name, times in seconds.items()}
    rows = [
        [
            name,
            f"{half[name]:.2f}",
            f"{min(seconds[name]):.2f}",
            f"{half[name] / half['rclip']:.2f}",
            f"{harness.median([run.cpu_seconds for run in found[name]]):.2f}",
            f"{max(run.peak_mb for run in found[name]):.0f}",
        ]
        for name in both
    ]
    head = ["engine", "median, s", "best, s", "of rclip's", "processor, s", "peak MB"]
    title = f"### Search of {chosen.pictures} pictures, whole process, {chosen.rounds} runs"
    tables = [f"{title}\n\n{harness.table(head, rows)}"]
    if chosen.imports:
        tables.append(imports(search))
    figures = {name: [vars(run) | {"out": "", "err": ""} for run in found[name]] for name in both}
    harness.report(facts, tables, figures, chosen.json)


def imports(search: Sequence[str | Path], most: int = 25) -> str:
    """Return a table of the modules whose own import, without what they import, takes longest."""
    python = [sys.executable, "-X", "importtime"]
    timed = harness.run([*python, *search], env=engines.soutu_home())
    line = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \|(\s+)(\S+)")
    found = [match.groups() for match in map(line.match, timed.err.splitlines()) if match]
    packages: dict[str, int] = {}
    for own, _, _, name in found:
        package = name.split(".")[0]
        packages[package] = packages.get(package, 0) + int(own)
    slowest = sorted(packages.items(), key=lambda item: -item[1])[:most]
    rows = [[name, f"{own / 1000:.1f}"] for name, own in slowest]
    total = sum(packages.values()) / 1000
    return f"### Imports: {total:.0f} ms\n\n{harness.table(['package', 'ms'], rows)}"


if __name__ == "__main__":
    main()
