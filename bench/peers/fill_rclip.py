"""Fill rclip's database with a folder's pictures and random vectors, by its own code.

Run by bench/engines.py in rclip's environment: FOLDER.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np


def main() -> None:
    """Write one row a picture."""
    database: Any = importlib.import_module("rclip.db")
    helpers: Any = importlib.import_module("rclip.utils.helpers")
    rng = np.random.default_rng(0)
    db = database.DB(helpers.get_app_datadir() / "db.sqlite3")
    for path in sorted(Path(sys.argv[1]).rglob("*.jpg")):
        vector = rng.standard_normal(512).astype(np.float32)
        status = path.stat()
        row = {
            "filepath": str(path),
            "modified_at": status.st_mtime,
            "size": status.st_size,
            "vector": (vector / np.linalg.norm(vector)).tobytes(),
            "hash": helpers.compute_file_hash(str(path)),
        }
        db.upsert_image(row, commit=False)
    db.close()


if __name__ == "__main__":
    main()
