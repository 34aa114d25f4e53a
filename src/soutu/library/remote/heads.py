"""Trained heads behind a server; see `Library.use_head`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from soutu.library.arguments import text, texts
from soutu.library.tagging.tags import login_name
from soutu.library.tagging.using import TagsOfClasses, named_classes, opened
from soutu.types import HeadReport, HeadUse
from soutu.wire import from_json

if TYPE_CHECKING:
    from soutu.library.remote.http import Http
    from soutu.wire import Json


class RemoteHeads:
    """Give the tags of a server's library trained heads. Folders of heads are those here."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def use(
        self, folder: Path | str, tags: TagsOfClasses | None = None, *, who: str | None = None
    ) -> HeadReport:
        """Send a head to the server, which lets it score the tags of its classes."""
        from soutu.heads import FACTS

        head = opened(folder)  # what is wrong with it by itself is said here
        named_classes(head, tags)
        given: Json = None
        if tags is not None:
            given = {name: tag if tag is None else text(tag, "tag") for name, tag in tags.items()}
        files = [
            ("file", (name, (head.folder / name).read_bytes()))
            for name in (FACTS, head.weights_file)
        ]
        body = {"tags": given, "who": login_name(who)}
        return from_json(HeadReport, self._http.upload("/api/heads", {"query": body}, files))

    def drop(self, tags: Sequence[str] | None = None, *, who: str | None = None) -> int:
        """Take heads away from tags."""
        body = {"tags": None if tags is None else texts(tags, "tags"), "who": login_name(who)}
        return int(self._http.post("/api/heads/drop", body)["dropped"])

    def list(self) -> list[HeadUse]:
        """List the heads that tags were given."""
        return [from_json(HeadUse, each) for each in self._http.get("/api/heads")]
