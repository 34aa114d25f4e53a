"""A library in a folder on this machine."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, cast, get_args

from soutu.catalog.catalog import Catalog, SpaceRow
from soutu.catalog.said import SAID
from soutu.errors import LibraryError, ModelError
from soutu.library.owner import hold
from soutu.library.place import CATALOG, absolute, disk_use, prepare
from soutu.library.query import build_query
from soutu.library.searching import answer
from soutu.library.spaces import (
    CURRENT,
    Space,
    count_vectors,
    current_row,
    drop_space,
    open_space,
    row_for,
    status_of,
)
from soutu.library.tagging.tagging import Tagging
from soutu.models.base import PrecisionChoice
from soutu.types import Hit, LibraryStatus, Progress, Query, SpaceStatus

if TYPE_CHECKING:
    from soutu.library.base import Stop, Watcher
    from soutu.library.tagging.base import Labels, ReviewOrder, TagMode, Tags
    from soutu.models.base import Encoder, EncoderSource
    from soutu.types import Filter, Ids, ImageTags, IndexReport, Question, WriteReport

DEFAULT_MODEL = "mini"
_UNCLEAN = "unclean"  # set while vectors and rows may disagree
_CACHED_QUERIES = 256


class FolderLibrary:
    """Keep a library in a folder: `catalog.db` and a folder of vectors for each space."""

    def __init__(
        self,
        path: Path,
        *,
        store: EncoderSource,
        model: str | None = None,
        precision: PrecisionChoice = "auto",
        create: bool = False,
        task: str = "search",
        concepts: Path | None = None,
    ) -> None:
        self._path, self._store, self._task = path, store, task
        self._concepts = concepts
        self._wanted, self._precision = model, precision
        prepare(path, create=create)
        self._catalog = Catalog.open(path / CATALOG)
        self._space: Space | None = None
        self._encoder: tuple[str, Encoder] | None = None
        self._answers: OrderedDict[object, list[Hit]] = OrderedDict()
        self._tagging = Tagging(self._catalog, self._open_space, self._load_encoder)

    # --- indexing ---

    def add(
        self,
        paths: Iterable[Path | str],
        *,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        on_progress: Watcher | None = None,
        should_stop: Stop | None = None,
    ) -> IndexReport:
        """Index files and folders; see `Library.add`."""
        from soutu.library.filling import mend
        from soutu.library.indexing import IndexRun

        places = [absolute(path) for path in paths]
        with self._writing("index"):
            space = self._make_space()
            # After a killed run, or when somebody deleted a damaged folder of vectors.
            changed = self._catalog.setting(_UNCLEAN) == space.row.name
            changed = changed or space.index.count() != self._catalog.count()
            if changed:
                mend(
                    self._catalog,
                    space,
                    self._load_encoder,
                    on_progress=on_progress,
                    should_stop=should_stop,
                )
                self._tagging.forget()

            def before_writing() -> None:
                nonlocal changed
                changed = True
                self._catalog.set_setting(_UNCLEAN, space.row.name)
                self._changed()

            run = IndexRun(
                self._catalog,
                space,
                self._load_encoder,
                before_writing=before_writing,
                on_progress=on_progress,
                should_stop=should_stop,
            )
            report = run.run(places, include=include, exclude=exclude, skip=self._path)
            if changed or run.retagged:
                self._tagging.read_files()
            if changed:
                self._settle(space, on_progress)
        return report

    def remove(self, paths: Iterable[Path | str], *, dry_run: bool = False) -> int:
        """Forget files or folders; see `Library.remove`."""
        places = [absolute(path) for path in paths]
        if dry_run:
            return len(self._ids_below(places))
        with self._writing("remove"):
            space = self._open_space()
            ids = self._ids_below(places)
            for place in places:
                lost = [failure.path for failure in self._catalog.failures(place)]
                self._catalog.delete_failures(lost)
            if len(ids) and space is not None:
                self._catalog.set_setting(_UNCLEAN, space.row.name)
                self._changed()
                self._catalog.delete(ids)
                space.index.delete(ids)
                self._settle(space, None)
        return len(ids)

    def _ids_below(self, places: Sequence[Path]) -> Ids:
        import numpy as np

        found = [self._catalog.ids(place) for place in places]
        return np.unique(np.concatenate(found)) if found else np.empty(0, dtype=np.int64)

    # --- searching ---

    def search(
        self,
        query: str | Query | None = None,
        *,
        image: Path | str | bytes | None = None,
        minus: str | None = None,
        where: str | Filter | None = None,
        k: int = 20,
        min_relevance: float = 0.0,
    ) -> list[Hit]:
        """Return the k best hits, best first; see `Library.search`."""
        built = build_query(query, image=image, minus=minus, where=where)
        space = self._open_space()
        if space is None or k < 1:
            return []
        key = (built, k, self._catalog.setting(SAID))  # what people said changes answers too
        if key not in self._answers:
            self._answers[key] = answer(
                built,
                k=k,
                catalog=self._catalog,
                space=space,
                encoder=self._load_encoder,
                tagger=self._tagging.tagger,
            )
            while len(self._answers) > _CACHED_QUERIES:
                self._answers.popitem(last=False)
        self._answers.move_to_end(key)
        return [hit for hit in self._answers[key] if hit.by_name or hit.relevance >= min_relevance]

    # --- tags ---

    @property
    def tags(self) -> Tags:
        """The vocabulary; see `tagging.base.Tags`."""
        return self._tagging.tags

    @property
    def labels(self) -> Labels:
        """What people said of pictures; see `tagging.base.Labels`."""
        return self._tagging.labels

    def tag(
        self,
        images: Iterable[Path | str | bytes] | None = None,
        *,
        mode: TagMode = "threshold",
        k: int | None = None,
        tags: Sequence[str] | None = None,
        on_progress: Watcher | None = None,
    ) -> Iterator[ImageTags]:
        """Yield the tags of pictures; see `Library.tag`."""
        return self._tagging.tag(images, mode=mode, k=k, tags=tags, on_progress=on_progress)

    def review(
        self, *, tag: str | None = None, by: ReviewOrder = "tag", k: int = 20
    ) -> list[Question]:
        """Return the k questions whose answers teach most; see `Library.review`."""
        return self._tagging.review(tag=tag, by=by, k=k)

    def write_tags(
        self,
        paths: Iterable[Path | str] | None = None,
        *,
        tags: Sequence[str] | None = None,
        in_place: bool = False,
        dry_run: bool = False,
        on_progress: Watcher | None = None,
        should_stop: Stop | None = None,
    ) -> WriteReport:
        """Write the tags of pictures where other programs read them; see `Library.write_tags`."""
        return self._tagging.write(
            paths,
            tags=tags,
            in_place=in_place,
            dry_run=dry_run,
            on_progress=on_progress,
            should_stop=should_stop,
        )

    # --- status ---

    def status(self) -> LibraryStatus:
        """Count what the library holds; see `Library.status`."""
        current = current_row(self._catalog)
        spaces = tuple(
            self._space_status(row, current=current is not None and row.name == current.name)
            for row in self._catalog.spaces()
        )
        return LibraryStatus(
            path=self._path,
            images=self._catalog.count(),
            failures=tuple(self._catalog.failures()),
            bytes_on_disk=disk_use(self._path),
            spaces=spaces,
            folders=self._catalog.folders(),
        )

    def _space_status(self, row: SpaceRow, *, current: bool) -> SpaceStatus:
        if self._space is not None and self._space.row.name == row.name:
            return status_of(row, vectors=self._space.index.count(), current=current)
        return status_of(row, vectors=count_vectors(self._path, row), current=current)

    # --- models ---

    def use_model(
        self,
        model: str,
        *,
        precision: str = "auto",
        on_progress: Watcher | None = None,
        should_stop: Stop | None = None,
    ) -> SpaceStatus:
        """Make a model's space the current one; see `Library.use_model`."""
        from soutu.library.filling import mend

        with self._writing("models use"):
            encoder = self._store.load(model, precision=_precision(precision), threads=1)
            row = row_for(encoder.facts, model)
            self._catalog.put_space(row)
            if self._space is not None and self._space.row.name == row.name:
                self._close_space()
            space = open_space(self._path, row, task="models use", concepts=self._concepts)
            try:
                mend(
                    self._catalog,
                    space,
                    lambda: encoder,
                    on_progress=on_progress,
                    should_stop=should_stop,
                )
                stopped = should_stop is not None and should_stop()
                if not stopped:
                    self._settle_vectors(space, encoder, on_progress)
                    # One row of one table: searches see the old space or the new one.
                    self._catalog.set_setting(CURRENT, row.name)
                    self._changed()
                vectors = space.index.count()
            finally:
                space.close()
            if not stopped:
                self._close_space()
                self._encoder = (row.name, encoder)
        return status_of(row, vectors=vectors, current=not stopped)

    def drop_space(self, model: str) -> None:
        """Delete the vectors of a model that is not the current one; see `Library.drop_space`."""
        with self._writing("models rm"):
            current = current_row(self._catalog)
            rows = [r for r in self._catalog.spaces() if model in (r.model, r.source, r.name)]
            if not rows:
                held = ", ".join(sorted({r.model for r in self._catalog.spaces()})) or "none"
                msg = f"the library {self._path} holds no vectors of {model!r}; it holds: {held}"
                raise ModelError(msg)
            droppable = [r for r in rows if current is None or r.name != current.name]
            if not droppable:
                msg = (
                    f"{model} is the model in use in {self._path}. "
                    f"Switch first: soutu models use OTHER"
                )
                raise ModelError(msg)
            for row in droppable:
                drop_space(self._path, self._catalog, row, task="models rm")

    # --- life cycle ---

    def close(self) -> None:
        """Release every file and lock; safe to call twice."""
        self._close_space()
        if self._encoder is not None:
            self._encoder[1].close()
            self._encoder = None
        self._catalog.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @contextmanager
    def _writing(self, task: str) -> Iterator[None]:
        """Be the only process that changes the library."""
        held = hold(self._path, "write", task=task)
        self._task = task
        try:
            yield
        finally:
            held.release()

    def _changed(self) -> None:
        self._answers.clear()
        if self._space is not None:
            self._space.forget_calibration()

    def _settle(self, space: Space, on_progress: Watcher | None) -> None:
        """End a run that changed something: fast searches, a fresh calibration, a clean mark."""
        space.forget_calibration()
        self._settle_vectors(space, self._load_encoder(), on_progress)
        self._catalog.set_setting(_UNCLEAN, None)

    def _settle_vectors(self, space: Space, encoder: Encoder, on_progress: Watcher | None) -> None:
        if on_progress is not None:
            on_progress(Progress(stage="optimize", done=0, total=None))
        space.index.optimize()
        space.calibration(encoder)

    def _make_space(self) -> Space:
        """Return the current space; in a new library, first make one for the wanted model."""
        if current_row(self._catalog) is None:
            source = self._wanted or DEFAULT_MODEL
            encoder = self._store.load(source, precision=self._precision, threads=1)
            row = row_for(encoder.facts, source)
            self._encoder = (row.name, encoder)
            self._catalog.put_space(row)
            self._catalog.set_setting(CURRENT, row.name)
        space = self._open_space()
        assert space is not None
        return space

    def _open_space(self) -> Space | None:
        """Return the current space, opened; None in a library that has none yet."""
        row = current_row(self._catalog)
        if self._space is not None and (row is None or row.name != self._space.row.name):
            self._close_space()  # another process switched models
            self._answers.clear()
        if row is None:
            return None
        self._refuse_other_model(row)
        if self._space is None:
            self._space = open_space(self._path, row, task=self._task, concepts=self._concepts)
        return self._space

    def _refuse_other_model(self, row: SpaceRow) -> None:
        if self._wanted is None or self._wanted in (row.source, row.model):
            return
        msg = (
            f"the library {self._path} holds {row.dim}-d vectors of {row.model}, not of "
            f"{self._wanted}. Run: soutu models use {self._wanted}"
        )
        raise ModelError(msg)

    def _load_encoder(self) -> Encoder:
        """Load the encoder of the current space, at exactly the revision of its vectors."""
        row = current_row(self._catalog)
        if row is None:
            msg = f"the library {self._path} is empty. Run: soutu index FOLDER"
            raise LibraryError(msg)
        if self._encoder is not None and self._encoder[0] == row.name:
            return self._encoder[1]
        if self._encoder is not None:
            self._encoder[1].close()
            self._encoder = None
        encoder = self._store.load(row.source, precision=_precision(row.precision), threads=1)
        if encoder.facts.revision != row.revision:
            encoder.close()
            msg = (
                f"the model {row.model} has changed since {self._path} was indexed (revision "
                f"{row.revision[:12]} then, {encoder.facts.revision[:12]} now). "
                f"Run: soutu models use {row.source}"
            )
            raise ModelError(msg)
        self._encoder = (row.name, encoder)
        return encoder

    def _close_space(self) -> None:
        self._tagging.close()
        if self._space is not None:
            self._space.close()
            self._space = None


def _precision(text: str) -> PrecisionChoice:
    if text not in get_args(PrecisionChoice):
        msg = f"unknown precision {text!r}. Choose auto, fp32 or int8"
        raise ModelError(msg)
    return cast("PrecisionChoice", text)
