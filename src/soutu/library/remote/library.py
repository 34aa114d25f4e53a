"""A library behind a server."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, get_args

from soutu.errors import InputError, LibraryError
from soutu.library.arguments import not_single, one_of, several, texts
from soutu.library.closing import Closing
from soutu.library.current import checked_precision
from soutu.library.given import is_url
from soutu.library.pictures import check_ref, is_id, missing
from soutu.library.place import absolute
from soutu.library.query import build_query, check_start, check_terms
from soutu.library.remote.experiments import RemoteExperiments
from soutu.library.remote.heads import RemoteHeads
from soutu.library.remote.http import Http, error_of, written
from soutu.library.remote.labels import RemoteLabels
from soutu.library.remote.sending import Sent, content_of, label_of, renamed
from soutu.library.remote.tags import RemoteTags
from soutu.library.tagging.base import ReviewOrder, TagMode
from soutu.types import (
    Encoded,
    Explanation,
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
    WriteReport,
)
from soutu.wire import from_json, query_to_json, to_json

if TYPE_CHECKING:
    import httpx

    from soutu.library.base import Stop, Watcher
    from soutu.library.tagging.base import PictureRef
    from soutu.library.tagging.using import TagsOfClasses
    from soutu.types import Filter, HeadReport, HeadUse, Term
    from soutu.wire import Json

T = TypeVar("T")

_LOOK = 0.15  # seconds between two looks at a running job
_TERMS = 64  # that a server encodes at once
_PAGE = 1000  # what a server answers at once


class RemoteLibrary(Closing):
    """Work on the library that a server at a URL owns; see `Library`.

    Pictures given by a path are looked up in the library, or uploaded where they are not in it.
    Paths to index, remove or write are those of the server's machine. Safe to use from many
    threads. Raises LibraryError where no server answers.
    """

    def __init__(
        self, url: str, *, token: str | None = None, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._http = Http(url, token=token, transport=transport)
        self.tags = RemoteTags(self._http)
        self._heads = RemoteHeads(self._http)
        self.labels = RemoteLabels(self._http, self._id_of, self.tags.sendable)
        self.experiments = RemoteExperiments(
            self._http, lambda path, query, body: self._query(path, body, self._asked(query))
        )

    # --- long work ---

    def add(
        self,
        paths: Iterable[Path | str],
        *,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        on_progress: Watcher | None = None,
        should_stop: Stop | None = None,
    ) -> IndexReport:
        """Index files and folders of the server's machine; see `Library.add`."""
        body = {
            "paths": _places(paths),
            "include": texts(include, "include"),
            "exclude": texts(exclude, "exclude"),
        }
        return self._run("index", body, IndexReport, on_progress, should_stop)

    def use_model(
        self,
        model: str,
        *,
        precision: str = "auto",
        on_progress: Watcher | None = None,
        should_stop: Stop | None = None,
    ) -> SpaceStatus:
        """Make a model's space the current one; see `Library.use_model`."""
        body = {"model": model, "precision": checked_precision(precision)}
        return self._run("use-model", body, SpaceStatus, on_progress, should_stop)

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
        """Write tags to sidecars or files; see `Library.write_tags`."""
        body = {
            "paths": None if paths is None else _places(paths),
            "tags": None if tags is None else texts(tags, "tags"),
            "in_place": in_place,
            "dry_run": dry_run,
        }
        return self._run("write-tags", body, WriteReport, on_progress, should_stop)

    def _run(
        self,
        kind: str,
        body: Json,
        report: type[T],
        on_progress: Watcher | None,
        should_stop: Stop | None,
    ) -> T:
        """Start a job and follow it to its end."""
        job = self._http.post(f"/api/jobs/{kind}", body)
        stopping = False
        while job["state"] in {"waiting", "running"}:
            if on_progress is not None and job["progress"] is not None:
                on_progress(from_json(Progress, job["progress"]))
            if should_stop is not None and not stopping and should_stop():
                stopping = True
                self._http.post(f"/api/jobs/{job['id']}/stop")
            time.sleep(_LOOK)
            job = self._http.get(f"/api/jobs/{job['id']}")
        if job["error"] is not None:
            raise error_of(job["error"]["kind"], job["error"]["message"])
        if job["result"] is None:
            raise LibraryError("the server stopped the job before it began. Ask again")
        return from_json(report, job["result"])

    # --- searching ---

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
        """Return the k best hits, best first; see `Library.search`."""
        built = build_query(query, image=image, minus=minus, where=where)
        check_start(start)
        asked = self._asked(built)
        found: list[Hit] = []
        cursor = None
        while k > 0:
            body = {"k": min(_PAGE, k), "start": start, "cursor": cursor}
            page = self._query("/api/search", body, asked)
            hits = [from_json(Hit, each) for each in page["hits"]]
            found += [hit for hit in hits if hit.by_name or hit.relevance >= min_relevance]
            k, cursor = k - _PAGE, page["cursor"]
            if cursor is None:
                break
        return found

    def explain(self, query: str | Query, picture: PictureRef) -> Explanation:
        """Say why a picture answers a query; see `Library.explain`."""
        built = build_query(query)
        body = {"picture": self._id_of(picture)}
        return from_json(Explanation, self._query("/api/explain", body, self._asked(built)))

    def _asked(self, query: Query) -> Sent:
        """Write a query, with the pictures that go along."""
        asked = Sent()
        asked.query = query_to_json(query, asked.upload, self._known)
        return asked

    def _query(self, path: str, body: dict[str, Json], asked: Sent) -> Json:
        whole = {**asked.query, **body}
        if not asked.files:
            return self._http.post(path, whole)
        with renamed("the uploaded picture", asked.labels):
            return self._http.upload(path, {"query": whole}, asked.files)

    def encode(self, terms: Sequence[Term]) -> Encoded:
        """Turn words and pictures into unit vectors; see `Library.encode`."""
        import numpy as np

        check_terms(terms)
        parts = []
        for first in range(0, max(len(terms), 1), _TERMS):
            asked = self._asked(Query(terms=tuple(terms[first : first + _TERMS])))
            asked.query = {"terms": asked.query["terms"]}
            found = self._query("/api/encode", {}, asked)
            parts.append(np.array(found["vectors"], np.float32).reshape(-1, found["dim"]))
        return Encoded(
            model=found["model"], revision=found["revision"], vectors=np.concatenate(parts)
        )

    # --- pictures ---

    def pictures(
        self,
        where: str | Filter | None = None,
        *,
        order: PictureOrder = "newest",
        k: int = 100,
        start: int = 0,
    ) -> list[Picture]:
        """List pictures in an order; see `Library.pictures`."""
        if start < 0 or k < 0:
            raise InputError(f"pictures {start} to {start + k}: neither may be below 0")
        one_of(order, get_args(PictureOrder), "order")
        found: list[Picture] = []
        while k > 0:
            body = {"where": to_json(where), "order": order, "k": min(k, _PAGE), "start": start}
            page = self._http.post("/api/images/list", body)["images"]
            found += [from_json(Picture, each) for each in page]
            if len(page) < _PAGE:
                break
            start, k = start + _PAGE, k - _PAGE
        return found

    def count(self, where: str | Filter | None = None) -> int:
        """Count the pictures, those that pass a filter or all."""
        body = {"where": to_json(where), "k": 1}
        return int(self._http.post("/api/images/list", body)["total"])

    def facet(self, field: str, where: str | Filter | None = None) -> dict[str, int]:
        """Count pictures for each value of a field; see `Library.facet`."""
        body = {"field": field, "where": to_json(where)}
        return from_json(dict[str, int], self._http.post("/api/facets", body))

    def picture(self, picture: PictureRef) -> Picture:
        """Return a picture by its path or id; see `Library.picture`."""
        if isinstance(picture, int):
            return from_json(Picture, self._http.get(f"/api/images/{_checked_id(picture)}"))
        found = self._http.find("/api/images/lookup", {"path": _text(picture)})
        if found is None:
            raise missing(picture)
        return from_json(Picture, found)

    def _id_of(self, picture: PictureRef) -> int:
        check_ref(picture)
        return _checked_id(picture) if isinstance(picture, int) else self.picture(picture).id

    def _known(self, path: Path) -> int | None:
        """Return the id of a file that is in the library, as it is now on this machine."""
        try:
            found = self.picture(path)
        except InputError:
            return None
        try:
            now = path.stat()
        except OSError:  # gone here, or on another machine: what the library knows is all there is
            return found.id
        # The time went through seconds with fractions, which hold microseconds and little more.
        apart = abs(now.st_mtime_ns / 1e9 - found.modified.timestamp())
        return found.id if now.st_size == found.bytes and apart < 1e-5 else None

    # --- tags ---

    def tag(
        self,
        images: Iterable[Path | str | bytes | int] | None = None,
        *,
        mode: TagMode = "threshold",
        k: int | None = None,
        tags: Sequence[str] | None = None,
        on_progress: Watcher | None = None,
    ) -> Iterator[ImageTags]:
        """Yield the tags of pictures; see `Library.tag`."""
        one_of(mode, get_args(TagMode), "mode")
        not_single(images, "images")
        named = None if tags is None else texts(tags, "tags")
        asked: dict[str, Json] = {"mode": mode, "k": k, "tags": named}
        with self._http.lines("/api/tagging", **written({**asked, "ids": []})):
            pass  # what is wrong with the question is told before the first picture
        if images is not None:
            return self._tag_given(images, asked)
        return self._tag_all(asked, on_progress)

    def _tag_all(self, asked: dict[str, Json], on_progress: Watcher | None) -> Iterator[ImageTags]:
        total = self.count() if on_progress is not None else 0
        with self._http.lines("/api/tagging", **written({**asked, "ids": None})) as lines:
            for done, line in enumerate(lines, 1):
                yield from_json(ImageTags, line)
                if on_progress is not None and (done % _PAGE == 0 or done == total):
                    on_progress(Progress(stage="tag", done=done, total=total))

    def _tag_given(
        self, images: Iterable[Path | str | bytes | int], asked: dict[str, Json]
    ) -> Iterator[ImageTags]:
        for image in images:
            known, place = None, Path()
            if not isinstance(image, bytes | int):
                place = Path(image) if is_url(image) else absolute(image)
                known = None if is_url(image) else self._known(place)
            if isinstance(image, int):
                request = written({**asked, "ids": [_checked_id(image)]})
            elif known is not None:
                request = written({**asked, "ids": [known]})
            else:
                files = [("files", ("picture", content_of(image, "tag")))]
                request = {"data": {"query": json.dumps(asked)}, "files": files}
            with (
                renamed("'picture'", [label_of(image)]),
                self._http.lines("/api/tagging", **request) as lines,
            ):
                found = [from_json(ImageTags, line) for line in lines]
            for each in found:
                yield each if isinstance(image, int) else replace(each, path=place)

    def review(
        self, *, tag: str | None = None, by: ReviewOrder = "tag", k: int = 20
    ) -> list[Question]:
        """Return the k questions whose answers teach most; see `Library.review`."""
        one_of(by, get_args(ReviewOrder), "by")
        named = None if tag is None else self.tags.sendable(tag)
        found = self._http.get("/api/review", tag=named, by=by, k=k)
        return [from_json(Question, each) for each in found]

    # --- the library ---

    def remove(self, paths: Iterable[Path | str], *, dry_run: bool = False) -> int:
        """Forget files or folders; see `Library.remove`."""
        body = {"paths": _places(paths), "dry_run": dry_run}
        return int(self._http.post("/api/images/remove", body)["removed"])

    # --- trained heads ---

    def use_head(
        self, folder: Path | str, *, tags: TagsOfClasses | None = None, who: str | None = None
    ) -> HeadReport:
        """Send a head to the server, to score the tags of its classes; see `Library.use_head`."""
        return self._heads.use(folder, tags, who=who)

    def drop_head(self, tags: Sequence[str] | None = None, *, who: str | None = None) -> int:
        """Take trained heads away from tags; see `Library.drop_head`."""
        return self._heads.drop(tags, who=who)

    def heads(self) -> list[HeadUse]:
        """List the trained heads that tags were given; see `Library.heads`."""
        return self._heads.list()

    def status(self) -> LibraryStatus:
        """Count what the library holds; see `Library.status`."""
        return from_json(LibraryStatus, self._http.get("/api/status"))

    def changes(self) -> int:
        """Return a number that differs after any change of the library."""
        return int(self._http.get("/api/status")["stamp"])

    def drop_space(self, model: str) -> None:
        """Delete the vectors of a model that is not the current one; see `Library.drop_space`."""
        self._http.delete("/api/models/vectors", model=model)

    def close(self) -> None:
        """Let go of the connections; safe to call twice."""
        self._http.close()


def _checked_id(number: int) -> int:
    """Return an id. Raises InputError for a number that cannot be one."""
    if not is_id(number):
        raise missing(number)
    return number


def _places(paths: Iterable[Path | str]) -> list[str]:
    return [_text(path) for path in several(paths, "paths")]


def _text(path: Path | str) -> str:
    return str(absolute(path))
