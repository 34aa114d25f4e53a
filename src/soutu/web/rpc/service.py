"""The gRPC service; each call does what the `Library` method of its name does."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import wraps
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

import grpc

from soutu.errors import (
    HubError,
    InputError,
    LibraryBusy,
    LibraryError,
    MissingExtra,
    QueryError,
    SoutuError,
    StorageError,
)
from soutu.library.remote.http import error_of
from soutu.types import Box, IndexReport, Progress, Query, Term
from soutu.web.asking import checked_picture
from soutu.web.guard import TooLarge
from soutu.web.rpc import soutu_pb2 as pb
from soutu.web.rpc.soutu_pb2_grpc import SoutuServicer

if TYPE_CHECKING:
    from soutu.types import Hit, ImageTags
    from soutu.web.server import Server

_CODES: tuple[tuple[type[SoutuError], grpc.StatusCode], ...] = (
    (InputError, grpc.StatusCode.INVALID_ARGUMENT),
    (LibraryBusy, grpc.StatusCode.UNAVAILABLE),
    (LibraryError, grpc.StatusCode.FAILED_PRECONDITION),
    (StorageError, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (HubError, grpc.StatusCode.UNAVAILABLE),
    (MissingExtra, grpc.StatusCode.UNIMPLEMENTED),
    (SoutuError, grpc.StatusCode.INTERNAL),
)
_MODES = {
    pb.TAG_MODE_THRESHOLD: "threshold",
    pb.TAG_MODE_TOP: "top",
    pb.TAG_MODE_SOFTMAX: "softmax",
}
_LOOK = 0.25  # seconds between two looks at whether a caller has gone

Method = TypeVar("Method", bound=Callable[..., Any])


def explained(method: Method) -> Method:
    """End a call with the status and the message of what goes wrong in it."""

    @wraps(method)
    def unary(self: Soutu, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method(self, request, context)
        except SoutuError as error:
            context.abort(code_of(error), str(error))

    return unary  # type: ignore[return-value]


def code_of(error: SoutuError) -> grpc.StatusCode:
    """Return the gRPC status of an error."""
    return next(code for kind, code in _CODES if isinstance(error, kind))


class Soutu(SoutuServicer):
    """Answer calls from the library of a server."""

    def __init__(self, server: Server) -> None:
        self._server, self._library = server, server.library

    @explained
    def Search(
        self, request: pb.SearchRequest, _context: grpc.ServicerContext
    ) -> pb.SearchResponse:
        """Find pictures."""
        query = Query(
            terms=tuple(self._term(each) for each in request.terms),
            keywords=request.keywords or None,
            tags=tuple(request.tags),
            diversity=request.diversity,
            expand=not request.no_expand,
        )
        hits = self._library.search(
            query,
            where=request.where or None,
            k=request.k or 20,
            start=request.start,
            min_relevance=request.min_relevance,
        )
        return pb.SearchResponse(hits=[_hit(each) for each in hits])

    def Tag(self, request: pb.TagRequest, context: grpc.ServicerContext) -> Iterator[pb.ImageTags]:
        """Tell the tags of pictures."""
        try:
            images = [
                each.id if each.WhichOneof("what") == "id" else self._checked(each.content, "tag")
                for each in request.images
            ]
            found = self._library.tag(
                images,
                mode=_MODES[request.mode],  # type: ignore[arg-type]
                k=request.k or None,
                tags=list(request.tags) or None,
            )
            for each in found:
                yield _image_tags(each)
        except SoutuError as error:
            context.abort(code_of(error), str(error))

    @explained
    def EncodeTexts(
        self, request: pb.EncodeTextsRequest, _context: grpc.ServicerContext
    ) -> pb.Vectors:
        """Turn texts into vectors."""
        return self._vectors([Term(text=each) for each in request.texts])

    @explained
    def EncodeImages(
        self, request: pb.EncodeImagesRequest, _context: grpc.ServicerContext
    ) -> pb.Vectors:
        """Turn pictures into vectors."""
        return self._vectors([Term(image=self._checked(each, "encode")) for each in request.images])

    def Index(
        self, request: pb.IndexRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.IndexUpdate]:
        """Index files and folders as one of the server's jobs, and tell how far it is."""
        if self._server.settings.read_only:
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "this server is read-only")
        jobs = self._server.jobs
        updates: SimpleQueue[Progress] = SimpleQueue()
        paths = [os.fsdecode(each) for each in request.paths]

        def work(watch: Any, should_stop: Any) -> IndexReport:
            def both(progress: Progress) -> None:
                watch(progress)
                updates.put(progress)

            return self._library.add(
                paths,
                include=list(request.include),
                exclude=list(request.exclude),
                on_progress=both,
                should_stop=should_stop,
            )

        try:
            job = jobs.start("index", work, paths=paths)
        except SoutuError as error:
            context.abort(code_of(error), str(error))
        context.add_callback(lambda: jobs.stop(job.id) and None)
        seen = -1
        while (now := jobs.get(job.id)) is not None and now.ended is None:
            seen = jobs.wait(seen, _LOOK)
            while not updates.empty():
                yield pb.IndexUpdate(progress=_progress(updates.get()))
        if now is None:
            context.abort(grpc.StatusCode.ABORTED, "the job was stopped")
        elif now.error is not None:
            told = error_of(now.error.kind, now.error.message)
            context.abort(code_of(told), str(told))
        elif now.result is not None:
            yield pb.IndexUpdate(report=_report(now.result))

    def _vectors(self, terms: list[Term]) -> pb.Vectors:
        found = self._library.encode(terms)
        return pb.Vectors(
            model=found.model,
            revision=found.revision,
            dim=found.vectors.shape[1],
            values=found.vectors.ravel().tolist(),
        )

    def _term(self, term: pb.Term) -> Term:
        what = term.WhichOneof("what")
        if what is None:
            raise QueryError("each term has one of text, id and image")
        weight = term.weight if term.HasField("weight") else 1.0
        box = None
        if term.HasField("box"):
            box = Box(term.box.left, term.box.top, term.box.right, term.box.bottom)
        if what == "text":
            return Term(text=term.text, weight=weight, box=box)
        image = term.id if what == "id" else self._checked(term.image, "search by")
        return Term(image=image, weight=weight, box=box)

    def _checked(self, content: bytes, purpose: str) -> bytes:
        """Return a picture's content. Raises QueryError for none, and for one that is too large."""
        try:
            return checked_picture(content, self._server.settings, purpose=purpose)
        except TooLarge as error:
            raise QueryError(str(error.detail)) from error


def _hit(hit: Hit) -> pb.Hit:
    return pb.Hit(
        id=hit.id,
        path=os.fsencode(hit.path),
        score=hit.score,
        relevance=hit.relevance,
        width=hit.info.width,
        height=hit.info.height,
        format=hit.info.format,
    )


def _image_tags(found: ImageTags) -> pb.ImageTags:
    return pb.ImageTags(
        id=found.id or 0,
        path=os.fsencode(found.path),
        tags=[
            pb.TagScore(
                tag=each.tag,
                probability=each.probability,
                threshold=each.threshold,
                score=each.score,
                source=each.source,
                holds=each.holds,
            )
            for each in found.tags
        ],
    )


def _progress(progress: Progress) -> pb.Progress:
    return pb.Progress(
        stage=progress.stage, done=progress.done, total=progress.total, failed=progress.failed
    )


def _report(report: IndexReport) -> pb.IndexReport:
    return pb.IndexReport(
        added=report.added,
        updated=report.updated,
        moved=report.moved,
        removed=report.removed,
        skipped=report.skipped,
        failures=[
            pb.Failure(path=os.fsencode(each.path), reason=each.reason) for each in report.failures
        ],
        seconds=report.seconds,
        interrupted=report.interrupted,
    )
