"""Re-index speed: how long an engine takes to find out that nothing changed in 20,000 files.

soutu's library and rclip's database both know every file; `index` is the time that the comparison
takes, `process` the whole command. rclip's command always answers a query too.
"""

from __future__ import annotations

import json

import engines
import harness
import pictures


def main() -> None:
    """Run the bench."""
    parser = harness.arguments(__doc__, rounds=5)
    parser.add_argument("--files", type=int, default=20_000, help="files (default 20,000)")
    chosen = parser.parse_args()
    facts = harness.machine("sqlalchemy", "qdrant-edge-py")
    folder = pictures.many_files(chosen.files)
    data = engines.rclip_library(folder)

    def rclip() -> dict[str, float]:
        done = engines.rclip(folder, data, ["a cat"])
        return {"process": done.seconds, **engines.parts(done)}

    with engines.soutu_library(folder) as library:

        def soutu() -> dict[str, float]:
            done = engines.soutu(["index", folder, "--library", library, "--json"])
            if json.loads(done.out)["skipped"] != chosen.files:
                raise SystemExit(f"not everything was up to date: {done.out}")
            return {"process": done.seconds, **engines.parts(done)}

        found = harness.rounds({"soutu": soutu, "rclip": rclip}, chosen.rounds)
    half = {
        name: {part: harness.median([run[part] for run in runs]) for part in ("index", "process")}
        for name, runs in found.items()
    }
    rows = [
        [
            name,
            f"{times['index']:.2f}",
            f"{times['index'] / half['rclip']['index']:.2f}",
            f"{times['process']:.2f}",
            f"{times['process'] / half['rclip']['process']:.2f}",
        ]
        for name, times in half.items()
    ]
    head = ["engine", "index, s", "of rclip's", "whole command, s", "of rclip's"]
    title = f"### {chosen.files} unchanged files, median of {chosen.rounds}"
    harness.report(facts, [f"{title}\n\n{harness.table(head, rows)}"], found, chosen.json)


if __name__ == "__main__":
    main()
