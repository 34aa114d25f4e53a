"""What was computed of tags in one space, kept in a file: vectors of texts, heads, pictures.

All of it can be computed again; a file that is damaged or of another version starts empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from soutu.library.tagging.cache_file import CacheFile, sealed, unsealed
from soutu.library.tagging.heads import Base, Head
from soutu.library.tagging.trained import HeadClass
from soutu.types import HeadSource

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.types import Ids

_VERSION = "3"  # of this file and of the formulas behind it; another one starts afresh
_CHUNK = 500
_SOURCES: tuple[HeadSource, ...] = ("zero-shot", "learned", "head")
_NAME = 64  # bytes of the name of a trained head's class
_T = TypeVar("_T")

_TABLES = """
CREATE TABLE IF NOT EXISTS texts (key TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS heads (
    tag INTEGER PRIMARY KEY, key TEXT NOT NULL, value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS members (
    tag INTEGER PRIMARY KEY, key TEXT NOT NULL, value BLOB NOT NULL);
"""


@dataclass(frozen=True)
class Members:
    """The pictures on which a tag holds by its head: ids [n], ascending, and their logits [n]."""

    ids: Ids
    logits: NDArray[np.float32]

    def replaced(self, changed: Ids, fresh: Members) -> Members:
        """Return these members with those of `changed` [m], ascending, as `fresh` has them."""
        kept = ~among(self.ids, changed)
        ids = np.concatenate([self.ids[kept], fresh.ids])
        order = np.argsort(ids, kind="stable")
        return Members(ids[order], np.concatenate([self.logits[kept], fresh.logits])[order])

    def above(self, least: float) -> Members:
        """Return those of a logit of at least that."""
        kept = self.logits >= np.float32(least)
        return Members(self.ids[kept], self.logits[kept])


def among(ids: Ids, known: Ids) -> NDArray[np.bool_]:
    """Tell which of ids [n] are in `known` [m], ascending; far faster than sorting both."""
    if not len(known):
        return np.zeros(len(ids), bool)
    at = np.minimum(np.searchsorted(known, ids), len(known) - 1)
    return np.asarray(known[at] == ids)


class TagCache:
    """Keep computed values in an SQLite file. Safe to call from many threads.

    Any value may be gone the next time it is asked for: then the file was damaged.
    """

    def __init__(self, path: Path) -> None:
        self._file = CacheFile(path, tables=_TABLES, version=_VERSION)

    def close(self) -> None:
        """Release the file; safe to call twice."""
        self._file.close()

    def clear(self) -> None:
        """Forget everything but the vectors of texts."""
        self._file.write(
            ("DELETE FROM heads", [()]),
            ("DELETE FROM members", [()]),
            ("DELETE FROM meta WHERE key <> 'version'", [()]),
        )

    # --- single values ---

    def meta(self, key: str) -> bytes | None:
        """Return a value, or None."""
        rows = self._file.rows("SELECT key, value FROM meta WHERE key = ?", (key,))
        return self._intact(rows, bytes).get(key)

    def set_meta(self, values: Mapping[str, bytes]) -> None:
        """Store values, all or none."""
        rows = [(key, sealed(value)) for key, value in values.items()]
        self._file.write(("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows))

    # --- vectors of texts ---

    def texts(self, keys: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return the vectors [dim] that are known, by key."""
        rows = self._select("SELECT key, value FROM texts WHERE key IN", keys)
        return self._intact(rows, lambda data: np.frombuffer(data, np.float32))

    def put_texts(self, vectors: Mapping[str, NDArray[np.float32]]) -> None:
        """Store vectors by key."""
        rows = [
            (key, sealed(vector.astype(np.float32).tobytes())) for key, vector in vectors.items()
        ]
        self._file.write(("INSERT OR REPLACE INTO texts VALUES (?, ?)", rows))

    # --- heads ---

    def heads(self, tags: Sequence[int]) -> dict[int, tuple[str, Head]]:
        """Return the heads that are known with the keys they were stored under, by tag."""
        rows = self._select("SELECT tag, value, key FROM heads WHERE tag IN", tags)
        keys = {tag: key for tag, _, key in rows}
        found = self._intact([row[:2] for row in rows], _head_from)
        return {tag: (keys[tag], head) for tag, head in found.items()}

    def put_heads(self, heads: Mapping[int, tuple[str, Head]]) -> None:
        """Store heads under keys that say what they were made from."""
        rows = [(tag, key, sealed(_head_to(head))) for tag, (key, head) in heads.items()]
        self._file.write(("INSERT OR REPLACE INTO heads VALUES (?, ?, ?)", rows))

    # --- pictures ---

    def member_keys(self, tags: Sequence[int] | None = None) -> dict[int, str]:
        """Return under which key the members of tags, or of all, were stored."""
        if tags is None:
            return dict(self._file.rows("SELECT tag, key FROM members"))
        return dict(self._select("SELECT tag, key FROM members WHERE tag IN", tags))

    def members(self, tags: Sequence[int]) -> dict[int, Members]:
        """Return the members that are known, by tag."""
        rows = self._select("SELECT tag, value FROM members WHERE tag IN", tags)
        return self._intact(rows, _members_from)

    def put_members(self, found: Mapping[int, tuple[str, Members]], *, version: int) -> None:
        """Store members as of a version of the pictures; all of it or, when killed, nothing."""
        rows = [
            (tag, key, sealed(each.ids.tobytes() + each.logits.tobytes()))
            for tag, (key, each) in found.items()
        ]
        self._file.write(
            ("INSERT OR REPLACE INTO members VALUES (?, ?, ?)", rows),
            (
                "INSERT OR REPLACE INTO meta VALUES ('pictures', ?)",
                [(sealed(str(version).encode()),)],
            ),
        )

    def forget(self, tags: Iterable[int]) -> None:
        """Drop what is known of tags."""
        rows = [(tag,) for tag in tags]
        if rows:
            self._file.write(
                ("DELETE FROM heads WHERE tag = ?", rows),
                ("DELETE FROM members WHERE tag = ?", rows),
            )

    def known(self) -> list[int]:
        """Return the tags that have a head or members here."""
        rows = self._file.rows("SELECT tag FROM heads UNION SELECT tag FROM members")
        return [tag for (tag,) in rows]

    def _select(self, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = []
        for start in range(0, len(values), _CHUNK):
            part = values[start : start + _CHUNK]
            marks = ",".join("?" * len(part))
            rows += self._file.rows(f"{statement} ({marks})", part)
        return rows

    def _intact(
        self, rows: Iterable[tuple[Any, ...]], read: Callable[[memoryview], _T]
    ) -> dict[Any, _T]:
        """Read the values of (key, value) rows; none, and a fresh start, where one is damaged."""
        found = {key: unsealed(value) for key, value in rows}
        intact = {key: read(value) for key, value in found.items() if value is not None}
        if len(intact) < len(found):
            self._file.start_afresh()
            return {}
        return intact


def _head_to(head: Head) -> bytes:
    base = head.base
    factor, named = (0.0, "") if base is None else (base.factor, str(base.of))
    source = _SOURCES.index(head.source)
    numbers = np.array([head.bias, head.threshold, source, factor], np.float64)
    name = named.encode().ljust(_NAME)
    return numbers.tobytes() + name + head.weights.astype(np.float32).tobytes()


def _head_from(data: memoryview) -> Head:
    bias, threshold, source, factor = np.frombuffer(data[:32], np.float64).tolist()
    named = bytes(data[32 : 32 + _NAME]).decode().strip()
    return Head(
        weights=np.frombuffer(data[32 + _NAME :], np.float32),
        bias=bias,
        threshold=threshold,
        source=_SOURCES[int(source)],
        base=Base(HeadClass.read(named), factor) if named else None,
    )


def _members_from(data: memoryview) -> Members:
    n = len(data) // 12  # an id of 8 bytes and a logit of 4 each
    return Members(np.frombuffer(data[: 8 * n], np.int64), np.frombuffer(data[8 * n :], np.float32))
