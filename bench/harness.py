"""What every bench shares: timing of processes, tables, and the facts of the machine."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

CACHE = Path(__file__).parent / ".cache"
"""Everything that benches make and keep: pictures, models, the peers' environments."""


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A process that ended: wall and processor seconds, peak resident MB, what it printed."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    out: str
    err: str


def run(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Finished:
    """Run a command to its end; exit with its errors when it fails.

    `env` is added to this process's own environment.
    """
    out, err = CACHE / f"out-{os.getpid()}", CACHE / f"err-{os.getpid()}"
    try:
        with out.open("w+") as output, err.open("w+") as errors:
            started = time.perf_counter()
            child = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                env={**os.environ, **(env or {})},
                cwd=cwd,
            )
            _, status, usage = os.wait4(child.pid, 0)
            seconds = time.perf_counter() - started
            child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            sys.stderr.write(out.read_text()[-2000:] + err.read_text()[-4000:])
            raise SystemExit(f"{command[0]} … ended with exit code {child.returncode}")
        return Finished(
            seconds=seconds,
            cpu_seconds=usage.ru_utime + usage.ru_stime,
            peak_mb=usage.ru_maxrss / 1024,
            out=out.read_text(),
            err=err.read_text(),
        )
    finally:
        out.unlink(missing_ok=True)
        err.unlink(missing_ok=True)


def rounds(engines: Mapping[str, Callable[[], T]], count: int) -> dict[str, list[T]]:
    """Run every engine once a round, so that a busy moment of the machine hits all alike."""
    results: dict[str, list[T]] = {name: [] for name in engines}
    for number in range(count):
        for name, engine in engines.items():
            print(f"round {number + 1}/{count}: {name}", file=sys.stderr, flush=True)
            results[name].append(engine())
    return results


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return float(statistics.median(values))


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Lay out a Markdown table; numbers stand to the right."""
    right = [all(_is_number(row[n]) for row in rows) for n in range(len(head))]
    rule = ["---:" if flag else "---" for flag in right]
    lines = [list(head), rule, *([str(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def machine(*packages: str) -> dict[str, Any]:
    """Describe the machine and the versions in use, without any path or name of the host."""
    versions = {"python": platform.python_version()}
    for package in ("soutu", "numpy", "onnxruntime", "pillow", *packages):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = "-"
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9),
        "system": f"{platform.system()} {platform.machine()}",
        "load_before": round(os.getloadavg()[0], 1),
        "versions": versions,
    }


def facts_line(facts: Mapping[str, Any]) -> str:
    """Say the machine's facts in one line."""
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    return (
        f"{facts['cpu']}, {facts['cores']} cores, {facts['memory_gb']} GB, {facts['system']}; "
        f"{versions}; load before the run {facts['load_before']}"
    )


def arguments(doc: str | None, *, rounds: int) -> argparse.ArgumentParser:
    """Start a bench's command line with what all have."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=rounds, help=f"rounds (default {rounds})")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    return parser


def report(facts: Mapping[str, Any], tables: Sequence[str], figures: Any, to: Path | None) -> None:
    """Print the tables with the machine's facts, and write the figures where asked to."""
    print("\n\n".join([facts_line(facts), *tables]))
    if to is not None:
        to.write_text(json.dumps({"machine": facts, "figures": figures}, indent=2) + "\n")


def _is_number(cell: object) -> bool:
    return isinstance(cell, int | float) or str(cell)[:1].isdigit() or str(cell) in ("", "-")


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
