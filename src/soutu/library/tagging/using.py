"""Put a trained head to work: its classes become tags, or score those that are there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from soutu.catalog.said import Edit, TagRow, hearing, saying
from soutu.errors import InputError, LibraryError
from soutu.library.arguments import text, texts
from soutu.library.place import absolute
from soutu.library.tagging import edits
from soutu.library.tagging.names import name_key
from soutu.library.tagging.tags import listed, login_name
from soutu.library.tagging.trained import HeadClass, HeadStore, idle
from soutu.library.tagging.vocabulary import Vocabulary
from soutu.types import HeadReport, HeadUse

if TYPE_CHECKING:
    from soutu.catalog.catalog import Catalog
    from soutu.catalog.said import Said
    from soutu.heads import StoredHead
    from soutu.library.spaces import Space

TagsOfClasses = Mapping[str, str | None]
"""For classes of a head the names of their tags, None for one that is left out."""


class FolderHeads:
    """Give tags trained heads, and take them away; see `Library.use_head`."""

    def __init__(
        self, catalog: Catalog, space: Callable[[], Space | None], store: HeadStore
    ) -> None:
        self._catalog, self._space, self._store = catalog, space, store

    def use(
        self, folder: Path | str, tags: TagsOfClasses | None = None, *, who: str | None = None
    ) -> HeadReport:
        """Let a head score the tags of its classes; see `Library.use_head`."""
        head, space = opened(folder), self._space()
        if space is None:
            raise LibraryError("the library holds no pictures yet. Run: soutu index FOLDER")
        wanted = named_classes(head, tags)
        if why := idle(head.facts.encoder, space.row):
            raise InputError(why)
        self._store.keep(head)
        with saying(self._catalog) as said:
            vocabulary = Vocabulary(said.tags())
            edit, given = _given(said, vocabulary, head, wanted)
            added = [row for row in edit.tags.values() if row is not None
                     and row.id not in vocabulary.rows]  # fmt: skip
            if edit.tags:
                said.change(
                    edit,
                    who=login_name(who),
                    source="person",
                    action="use-head",
                    what=f"{_what(head)} for {listed(given)}",
                )
        return HeadReport(
            head=self._store.described(head.digest, space.row),
            tags=tuple(given),
            added=tuple(row.names[0][1] for row in added),
        )

    def drop(self, tags: Sequence[str] | None = None, *, who: str | None = None) -> int:
        """Take heads away from tags; see `Library.drop_head`."""
        names = None if tags is None else texts(tags, "tags")
        with saying(self._catalog) as said:
            vocabulary = Vocabulary(said.tags())
            every = vocabulary.rows if names is None else _found(vocabulary, names)
            rows = {id_: vocabulary.rows[id_] for id_ in every if vocabulary.rows[id_].head}
            edit = Edit(tags={id_: replace(row, head=None) for id_, row in rows.items()})
            if rows:
                what = listed([row.names[0][1] for row in rows.values()])
                said.change(
                    edit, who=login_name(who), source="person", action="drop-head", what=what
                )
        return len(rows)

    def list(self) -> list[HeadUse]:
        """List the heads that tags were given; see `Library.heads`."""
        with hearing(self._catalog) as said:
            rows = said.tags()
        space = self._space()
        found: dict[str, list[str]] = {}
        for row in rows.values():
            if row.head is not None:
                found.setdefault(HeadClass.read(row.head).digest, []).append(row.names[0][1])
        return [
            HeadUse(
                head=self._store.described(digest, None if space is None else space.row),
                tags=tuple(names),
            )
            for digest, names in found.items()
        ]


def opened(folder: Path | str) -> StoredHead:
    """Open a head's folder for a library. Raises InputError for one that no library can use."""
    from soutu.heads import open_head

    head = open_head(absolute(folder))
    if head.kind == "pixels":
        raise InputError(
            f"the head {head.folder} reads pixels; a library keeps the vectors of an encoder. "
            "Train one that reads these, such as linear"
        )
    if head.facts.regions != "whole":
        raise InputError(
            f"the head looks at {head.facts.regions} of a picture; a library keeps the vector of "
            "the whole. Train it with regions 'whole'"
        )
    return head


def named_classes(head: StoredHead, tags: TagsOfClasses | None) -> dict[int, str]:
    """Return the name of the tag of each column of a head.

    Raises InputError for an unknown class, and for one name for two classes.
    """
    given = dict(tags or {})
    known = set(head.classes_)
    if strangers := [name for name in given if name not in known]:
        there = ", ".join(head.classes_[:8]) + (" …" if len(head.classes_) > 8 else "")
        raise InputError(f"the head knows no class {strangers[0]!r}; it knows: {there}")
    found: dict[int, str] = {}
    whose: dict[str, str] = {}
    for column, name in enumerate(head.classes_):
        tag = given.get(name, name)
        if tag is None:
            continue
        other = whose.setdefault(name_key(text(tag, "tag")), name)
        if other != name:
            raise InputError(f"the classes {other!r} and {name!r} cannot both be the tag {tag!r}")
        found[column] = tag
    if not found:
        raise InputError("every class of the head is left out. Keep one")
    return found


def _given(
    said: Said, vocabulary: Vocabulary, head: StoredHead, wanted: Mapping[int, str]
) -> tuple[Edit, list[str]]:
    """Return the new states of the tags, and the names of all that the head scores."""
    edit, names = Edit(), []
    taken: dict[int, str] = {}
    new = [column for column, tag in wanted.items() if vocabulary.id_of(tag) is None]
    ids = dict(zip(new, said.new_tag_ids(len(new)), strict=True))
    held = {key for row in vocabulary.rows.values() for key, _ in row.names}
    held |= {name_key(tag) for tag in wanted.values()}
    for column, tag in wanted.items():
        of = str(HeadClass(head.digest, column))
        if column in ids:
            row = _new(ids[column], tag, head.facts.aliases.get(head.classes_[column], ()), held)
        else:
            row = vocabulary.find(tag)
        if row.id in taken:
            other = taken[row.id]
            raise InputError(
                f"{other!r} and {tag!r} are names of one tag; the head has two classes"
            )
        taken[row.id] = tag
        names.append(row.names[0][1])
        if row.head != of:
            edit.tags[row.id] = replace(row, head=of)
    return edit, names


def _new(id_: int, name: str, aliases: Sequence[str], held: set[str]) -> TagRow:
    """Make a tag; of its aliases, those that no other tag has."""
    free = [each for each in aliases if name_key(each) not in held]
    held.update(map(name_key, free))
    return TagRow(id=id_, names=edits.named(name, free))


def _found(vocabulary: Vocabulary, names: Sequence[str]) -> dict[int, TagRow]:
    rows = [vocabulary.find(name) for name in names]
    for row in rows:
        if row.head is None:
            raise InputError(f"the tag {row.names[0][1]!r} has no trained head")
    return {row.id: row for row in rows}


def _what(head: StoredHead) -> str:
    data = head.facts.data
    return head.facts.method + ("" if data is None else f" of {data.name}")
