"""Experiments of a library behind a server; see `experiments.base.Experiments`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from soutu.library.arguments import one_of, text
from soutu.library.experiments.base import EFFECT, MOST
from soutu.library.experiments.checking import checked_new, checked_session
from soutu.library.pictures import is_id, missing
from soutu.library.query import build_query, check_start
from soutu.library.tagging.tags import login_name
from soutu.types import Experiment, ExperimentAction, ExperimentReport, Hit, Served
from soutu.wire import from_json

if TYPE_CHECKING:
    from soutu.library.remote.http import Http
    from soutu.types import ExperimentKind, Filter, Query
    from soutu.wire import Json


class RemoteExperiments:
    """Run experiments of a server's library. `ask` sends a query, with pictures that go along."""

    def __init__(self, http: Http, ask: Callable[[str, Query, dict[str, Json]], Json]) -> None:
        self._http, self._ask = http, ask

    def __iter__(self) -> Iterator[Experiment]:
        found = self._http.get("/api/experiments")
        return iter([from_json(Experiment, each) for each in found])

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
        settings: dict[str, Json] = {
            "kind": kind,
            "model": model,
            "precision": precision,
            "diversity": diversity,
            "keywords": keywords,
            "share": share,
            "keep_words": keep_words,
            "salt": salt,
            "who": login_name(who),
        }
        checked_new(name, **settings)
        found = self._http.post("/api/experiments", {"name": name, **settings})
        return from_json(Experiment, found)

    def stop(self, name: str) -> Experiment:
        """End an experiment."""
        body = {"name": text(name, "name")}
        return from_json(Experiment, self._http.post("/api/experiments/stop", body))

    def remove(self, name: str) -> None:
        """Delete an experiment with its log."""
        self._http.delete("/api/experiments", name=text(name, "name"))

    def running(self) -> Experiment | None:
        """Return the experiment that runs."""
        return next((each for each in self if each.stopped is None), None)

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
        if k < 1:
            return Served(hits=[], experiment="")
        body = {
            "k": min(k, MOST),
            "start": start,
            "session": session,
            "experiment": experiment,
            "min_relevance": min(max(min_relevance, 0.0), 1.0),
        }
        page = self._ask("/api/search", built, body)
        return Served(
            hits=[from_json(Hit, each) for each in page["hits"]],
            impression=page["impression"],
            experiment=page["experiment"],
            more=page["cursor"] is not None,
        )

    def record(self, impression: str, picture: int, action: ExperimentAction) -> bool:
        """Log what somebody did with a picture that they were shown."""
        text(impression, "impression")
        one_of(action, get_args(ExperimentAction), "action")
        if not is_id(picture):
            raise missing(picture)
        body = {"impression": impression, "picture": picture, "action": action}
        return bool(self._http.post("/api/experiments/events", body)["logged"])

    def report(self, name: str, *, effect: float = EFFECT) -> ExperimentReport:
        """Say which way is better, as far as the log shows it."""
        found = self._http.get("/api/experiments/report", name=text(name, "name"), effect=effect)
        return from_json(ExperimentReport, found)
