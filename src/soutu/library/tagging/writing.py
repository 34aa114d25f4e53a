"""Write the tags of pictures to where other programs read them: XMP sidecars, or the files."""

from __future__ import annotations

import errno
import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from soutu.catalog.keywords import (
    Keyword,
    Written,
    any_by_soutu,
    note_written,
    put_keywords,
    restamp,
)
from soutu.catalog.listing import below
from soutu.errors import ImageError, InputError, StorageError
from soutu.images.embed import Embedding, plan_embedding
from soutu.images.fingerprint import digest
from soutu.images.keywords import Own, TagPath, join
from soutu.images.keywords_file import keywords_of_file
from soutu.images.replacement import Rewrite, Stamp
from soutu.images.sidecar import keywords_beside, plan_sidecars
from soutu.images.source import sidecar_ns
from soutu.images.xmp import keywords_of
from soutu.library.file_keywords import keyword_rows
from soutu.library.record import payload_of, words_of
from soutu.library.tagging.names import name_key
from soutu.library.tagging.scoring import Scorer
from soutu.types import Failure, ImageTags, Progress, WriteReport

if TYPE_CHECKING:
    from soutu.catalog.catalog import Catalog, ImageRow
    from soutu.library.base import Stop, Watcher
    from soutu.library.tagging.tagger import Tagger
    from soutu.types import Ids

_BLOCK = 1024  # pictures scored, and noted as written, at a time
_EMBEDDED = frozenset({"JPEG", "PNG"})
_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass
class _Tally:
    written: int = 0
    unchanged: int = 0
    failures: list[Failure] = field(default_factory=list)


@dataclass
class _Notes:
    """What was written and the catalog does not know yet."""

    sidecars: dict[int, Written] = field(default_factory=dict)
    pictures: list[ImageRow] = field(default_factory=list)
    keywords: dict[int, list[Keyword]] = field(default_factory=dict)
    digests: dict[int, bytes] = field(default_factory=dict)  # of the pictures as they were


class TagWriter:
    """Write tags to sidecars, or with `in_place` into JPEG and PNG files themselves.

    What soutu writes is marked as its own in the file (see `xmp.edit`), so nothing is lost when
    the run or the catalog is. Without tags, all that is to do is to take soutu's keywords out;
    raises InputError where there are none either.
    """

    def __init__(
        self,
        tagger: Tagger,
        *,
        tags: Sequence[str] | None = None,
        in_place: bool = False,
        dry_run: bool = False,
    ) -> None:
        self._tagger, self._catalog = tagger, tagger.catalog
        self._spoken = tagger.spoken()
        only_clean = not len(self._spoken.vocabulary) and any_by_soutu(self._catalog)
        self._scorer = None if only_clean and tags is None else Scorer(tagger, tags=tags)
        wanted = self._wanted()  # a run for some tags leaves alone what belongs, or did, to others
        self._own = Own(may_go=lambda key: tags is None or key in wanted)
        self._in_place, self._dry_run = in_place, dry_run
        self._tally = _Tally()

    def _wanted(self) -> set[str]:
        """Return the keys of the names of the tags that are written."""
        rows, tags = self._spoken.vocabulary.rows, self._scorer.tags if self._scorer else []
        return {key for tag in tags for key, _ in rows[tag].names}

    def run(
        self, ids: Ids, *, on_progress: Watcher | None = None, should_stop: Stop | None = None
    ) -> WriteReport:
        """Write the tags of these pictures; what cannot be written is listed and stops nothing.

        Only a full disk does: raises StorageError.
        """
        stopped = False
        for start in range(0, len(ids), _BLOCK):
            notes = _Notes()
            try:
                for found, row in self._scored(ids[start : start + _BLOCK]):
                    if should_stop is not None and should_stop():
                        stopped = True
                        break
                    self._write(found, row, notes)
                    if on_progress is not None:
                        on_progress(self._progress(len(ids)))
            finally:
                self._note(notes)
            if stopped:
                break
        tally = self._tally
        return WriteReport(
            written=tally.written,
            unchanged=tally.unchanged,
            failures=tuple(sorted(tally.failures, key=lambda f: os.fsencode(f.path))),
            interrupted=stopped,
        )

    def _progress(self, total: int) -> Progress:
        t = self._tally
        done = t.written + t.unchanged + len(t.failures)
        return Progress(stage="write", done=done, total=total, failed=len(t.failures))

    def _scored(self, ids: Ids) -> Iterator[tuple[ImageTags, ImageRow]]:
        rows = self._catalog.with_ids(ids.tolist())
        if self._scorer is None:
            for id_, row in rows.items():
                yield ImageTags(path=row.path, id=id_, tags=()), row
            return
        stored, vectors = self._tagger.space.index.get(np.array(sorted(rows), np.int64))
        scored = self._scorer.score([rows[int(i)].path for i in stored], stored, vectors)
        for found in scored:
            assert found.id is not None
            yield found, rows[found.id]

    def _write(self, found: ImageTags, row: ImageRow, notes: _Notes) -> None:
        vocabulary = self._spoken.vocabulary
        held = [vocabulary.find(score.tag).id for score in found.tags]
        paths = [vocabulary.path(tag) for tag in held]
        try:
            changed = self._write_files(row, paths, self._refused(row.id, held), notes)
        except (ImageError, InputError, StorageError) as error:
            if isinstance(error.__cause__, OSError) and error.__cause__.errno in _FULL:
                raise
            self._tally.failures.append(Failure(path=row.path, reason=str(error)))
            return
        if changed:
            self._tally.written += 1
        else:
            self._tally.unchanged += 1

    def _refused(self, image: int, held: Collection[int]) -> set[str]:
        """Name the tags that a person took off: their word counts more than the file's."""
        if self._scorer is None:
            return set()
        rows = self._spoken.vocabulary.rows
        return {
            name
            for tag in self._scorer.tags
            if tag not in held and image in self._spoken.labels_of(tag).no
            for _, name in rows[tag].names
        }

    def _write_files(
        self, row: ImageRow, tags: Sequence[TagPath], remove: Collection[str], notes: _Notes
    ) -> bool:
        """Write into the files of one picture; return whether anything changed."""
        if not row.path.is_file():
            raise ImageError(f"{row.path} is not there. Run soutu index on its folder")
        before = sidecar_ns(row.path)
        embedding = None
        if self._in_place and row.info.format in _EMBEDDED:
            embedding = plan_embedding(row.path, tags, remove, own=self._own)
        make = embedding is None
        planned = plan_sidecars(row.path, tags, remove, own=self._own, make=make)
        sidecars = [plan for plan in planned if plan.changes]
        embeds = embedding is not None and embedding.changes
        if self._dry_run or not (sidecars or embeds):
            return bool(sidecars or embeds)
        stamps = [plan.write() for plan in sidecars]
        if embedding is not None and embeds:
            _note_picture(notes, row, embedding, embedding.write())
        elif len(sidecars) == 1:
            _note_sidecar(notes, row, sidecars[0], (before, stamps[0].mtime_ns))
        return True

    def _note(self, notes: _Notes) -> None:
        """Tell the catalog what was written, so that the next indexing run need not find out."""
        if notes.sidecars:
            note_written(self._catalog, notes.sidecars)
        if not notes.pictures:
            return
        ids = np.array([row.id for row in notes.pictures], np.int64)
        payloads = [payload_of(row) for row in notes.pictures]
        words = [words_of(row) for row in notes.pictures]
        self._tagger.space.index.set_payload(ids, payloads, words)
        put_keywords(self._catalog, notes.keywords)
        restamp(self._catalog, notes.pictures, notes.digests)


def _note_sidecar(notes: _Notes, row: ImageRow, plan: Rewrite, ns: tuple[int, int]) -> None:
    """Note what was added to a sidecar.

    Where something went, or somebody wrote meanwhile, the next indexing run reads it again: only
    the whole file tells what the picture is still tagged with.
    """
    if ns[0] != row.sidecar_ns or sidecar_ns(row.path) != ns[1]:
        return
    old = {name_key(name): name for name in keywords_of(plan.before or b"").names}
    new = {name_key(name): name for name in keywords_of(plan.after).names}
    if old.keys() <= new.keys():
        added = {key: name for key, name in new.items() if key not in old}
        notes.sidecars[row.id] = Written(added=added, sidecar_ns=ns)


def _note_picture(notes: _Notes, row: ImageRow, embedding: Embedding, stamp: Stamp) -> None:
    """Note how a picture file is now; its pixels are those that were encoded, if it was."""
    if row.digest != embedding.old.digest:
        return
    beside = sidecar_ns(row.path)
    found = join([keywords_of_file(embedding.new), keywords_beside(row.path)])
    notes.keywords[row.id] = keyword_rows(found)
    notes.digests[row.id] = row.digest
    notes.pictures.append(
        replace(
            row,
            size=stamp.size,
            mtime_ns=stamp.mtime_ns,
            sidecar_ns=beside,
            digest=digest(embedding.new),
        )
    )


def ids_below(catalog: Catalog, places: Sequence[Path]) -> Ids:
    """Return the ids of pictures at or below places. Raises InputError for one that has none."""
    for place in places:
        if not len(catalog.ids(place)):
            msg = f"the library holds no picture at or below {place}. Check the path"
            raise InputError(msg)
    return below(catalog, places)
