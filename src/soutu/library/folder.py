"""A library in a folder on this machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from soutu.catalog.catalog import Catalog
from soutu.catalog.listing import below
from soutu.catalog.shown import Shown
from soutu.library.answers import Answers
from soutu.library.arguments import several, texts
from soutu.library.closing import Closing
from soutu.library.current import CurrentSpace, checked_precision
from soutu.library.experiments.folder import FolderExperiments
from soutu.library.owner import SERVE, hold
from soutu.library.pictures import Pictures
from soutu.library.place import CATALOG, absolute, disk_use, prepare
from soutu.library.query import build_query, check_start
from soutu.library.searcher import Searcher
from soutu.library.spaces import Space, drop_space, row_for, status_of
from soutu.library.tagging.tagging import Tagging
from soutu.types import LibraryStatus, Progress, SpaceStatus

if TYPE_CHECKING:
    from soutu.library.base import Stop, Watcher
    from soutu.library.experiments.base import Experiments
    from soutu.library.tagging.base import Labels, PictureRef, ReviewOrder, TagMode, Tags
    from soutu.library.tagging.using import TagsOfClasses
    from soutu.models.base import Encoder, EncoderSource, PrecisionChoice
    from soutu.types import (
        Encoded,
        Explanation,
        Filter,
        HeadReport,
        HeadUse,
        Hit,
        ImageTags,
        IndexReport,
        Picture,
        PictureOrder,
        Query,
        Question,
        Term,
        WriteReport,
    )

_UNCLEAN = "unclean"  # set while vectors and rows may disagree


class FolderLibrary(Closing):
    """Keep a library in a folder: `catalog.db` and a folder of vectors for each space.

    Safe to use from many threads; one of them at a time indexes, removes or switches models.
    """

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
        self._path, self._store = path, store
        prepare(path, create=create)
        self._catalog = Catalog.open(path / CATALOG)
        self._answers = Answers()
        self._current = CurrentSpace(
            path,
            self._catalog,
            store,
            model=model,
            precision=precision,
            concepts=concepts,
            on_switch=self._answers.clear,
        )
        self._current.task = task
        self._tagging = Tagging(self._catalog, self._current.space, self._current.encoder, path)
        self._pictures = Pictures(self._catalog, self._current.space, self._tagging.tagger)
        self._searcher = Searcher(
            catalog=self._catalog,
            spaces=self._current,
            tagging=self._tagging,
            answers=self._answers,
            shown=Shown(self._catalog),
        )
        self._experiments = FolderExperiments(self._catalog, self._current, self._searcher)

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

        places = [absolute(path) for path in several(paths, "paths")]
        include, exclude = texts(include, "include"), texts(exclude, "exclude")
        with self._writing("index"):
            space = self._current.make()
            # After a killed run, or when somebody deleted a damaged folder of vectors.
            changed = self._catalog.setting(_UNCLEAN) == space.row.name
            changed = changed or space.index.count() != self._catalog.count()
            if changed:
                mend(
                    self._catalog,
                    space,
                    self._current.encoder,
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
                self._current.encoder,
                before_writing=before_writing,
                on_progress=on_progress,
                should_stop=should_stop,
            )
            report = run.run(places, include=include, exclude=exclude, skip=self._path)
            if changed or run.retagged:
                self._tagging.read_files()
            if changed:
                self._settle(space, on_progress)
            self._keep_up(on_progress, should_stop)
        return report

    def remove(self, paths: Iterable[Path | str], *, dry_run: bool = False) -> int:
        """Forget files or folders; see `Library.remove`."""
        places = [absolute(path) for path in several(paths, "paths")]
        if dry_run:
            return len(below(self._catalog, places))
        with self._writing("remove"):
            space = self._current.space()
            ids = below(self._catalog, places)
            for place in places:
                lost = [failure.path for failure in self._catalog.failures(place)]
                self._catalog.delete_failures(lost)
            if len(ids) and space is not None:
                self._catalog.set_setting(_UNCLEAN, space.row.name)
                self._changed()
                self._catalog.delete(ids)
                space.index.delete(ids)
                self._settle(space, None)
                self._keep_up(None, None)
        return len(ids)

    # --- searching ---

    def search(
        self,
        query: str | Query | None = None,
        *,
        image: Path | str | bytes | int | None = None,
        minus: str | None = None,
        where: str | Filter | None = None,
        k: int = 20,
        start: int = 0,
        min_relevance: float = 0.0,
    ) -> list[Hit]:
        """Return the k best hits, best first; see `Library.search`."""
        built = build_query(query, image=image, minus=minus, where=where)
        check_start(start)
        found = self._searcher.page(built, k=k, start=start)
        return [hit for hit in found if hit.by_name or hit.relevance >= min_relevance]

    def encode(self, terms: Sequence[Term]) -> Encoded:
        """Turn words and pictures into unit vectors; see `Library.encode`."""
        return self._searcher.encode(terms)

    def explain(self, query: str | Query, picture: PictureRef) -> Explanation:
        """Say why a picture answers a query; see `Library.explain`."""
        return self._searcher.explain(build_query(query), picture)

    def pictures(
        self,
        where: str | Filter | None = None,
        *,
        order: PictureOrder = "newest",
        k: int = 100,
        start: int = 0,
    ) -> list[Picture]:
        """List pictures in an order; see `Library.pictures`."""
        return self._pictures.list(where, order=order, k=k, start=start)

    def count(self, where: str | Filter | None = None) -> int:
        """Count the pictures, those that pass a filter or all."""
        return self._pictures.count(where)

    def facet(self, field: str, where: str | Filter | None = None) -> dict[str, int]:
        """Count pictures for each value of a field; see `Library.facet`."""
        return self._pictures.facet(field, where)

    def picture(self, picture: PictureRef) -> Picture:
        """Return a picture by its path or id; see `Library.picture`."""
        return self._pictures.one(picture)

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
        images: Iterable[Path | str | bytes | int] | None = None,
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

    @property
    def experiments(self) -> Experiments:
        """Ways of answering searches, compared; see `experiments.base.Experiments`."""
        return self._experiments

    # --- trained heads ---

    def use_head(
        self, folder: Path | str, *, tags: TagsOfClasses | None = None, who: str | None = None
    ) -> HeadReport:
        """Let a trained head score the tags of its classes; see `Library.use_head`."""
        return self._tagging.heads.use(folder, tags, who=who)

    def drop_head(self, tags: Sequence[str] | None = None, *, who: str | None = None) -> int:
        """Take trained heads away from tags; see `Library.drop_head`."""
        return self._tagging.heads.drop(tags, who=who)

    def heads(self) -> list[HeadUse]:
        """List the trained heads that tags were given; see `Library.heads`."""
        return self._tagging.heads.list()

    # --- status ---

    def status(self) -> LibraryStatus:
        """Count what the library holds; see `Library.status`."""
        return LibraryStatus(
            path=self._path,
            images=self._catalog.count(),
            failures=tuple(self._catalog.failures()),
            bytes_on_disk=disk_use(self._path),
            spaces=self._current.statuses(),
            folders=self._catalog.folders(),
        )

    def changes(self) -> int:
        """Return a number that differs after any change of the library; microseconds."""
        return self._catalog.stamp()

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
            encoder = self._store.load(model, precision=checked_precision(precision), threads=1)
            row = row_for(encoder.facts, model)
            if row != self._current.row():
                self._experiments.refuse_while_running("the model cannot be changed")
            self._catalog.put_space(row)
            space = self._current.opened(row)
            switched = False
            try:
                mend(
                    self._catalog,
                    space,
                    lambda: encoder,
                    on_progress=on_progress,
                    should_stop=should_stop,
                )
                if should_stop is None or not should_stop():
                    self._settle_vectors(space, encoder, on_progress)
                    self._current.switch(row, encoder)
                    switched = True
                vectors = space.index.count()
            finally:
                if not switched and self._current.row() != row:
                    self._current.release(row)
        return status_of(row, vectors=vectors, current=switched)

    def drop_space(self, model: str) -> None:
        """Delete the vectors of a model that is not the current one; see `Library.drop_space`."""
        with self._writing("models rm"):
            droppable = self._current.droppable(model)
            if self._experiments.space() in droppable:
                self._experiments.refuse_while_running(f"vectors of {model} cannot be deleted")
            for row in droppable:
                self._tagging.release(row.name)
                self._current.release(row)
                drop_space(self._path, self._catalog, row, task="models rm")

    # --- life cycle ---

    def close(self) -> None:
        """Release every file and lock; safe to call twice."""
        self._tagging.close()
        self._current.close()
        self._catalog.close()

    @contextmanager
    def _writing(self, task: str) -> Iterator[None]:
        """Be the only process that changes the library."""
        held = hold(self._path, "write", task=task)
        if self._current.task != SERVE:  # what holds the vectors of a server is the server
            self._current.task = task
        try:
            yield
        finally:
            held.release()

    def _changed(self) -> None:
        self._answers.clear()
        if (space := self._current.space()) is not None:
            space.forget_calibration()

    def _settle(self, space: Space, on_progress: Watcher | None) -> None:
        """End a run that changed something: fast searches, a fresh calibration, a clean mark."""
        space.forget_calibration()
        self._settle_vectors(space, self._current.encoder(), on_progress)
        self._catalog.set_setting(_UNCLEAN, None)

    def _keep_up(self, on_progress: Watcher | None, should_stop: Stop | None) -> None:
        """Let both sides of an experiment know the same pictures."""
        from soutu.library.filling import mend

        row = self._experiments.space()
        if row is None:
            return
        space, encoder = self._current.opened(row), partial(self._current.encoder_of, row)
        mend(self._catalog, space, encoder, on_progress=on_progress, should_stop=should_stop)
        space.forget_calibration()
        self._tagging.forget(row.name)
        self._settle_vectors(space, encoder(), on_progress)
        self._answers.clear()

    def _settle_vectors(self, space: Space, encoder: Encoder, on_progress: Watcher | None) -> None:
        if on_progress is not None:
            on_progress(Progress(stage="optimize", done=0, total=None))
        space.index.optimize()
        space.calibration(encoder)
