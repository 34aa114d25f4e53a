"""The vocabulary of a library in a folder; see `base.Tags`."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from soutu.catalog.keywords import unclaimed
from soutu.catalog.said import TagRow, hearing, saying
from soutu.errors import InputError, LibraryError
from soutu.library.arguments import one_of, several, text, texts
from soutu.library.tagging import edits
from soutu.library.tagging.base import UNSET, OnConflict, Unset
from soutu.library.tagging.files_check import PlacedTag
from soutu.library.tagging.groups import settled
from soutu.library.tagging.importing import imported
from soutu.library.tagging.names import is_name, name_key
from soutu.library.tagging.trained import described
from soutu.library.tagging.undoing import undo_last
from soutu.library.tagging.vocabulary import Vocabulary
from soutu.library.where import parse_where
from soutu.types import Tag, TagCount, TagFacts

if TYPE_CHECKING:
    from soutu.catalog.catalog import Catalog
    from soutu.catalog.said import Said
    from soutu.library.tagging.tagger import Tagger
    from soutu.library.tagging.trained import HeadStore
    from soutu.types import (
        Change,
        Filter,
        ImportReport,
        MergeIdea,
        TagBorder,
        TagIdea,
        TagSpread,
    )

_LISTED = 3  # names spelled out in the history; of more, only how many


class FolderTags:
    """Own the vocabulary in a catalog; what is computed of it comes from the tagger."""

    def __init__(
        self,
        catalog: Catalog,
        tagger: Callable[[], Tagger],
        trained: HeadStore,
    ) -> None:
        self._catalog = catalog
        self._tagger = tagger
        self._trained = trained

    # --- reading ---

    def _vocabulary(self) -> Vocabulary:
        with hearing(self._catalog) as said:
            return Vocabulary(said.tags())

    def __iter__(self) -> Iterator[Tag]:
        return iter(self._vocabulary())

    def __len__(self) -> int:
        return len(self._vocabulary())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._vocabulary().id_of(name) is not None

    def get(self, name: str) -> Tag:
        """Return a tag by any of its names."""
        vocabulary = self._vocabulary()
        return vocabulary.tag(vocabulary.find(name).id)

    def history(self, limit: int = 20) -> list[Change]:
        """List the last changes, newest first."""
        with hearing(self._catalog) as said:
            return said.history(max(limit, 0))

    # --- changing ---

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
        names = edits.named(text(name, "name"), _aliases(aliases))
        wanted = edits.checked_prompts(several(prompts, "prompts"))
        with saying(self._catalog) as said:
            vocabulary = Vocabulary(said.tags())
            if isinstance(parent, str) and name_key(parent) in dict(names):
                circle = f"{names[0][1]} → {names[0][1]}"
                raise InputError(
                    f"the parents go round in a circle: {circle}. Leave the parent out"
                )
            row = TagRow(
                id=0,
                names=names,
                prompts=wanted,
                parent=None if parent is None else vocabulary.find(parent).id,
                group=edits.checked_group(group),
                threshold=edits.checked_threshold(threshold),
            )
            edits.require_free(vocabulary, row)
            row = replace(row, id=said.new_tag_ids(1)[0])
            return self._put(said, vocabulary, row, "add", names[0][1], who)

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
        with saying(self._catalog) as said:
            vocabulary = Vocabulary(said.tags())
            row = vocabulary.find(name)
            if not isinstance(aliases, Unset):
                row = replace(row, names=edits.named(row.names[0][1], _aliases(aliases)))
            if not isinstance(prompts, Unset):
                wanted = edits.checked_prompts(several(prompts, "prompts"))
                row = replace(row, prompts=wanted)
            if not isinstance(parent, Unset):
                broader = None if parent is None else vocabulary.find(parent).id
                row = replace(row, parent=broader)
            if not isinstance(group, Unset):
                row = replace(row, group=edits.checked_group(group))
            if not isinstance(threshold, Unset):
                row = replace(row, threshold=edits.checked_threshold(threshold))
            return self._put(said, vocabulary, row, "edit", row.names[0][1], who)

    def rename(self, name: str, new: str, *, keep: bool = False, who: str | None = None) -> Tag:
        """Give a tag another name."""
        ((key, tidy),) = edits.named(text(new, "new"))
        with saying(self._catalog) as said:
            vocabulary = Vocabulary(said.tags())
            row = vocabulary.find(name)
            old = row.names[0][1]
            others = tuple(each for each in row.names[0 if keep else 1 :] if each[0] != key)
            row = replace(row, names=((key, tidy), *others))
            return self._put(said, vocabulary, row, "rename", f"{old} to {tidy}", who)

    def merge(self, names: Sequence[str], into: str, *, who: str | None = None) -> Tag:
        """Merge tags into one."""
        with saying(self._catalog) as said:
            vocabulary = Vocabulary(said.tags())
            target = vocabulary.find(into).id
            ids = [vocabulary.find(name).id for name in texts(names, "names")]
            labels = list(said.labels(tags=[*dict.fromkeys([*ids, target])]))
            edit = edits.merged(vocabulary, ids, target, labels)
            what = f"{listed([vocabulary.name(i) for i in ids])} into {vocabulary.name(target)}"
            edit = settled(said, vocabulary, edit)
            said.change(edit, who=login_name(who), source="person", action="merge", what=what)
            return Vocabulary(said.tags()).tag(target)

    def remove(self, names: Sequence[str], *, who: str | None = None) -> int:
        """Remove tags with their labels."""
        wanted = texts(names, "names")
        with saying(self._catalog) as said:
            vocabulary = Vocabulary(said.tags())
            ids = list(dict.fromkeys(vocabulary.find(name).id for name in wanted))
            if ids:
                edit = edits.removed(vocabulary, ids, said.labels(tags=ids))
                what = listed([vocabulary.name(i) for i in ids])
                said.change(edit, who=login_name(who), source="person", action="remove", what=what)
            return len(ids)

    def undo(self, *, who: str | None = None) -> Change:  # noqa: ARG002 - a server notes who
        """Take the last change of tags or labels back."""
        with saying(self._catalog) as said:
            return undo_last(said)

    def load(
        self,
        source: Path | str,
        *,
        on_conflict: OnConflict = "update",
        who: str | None = None,
        origin: str | None = None,
    ) -> ImportReport:
        """Import a file or a starter vocabulary: all of it or nothing."""
        from soutu.library.tagging.files import (
            read_placed,
            read_starter_placed,
            starter_vocabularies,
        )

        # A file of that name, if any, must be written as a path: starter names have no suffix.
        starter = isinstance(source, str) and source in starter_vocabularies()
        tags = read_starter_placed(str(source)) if starter else read_placed(Path(source))
        named = str(source) if starter else Path(source).name
        return self._import(tags, on_conflict, origin or named, who)

    def add_keywords(self, *, at_least: int = 1, who: str | None = None) -> ImportReport:
        """Add the keywords that at least so many picture files are tagged with as tags."""
        found = unclaimed(self._catalog)
        names = [name for name, count in found if count >= at_least and is_name(name)]
        tags = [PlacedTag(Tag(name=name)) for name in names]
        return self._import(tags, "skip", "keywords of files", who)

    def _import(
        self, tags: Sequence[PlacedTag], on_conflict: OnConflict, origin: str, who: str | None
    ) -> ImportReport:
        one_of(on_conflict, get_args(OnConflict), "on_conflict")
        with saying(self._catalog) as said:
            vocabulary = Vocabulary(said.tags())
            edit, report = imported(said, vocabulary, tags, on_conflict)
            if edit.tags:
                many = len(edit.tags)
                what = f"{many:,} tag{'' if many == 1 else 's'} from {origin}"
                edit = settled(said, vocabulary, edit)
                said.change(edit, who=login_name(who), source="import", action="import", what=what)
        return report

    def save(self, path: Path | str) -> int:
        """Export the vocabulary; return how many tags."""
        from soutu.library.tagging.files import write_vocabulary

        tags = list(self)
        write_vocabulary(Path(path), tags)
        return len(tags)

    def _put(
        self,
        said: Said,
        vocabulary: Vocabulary,
        row: TagRow,
        action: str,
        what: str,
        who: str | None,
    ) -> Tag:
        edit = edits.changed_row(vocabulary, row)
        if vocabulary.rows.get(row.id) != row:
            edit = settled(said, vocabulary, edit)
            said.change(edit, who=login_name(who), source="person", action=action, what=what)
        return Vocabulary({**vocabulary.rows, row.id: row}).tag(row.id)

    # --- what was computed ---

    def show(self, name: str) -> TagFacts:
        """Return a tag with what was found for it."""
        try:
            tagger = self._tagger()
        except LibraryError:  # no pictures yet: the tag's own values are all there is
            return self._written_down(name)
        return tagger.facts(name)

    def _written_down(self, name: str) -> TagFacts:
        vocabulary = self._vocabulary()
        tag = vocabulary.find(name).id
        children = tuple(vocabulary.name(child) for child in vocabulary.children.get(tag, []))
        own = vocabulary.rows[tag].threshold
        return TagFacts(
            tag=vocabulary.tag(tag),
            children=children,
            threshold=own,
            head=described(self._trained, vocabulary.rows[tag], None),
        )

    def counts(self, where: str | Filter | None = None, *, expand: bool = True) -> list[TagCount]:
        """Count the pictures of each tag, most frequent first."""
        if not self._catalog.count():
            if isinstance(where, str):
                parse_where(where)  # a mistake in it is one here too
            return [TagCount(tag=tag.name, count=0) for tag in self]
        return self._tagger().counts(where, expand=expand)

    def spread(self, name: str, *, bins: int = 50) -> TagSpread:
        """Count pictures by the probability of a tag."""
        return self._tagger().spread(name, bins=bins)

    def border(self, name: str, *, threshold: float | None = None, k: int = 12) -> TagBorder:
        """Return the pictures beside a threshold of a tag."""
        return self._tagger().border(name, threshold=threshold, k=k)

    def suggest(self, limit: int = 10) -> list[TagIdea]:
        """Suggest tags for frequent kinds of pictures that no tag covers."""
        return self._tagger().suggest(limit)

    def similar(self, limit: int = 10) -> list[MergeIdea]:
        """Suggest pairs of tags to merge."""
        return self._tagger().similar(limit)


def login_name(who: str | None) -> str:
    """Return who is named, or else who is logged in."""
    if who is not None:
        return text(who, "who")
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no such user, as in some containers
        return ""


def _aliases(aliases: Iterable[str]) -> list[str]:
    found = texts(aliases, "aliases")
    if not all(each.strip() for each in found):
        raise InputError("an alias is empty. Leave it out, or write another name of the tag")
    return found


def listed(names: Sequence[str]) -> str:
    """Name a few things, and say how many more there are."""
    if len(names) <= _LISTED:
        return ", ".join(names)
    return f"{', '.join(names[:_LISTED])} and {len(names) - _LISTED} more"
