"""Run rclip's own `main` and print, as the last line of stderr, how long its parts took.

Run by the benches in rclip's environment, with rclip's own arguments.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from typing import Any


def main() -> None:
    """Time `ensure_index`, which is all that rclip does to index a folder."""
    started = time.perf_counter()
    rclip: Any = importlib.import_module("rclip.main")
    seconds = {"imports": time.perf_counter() - started}
    plain = rclip.RClip.ensure_index

    def timed(self: Any, directory: str) -> None:
        began = time.perf_counter()
        plain(self, directory)
        seconds["index"] = time.perf_counter() - began

    rclip.RClip.ensure_index = timed
    rclip.main()
    sys.stderr.write("\n" + json.dumps(seconds) + "\n")


if __name__ == "__main__":
    main()
