"""Bring a list of tags into a vocabulary: all of them or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from soutu.catalog.said import Edit, TagRow
from soutu.library.tagging.edits import (
    checked_group,
    checked_prompts,
    checked_threshold,
    named,
    require_no_cycle,
)
from soutu.library.tagging.names import name_key
from soutu.types import ImportReport

if TYPE_CHECKING:
    from soutu.catalog.said import Said
    from soutu.errors import InputError
    from soutu.library.tagging.base import OnConflict
    from soutu.library.tagging.files_check import PlacedTag
    from soutu.library.tagging.vocabulary import Vocabulary


def imported(
    said: Said, vocabulary: Vocabulary, entries: Sequence[PlacedTag], on_conflict: OnConflict
) -> tuple[Edit, ImportReport]:
    """Return the edit that brings tags in.

    A tag that is there by any name is updated with what the new one states (aliases add up, what
    it leaves open stays), skipped, or refused. A tag one of whose aliases belongs to another tag
    is skipped as a whole, with those below it, or refused. Raises InputError with the place of
    what cannot be taken, and then nothing has changed.
    """
    coming = _Import(said, vocabulary, entries, on_conflict)
    coming.take_rows()
    coming.take_parents()
    return coming.result()


class _Import:
    """The tags that come in, and who has which name meanwhile."""

    def __init__(
        self,
        said: Said,
        vocabulary: Vocabulary,
        entries: Sequence[PlacedTag],
        on_conflict: OnConflict,
    ) -> None:
        self._vocabulary, self._entries, self._how = vocabulary, entries, on_conflict
        self._new: dict[str, int] = {}
        self._ids = self._assign_ids(said)
        self._rows: dict[int, TagRow] = {}
        self._skipped: dict[int, str] = {}

    def take_rows(self) -> None:
        """Make the rows of all tags, without their parents."""
        for id_, entry in zip(self._ids, self._entries, strict=True):
            old = self._vocabulary.rows.get(id_)
            if old is not None and self._how == "error":
                why = f"the tag {entry.tag.name!r} is there already{self._called(id_, entry)}"
                raise entry.refused("name", f"{why}. Choose to update or to skip such tags")
            if old is not None and self._how == "skip":
                continue
            names = named(entry.tag.name, entry.tag.aliases)
            foreign = next((n for n in names if self._owner(n[0]) not in (None, id_)), None)
            if foreign is not None and self._how != "skip":
                raise self._taken(entry, foreign)
            if foreign is not None:
                self._skipped[id_] = self._belongs(foreign)
                continue
            self._new |= {key: id_ for key, _ in names}
            self._rows[id_] = _row(id_, entry, names, old)

    def take_parents(self) -> None:
        """Give the rows their parents; what is below a skipped tag is skipped too."""
        below: dict[int, list[int]] = {}
        for id_, entry in zip(self._ids, self._entries, strict=True):
            if id_ not in self._rows or entry.tag.parent is None:
                continue
            parent = self._owner(name_key(entry.tag.parent))
            if parent is None:
                raise entry.refused(
                    "parent",
                    f"the tag {entry.tag.name!r} has the parent {entry.tag.parent!r}, which is "
                    "neither there nor in the import. Add it or leave the parent out",
                )
            self._rows[id_] = replace(self._rows[id_], parent=parent)
            below.setdefault(parent, []).append(id_)
        left_out = list(self._skipped)
        while left_out:
            for id_ in below.get(left_out.pop(), []):
                if self._rows.pop(id_, None) is not None:
                    self._skipped[id_] = "its parent is skipped"
                    left_out.append(id_)

    def result(self) -> tuple[Edit, ImportReport]:
        """Return what changes, and the report of it. Raises InputError for a circle."""
        known = self._vocabulary.rows
        require_no_cycle({**known, **self._rows}, self._rows, self._place_of_circle)
        changed = {i: row for i, row in self._rows.items() if known.get(i) != row}
        added = sum(i not in known for i in changed)
        report = ImportReport(
            added=added,
            updated=len(changed) - added,
            unchanged=len(self._entries) - len(changed) - len(self._skipped),
            skipped=tuple(
                f"{entry.brief}: {self._skipped[id_]}"
                for id_, entry in zip(self._ids, self._entries, strict=True)
                if id_ in self._skipped
            ),
        )
        return Edit(tags=dict(changed)), report

    def _assign_ids(self, said: Said) -> list[int]:
        known = [self._vocabulary.id_of(entry.tag.name) for entry in self._entries]
        fresh = iter(said.new_tag_ids(sum(id_ is None for id_ in known)))
        ids: list[int] = []
        seen: set[int] = set()
        for entry, old in zip(self._entries, known, strict=True):
            id_ = next(fresh) if old is None else old
            key = name_key(entry.tag.name)
            if key in self._new or (id_ in seen and self._how == "update"):
                why = f"the tag {entry.tag.name!r} comes twice{self._called(id_, entry)}"
                raise entry.refused("name", f"{why}. Leave one out")
            self._new[key] = id_
            seen.add(id_)
            ids.append(id_)
        return ids

    def _owner(self, key: str) -> int | None:
        found = self._new.get(key)
        return self._vocabulary.id_of(key) if found is None else found

    def _called(self, id_: int, entry: PlacedTag) -> str:
        """Say what a tag that is there is called, where an import calls it by an alias."""
        row = self._vocabulary.rows.get(id_)
        if row is None or row.names[0][0] == name_key(entry.tag.name):
            return ""
        return f", as an alias of {row.names[0][1]!r}"

    def _belongs(self, foreign: tuple[str, str]) -> str:
        owner = self._vocabulary.id_of(foreign[0])
        whose = "another tag" if owner is None else f"the tag {self._vocabulary.name(owner)!r}"
        return f"its name {foreign[1]!r} belongs to {whose}"

    def _taken(self, entry: PlacedTag, foreign: tuple[str, str]) -> InputError:
        field = "name" if foreign[0] == name_key(entry.tag.name) else "aliases"
        return entry.refused(
            field,
            f"the tag {entry.tag.name!r}: {self._belongs(foreign)}. "
            "Remove it there or here, or skip what conflicts (--on-conflict skip)",
        )

    def _place_of_circle(self, circle: Sequence[int]) -> str:
        """Return the place of a parent of the import that closes a circle."""
        members = frozenset(circle)
        for id_, entry in zip(self._ids, self._entries, strict=True):
            if id_ in members and entry.tag.parent is not None and entry.place is not None:
                return f"{entry.place.at('parent')}: "
        return ""


def _row(
    id_: int, entry: PlacedTag, names: Sequence[tuple[str, str]], old: TagRow | None
) -> TagRow:
    tag = entry.tag
    stated = TagRow(
        id=id_,
        names=tuple(names),
        prompts=checked_prompts(tag.prompts),
        group=checked_group(tag.group),
        threshold=checked_threshold(tag.threshold),
    )
    if old is None:
        return stated
    known = dict(old.names)
    return replace(
        old,
        names=tuple({**known, **{k: n for k, n in names if k not in known}}.items()),
        prompts=stated.prompts or old.prompts,
        group=stated.group or old.group,
        threshold=old.threshold if stated.threshold is None else stated.threshold,
    )
