"""A library behind a server."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from soutu.errors import ImageError, InputError, LibraryError
from soutu.library.given import is_url, readable
from soutu.library.place import absolute
from soutu.library.query import build_query, check_terms
from soutu.library.remote.http import Http, error_of
from soutu.library.remote.labels import RemoteLabels
from soutu.library.remote.tags import RemoteTags
from soutu.types import (
    Encoded,
    Explanation,
    Hit,
    ImageTags,
    IndexReport,
    LibraryStatus,
    Picture,
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
    from soutu.library.remote.http import Files
    from soutu.library.tagging.base import PictureRef, ReviewOrder, TagMode
    from soutu.types import Filter, PictureOrder, Term
    from soutu.wire import Json

T = TypeVar("T")

_LOOK = 0.15  # seconds between two looks at a running job
_PAGE = 1000  # what a server answers at once
_BATCH = 16  # uploaded pictures a request


class RemoteLibrary:
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
        self.labels = RemoteLabels(self._http, self._id_of)

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
        body = {"paths": _places(paths), "include": list(include), "exclude": list(exclude)}
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
        body = {"model": model, "precision": precision}
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
            "tags": None if tags is None else list(tags),
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
        asked, files = self._asked(built)
        found: list[Hit] = []
        seen, cursor = 0, None
        while seen < start + k:  # a server gives pages; those before `start` are passed over
            size = min(_PAGE, start + k - seen)
            page = self._query(
                "/api/search",
                {**asked, "k": size, "cursor": cursor, "min_relevance": min_relevance},
                files,
            )
            hits = [from_json(Hit, each) for each in page["hits"]]
            found += hits[max(0, start - seen) :]
            seen, cursor = seen + size, page["cursor"]
            if cursor is None:
                break
        return found

    def explain(self, query: str | Query, picture: PictureRef) -> Explanation:
        """Say why a picture answers a query; see `Library.explain`."""
        asked, files = self._asked(build_query(query))
        body = {**asked, "picture": self._id_of(picture)}
        return from_json(Explanation, self._query("/api/explain", body, files))

    def _asked(self, query: Query) -> tuple[dict[str, Json], Files]:
        """Write a query, with the pictures that go along."""
        files: list[tuple[str, tuple[str, bytes]]] = []

        def upload(image: bytes | Path) -> str:
            name = f"picture{len(files)}"
            files.append((name, (name, _content(image, "search by"))))
            return name

        asked = query_to_json(query, upload, self._known)
        return asked, files

    def _query(self, path: str, body: Json, files: Files) -> Json:
        if files:
            return self._http.upload(path, {"query": body}, files)
        return self._http.post(path, body)

    def encode(self, terms: Sequence[Term]) -> Encoded:
        """Turn words and pictures into unit vectors; see `Library.encode`."""
        import numpy as np

        check_terms(terms)
        asked, files = self._asked(Query(terms=tuple(terms)))
        found = self._query("/api/encode", {"terms": asked["terms"]}, files)
        vectors = np.array(found["vectors"], np.float32).reshape(len(terms), found["dim"])
        return Encoded(model=found["model"], revision=found["revision"], vectors=vectors)

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
            return from_json(Picture, self._http.get(f"/api/images/{picture}"))
        return from_json(Picture, self._http.get("/api/images/lookup", path=_text(picture)))

    def _id_of(self, picture: PictureRef) -> int:
        return picture if isinstance(picture, int) else self.picture(picture).id

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
        asked = {"mode": mode, "k": k, "tags": None if tags is None else list(tags)}
        if images is not None:
            yield from self._tag_given(images, asked)
            return
        total = self.count() if on_progress is not None else 0
        with self._http.lines("/api/tagging", json={**asked, "ids": None}) as lines:
            for done, line in enumerate(lines, 1):
                yield from_json(ImageTags, line)
                if on_progress is not None and (done % _PAGE == 0 or done == total):
                    on_progress(Progress(stage="tag", done=done, total=total))

    def _tag_given(
        self, images: Iterable[Path | str | bytes | int], asked: dict[str, Json]
    ) -> Iterator[ImageTags]:
        left = iter(images)
        while batch := list(islice(left, _BATCH)):
            for image in batch:
                request: dict[str, Any]
                path = Path() if isinstance(image, bytes | int) else Path(image)
                known = image if isinstance(image, int) else None
                if not isinstance(image, bytes | int):
                    known = self._known(absolute(path))
                if known is not None:
                    request = {"json": {**asked, "ids": [known]}}
                else:
                    content = _content(image if isinstance(image, bytes) else path, "tag")
                    files = [("files", (path.name or "picture", content))]
                    request = {"data": {"query": json.dumps(asked)}, "files": files}
                with self._http.lines("/api/tagging", **request) as lines:
                    for line in lines:
                        found = from_json(ImageTags, line)
                        here = absolute(path) if path != Path() else path
                        place = found.path if isinstance(image, int) else here
                        yield ImageTags(path=place, id=found.id, tags=found.tags)

    def review(
        self, *, tag: str | None = None, by: ReviewOrder = "tag", k: int = 20
    ) -> list[Question]:
        """Return the k questions whose answers teach most; see `Library.review`."""
        found = self._http.get("/api/review", tag=tag, by=by, k=k)
        return [from_json(Question, each) for each in found]

    # --- the library ---

    def remove(self, paths: Iterable[Path | str], *, dry_run: bool = False) -> int:
        """Forget files or folders; see `Library.remove`."""
        body = {"paths": _places(paths), "dry_run": dry_run}
        return int(self._http.post("/api/images/remove", body)["removed"])

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

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _places(paths: Iterable[Path | str]) -> list[str]:
    return [_text(path) for path in paths]


def _text(path: Path | str) -> str:
    return str(absolute(path))


def _content(image: bytes | Path, purpose: str) -> bytes:
    """Return what goes to the server. Raises QueryError for a file that cannot be read."""
    if isinstance(image, bytes):
        return image
    with readable(image, purpose=purpose):
        if is_url(str(image)):
            raise ImageError("a server tags files, not addresses on the web")
        from soutu.images.decode import read

        return read(image).data
