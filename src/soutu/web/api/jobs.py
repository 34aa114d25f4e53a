"""Long work: start it, follow it, stop it; and what the page needs to choose folders."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from soutu.images.source import examine
from soutu.library.base import Stop, Watcher
from soutu.types import Progress
from soutu.web.answers import Answer, NotFound, error_answer
from soutu.web.events import EventStream
from soutu.web.folders import Folders, absolute_path, look_into
from soutu.web.jobs import Job, JobStopped
from soutu.web.schemas import AddModelIn, IndexIn, UseModelIn, WriteTagsIn
from soutu.web.server import Here

router = APIRouter(prefix="/api", tags=["jobs"])

_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {"description": "Events, as they happen.", "content": {"text/event-stream": {}}}
}


@router.get("/jobs", response_model=list[Job])
def list_jobs(server: Here) -> Answer:
    """List the jobs of late, newest first."""
    return Answer(server.jobs.list())


@router.post("/jobs/index", response_model=Job, status_code=202)
def index(server: Here, asked: IndexIn) -> Answer:
    """Take files and folders of the server's machine into the library."""
    paths = [absolute_path(path) for path in asked.paths]
    for path in paths:
        examine(str(path))  # so that a slip is told at once

    def work(watch: Watcher, should_stop: Stop) -> object:
        return server.library.add(
            paths,
            include=asked.include,
            exclude=asked.exclude,
            on_progress=watch,
            should_stop=should_stop,
        )

    return _accepted(server.jobs.start("index", work, **asked.model_dump()))


@router.post("/jobs/write-tags", response_model=Job, status_code=202)
def write_tags(server: Here, asked: WriteTagsIn) -> Answer:
    """Write tags where other programs read them: into sidecars, or the files themselves."""
    paths = None if asked.paths is None else [absolute_path(path) for path in asked.paths]

    def work(watch: Watcher, should_stop: Stop) -> object:
        return server.library.write_tags(
            paths,
            tags=asked.tags,
            in_place=asked.in_place,
            dry_run=asked.dry_run,
            on_progress=watch,
            should_stop=should_stop,
        )

    return _accepted(server.jobs.start("write-tags", work, **asked.model_dump()))


@router.post("/jobs/use-model", response_model=Job, status_code=202)
def use_model(server: Here, asked: UseModelIn) -> Answer:
    """Encode what a model lacks, then make it the one in use."""

    def work(watch: Watcher, should_stop: Stop) -> object:
        return server.library.use_model(
            asked.model, precision=asked.precision, on_progress=watch, should_stop=should_stop
        )

    return _accepted(server.jobs.start("use-model", work, **asked.model_dump()))


@router.post("/jobs/add-model", response_model=Job, status_code=202)
def add_model(server: Here, asked: AddModelIn) -> Answer:
    """Fetch a model from the hub, or take one from a folder of the server's machine."""

    def work(watch: Watcher, should_stop: Stop) -> object:
        def watch_or_stop(progress: Progress) -> None:
            if should_stop():  # a download goes on where it was the next time
                raise JobStopped
            watch(progress)

        entry = server.store.add(
            asked.model, name=asked.name, precision=asked.precision, on_progress=watch_or_stop
        )
        return {"name": entry.name, "title": entry.card.title, "bytes": entry.size}

    return _accepted(server.jobs.start("add-model", work, **asked.model_dump()))


@router.get("/jobs/{id_}", response_model=Job)
def get_job(server: Here, id_: str) -> Answer:
    """Say how a job is."""
    return Answer(_known(server.jobs.get(id_), id_))


@router.post("/jobs/{id_}/stop", response_model=Job)
def stop_job(server: Here, id_: str) -> Answer:
    """Ask a job to stop; what it has done stays."""
    return Answer(_known(server.jobs.stop(id_), id_))


@router.get("/jobs/{id_}/events", response_class=Response, responses=_EVENTS)
async def job_events(server: Here, id_: str) -> Response:
    """Follow a job until it has ended: events `job`, each with the job as data."""
    _known(server.jobs.get(id_), id_)
    return EventStream(server.feed, job=id_)


@router.get("/events", response_class=Response, responses=_EVENTS)
async def all_events(server: Here) -> Response:
    """Follow everything: events `job` with a job, `changed` with the library's stamp as data."""
    return EventStream(server.feed)


@router.get("/folders", response_model=Folders)
def folders(server: Here, path: Annotated[str, Query(max_length=10_000)] = "") -> Answer:
    """List the folders in a folder of the server's machine; without one, where to begin."""
    if server.settings.read_only:
        return error_answer(403, "Forbidden", "this server is read-only; it indexes no folders")
    return Answer(look_into(path))


def _accepted(job: Job) -> Answer:
    return Answer(job, status_code=202, headers={"location": f"/api/jobs/{job.id}"})


def _known(job: Job | None, id_: str) -> Job:
    if job is None:
        raise NotFound(f"there is no job {id_!r}")
    return job
