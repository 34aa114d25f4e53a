"""A library in memory that does what the protocol says, for tests of what the commands do."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeAlias

from click.testing import Result

from soutu.errors import InputError, LibraryError, LibraryMissing, ModelError
from soutu.library.base import Stop, Watcher
from soutu.types import (
    Encoded,
    Explanation,
    Failure,
    Filter,
    Hit,
    ImageInfo,
    IndexReport,
    LibraryStatus,
    Picture,
    PictureOrder,
    Progress,
    Query,
    SpaceStatus,
    Term,
)

if TYPE_CHECKING:
    from soutu.library.experiments.base import Experiments
    from soutu.library.tagging.base import PictureRef

Soutu: TypeAlias = Callable[..., Result]
"""Runs a command on the fake library, as the fixture `soutu_command` gives it."""


def hit(path: str | Path, relevance: float, *, number: int = 1, **info: object) -> Hit:
    """Make a hit of a 640 × 427 JPEG."""
    facts = ImageInfo(width=640, height=427, format="JPEG")
    return Hit(
        id=number,
        path=Path(path),
        score=relevance / 3,
        relevance=relevance,
        info=dataclasses.replace(facts, **info),  # type: ignore[arg-type]
    )


def space(model: str, *, current: bool, vectors: int = 2) -> SpaceStatus:
    """Describe a space of int8 vectors."""
    return SpaceStatus(
        model=model, revision="r1", precision="int8", dim=256, vectors=vectors, current=current
    )


class FakeLibrary:
    """Answer from what a test laid down in its fields, and remember what it was asked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.held: dict[Path, float] = {}
        self.failures: tuple[Failure, ...] = ()
        self.hits: list[Hit] = []
        self.spaces = [space("mini", current=True)]
        self.progress: list[Progress] = []
        self.error: BaseException | None = None
        self.asked: list[tuple[str, object]] = []
        self.opened_with: dict[str, object] = {}
        self.exists = True
        self.closed = 0

    def open(self, where: str | Path | None = None, **options: object) -> FakeLibrary:
        """Stand in for `soutu.library.open_library`."""
        self.opened_with = {"where": where, **options}
        if not self.exists and not options.get("create"):
            raise LibraryMissing(f"there is no library at {where}. Run: soutu index FOLDER")
        return self

    def _ask(self, what: str, value: object) -> None:
        self.asked.append((what, value))
        if self.error is not None:
            raise self.error

    def add(
        self,
        paths: Iterable[Path | str],
        *,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        on_progress: Watcher | None = None,
        should_stop: Stop | None = None,
    ) -> IndexReport:
        """Index every file below the paths; one whose name holds "bad" fails."""
        self._ask("add", (tuple(map(str, paths)), tuple(include), tuple(exclude)))
        stopped = False
        for progress in self.progress:
            if on_progress is not None:
                on_progress(progress)
            stopped = stopped or (should_stop is not None and should_stop())
        if stopped:
            return IndexReport(added=1, interrupted=True, seconds=1.0)
        held = set(self.held)
        files = {
            file
            for path in map(Path, self.asked[-1][1][0])  # type: ignore[index]
            for file in ([path] if path.is_file() else path.rglob("*"))
            if file.is_file()
        }
        good = {file for file in files if "bad" not in file.name}
        self.failures = tuple(
            Failure(path=file, reason="truncated") for file in sorted(files - good)
        )
        self.held = dict.fromkeys(sorted(good), 1.0)
        return IndexReport(
            added=len(good - held),
            skipped=len(good & held),
            removed=len(held - good),
            failures=self.failures,
            seconds=0.5,
        )

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
        """Return the hits that were laid down."""
        self._ask("search", (query, where, k))
        hits = [found for found in self.hits if found.relevance >= min_relevance]
        return hits[start : start + k]

    def encode(self, terms: Sequence[Term]) -> Encoded:
        """Refuse: it has no model."""
        raise LibraryError("there is no model in a library in memory")

    def explain(self, query: str | Query, picture: PictureRef) -> Explanation:
        """Explain the hit that was laid down for a picture held."""
        found = self.picture(picture)
        self._ask("explain", (query, found.path))
        score = next((each for each in self.hits if each.path == found.path), hit(found.path, 0.0))
        return Explanation(
            id=found.id, path=found.path, score=score.score, relevance=score.relevance
        )

    def pictures(
        self,
        where: str | Filter | None = None,
        *,
        order: PictureOrder = "newest",
        k: int = 100,
        start: int = 0,
    ) -> list[Picture]:
        """List the pictures held, each of them made today."""
        found = [self._picture(number, path) for number, path in enumerate(self.held, 1)]
        return found[start : start + k]

    def count(self, where: str | Filter | None = None) -> int:
        """Count the pictures held."""
        return len(self.held)

    def facet(self, field: str, where: str | Filter | None = None) -> dict[str, int]:
        """Count the pictures of each folder held."""
        found: dict[str, int] = {}
        for path in self.held:
            found[str(path.parent)] = found.get(str(path.parent), 0) + 1
        return found

    def picture(self, picture: PictureRef) -> Picture:
        """Return a picture held."""
        for number, path in enumerate(self.held, 1):
            if picture in (number, path, str(path)):
                return self._picture(number, path)
        msg = f"the library does not hold {picture}"
        raise InputError(msg)

    @staticmethod
    def _picture(number: int, path: Path) -> Picture:
        info = ImageInfo(width=640, height=427, format="JPEG")
        return Picture(id=number, path=path, info=info, bytes=1, modified=datetime.now(UTC))

    @property
    def experiments(self) -> Experiments:
        """Refuse: nobody searches it."""
        raise LibraryError("there are no experiments in a library in memory")

    def remove(self, paths: Iterable[Path | str], *, dry_run: bool = False) -> int:
        """Forget the pictures at or below the paths."""
        roots = [Path(path) for path in paths]
        self._ask("count" if dry_run else "remove", tuple(map(str, roots)))
        gone = [path for path in self.held if any(path.is_relative_to(root) for root in roots)]
        if not dry_run:
            for path in gone:
                del self.held[path]
        return len(gone)

    def status(self) -> LibraryStatus:
        """Count what was laid down."""
        folders: dict[str, int] = {}
        for path in self.held:
            folders[str(path.parent)] = folders.get(str(path.parent), 0) + 1
        return LibraryStatus(
            path=self.path,
            images=len(self.held),
            failures=self.failures,
            bytes_on_disk=1_234_567,
            spaces=tuple(self.spaces),
            folders=folders,
        )

    def changes(self) -> int:
        """Count the pictures held, which stands for what may change."""
        return len(self.held)

    def use_model(
        self,
        model: str,
        *,
        precision: str = "auto",
        on_progress: Watcher | None = None,
        should_stop: Stop | None = None,
    ) -> SpaceStatus:
        """Make a model's space current, unless a stop was asked for on the way."""
        self._ask("use", (model, precision))
        for progress in self.progress:
            if on_progress is not None:
                on_progress(progress)
        stopped = should_stop is not None and should_stop()
        new = space(model, current=not stopped)
        if not stopped:
            self.spaces = [dataclasses.replace(old, current=False) for old in self.spaces]
        self.spaces.append(new)
        return new

    def drop_space(self, model: str) -> None:
        """Drop a space; refuse the current one and one that is not there."""
        self._ask("drop", model)
        found = [each for each in self.spaces if each.model == model]
        if not found or found[0].current:
            raise ModelError(f"{model} is the current model, or has no vectors here")
        self.spaces.remove(found[0])

    def close(self) -> None:
        """Count the call."""
        self.closed += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
