"""The vocabulary behind a server; see `tagging.base.Tags`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from soutu.library.arguments import texts
from soutu.library.tagging.base import UNSET, Unset
from soutu.library.tagging.names import name_key
from soutu.library.tagging.tags import login_name
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
    from soutu.library.tagging.base import OnConflict
    from soutu.types import Filter


class RemoteTags:
    """Own the vocabulary of a server's library. Files to import and export are those here."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def __iter__(self) -> Iterator[Tag]:
        return iter([from_json(Tag, each) for each in self._http.get("/api/tags")])

    def __len__(self) -> int:
        return len(self._http.get("/api/tags"))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._named(name) is not None

    def _named(self, name: str) -> Tag | None:
        key = name_key(name)
        for tag in self:
            if key in map(name_key, (tag.name, *tag.aliases)):
                return tag
        return None

    def get(self, name: str) -> Tag:
        """Return a tag by any of its names."""
        found = self._named(name)
        if found is None:
            # The server knows how to say it, with near names.
            return from_json(TagFacts, self._http.get("/api/tag", name=name)).tag
        return found

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
            "name": name,
            "aliases": texts(aliases, "aliases"),
            "prompts": texts(prompts, "prompts"),
            "parent": parent,
            "group": group,
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
        given: dict[str, object] = {"parent": parent, "group": group, "threshold": threshold}
        for field, values in (("aliases", aliases), ("prompts", prompts)):
            given[field] = values if isinstance(values, Unset) else texts(values, field)
        body = {field: value for field, value in given.items() if value is not UNSET}
        return from_json(
            Tag, self._http.patch("/api/tag", {**body, "who": login_name(who)}, name=name)
        )

    def rename(self, name: str, new: str, *, keep: bool = False, who: str | None = None) -> Tag:
        """Give a tag another name."""
        body = {"name": name, "new": new, "keep": keep, "who": login_name(who)}
        return from_json(Tag, self._http.post("/api/tags/rename", body))

    def merge(self, names: Sequence[str], into: str, *, who: str | None = None) -> Tag:
        """Merge tags into one."""
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
        return [
            from_json(Change, each) for each in self._http.get("/api/tags/history", limit=limit)
        ]

    def load(
        self,
        source: Path | str,
        *,
        on_conflict: OnConflict = "update",
        who: str | None = None,
        origin: str | None = None,
    ) -> ImportReport:
        """Import a file or a starter vocabulary: all of it or nothing."""
        from soutu.library.tagging.files import read_starter, read_vocabulary, starter_vocabularies

        starter = isinstance(source, str) and source in starter_vocabularies()
        tags = read_starter(str(source)) if starter else read_vocabulary(Path(source))
        body = {
            "tags": to_json(tags),
            "origin": origin or (str(source) if starter else Path(source).name),
            "on_conflict": on_conflict,
            "who": login_name(who),
        }
        return from_json(ImportReport, self._http.post("/api/tags/import", body))

    def add_keywords(self, *, at_least: int = 1, who: str | None = None) -> ImportReport:
        """Add the keywords that at least so many picture files are tagged with as tags."""
        body = {"at_least": at_least, "who": login_name(who)}
        return from_json(ImportReport, self._http.post("/api/tags/keywords", body))

    def save(self, path: Path | str) -> int:
        """Export the vocabulary; return how many tags."""
        from soutu.library.tagging.files import write_vocabulary

        tags = list(self)
        write_vocabulary(Path(path), tags)
        return len(tags)

    def show(self, name: str) -> TagFacts:
        """Return a tag with what was found for it."""
        return from_json(TagFacts, self._http.get("/api/tag", name=name))

    def counts(self, where: str | Filter | None = None, *, expand: bool = True) -> list[TagCount]:
        """Count the pictures of each tag, most frequent first."""
        body = {"where": to_json(where), "expand": expand}
        return [from_json(TagCount, each) for each in self._http.post("/api/tags/counts", body)]

    def spread(self, name: str, *, bins: int = 50) -> TagSpread:
        """Return how a tag's probabilities are spread over the library."""
        return from_json(TagSpread, self._http.get("/api/tag/spread", name=name, bins=bins))

    def border(self, name: str, *, threshold: float | None = None, k: int = 12) -> TagBorder:
        """Return the k pictures on each side of a threshold."""
        found = self._http.get("/api/tag/border", name=name, threshold=threshold, k=k)
        return from_json(TagBorder, found)

    def suggest(self, limit: int = 10) -> list[TagIdea]:
        """Suggest tags for frequent kinds of pictures that no tag covers."""
        found = self._http.get("/api/tags/suggestions", limit=limit)
        return [from_json(TagIdea, each) for each in found]

    def similar(self, limit: int = 10) -> list[MergeIdea]:
        """Suggest pairs of tags to merge."""
        found = self._http.get("/api/tags/similar", limit=limit)
        return [from_json(MergeIdea, each) for each in found]
