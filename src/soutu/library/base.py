"""The `Library` protocol: one collection of pictures, wherever it lives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, TypeAlias

if TYPE_CHECKING:
    from soutu.types import (
        Filter,
        Hit,
        IndexReport,
        LibraryStatus,
        Progress,
        Query,
        SpaceStatus,
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
        image: Path | str | bytes | None = None,
        minus: str | None = None,
        where: str | Filter | None = None,
        k: int = 20,
        min_relevance: float = 0.0,
    ) -> list[Hit]:
        """Return the k best hits, best first, of words, a picture, or both.

        Raises QueryError for an empty query, an unreadable picture or a bad filter.
        """
        ...

    def remove(self, paths: Iterable[Path | str], *, dry_run: bool = False) -> int:
        """Forget files or whole folders (the files stay); return how many pictures.

        With `dry_run` they are only counted.
        """
        ...

    def status(self) -> LibraryStatus:
        """Count what the library holds."""
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
