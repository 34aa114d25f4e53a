"""Tagging in a library in a folder: the vocabulary, labels, and what is computed from them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import numpy as np

from soutu.catalog.counters import count_up
from soutu.catalog.keywords import label_from_files
from soutu.catalog.listing import listed
from soutu.catalog.said import SAID, hearing
from soutu.errors import LibraryError
from soutu.library.arguments import not_single, one_of, several, texts
from soutu.library.given import image_vector, is_url
from soutu.library.pictures import is_id, missing
from soutu.library.place import absolute
from soutu.library.tagging.base import ReviewOrder, TagMode
from soutu.library.tagging.labels import FolderLabels
from soutu.library.tagging.tags import FolderTags
from soutu.library.tagging.trained import HeadStore
from soutu.library.tagging.using import FolderHeads
from soutu.types import Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.catalog.catalog import Catalog
    from soutu.library.base import Stop, Watcher
    from soutu.library.spaces import Space
    from soutu.library.tagging.scoring import Scorer
    from soutu.library.tagging.tagger import Tagger
    from soutu.models.base import Encoder
    from soutu.types import ImageTags, Question, WriteReport

_BATCH = 32  # pictures from outside the library that are encoded at once
_BLOCK = 4096  # pictures of the library that are scored at once


class Tagging:
    """Tag the pictures of a library in a folder.

    `space` opens its current space, None if it has none.
    """

    def __init__(
        self,
        catalog: Catalog,
        space: Callable[[], Space | None],
        encoder: Callable[[], Encoder],
        folder: Path,
    ) -> None:
        self._catalog, self._space, self._encoder = catalog, space, encoder
        self._trained = HeadStore(folder)
        self._lock = threading.Lock()
        self._names: tuple[int, frozenset[str]] | None = None
        self._open: dict[str, Tagger] = {}  # by space: one no longer current may still be in use
        self.tags = FolderTags(catalog, self.tagger, self._trained)
        self.heads = FolderHeads(catalog, space, self._trained)
        self.labels = FolderLabels(catalog, self._labelled)

    def tagger(self) -> Tagger:
        """Return the tagger of the current space. Raises LibraryError for an empty library."""
        space = self._space()
        if space is None:
            raise LibraryError("the library holds no pictures yet. Run: soutu index FOLDER")
        return self.tagger_in(space, self._encoder)

    def tagger_in(self, space: Space, encoder: Callable[[], Encoder]) -> Tagger:
        """Return the tagger of a space, which need not be the current one."""
        from soutu.library.tagging.tagger import Tagger

        with self._lock:
            if space.row.name not in self._open:
                self._open[space.row.name] = Tagger(self._catalog, space, encoder, self._trained)
            return self._open[space.row.name]

    def name_keys(self) -> frozenset[str]:
        """Return what the names of all tags are compared by; microseconds while they stay."""
        stamp = self._catalog.stamp()
        if self._names is None or self._names[0] != stamp:
            with hearing(self._catalog) as said:
                self._names = (stamp, said.name_keys())
        return self._names[1]

    def tag(
        self,
        images: Iterable[Path | str | bytes | int] | None = None,
        *,
        mode: TagMode = "threshold",
        k: int | None = None,
        tags: Sequence[str] | None = None,
        on_progress: Watcher | None = None,
    ) -> Iterator[ImageTags]:
        """Yield the tags of pictures; see `Library.tag`."""
        from soutu.library.tagging.scoring import Scorer

        one_of(mode, get_args(TagMode), "mode")
        not_single(images, "images")
        tags = None if tags is None else texts(tags, "tags")
        tagger = self.tagger()  # the same to the end, even if another space becomes current
        scorer = Scorer(tagger, mode=mode, k=k, tags=tags)
        if images is None:
            return self._tag_library(tagger, scorer, on_progress)
        return self._tag_given(tagger, scorer, images)

    def _tag_library(
        self, tagger: Tagger, scorer: Scorer, on_progress: Watcher | None
    ) -> Iterator[ImageTags]:
        ids = listed(self._catalog, "path")
        for start in range(0, len(ids), _BLOCK):
            block, vectors = tagger.space.index.get(ids[start : start + _BLOCK])
            rows = self._catalog.with_ids(block.tolist())
            here = np.array([int(i) in rows for i in block], bool)
            paths = [rows[int(i)].path for i in block[here]]
            yield from scorer.score(paths, block[here], vectors[here])
            if on_progress is not None:
                done = min(start + _BLOCK, len(ids))
                on_progress(Progress(stage="tag", done=done, total=len(ids)))

    def _tag_given(
        self, tagger: Tagger, scorer: Scorer, images: Iterable[Path | str | bytes | int]
    ) -> Iterator[ImageTags]:
        left = iter(images)
        while batch := list(islice(left, _BATCH)):
            places = self._places(batch)
            known = [id_ for _, id_ in places if id_ is not None]
            stored: dict[int, NDArray[np.float32]] = {}
            if known:
                ids, vectors = tagger.space.index.get(np.unique(known))
                stored = dict(zip(ids.tolist(), vectors, strict=True))
            for image, (path, id_) in zip(batch, places, strict=True):
                if id_ is not None and id_ in stored:
                    yield from scorer.score([path], np.array([id_]), stored[id_][None])
                    continue
                by_id = isinstance(image, int)  # of a picture that has no vector yet
                vector = image_vector(
                    path if isinstance(image, int) else image, self._encoder(), purpose="tag"
                )
                yield from scorer.score([path], np.array([id_]) if by_id else None, vector[None])

    def _places(self, images: Sequence[Path | str | bytes | int]) -> list[tuple[Path, int | None]]:
        """Return where each picture is, and its id if the library knows it as it is.

        Raises InputError for an id that the library does not hold.
        """
        numbered = self._catalog.with_ids(
            [each for each in images if isinstance(each, int) and is_id(each)]
        )
        paths = [_place(each) for each in images if not isinstance(each, int)]
        unchanged = self._unchanged(paths)
        found: list[tuple[Path, int | None]] = []
        for image in images:
            if not isinstance(image, int):
                path = _place(image)
                found.append((path, unchanged.get(path)))
            elif image in numbered:
                found.append((numbered[image].path, image))
            else:
                raise missing(image)
        return found

    def _unchanged(self, paths: Sequence[Path]) -> dict[Path, int]:
        """Return the ids of pictures of the library whose files are as they were indexed."""
        found = {}
        files = [path for path in paths if path.is_absolute()]
        for path, row in self._catalog.at_paths(files).items():
            try:
                now = path.stat()
            except OSError:  # gone, but its tags are still known
                found[path] = row.id
                continue
            if (now.st_size, now.st_mtime_ns) == (row.size, row.mtime_ns):
                found[path] = row.id
        return found

    def review(
        self, *, tag: str | None = None, by: ReviewOrder = "tag", k: int = 20
    ) -> list[Question]:
        """Return the k questions whose answers teach most; see `Library.review`."""
        from soutu.library.tagging.asking import questions

        one_of(by, get_args(ReviewOrder), "by")
        return questions(self.tagger(), tag=tag, by=by, k=k)

    def write(
        self,
        paths: Iterable[Path | str] | None = None,
        *,
        tags: Sequence[str] | None = None,
        in_place: bool = False,
        dry_run: bool = False,
        on_progress: Watcher | None = None,
        should_stop: Stop | None = None,
    ) -> WriteReport:
        """Write tags to sidecars or files; see `Library.write_tags`."""
        from soutu.library.tagging.writing import TagWriter, ids_below

        places = None if paths is None else several(paths, "paths")
        tags = None if tags is None else texts(tags, "tags")
        writer = TagWriter(self.tagger(), tags=tags, in_place=in_place, dry_run=dry_run)
        if places is None:
            ids = self._catalog.ids()
        else:
            ids = ids_below(self._catalog, [absolute(path) for path in places])
        return writer.run(ids, on_progress=on_progress, should_stop=should_stop)

    def _labelled(self, tags: Iterable[int]) -> None:
        with self._lock:
            taggers = list(self._open.values())
        for tagger in taggers:
            tagger.refresh(tags)

    def read_files(self) -> None:
        """Turn the keywords of files into labels of the tags they name."""
        with self._catalog.transaction() as connection:
            if label_from_files(connection):
                count_up(connection, SAID)

    def forget(self, space: str | None = None) -> None:
        """Drop what was computed from vectors that were made anew, of the current space or one."""
        if space is not None:
            with self._lock:
                tagger = self._open.get(space)
            if tagger is not None:
                tagger.forget()
        elif self._space() is not None:
            self.tagger().forget()

    def release(self, space: str) -> None:
        """Let go of a space, by its name, that is about to go."""
        with self._lock:
            tagger = self._open.pop(space, None)
        if tagger is not None:
            tagger.close()

    def close(self) -> None:
        """Let go of every space; safe to call twice."""
        for space in list(self._open):
            self.release(space)


def _place(image: Path | str | bytes) -> Path:
    """Return where a given picture is; its URL as it stands, nothing for bytes."""
    if isinstance(image, bytes):
        return Path()
    return Path(image) if is_url(image) else absolute(image)
