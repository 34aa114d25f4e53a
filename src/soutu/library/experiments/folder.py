"""Experiments of a library in a folder."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from soutu.catalog import trials
from soutu.catalog.trials import ImpressionRow, Trial
from soutu.errors import InputError, LibraryBusy, LibraryError, StorageError
from soutu.library.arguments import is_text, one_of, text
from soutu.library.experiments.base import EFFECT, MOST
from soutu.library.experiments.checking import checked_new, checked_session, space_of
from soutu.library.experiments.drafting import digest
from soutu.library.experiments.ways import Answered, Ways
from soutu.library.pictures import is_id, missing
from soutu.library.query import build_query, check_start
from soutu.library.tagging.tags import login_name
from soutu.types import ExperimentAction, Served

if TYPE_CHECKING:
    from soutu.catalog.catalog import Catalog, SpaceRow
    from soutu.library.current import CurrentSpace
    from soutu.library.searcher import Searcher
    from soutu.types import Experiment, ExperimentKind, ExperimentReport, Filter, Query


class FolderExperiments:
    """Run experiments; see `base.Experiments`. Safe to call from many threads."""

    def __init__(self, catalog: Catalog, spaces: CurrentSpace, searcher: Searcher) -> None:
        self._catalog, self._spaces = catalog, spaces
        self._ways = Ways(spaces, searcher)
        self._lock = threading.Lock()
        self._known: tuple[int, dict[str, Trial]] | None = None

    def __iter__(self) -> Iterator[Experiment]:
        return iter([each.experiment for each in self._trials().values()])

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
        """Start an experiment."""
        made = checked_new(
            name,
            kind=kind,
            model=model,
            precision=precision,
            diversity=diversity,
            keywords=keywords,
            share=share,
            keep_words=keep_words,
            salt=salt,
            who=login_name(who),
        )
        space_of(made.variant, self._catalog, self._spaces, complete=True)
        trial = Trial(
            experiment=made, salt=secrets.token_hex(16) if salt is None else text(salt, "salt")
        )
        in_the_way = trials.begin(self._catalog, trial)
        if in_the_way is None:
            return made
        if in_the_way.name == made.name:
            msg = f"there is an experiment {made.name!r} already. Choose another name"
            raise InputError(msg)
        msg = (
            f"the experiment {in_the_way.name!r} is running, and one runs at a time. End it "
            f"first: soutu experiments stop {in_the_way.name}"
        )
        raise LibraryError(msg)

    def stop(self, name: str) -> Experiment:
        """End an experiment."""
        found = self._find(name).experiment
        if found.stopped is not None:
            raise InputError(f"the experiment {name!r} has ended already")
        at = datetime.now(UTC)
        trials.end(self._catalog, name, at)
        return replace(found, stopped=at)

    def remove(self, name: str) -> None:
        """Delete an experiment with its log."""
        if self._find(name).experiment.stopped is None:
            msg = f"the experiment {name!r} is running. End it first: soutu experiments stop {name}"
            raise LibraryError(msg)
        trials.erase(self._catalog, name)

    def running(self) -> Experiment | None:
        """Return the experiment that runs; microseconds."""
        found = self._running()
        return None if found is None else found.experiment

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
        """Answer somebody, and log what they are shown."""
        built = build_query(query, image=image, minus=minus, where=where)
        check_start(start)
        checked_session(session)
        k = min(k, MOST)
        trial = self._running() if experiment is None else self._trials().get(experiment)
        answered = None if trial is None else self._ways.answer(trial, built, session, k, start)
        if trial is None or answered is None:
            hits, more = self._ways.plain(built, k, start)
            name = ""
            impression = None
        else:
            hits, more, name = answered.hits, answered.more, trial.experiment.name
        hits = [hit for hit in hits if hit.by_name or hit.relevance >= min_relevance]
        if trial is not None and answered is not None:
            shown = replace(answered, hits=hits)
            impression = self._noted(trial, built, session, shown, start)
        return Served(hits=hits, impression=impression, experiment=name, more=more)

    def record(self, impression: str, picture: int, action: ExperimentAction) -> bool:
        """Log what somebody did with a picture that they were shown."""
        text(impression, "impression")
        one_of(action, get_args(ExperimentAction), "action")
        if not is_id(picture):
            raise missing(picture)
        shown, logged = False, False
        if is_text(impression):
            shown, logged = trials.log_action(self._catalog, impression, picture, action)
        if not shown:
            msg = f"the picture {picture} is in no answer {impression!r:.40} that was shown"
            raise InputError(msg)
        return logged

    def report(self, name: str, *, effect: float = EFFECT) -> ExperimentReport:
        """Say which way is better, as far as the log shows it."""
        from soutu.library.experiments.report import report_of

        found = self._find(name).experiment
        return report_of(found, trials.tallies(self._catalog, name), effect=effect)

    # --- for the library ---

    def space(self) -> SpaceRow | None:
        """Return the space, other than the current one, that the running experiment answers by."""
        found = self._running()
        if found is None:
            return None
        return space_of(found.experiment.variant, self._catalog, self._spaces)

    def refuse_while_running(self, what: str) -> None:
        """Raise LibraryError where an experiment runs that would mean something else after it."""
        found = self.running()
        if found is not None:
            msg = (
                f"{what} while the experiment {found.name!r} is running. End it first: "
                f"soutu experiments stop {found.name}"
            )
            raise LibraryError(msg)

    # --- inside ---

    def _noted(
        self, trial: Trial, query: Query, session: str, answered: Answered, start: int
    ) -> str | None:
        """Log a page; return the impression, None where it is not in the log."""
        if trial.experiment.stopped is not None:
            return None
        question = digest(trial.salt, "question", self._ways.question(query))
        row = ImpressionRow(
            key=digest(trial.salt, "impression", session, question),
            experiment=trial.experiment.name,
            session=digest(trial.salt, "session", session),
            side=answered.side,
            question=question,
            words=_words(query) if trial.experiment.keep_words else None,
        )
        images = [hit.id for hit in answered.hits]
        sides = "".join(answered.sides[image] for image in images)
        try:
            logged = trials.log_page(self._catalog, row, start=start, images=images, sides=sides)
        except (LibraryBusy, StorageError):  # who searches must not wait for the log
            return None
        return row.key if logged else None

    def _running(self) -> Trial | None:
        for found in self._trials().values():
            if found.experiment.stopped is None:
                return found
        return None

    def _find(self, name: str) -> Trial:
        known = self._trials()
        if text(name, "name") not in known:
            names = ", ".join(known) or "none"
            raise InputError(f"there is no experiment {name!r}; there are: {names}")
        return known[name]

    def _trials(self) -> dict[str, Trial]:
        stamp = self._catalog.stamp()
        with self._lock:
            if self._known is None or self._known[0] != stamp:
                found = {each.experiment.name: each for each in trials.trials(self._catalog)}
                self._known = (stamp, found)
            return self._known[1]


def _words(query: Query) -> str:
    parts = [("" if t.weight > 0 else "-") + t.text for t in query.terms if t.text is not None]
    return "; ".join(parts)
