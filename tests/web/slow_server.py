"""`soutu`, whose searches for "slow" take a second and are noted before they end."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from soutu.cli import main
from soutu.library.folder import FolderLibrary

_search = FolderLibrary.search


def search(self: FolderLibrary, query: Any = None, **options: Any) -> Any:
    """Search, slowly where that is asked for."""
    if "slow" in str(query):
        Path(os.environ["SOUTU_TEST_NOTE"]).touch()
        time.sleep(1)
    return _search(self, query, **options)


if __name__ == "__main__":
    FolderLibrary.search = search  # type: ignore[method-assign]
    main()
