"""Write the tags of pictures to where other programs read them: XMP sidecars, or the files."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from soutu.catalog.keywords import note_written, written_by_soutu
from soutu.errors import ImageError, InputError
from soutu.images.embed import embed_in_place
from soutu.images.keywords import TagPath
from soutu.images.keywords_file import read_keywords
from soutu.images.sidecar import find_sidecars, keywords_beside, write_sidecar
from soutu.library.tagging.names import name_key
from soutu.library.tagging.scoring import Scorer
from soutu.types import Failure, Progress, WriteReport

if TYPE_CHECKING:
    from soutu.catalog.catalog import Catalog
    from soutu.library.base import Stop, Watcher
    from soutu.library.tagging.tagger import Tagger
    from soutu.types import Ids, ImageTags

_BLOCK = 1024  # pictures scored, and noted as written, at a time
_EMBEDDED = frozenset({"JPEG", "PNG"})


@dataclass
class _Tally:
    written: int = 0
    unchanged: int = 0
    failures: list[Failure] = field(default_factory=list)


class TagWriter:
    """Write tags to sidecars, or with `in_place` into JPEG and PNG files themselves."""

    def __init__(
        self,
        tagger: Tagger,
        *,
        tags: Sequence[str] | None = None,
        in_place: bool = False,
        dry_run: bool = False,
    ) -> None:
        self._tagger, self._catalog = tagger, tagger.catalog
        self._scorer = Scorer(tagger, tags=tags)
        self._in_place, self._dry_run = in_place, dry_run
        self._tally = _Tally()

    def run(
        self, ids: Ids, *, on_progress: Watcher | None = None, should_stop: Stop | None = None
    ) -> WriteReport:
        """Write the tags of these pictures; what cannot be written is listed and stops nothing."""
        stopped = False
        for start in range(0, len(ids), _BLOCK):
            noted: dict[int, dict[str, str]] = {}
            try:
                for found, fmt in self._scored(ids[start : start + _BLOCK]):
                    if should_stop is not None and should_stop():
                        stopped = True
                        break
                    self._write(found, fmt, noted)
                    if on_progress is not None:
                        on_progress(self._progress(len(ids)))
            finally:
                # Also after an error: what was written must not come back as somebody's label.
                if not self._dry_run:
                    note_written(self._catalog, noted)
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

    def _scored(self, ids: Ids) -> Iterator[tuple[ImageTags, str]]:
        rows = self._catalog.with_ids(ids.tolist())
        self._ours = written_by_soutu(self._catalog, list(rows))
        stored, vectors = self._tagger.space.index.get(np.array(sorted(rows), np.int64))
        scored = self._scorer.score([rows[int(i)].path for i in stored], stored, vectors)
        for found in scored:
            assert found.id is not None
            yield found, rows[found.id].info.format

    def _write(self, found: ImageTags, fmt: str, noted: dict[int, dict[str, str]]) -> None:
        assert found.id is not None
        vocabulary = self._tagger.spoken().vocabulary
        held = [vocabulary.find(score.tag).id for score in found.tags]
        paths = [vocabulary.path(tag) for tag in held]
        remove = self._to_remove(found.id, held)
        try:
            if not found.path.is_file():
                raise ImageError(f"{found.path} is not there. Run soutu index on its folder")
            embed = self._in_place and fmt in _EMBEDDED
            if self._dry_run:
                changed = _would_change(found.path, paths, remove, embedded=embed)
            elif embed:
                changed = embed_in_place(found.path, paths, remove)
            else:
                changed = _write_beside(found.path, paths, remove)
        except (ImageError, InputError) as error:
            self._tally.failures.append(Failure(path=found.path, reason=str(error)))
            return
        noted[found.id] = {name_key(each[-1]): each[-1] for each in paths}
        if changed:
            self._tally.written += 1
        else:
            self._tally.unchanged += 1

    def _to_remove(self, image: int, held: Collection[int]) -> set[str]:
        """Name the tags that do not hold and are keywords only because soutu wrote them.

        Or that a person took off: their word counts more than the file's.
        """
        spoken = self._tagger.spoken()
        names: set[str] = set()
        for tag in self._scorer.tags:
            if tag in held:
                continue
            keys = {key for key, _ in spoken.vocabulary.rows[tag].names}
            if keys & self._ours.get(image, set()) or image in spoken.labels_of(tag).no:
                names |= {name for _, name in spoken.vocabulary.rows[tag].names}
        return names


def _write_beside(path: Path, tags: Sequence[TagPath], remove: Collection[str]) -> bool:
    before = [_stamp(sidecar) for sidecar in find_sidecars(path)]
    write_sidecar(path, tags, remove)
    return [_stamp(sidecar) for sidecar in find_sidecars(path)] != before


def _stamp(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _would_change(
    path: Path, tags: Sequence[TagPath], remove: Collection[str], *, embedded: bool
) -> bool:
    known = read_keywords(path) if embedded else keywords_beside(path)
    keys = {name_key(name) for name in known.names}
    missing = {name_key(each[-1]) for each in tags} - keys
    return bool(missing or keys & {name_key(name) for name in remove})


def ids_below(catalog: Catalog, places: Sequence[Path]) -> Ids:
    """Return the ids of pictures at or below places. Raises InputError for one that has none."""
    found = []
    for place in places:
        ids = catalog.ids(place)
        if not len(ids):
            msg = f"the library holds no picture at or below {place}. Check the path"
            raise InputError(msg)
        found.append(ids)
    return np.unique(np.concatenate(found)) if found else np.empty(0, np.int64)
