"""The vocabulary behind a server; see `tagging.base.Tags`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from soutu.catalog.said import TagRow
from soutu.library.arguments import is_text, one_of, text, texts
from soutu.library.tagging.base import UNSET, OnConflict, Unset
from soutu.library.tagging.names import name_key
from soutu.library.tagging.tags import login_name
from soutu.library.tagging.vocabulary import TAG_NAME, Vocabulary
from soutu.types import (
    Change,
    ImportReport,
    MergeIdea,
    Tag,
    TagBorder,
    TagCount,
    TagFacts,
    TagIdea,
    TagSpread,
)
from soutu.wire import from_json, to_json

if TYPE_CHECKING:
    from soutu.library.remote.http import Http
    from soutu.types import Filter
    from soutu.wire import Json


_LIMIT = 1000  # ideas that a server gives at once


class RemoteTags:
    """Own the vocabulary of a server's library. Files to import and export are those here."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def __iter__(self) -> Iterator[Tag]:
        return iter([from_json(Tag, each) for each in self._http.get("/api/tags")])

    def __len__(self) -> int:
        return len(self._http.get("/api/tags"))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and _names_of(list(self)).id_of(name) is not None

    def get(self, name: str) -> Tag:
        """Return a tag by any of its names."""
        tags = list(self)
        return tags[_names_of(tags).find(name).id]

    def sendable(self, name: str) -> str:
        """Return a tag's name that can stand in an address. Raises InputError for an unknown one.

        Bytes that are no UTF-8 cannot, and are in no tag's name.
        """
        if not is_text(text(name, TAG_NAME)):
            self.get(name)
        return name

    def add(
        self,
        name: str,
        *,
        aliases: Iterable[str] = (),
        prompts: Iterable[str] = (),
        parent: str | None = None,
        group: str | None = None,
        threshold: float | None = None,
        who: str | None = None,
    ) -> Tag:
        """Add a tag."""
        body = {
            "name": text(name, "name"),
            "aliases": texts(aliases, "aliases"),
            "prompts": texts(prompts, "prompts"),
            "parent": None if parent is None else text(parent, TAG_NAME),
            "group": None if group is None else text(group, "group"),
            "threshold": threshold,
            "who": login_name(who),
        }
        return from_json(Tag, self._http.post("/api/tags", body))

    def edit(
        self,
        name: str,
        *,
        aliases: Iterable[str] | Unset = UNSET,
        prompts: Iterable[str] | Unset = UNSET,
        parent: str | Unset | None = UNSET,
        group: str | Unset | None = UNSET,
        threshold: float | Unset | None = UNSET,
        who: str | None = None,
    ) -> Tag:
        """Change what is given and leave the rest."""
        name = self.sendable(name)
        given: dict[str, object] = {"parent": parent, "group": group, "threshold": threshold}
        for field, values in (("aliases", aliases), ("prompts", prompts)):
            given[field] = values if isinstance(values, Unset) else texts(values, field)
        if parent is not None and not isinstance(parent, Unset):
            text(parent, TAG_NAME)
        if group is not None and not isinstance(group, Unset):
            text(group, "group")
        body = {field: value for field, value in given.items() if value is not UNSET}
        return from_json(
            Tag, self._http.patch("/api/tag", {**body, "who": login_name(who)}, name=name)
        )

    def rename(self, name: str, new: str, *, keep: bool = False, who: str | None = None) -> Tag:
        """Give a tag another name."""
        new = text(new, "new")
        body = {"name": text(name, TAG_NAME), "new": new, "keep": keep, "who": login_name(who)}
        return from_json(Tag, self._http.post("/api/tags/rename", body))

    def merge(self, names: Sequence[str], into: str, *, who: str | None = None) -> Tag:
        """Merge tags into one."""
        into = text(into, TAG_NAME)
        body = {"names": texts(names, "names"), "into": into, "who": login_name(who)}
        return from_json(Tag, self._http.post("/api/tags/merge", body))

    def remove(self, names: Sequence[str], *, who: str | None = None) -> int:
        """Remove tags with their labels."""
        body = {"names": texts(names, "names"), "who": login_name(who)}
        return int(self._http.post("/api/tags/remove", body)["removed"])

    def undo(self, *, who: str | None = None) -> Change:
        """Take the last change of tags or labels back."""
        return from_json(Change, self._http.post("/api/tags/undo", {"who": login_name(who)}))

    def history(self, limit: int = 20) -> list[Change]:
        """List the last changes, newest first."""
        found = self._http.get("/api/tags/history", limit=max(limit, 0))
        return [from_json(Change, each) for each in found]

    def load(
        self,
        source: Path | str,
        *,
        on_conflict: OnConflict = "update",
        who: str | None = None,
        origin: str | None = None,
    ) -> ImportReport:
        """Import a file or a starter vocabulary: all of it or nothing."""
        from soutu.library.tagging.files import read_vocabulary, starter_vocabularies

        file = Path(source)
        starter = isinstance(source, str) and source in starter_vocabularies()
        if not starter:
            read_vocabulary(file)  # what is wrong with it by itself is said here
        one_of(on_conflict, get_args(OnConflict), "on_conflict")
        body: dict[str, Json] = {"on_conflict": on_conflict, "who": login_name(who)}
        if starter:
            body |= {"starter": source, "origin": origin or None}
            return from_json(ImportReport, self._http.post("/api/tags/import", body))
        body |= {"origin": origin or file.name, "shown": str(file)}
        files = [("file", (f"tags{file.suffix}", file.read_bytes()))]
        found = self._http.upload("/api/tags/import", {"query": body}, files)
        return from_json(ImportReport, found)

    def add_keywords(self, *, at_least: int = 1, who: str | None = None) -> ImportReport:
        """Add the keywords that at least so many picture files are tagged with as tags."""
        body = {"at_least": max(at_least, 0), "who": login_name(who)}
        return from_json(ImportReport, self._http.post("/api/tags/keywords", body))

    def save(self, path: Path | str) -> int:
        """Export the vocabulary; return how many tags."""
        from soutu.library.tagging.files import write_vocabulary

        tags = list(self)
        write_vocabulary(Path(path), tags)
        return len(tags)

    def show(self, name: str) -> TagFacts:
        """Return a tag with what was found for it."""
        return from_json(TagFacts, self._http.get("/api/tag", name=self.sendable(name)))

    def counts(self, where: str | Filter | None = None, *, expand: bool = True) -> list[TagCount]:
        """Count the pictures of each tag, most frequent first."""
        body = {"where": to_json(where), "expand": expand}
        return [from_json(TagCount, each) for each in self._http.post("/api/tags/counts", body)]

    def spread(self, name: str, *, bins: int = 50) -> TagSpread:
        """Return how a tag's probabilities are spread over the library."""
        found = self._http.get("/api/tag/spread", name=self.sendable(name), bins=bins)
        return from_json(TagSpread, found)

    def border(self, name: str, *, threshold: float | None = None, k: int = 12) -> TagBorder:
        """Return the k pictures on each side of a threshold."""
        found = self._http.get(
            "/api/tag/border", name=self.sendable(name), threshold=threshold, k=k
        )
        return from_json(TagBorder, found)

    def suggest(self, limit: int = 10) -> list[TagIdea]:
        """Suggest tags for frequent kinds of pictures that no tag covers."""
        found = self._http.get("/api/tags/suggestions", limit=_within(limit))[: max(limit, 0)]
        return [from_json(TagIdea, each) for each in found]

    def similar(self, limit: int = 10) -> list[MergeIdea]:
        """Suggest pairs of tags to merge."""
        found = self._http.get("/api/tags/similar", limit=_within(limit))[: max(limit, 0)]
        return [from_json(MergeIdea, each) for each in found]


def _names_of(tags: Sequence[Tag]) -> Vocabulary:
    """Return a vocabulary to find the places of tags in a list by; their names are all it has."""
    rows = {}
    for place, tag in enumerate(tags):
        names = tuple((name_key(name), name) for name in (tag.name, *tag.aliases))
        rows[place] = TagRow(id=place, names=names)
    return Vocabulary(rows)


def _within(limit: int) -> int:
    return min(max(limit, 1), _LIMIT)
