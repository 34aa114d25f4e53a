"""Run soutu's own command line and print, as the last line of stderr, how long its parts took.

Run by the benches in soutu's environment, with soutu's own arguments.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any


def main() -> None:
    """Time `FolderLibrary.add`, which is all that `soutu index` does once it has opened up."""
    started = time.perf_counter()
    from soutu.cli.app import app
    from soutu.library.folder import FolderLibrary

    seconds = {"imports": time.perf_counter() - started}
    plain = FolderLibrary.add

    def timed(self: FolderLibrary, *arguments: Any, **options: Any) -> Any:
        began = time.perf_counter()
        try:
            return plain(self, *arguments, **options)
        finally:
            seconds["index"] = time.perf_counter() - began

    FolderLibrary.add = timed  # type: ignore[method-assign]
    try:
        app(prog_name="soutu")
    finally:
        sys.stderr.write("\n" + json.dumps(seconds) + "\n")


if __name__ == "__main__":
    main()
