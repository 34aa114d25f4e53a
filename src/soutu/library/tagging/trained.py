"""Trained heads that a library tags with: copies of their folders, and which classes score tags.

A tag names its head and the class there (`catalog.said.TagRow.head`), so that a head comes and goes
with the history of tags. A copy stays where a tag or the history may still name it.
"""

from __future__ import annotations

import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from soutu.errors import InputError, LibraryBroken
from soutu.types import TagHead

if TYPE_CHECKING:
    from soutu.catalog.catalog import SpaceRow
    from soutu.catalog.said import TagRow
    from soutu.heads import HeadEncoder, HeadFacts, StoredHead

HEADS = "heads"
"""The folder of a library that holds its heads."""


@dataclass(frozen=True)
class HeadClass:
    """One class of a trained head, by the head's digest and the class's column."""

    digest: str
    column: int

    @classmethod
    def read(cls, text: str) -> HeadClass:
        """Read what a tag's row names."""
        digest, _, column = text.partition(":")
        return cls(digest, int(column))

    def __str__(self) -> str:
        return f"{self.digest}:{self.column}"


class HeadStore:
    """Keep copies of heads in a library's folder. Safe to call from many threads.

    Raises LibraryBroken for a copy that is missing or damaged.
    """

    def __init__(self, library: Path) -> None:
        self._folder = library / HEADS
        self._lock = threading.RLock()
        self._facts: dict[str, HeadFacts] = {}
        self._open: dict[str, StoredHead] = {}

    def keep(self, head: StoredHead) -> StoredHead:
        """Copy a head that was opened elsewhere; return the copy, opened.

        Raises InputError where it changed meanwhile, StorageError when the disk refuses.
        """
        from soutu.heads import FACTS, open_head
        from soutu.models.record import replace_folder

        def fill(fresh: Path) -> None:
            for name in (FACTS, head.weights_file):
                shutil.copyfile(head.folder / name, fresh / name)
            if open_head(fresh).digest != head.digest:
                raise InputError(f"{head.folder} changed while it was read. Try again")

        with self._lock:
            try:
                return self.open(head.digest)
            except LibraryBroken:
                replace_folder(self._folder / head.digest, fill)
                return self.open(head.digest)

    def facts(self, digest: str) -> HeadFacts:
        """Return what is known of a head; its weights are not read."""
        from soutu.heads import read_facts

        with self._lock:
            if digest not in self._facts:
                try:
                    self._facts[digest] = read_facts(self._folder / digest)
                except InputError as error:
                    raise _broken(error) from error
            return self._facts[digest]

    def open(self, digest: str) -> StoredHead:
        """Return a head, opened once."""
        from soutu.heads import open_head

        with self._lock:
            if digest not in self._open:
                try:
                    self._open[digest] = open_head(self._folder / digest)
                except InputError as error:
                    raise _broken(error) from error
            return self._open[digest]

    def described(self, digest: str, space: SpaceRow | None) -> TagHead:
        """Describe a head, as it is beside a library's current space."""
        facts = self.facts(digest)
        encoder, data = facts.encoder, facts.data
        return TagHead(
            digest=digest,
            method=facts.method,
            data=None if data is None else data.name,
            model=encoder.name,
            revision=encoder.revision,
            precision=encoder.precision,
            dim=encoder.dim,
            made=facts.made,
            idle=None if space is None else idle(encoder, space),
        )

    def active(self, head: str | None, space: SpaceRow) -> HeadClass | None:
        """Return the class that a tag's row names, if its head reads the vectors of a space."""
        if head is None:
            return None
        named = HeadClass.read(head)
        return None if idle(self.facts(named.digest).encoder, space) else named


def described(store: HeadStore, tag: TagRow, space: SpaceRow | None) -> TagHead | None:
    """Describe the head that a tag was given; None where it has none."""
    return None if tag.head is None else store.described(HeadClass.read(tag.head).digest, space)


def idle(encoder: HeadEncoder, space: SpaceRow) -> str | None:
    """Say why a head of an encoder cannot score the vectors of a space; None where it can."""
    if (encoder.revision, encoder.dim) == (space.revision, space.dim):
        return None
    reads = _vectors(encoder.dim, encoder.name, encoder.revision, encoder.precision)
    holds = _vectors(space.dim, space.model, space.revision, space.precision)
    return (
        f"the head reads {reads}; the library holds {holds}. "
        f"Run: soutu models use {encoder.source or encoder.name}, or train one for {space.model}"
    )


def _vectors(dim: int, name: str, revision: str, precision: str) -> str:
    told = " ".join(filter(None, (precision, f"revision {revision[:12]}")))
    return f"{dim}-d vectors of {name} ({told})"


def _broken(error: InputError) -> LibraryBroken:
    return LibraryBroken(
        f"a head that tags use is gone from the library: {error} "
        "Use it again (soutu tags use-head DIR), or do without (soutu tags drop-head)"
    )
