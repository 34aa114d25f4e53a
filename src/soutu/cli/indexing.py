"""One indexing run as the command line does it: open, add, close."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from soutu.cli.progress import shown_progress

if TYPE_CHECKING:
    from soutu.cli.interrupts import StopRequest
    from soutu.models.base import PrecisionChoice
    from soutu.types import IndexReport


@dataclass(kw_only=True)
class Indexing:
    """What every run of one `soutu index` has in common."""

    library: str | None
    model: str | None
    precision: PrecisionChoice
    include: Sequence[str]
    exclude: Sequence[str]
    show_progress: bool
    place: Path | None = None
    """Where the library lies, once a run has opened it."""

    def run(self, paths: Iterable[Path | str], stop: StopRequest) -> IndexReport:
        """Index paths once, and leave the library free for other processes."""
        from soutu.library import open_library

        with open_library(
            self.library, model=self.model, precision=self.precision, create=True
        ) as library:
            if self.place is None:
                self.place = library.status().path
            with shown_progress(stop, quiet=not self.show_progress) as watcher:
                return library.add(
                    paths,
                    include=self.include,
                    exclude=self.exclude,
                    on_progress=watcher,
                    should_stop=stop,
                )
