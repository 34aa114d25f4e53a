"""The `Experiments` protocol: compare two ways of answering searches, on the people who search."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from soutu.types import (
        Experiment,
        ExperimentAction,
        ExperimentKind,
        ExperimentReport,
        Filter,
        Query,
        Served,
    )

EFFECT = 0.05
"""The difference that a report counts on, where nobody says another: see `Experiments.report`."""


MOST = 1000
"""Hits of one page at most."""


class Experiments(Protocol):
    """Run one experiment at a time, and keep the log of those that ended, the last one first.

    Way A is how the library answers anyway; way B differs in what `types.Variant` says. Methods
    raise InputError for an unknown name.
    """

    def __iter__(self) -> Iterator[Experiment]: ...

    def start(
        self,
        name: str,
        *,
        kind: ExperimentKind = "interleaved",
        model: str | None = None,
        precision: str | None = None,
        diversity: float | None = None,
        keywords: bool = False,
        share: float | None = None,
        keep_words: bool = False,
        salt: str | None = None,
        who: str | None = None,
    ) -> Experiment:
        """Start an experiment; what B does otherwise is said by `model` to `keywords`.

        `split` answers a share of the people by B (half of them by default), the others by A.
        `interleaved` shows a share of them (by default all) one list drafted from both. `salt` is
        hashed with people's keys and questions, random by default: the same one gives the same
        people the same side. Raises InputError for a name that is taken and where B would be A,
        ModelError where B's vectors are missing, LibraryError while another experiment runs.
        """
        ...

    def stop(self, name: str) -> Experiment:
        """End an experiment; everybody is answered by A again. Its log stays."""
        ...

    def remove(self, name: str) -> None:
        """Delete an experiment with its log. Raises LibraryError for one that runs."""
        ...

    def running(self) -> Experiment | None:
        """Return the experiment that runs."""
        ...

    def search(
        self,
        query: str | Query | None = None,
        *,
        session: str,
        image: Path | str | bytes | int | None = None,
        minus: str | None = None,
        where: str | Filter | None = None,
        k: int = 20,
        start: int = 0,
        min_relevance: float = 0.0,
        experiment: str | None = None,
    ) -> Served:
        """Answer somebody as the running experiment says, and log what they are shown.

        `session` tells people apart, such as a random text in their browser; only its hash is
        kept. The rest is as in `Library.search`, with a page of 1000 hits at most. The same person
        gets the same list for the same question, which is one impression. A page after the first
        names the `experiment` that the first one was answered by, so that it goes on in the same
        way; "" stands for none.
        """
        ...

    def record(self, impression: str, picture: int, action: ExperimentAction) -> bool:
        """Log what somebody did with a picture that they were shown; the same counts once.

        Returns False once the experiment has ended: nothing is logged then. Raises InputError for
        a picture that was not shown there.
        """
        ...

    def report(self, name: str, *, effect: float = EFFECT) -> ExperimentReport:
        """Say which way is better, as far as the log shows it.

        `effect` is the difference, in clicks per answer or in the win rate, for which the report
        says how many more people or lists it would take.
        """
        ...
