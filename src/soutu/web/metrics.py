"""Figures for Prometheus: requests by route, pictures, jobs."""

from __future__ import annotations

import time
from collections import Counter as Count
from collections.abc import Iterable
from typing import TYPE_CHECKING, get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily

from soutu.errors import SoutuError
from soutu.web.jobs import JobState

if TYPE_CHECKING:
    from prometheus_client.core import Metric
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from soutu.web.server import Server

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PAGE = "page"
"""The route of whatever is no endpoint: the page's files, and paths that lead nowhere."""


class Metrics:
    """Count what one server does. Labels come from lists that are known beforehand.

    The registry is its own, so that two servers of one process do not mix.
    """

    def __init__(self, server: Server) -> None:
        self._registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self.requests = Counter(
            "soutu_http_requests", "Requests answered.", labels, registry=self._registry
        )
        self.seconds = Histogram(
            "soutu_http_request_seconds",
            "Seconds until an answer began.",
            ("method", "route"),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self.open = Gauge(
            "soutu_http_requests_open", "Requests under way.", registry=self._registry
        )
        self._registry.register(_Held(server))
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        """Write all figures in Prometheus' text format."""
        return generate_latest(self)

    def collect(self) -> Iterable[Metric]:
        """Yield all figures without the times of their first use, which double the text."""
        for family in self._registry.collect():
            family.samples = [s for s in family.samples if not s.name.endswith("_created")]
            yield family


class Measured:
    """Count and time every request, also those that are refused."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and note how it was answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._note(scope, str(message["status"]), time.perf_counter() - began)
            await send(message)

        with self._metrics.open.track_inprogress():
            await self._app(scope, receive, noting)

    def _note(self, scope: Scope, status: str, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        # The router leaves the route behind; its path has names in the place of values.
        route = getattr(scope.get("route"), "path", "") or _PAGE
        self._metrics.requests.labels(method, route, status).inc()
        self._metrics.seconds.labels(method, route).observe(seconds)


class _Held:
    """Read what the library and the jobs are just now; a collector of prometheus_client."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def describe(self) -> Iterable[Metric]:
        """Name nothing, so that nothing is collected while registering."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Yield the figures."""
        try:
            count = self._server.library.count()
        except SoutuError:  # the figure is missing then, which is what Prometheus can tell
            pass
        else:
            yield GaugeMetricFamily("soutu_pictures", "Pictures in the library.", count)
        states = Count(job.state for job in self._server.jobs.list())
        jobs = GaugeMetricFamily("soutu_jobs", "Jobs, of late.", labels=["state"])
        for state in get_args(JobState):
            jobs.add_metric([state], states[state])
        yield jobs
        yield GaugeMetricFamily(
            "soutu_event_streams", "Clients that listen for events.", self._server.feed.streams
        )
