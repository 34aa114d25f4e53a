"""The labels behind a server; see `tagging.base.Labels`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from soutu.errors import InputError
from soutu.library.arguments import one_of, texts
from soutu.library.place import absolute
from soutu.library.tagging.base import SaidBy
from soutu.library.tagging.labels import one_a_place
from soutu.library.tagging.tags import login_name
from soutu.types import Change, ImportReport, Label
from soutu.wire import from_json, to_json

if TYPE_CHECKING:
    from soutu.library.remote.http import Http
    from soutu.library.tagging.base import PictureRef
    from soutu.wire import Json


class RemoteLabels:
    """Own the labels of a server's library. Files to import and export are those here."""

    def __init__(
        self,
        http: Http,
        id_of: Callable[[PictureRef], int],
        sendable: Callable[[str], str],
    ) -> None:
        self._http, self._id_of, self._sendable = http, id_of, sendable

    def set(
        self,
        picture: PictureRef,
        *,
        yes: Iterable[str] = (),
        no: Iterable[str] = (),
        clear: Iterable[str] = (),
        who: str | None = None,
        source: SaidBy = "person",
    ) -> int:
        """Say which tags are right and wrong for a picture; return how many labels changed."""
        body: dict[str, Json] = {
            "yes": texts(yes, "yes"),
            "no": texts(no, "no"),
            "clear": texts(clear, "clear"),
            "who": login_name(who),
            "source": source,
        }
        one_of(source, get_args(SaidBy), "source")
        body["picture"] = self._id_of(picture)
        return int(self._http.post("/api/labels", body)["changed"])

    def set_many(
        self,
        labels: Iterable[Label],
        *,
        clear: Iterable[tuple[Path | str, str]] = (),
        who: str | None = None,
        source: SaidBy = "import",
    ) -> ImportReport:
        """Record many labels, and take back those of `clear`: all or none."""
        one_of(source, get_args(SaidBy), "source")
        places = _Places()
        body = {
            "labels": [{**to_json(each), "path": places.text(each.path)} for each in labels],
            "clear": [[places.text(path), tag] for path, tag in clear],
            "who": login_name(who),
            "source": source,
        }
        with places.as_given():
            return from_json(ImportReport, self._http.post("/api/labels/many", body))

    def load(self, path: Path | str, *, who: str | None = None) -> ImportReport:
        """Import a CSV of labels: all of it or nothing."""
        from soutu.library.tagging.label_files import read_labels

        file, places = Path(path), _Places()
        rows = [
            {
                "path": places.text(each.image),
                "tag": each.tag,
                "value": each.value,
                "source": each.source,
                "who": each.who,
                "at": to_json(each.at),
                "line": each.line,
            }
            for each in read_labels(file)
        ]
        body = {"rows": rows, "file": file.name, "shown": str(file), "who": login_name(who)}
        with places.as_given():
            return from_json(ImportReport, self._http.post("/api/labels/rows", body))

    def save(self, path: Path | str) -> int:
        """Export all labels to a CSV; return how many."""
        from soutu.library.tagging.label_files import write_labels

        labels = one_a_place(self.all())
        write_labels(Path(path), labels)
        return len(labels)

    def all(self, *, picture: PictureRef | None = None, tag: str | None = None) -> list[Label]:
        """List labels, of one picture or one tag or all, by path and tag."""
        id_ = None if picture is None else self._id_of(picture)
        named = None if tag is None else self._sendable(tag)
        found = self._http.get("/api/labels", picture=id_, tag=named)
        return [from_json(Label, each) for each in found]

    def undo(self, of: tuple[PictureRef, str] | None = None, *, who: str | None = None) -> Change:
        """Take the last labelling back, or the last one `of` a picture and a tag."""
        body: dict[str, object] = {"who": login_name(who)}
        if of is not None:
            body |= {"picture": self._id_of(of[0]), "tag": of[1]}
        return from_json(Change, self._http.post("/api/labels/undo", body))


class _Places:
    """Paths as they are sent, from the root, and as they were given."""

    def __init__(self) -> None:
        self._given: dict[str, str] = {}

    def text(self, path: Path | str) -> str:
        """Return a path as it is sent."""
        sent = str(absolute(path))
        if sent != str(path):
            self._given[sent] = str(path)
        return sent

    @contextmanager
    def as_given(self) -> Iterator[None]:
        """Name a picture in an error as it was given."""
        try:
            yield
        except InputError as error:
            message = str(error)
            named = [sent for sent in self._given if sent in message]
            if named:
                sent = max(named, key=len)
                message = message.replace(sent, self._given[sent])
            raise type(error)(message) from None
