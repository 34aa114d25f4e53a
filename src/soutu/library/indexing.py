"""Bring a library up to date with the files on disk.

The order of writes makes any crash harmless: a vector goes first, under an id that its file
determines, then the row. What a killed run left behind is mended by the next one (see filling).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from soutu.catalog.catalog import Catalog, ImageRow
from soutu.catalog.keywords import put_keywords
from soutu.errors import InputError
from soutu.images.keywords import NO_KEYWORDS, Keywords
from soutu.images.source import FileEntry, scan
from soutu.library.file_keywords import keyword_rows, keywords_now
from soutu.library.pipeline import Batch, encode_files
from soutu.library.record import new_id, payload_of, words_of
from soutu.types import Failure, ImageInfo, IndexReport, Progress

if TYPE_CHECKING:
    from soutu.library.base import Stop, Watcher
    from soutu.library.spaces import Space
    from soutu.models.base import Encoder
    from soutu.types import Vectors

_CHUNK = 1000  # files compared with the catalog at a time
_READ_AT_ONCE = 100  # pictures whose keywords are read again between two writes
_BROKEN = -1  # when a sidecar was read that could not be: never, so it is tried again


@dataclass
class _Tally:
    added: int = 0
    updated: int = 0
    moved: int = 0
    removed: int = 0
    skipped: int = 0
    failures: list[Failure] = field(default_factory=list)
    broken: list[Failure] = field(default_factory=list)  # sidecars of pictures that are fine

    @property
    def written(self) -> int:
        return self.added + self.updated + self.moved + self.removed


class IndexRun:
    """One run of `Library.add`. `before_writing` is called once, before the first change."""

    def __init__(
        self,
        catalog: Catalog,
        space: Space,
        encoder: Callable[[], Encoder],
        *,
        before_writing: Callable[[], None],
        on_progress: Watcher | None = None,
        should_stop: Stop | None = None,
    ) -> None:
        self._catalog, self._space, self._encoder = catalog, space, encoder
        self._before_writing = before_writing
        self._on_progress = on_progress or (lambda _: None)
        self._should_stop = should_stop or (lambda: False)
        self._tally = _Tally()
        self._rows: dict[Path, ImageRow] = {}  # known rows of files in flight
        self._retagged: dict[int, FileEntry] = {}  # pictures of which only the sidecars changed
        self._keywords: dict[Path, Keywords] = {}  # of files about to be stored
        self._broken: dict[Path, tuple[Failure, ...]] = {}  # the sidecars of these
        self._seen: list[int] = []
        self._others = tuple(r.name for r in catalog.spaces() if r.name != space.row.name)
        self._total: int | None = None

    def run(
        self, paths: Sequence[Path], *, include: Sequence[str], exclude: Sequence[str], skip: Path
    ) -> IndexReport:
        """Index what is new or changed below the paths and remove what vanished."""
        started = time.monotonic()
        entries = self._scan(paths, include, exclude, skip)
        self._guard_against_missing_disks(paths, entries)
        self._total = len(entries)
        pending = self._pending(iter(entries))
        first = next(pending, None)
        if first is not None:
            self._touch()
            self._encode(chain([first], pending))
        self._read_sidecars()
        interrupted = self._should_stop()
        if not interrupted:
            self._remove_vanished(paths)
        self._report()
        t = self._tally
        return IndexReport(
            added=t.added,
            updated=t.updated,
            moved=t.moved,
            removed=t.removed,
            skipped=t.skipped,
            failures=tuple(sorted([*t.failures, *t.broken], key=lambda f: os.fsencode(f.path))),
            seconds=time.monotonic() - started,
            interrupted=interrupted,
        )

    # --- what is there, and what of it needs work ---

    def _scan(
        self, paths: Sequence[Path], include: Sequence[str], exclude: Sequence[str], skip: Path
    ) -> list[FileEntry]:
        entries: list[FileEntry] = []
        for found in scan(paths, include=include, exclude=exclude, skip=(skip,)):
            if isinstance(found, Failure):
                self._tally.failures.append(found)
            else:
                entries.append(found)
                if len(entries) % _CHUNK == 0:
                    self._on_progress(Progress(stage="scan", done=len(entries), total=None))
        return entries

    def _guard_against_missing_disks(
        self, paths: Sequence[Path], entries: Sequence[FileEntry]
    ) -> None:
        """Refuse to forget a whole folder that is suddenly empty: a disk may not be mounted."""
        full = {entry.root for entry in entries}
        failed = {failure.path for failure in self._tally.failures}
        for path in paths:
            if path in full or path in failed or not path.is_dir() or any(path.iterdir()):
                continue
            known = len(self._catalog.ids(path))
            if known:
                msg = (
                    f"{path} is empty, but the library holds {known} pictures from it. If its "
                    f"disk is not mounted, mount it; to forget them, run: soutu remove {path}"
                )
                raise InputError(msg)

    def _pending(self, entries: Iterator[FileEntry]) -> Iterator[FileEntry]:
        """Yield the files that are new or changed, looking them up in chunks."""
        while chunk := list(islice(entries, _CHUNK)):
            paths = [entry.path for entry in chunk]
            rows = self._catalog.at_paths(paths)
            failed = self._catalog.failed_at(paths)
            for entry in chunk:
                row = rows.get(entry.path)
                if row is not None:
                    self._seen.append(row.id)
                stamp = (entry.size, entry.mtime_ns)
                if row is not None and (row.size, row.mtime_ns) == stamp:
                    self._tally.skipped += 1
                    if row.sidecar_ns != entry.sidecar_ns:
                        self._retagged[row.id] = entry
                elif entry.path in failed and failed[entry.path][:2] == stamp:
                    self._fail(entry.path, failed[entry.path][2])
                else:
                    if row is not None:
                        self._rows[entry.path] = row
                    yield entry
            self._report()

    # --- writing ---

    def _touch(self) -> None:
        self._before_writing()
        self._before_writing = lambda: None

    def _encode(self, entries: Iterator[FileEntry]) -> None:
        encoder = self._encoder()
        known, should_stop = self._known_content(), self._should_stop
        # Closed at once when a write fails: the workers end before the error goes up.
        with closing(
            encode_files(entries, encoder, known=known, should_stop=should_stop)
        ) as batches:
            for batch in batches:
                leftover = self._write(batch)
                if leftover:  # their content was known a moment ago, but its only row has changed
                    with closing(encode_files(iter(leftover), encoder)) as again:
                        for part in again:
                            self._write(part)
                self._report()

    def _known_content(self) -> Callable[[bytes], bool]:
        """Return a test for content that the library holds; 8 bytes a picture, no SQL a file.

        It compares the first half of the digest; `_write` asks the catalog for the whole.
        """
        known = self._catalog.digest_heads()

        def test(digest: bytes) -> bool:
            head = np.frombuffer(digest[:8], dtype=">u8").astype(np.uint64)[0]
            at = int(np.searchsorted(known, head))
            return at < len(known) and known[at] == head

        return test

    def _write(self, batch: Batch) -> list[FileEntry]:
        """Store a batch: vectors first, then rows. Return copies whose source is gone."""
        rows, vectors = [], []
        for item, vector in zip(batch.encoded, batch.vectors, strict=True):
            rows.append(self._row(item.entry, item.digest, item.info))
            vectors.append(vector)
            self._keywords[item.entry.path] = item.keywords
            self._broken[item.entry.path] = item.broken
        leftover = []
        for entry, digest in batch.copies:
            source = self._source(digest)
            if source is None:
                leftover.append(entry)
            elif self._is_move(entry, source):
                self._move(entry, source)
            else:
                ids, found = self._space.index.get(np.array([source.id], dtype=np.int64))
                if len(ids) == 0:
                    leftover.append(entry)
                    continue
                rows.append(self._row(entry, digest, source.info))
                vectors.append(found[0])
                self._keywords[entry.path], self._broken[entry.path] = keywords_now(entry.path)
                if _gone(source.path):  # moved over another picture, which takes its labels
                    self._delete([source.id])
                    self._tally.removed += 1
        self._store(rows, np.array(vectors, dtype=np.float32))
        self._record_failures(batch.failures)
        return leftover

    def _row(self, entry: FileEntry, digest: bytes, info: ImageInfo) -> ImageRow:
        old = self._rows.get(entry.path)
        return ImageRow(
            id=old.id if old else new_id(entry.path, digest),
            path=entry.path,
            size=entry.size,
            mtime_ns=entry.mtime_ns,
            sidecar_ns=entry.sidecar_ns,
            digest=digest,
            info=info,
        )

    def _settle_ids(self, rows: list[ImageRow]) -> list[ImageRow]:
        """Give another id to new rows whose id belongs, or belonged, to another picture (rare)."""
        taken = self._catalog.taken([row.id for row in rows if row.path not in self._rows])
        return [
            replace(
                row,
                id=new_id(row.path, row.digest, taken=lambda i: bool(self._catalog.taken([i]))),
            )
            if row.path not in self._rows and row.id in taken
            else row
            for row in rows
        ]

    def _store(self, rows: list[ImageRow], vectors: Vectors) -> None:
        if not rows:
            return
        rows = self._settle_ids(rows)
        ids = np.array([row.id for row in rows], dtype=np.int64)
        self._space.index.upsert(
            ids, vectors, [payload_of(r) for r in rows], [words_of(r) for r in rows]
        )
        found = {row.id: self._keywords.pop(row.path, NO_KEYWORDS) for row in rows}
        broken = {row.id: self._broken.pop(row.path, ()) for row in rows}
        self._catalog.put(
            [replace(r, sidecar_ns=_BROKEN) if broken[r.id] else r for r in rows],
            stale_in=self._others,
        )
        put_keywords(self._catalog, {id_: keyword_rows(words) for id_, words in found.items()})
        for row in rows:
            self._tally.broken += broken[row.id]
            if self._rows.pop(row.path, None) is None:
                self._tally.added += 1
            else:
                self._tally.updated += 1
            self._seen.append(row.id)

    def _source(self, digest: bytes) -> ImageRow | None:
        """Return a row with this content: one whose file is gone if there is any (a move)."""
        rows = self._catalog.with_digest(digest)
        return next((row for row in rows if _gone(row.path)), rows[0] if rows else None)

    def _is_move(self, entry: FileEntry, source: ImageRow) -> bool:
        return entry.path not in self._rows and _gone(source.path)

    def _move(self, entry: FileEntry, source: ImageRow) -> None:
        row = ImageRow(
            id=source.id,
            path=entry.path,
            size=entry.size,
            mtime_ns=entry.mtime_ns,
            sidecar_ns=source.sidecar_ns,
            digest=source.digest,
            info=source.info,
        )
        if entry.sidecar_ns != source.sidecar_ns:  # it left its sidecar, or came to another
            self._retagged[row.id] = entry
        ids = np.array([row.id], dtype=np.int64)
        self._space.index.set_payload(ids, [payload_of(row)], [words_of(row)])
        self._catalog.put([row])
        self._seen.append(row.id)
        self._tally.moved += 1

    def _record_failures(self, failures: Iterable[tuple[FileEntry, str]]) -> None:
        """Record files that cannot be read; a picture that was readable before is dropped.

        A file that is being written, moved or deleted right now is only reported: the next run
        tries it again, and what the library knows of it stays.
        """
        items = []
        for entry, reason in failures:
            self._fail(entry.path, reason)
            old = self._rows.pop(entry.path, None)
            if not _unchanged(entry):
                continue
            items.append((entry.path, entry.size, entry.mtime_ns, reason))
            if old is not None:
                self._delete([old.id])
        self._catalog.put_failures(items)

    def _fail(self, path: Path, reason: str) -> None:
        self._tally.failures.append(Failure(path=path, reason=reason))

    @property
    def retagged(self) -> bool:
        """Whether keywords of unchanged pictures were read again."""
        return bool(self._retagged)

    def _read_sidecars(self) -> None:
        """Read the keywords of pictures again, some at a time; a run that is stopped goes on later.

        That of a broken sidecar is done again in every run, which says so each time.
        """
        waiting, done = iter(self._retagged.items()), 0
        while not self._should_stop() and (chunk := list(islice(waiting, _READ_AT_ONCE))):
            found, stamps = {}, {}
            for id_, entry in chunk:
                if self._should_stop():
                    break
                keywords, broken = keywords_now(entry.path)
                found[id_] = keyword_rows(keywords)
                stamps[id_] = _BROKEN if broken else entry.sidecar_ns
                self._tally.broken += broken
            put_keywords(self._catalog, found)
            self._catalog.set_sidecars(stamps)
            done += len(found)
            self._on_progress(Progress(stage="keywords", done=done, total=len(self._retagged)))

    # --- what is no longer there ---

    def _remove_vanished(self, paths: Sequence[Path]) -> None:
        seen = np.array(sorted(set(self._seen)), dtype=np.int64)
        gone: list[int] = []
        lost: list[Path] = []
        for path in paths:
            unseen = np.setdiff1d(self._catalog.ids(path), seen)
            rows = self._catalog.with_ids(unseen.tolist())
            gone += [row.id for row in rows.values() if _gone(row.path)]
            lost += [f.path for f in self._catalog.failures(path) if _gone(f.path)]
        if gone:
            self._touch()
            self._delete(gone)
            self._tally.removed += len(set(gone))
        if lost:
            self._catalog.delete_failures(lost)

    def _delete(self, ids: Sequence[int]) -> None:
        self._catalog.delete(ids)
        self._space.index.delete(np.array(ids, dtype=np.int64))

    def _report(self) -> None:
        t = self._tally
        done = t.added + t.updated + t.moved + t.skipped + len(t.failures)
        self._on_progress(
            Progress(stage="index", done=done, total=self._total, failed=len(t.failures))
        )


def _unchanged(entry: FileEntry) -> bool:
    try:
        now = entry.path.stat()
    except OSError:
        return False
    return (now.st_size, now.st_mtime_ns) == (entry.size, entry.mtime_ns)


def _gone(path: Path) -> bool:
    """Say whether a path certainly no longer exists; 'cannot look' is not 'gone'."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False
