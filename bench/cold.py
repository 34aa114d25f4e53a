"""Cold search: the whole process of a search in words, in a library of 10,000 pictures.

soutu searches with its bundled model, rclip (`--no-indexing`) with its ViT-B/32, in a database of
the same pictures. The first run of each warms the disk cache and is not counted. `--imports` adds
what soutu's imports take.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
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
    with engines.soutu_library(folder) as library:
        search = [str(engines.soutu_script()), "search", QUERY, "--library", str(library)]
        search += ["--all", "--format", "paths"]
        found = compare(search, folder, chosen.rounds)
        tables = [f"### Search of {chosen.pictures} pictures, whole process\n\n{layout(found)}"]
        if chosen.imports:
            tables.append(imports(search))
    figures = {
        name: [vars(run) | {"out": "", "err": ""} for run in runs] for name, runs in found.items()
    }
    harness.report(facts, tables, figures, chosen.json)


def compare(search: list[str], folder: Path, rounds: int) -> dict[str, list[harness.Finished]]:
    """Run soutu's search and rclip's in turn."""
    rclip = [str(engines.rclip_python().parent / "rclip"), "--no-indexing", QUERY]
    rclip_env = {"RCLIP_DATADIR": str(engines.rclip_library(folder)), "HF_HUB_OFFLINE": "1"}

    def run_soutu() -> harness.Finished:
        return harness.run(search, env=engines.soutu_home())

    def run_rclip() -> harness.Finished:
        return harness.run(rclip, env=rclip_env, cwd=folder)

    both = {"soutu": run_soutu, "rclip": run_rclip}
    for name, engine in both.items():
        if engine().out.count(".jpg") < 10:
            raise SystemExit(f"{name} found nothing")
    return harness.rounds(both, rounds)


def layout(found: Mapping[str, Sequence[harness.Finished]]) -> str:
    """Lay out what `compare` found."""
    half = {name: harness.median([run.seconds for run in runs]) for name, runs in found.items()}
    rows = [
        [
            name,
            f"{half[name]:.2f}",
            f"{min(run.seconds for run in runs):.2f}",
            f"{half[name] / half['rclip']:.2f}",
            f"{harness.median([run.cpu_seconds for run in runs]):.2f}",
            f"{max(run.peak_mb for run in runs):.0f}",
        ]
        for name, runs in found.items()
    ]
    head = ["engine", "median, s", "best, s", "of rclip's", "processor, s", "peak MB"]
    return harness.table(head, rows)


def imports(search: Sequence[str], most: int = 25) -> str:
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
