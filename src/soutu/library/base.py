"""The `Library` protocol: one collection of pictures, wherever it lives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, TypeAlias

if TYPE_CHECKING:
    from soutu.library.experiments.base import Experiments
    from soutu.library.tagging.base import Labels, PictureRef, ReviewOrder, TagMode, Tags
    from soutu.library.tagging.using import TagsOfClasses
    from soutu.types import (
        Encoded,
        Explanation,
        Filter,
        HeadReport,
        HeadUse,
        Hit,
        ImageTags,
        IndexReport,
        LibraryStatus,
        Picture,
        PictureOrder,
        Progress,
        Query,
        Question,
        SpaceStatus,
        Term,
        WriteReport,
    )

Watcher: TypeAlias = Callable[["Progress"], None]
"""Called now and then during long work, from the thread that does it."""

Stop: TypeAlias = Callable[[], bool]
"""Asked between batches; True ends the work early, with everything done so far kept."""


class Library(Protocol):
    """Find pictures by meaning. Every door to soutu (Python, CLI, HTTP) stands on this."""

    def add(
        self,
        paths: Iterable[Path | str],
        *,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        on_progress: Watcher | None = None,
        should_stop: Stop | None = None,
    ) -> IndexReport:
        """Index files and folders: what is new or changed is encoded, what vanished is removed.

        `include` and `exclude` are gitignore-style globs on the path below each given folder.
        Bad files are listed in the report and never stop the run.
        Raises InputError for a path that does not exist, StorageError when the disk is full.
        """
        ...

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
        """Return the k best hits, best first, of words, a picture, or both.

        `image` is a path, URL, the bytes of a file, or the id of a picture of the library. `start`
        is how many of the best are passed over, so that an answer can be read page by page.
        Raises QueryError for an empty query, an unreadable picture or a bad filter.
        """
        ...

    def encode(self, terms: Sequence[Term]) -> Encoded:
        """Turn words and pictures into unit vectors of the current space, for other programs.

        Weights are not looked at. Raises QueryError for a picture that cannot be read and for
        words that the model knows nothing of, LibraryError in a library without a model yet.
        """
        ...

    def explain(self, query: str | Query, picture: PictureRef) -> Explanation:
        """Say why a picture of the library answers a query, or why it does not.

        Score and relevance are those that `search` gives the picture, also where a filter or an
        unwanted tag keeps it out. Raises QueryError as `search` does, InputError for a picture
        that is not in the library.
        """
        ...

    def pictures(
        self,
        where: str | Filter | None = None,
        *,
        order: PictureOrder = "newest",
        k: int = 100,
        start: int = 0,
    ) -> list[Picture]:
        """List k pictures (those that pass a filter) from place `start` on, in an order."""
        ...

    def count(self, where: str | Filter | None = None) -> int:
        """Count the pictures, those that pass a filter or all."""
        ...

    def facet(self, field: str, where: str | Filter | None = None) -> dict[str, int]:
        """Count pictures for each value of folder, name, format or camera, most frequent first.

        Raises QueryError for another field.
        """
        ...

    def picture(self, picture: PictureRef) -> Picture:
        """Return a picture by its path or id. Raises InputError where the library holds none."""
        ...

    @property
    def tags(self) -> Tags:
        """The vocabulary."""
        ...

    @property
    def labels(self) -> Labels:
        """What people said of pictures."""
        ...

    @property
    def experiments(self) -> Experiments:
        """Ways of answering searches, compared on the people who search."""
        ...

    def tag(
        self,
        images: Iterable[Path | str | bytes | int] | None = None,
        *,
        mode: TagMode = "threshold",
        k: int | None = None,
        tags: Sequence[str] | None = None,
        on_progress: Watcher | None = None,
    ) -> Iterator[ImageTags]:
        """Yield the tags of pictures in the order given; without any, of all by path.

        Pictures need not be in the library; those that are can be given by id. `mode` says which
        tags count (see `TagMode`), `k` how many a picture gets at most (5 for `top` and `softmax`,
        else all), `tags` which ones are looked at. What people said of pictures of the library
        stands above what was computed; in `softmax` a yes comes first with probability 1, a no is
        left out, and the softmax is over the tags that nobody judged.
        Raises InputError for a picture that cannot be read and when there are no tags.
        """
        ...

    def review(
        self, *, tag: str | None = None, by: ReviewOrder = "tag", k: int = 20
    ) -> list[Question]:
        """Return the k questions whose answers teach most, of one tag or all, best first.

        They are about pictures without a label of that tag, uncertain and unlike each other. By
        `tag`, the questions of one tag follow each other; by `picture`, those of one picture.
        """
        ...

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
        """Write the tags of pictures (all, or those below some paths) to XMP sidecars.

        Keywords that soutu did not write stay, and those that it did go when no tag holds that is
        written so. With `in_place` the tags of JPEG and PNG files go into these files, the old
        one of which is kept as NAME_original, and into sidecars that are there already. `dry_run`
        writes nothing and counts what would be written. What cannot be written is listed; raises
        StorageError for a full disk.
        """
        ...

    def use_head(
        self,
        folder: Path | str,
        *,
        tags: TagsOfClasses | None = None,
        who: str | None = None,
    ) -> HeadReport:
        """Let a trained head score the tags of its classes, from a folder of `heads.save_head`.

        The head is copied into the library. Each class is the tag of its name, made where there is
        none; `tags` names others, or None for a class that is left out. What people said, and
        thresholds they set, stay as they are, and their labels teach on top of the head. A head
        works with the vectors of its own encoder: after `use_model` tags are scored by their texts
        until the model is back. `tags.undo` takes it back.
        Raises InputError for a damaged folder, a head of another encoder, and an unknown class.
        """
        ...

    def drop_head(self, tags: Sequence[str] | None = None, *, who: str | None = None) -> int:
        """Let texts and labels score tags again (some, or all that have a head); return how many.

        The tags stay. Raises InputError for a tag without a head.
        """
        ...

    def heads(self) -> list[HeadUse]:
        """List the trained heads that tags were given, with the tags."""
        ...

    def remove(self, paths: Iterable[Path | str], *, dry_run: bool = False) -> int:
        """Forget files or whole folders (the files stay); return how many pictures.

        With `dry_run` they are only counted.
        """
        ...

    def status(self) -> LibraryStatus:
        """Count what the library holds."""
        ...

    def changes(self) -> int:
        """Return a number that differs after any change of the library."""
        ...

    def use_model(
        self,
        model: str,
        *,
        precision: str = "auto",
        on_progress: Watcher | None = None,
        should_stop: Stop | None = None,
    ) -> SpaceStatus:
        """Make a model's space the current one, after encoding what it still lacks.

        Searches are answered from the old space until the new one is complete. The old space
        stays until `drop_space`. Interrupted, it goes on where it was.
        """
        ...

    def drop_space(self, model: str) -> None:
        """Delete the vectors of a model that is not the current one."""
        ...

    def close(self) -> None:
        """Release every file and lock; safe to call twice."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
