"""Small JSON records and whole folders on disk, replaced in one step."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from soutu.errors import ModelError, StorageError

T = TypeVar("T")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object. Raises ModelError for one that is missing or broken."""
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{path} cannot be read ({error}). Remove it and add the model again"
        ) from error
    if not isinstance(data, dict):
        raise ModelError(f"{path} holds no JSON object. Remove it and add the model again")
    return data


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Replace a JSON file in one step. Raises StorageError when the disk refuses."""
    fresh = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(json.dumps(data, indent=1, ensure_ascii=False), "utf-8")
        fresh.replace(path)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error}. Make room") from error


def replace_folder(folder: Path, fill: Callable[[Path], T]) -> T:
    """Fill a folder beside its place and move it there, so that no half-made one is ever used.

    Raises StorageError when the disk refuses.
    """
    fresh = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        fresh.mkdir(parents=True)
        made = fill(fresh)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)
    except OSError as error:
        raise StorageError(f"{folder} cannot be written: {error}. Make room") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return made


def folder_size(folder: Path) -> int | None:
    """Add up the bytes of all files below a folder; None where there is no folder."""
    if not folder.is_dir():
        return None
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
