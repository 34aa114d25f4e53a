"""The whole program on a library in memory, for tests that need a process or a terminal.

`python program.py ARGS…` does what `soutu ARGS…` does. The library has SOUTU_TEST_HITS hits, and
indexing takes batches of 50 ms until it is stopped or 200 are done.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # as pytest does for the tests

import soutu.library
from cli.fake import FakeLibrary, hit
from soutu.cli import main
from soutu.types import IndexReport, Progress

BATCHES = 200


class SlowLibrary(FakeLibrary):
    """Take long to index."""

    def add(self, paths: Iterable[Path | str], **options: Any) -> IndexReport:
        """Work in batches, asking after each whether to stop."""
        for done in range(BATCHES):
            if options["on_progress"] is not None:
                options["on_progress"](
                    Progress(stage="index", done=done, total=BATCHES, failed=min(done, 2))
                )
            if options["should_stop"]():
                return IndexReport(added=done, interrupted=True, seconds=done * 0.05)
            time.sleep(0.05)
        return IndexReport(added=BATCHES, seconds=BATCHES * 0.05)


if __name__ == "__main__":
    library = SlowLibrary(Path("library"))
    hits = int(os.environ.get("SOUTU_TEST_HITS", "3"))
    library.hits = [
        hit(f"/photos/holiday/{number:04d} 猫 on the sofa.jpg", 0.9 - number / hits)
        for number in range(hits)
    ]
    # It answers what search and index ask for; tagging_program.py knows tags.
    soutu.library.open_library = library.open  # type: ignore[assignment]
    main()
