"""Name the revision of a space: a hash of everything that shapes its vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from soutu.models.base import Precision
    from soutu.models.layout import ModelFiles

REMEMBER_ABOVE = 16_000_000
"""Bytes from which on a file's hash is remembered; smaller files hash in milliseconds."""
_CHUNK = 1 << 18


def revision_of(files: ModelFiles, precision: Precision, memory: Path | None = None) -> str:
    """Hash the weights of a precision, the tokenizer and the settings into 12 hex digits.

    `memory` is a JSON file that keeps the hashes of large files by size and modification time.
    """
    import xxhash

    paths = [*files.image.weights(precision), *files.text.weights(precision), files.tokenizer]
    digest = xxhash.xxh3_64()
    remembered = _Memory(memory)
    for path in dict.fromkeys(paths):
        digest.update(remembered.hash(path).encode())
    digest.update(repr((precision, files.preprocess, files.text_spec)).encode())
    remembered.save()
    return digest.hexdigest()[:12]


class _Memory:
    """Hashes of large files by path, size and modification time."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._changed = False
        self._known: dict[str, Any] | None = None

    def hash(self, path: Path) -> str:
        status = path.stat()
        if self._path is None or status.st_size < REMEMBER_ABOVE:
            return _hash(path)
        known = self._load()
        key, stamp = str(path.resolve()), [status.st_size, status.st_mtime_ns]
        if known.get(key, [None])[:2] != stamp:
            known[key] = [*stamp, _hash(path)]
            self._changed = True
        return str(known[key][2])

    def save(self) -> None:
        if self._path is None or not self._changed:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._path.with_suffix(".new")
            fresh.write_text(json.dumps(self._known), "utf-8")
            fresh.replace(self._path)
        except OSError:
            # Only the time to hash again is lost, as on a read-only disk.
            return

    def _load(self) -> dict[str, Any]:
        if self._known is None:
            assert self._path is not None
            try:
                found = json.loads(self._path.read_text("utf-8"))
            except (OSError, ValueError):
                found = {}
            self._known = found if isinstance(found, dict) else {}
        return self._known


def _hash(path: Path) -> str:
    import xxhash

    digest = xxhash.xxh3_64()
    # One small buffer, filled again: fresh memory for every chunk costs more than the hash.
    buffer = bytearray(_CHUNK)
    view = memoryview(buffer)
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            digest.update(view[:count])
    return digest.hexdigest()
