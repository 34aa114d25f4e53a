"""Bring a list of tags into a vocabulary: all of them or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from soutu.catalog.said import Edit, TagRow
from soutu.errors import InputError
from soutu.library.tagging.edits import (
    checked_group,
    checked_prompts,
    checked_threshold,
    named,
    require_no_cycle,
)
from soutu.library.tagging.names import name_key
from soutu.types import ImportReport, Tag

if TYPE_CHECKING:
    from soutu.catalog.said import Said
    from soutu.library.tagging.base import OnConflict
    from soutu.library.tagging.vocabulary import Vocabulary


@dataclass
class _Names:
    """Who has which name, while tags are coming in."""

    vocabulary: Vocabulary
    new: dict[str, int]

    def owner(self, key: str) -> int | None:
        found = self.new.get(key)
        return self.vocabulary.id_of(key) if found is None else found


def imported(
    said: Said, vocabulary: Vocabulary, tags: Sequence[Tag], on_conflict: OnConflict
) -> tuple[Edit, ImportReport]:
    """Return the edit that brings tags in. Raises InputError, and then nothing has changed.

    A tag that is there by any name is updated with what the new one states (aliases add up, what
    it leaves open stays), skipped, or refused. With `skip`, aliases that belong to another tag
    are left out; otherwise they are refused.
    """
    names = _Names(vocabulary, {})
    ids = _assign_ids(said, names, tags)
    rows: dict[int, TagRow] = {}
    kept: set[int] = set()
    for id_, tag in zip(ids, tags, strict=True):
        old = vocabulary.rows.get(id_)
        if old is not None and on_conflict == "error":
            msg = f"the tag {tag.name!r} is there already. Choose to update or to skip such tags"
            raise InputError(msg)
        if old is not None and on_conflict == "skip":
            kept.add(id_)
            continue
        rows[id_] = _row(id_, tag, old, names, leave_out=on_conflict == "skip")
    for id_, tag in zip(ids, tags, strict=True):
        if id_ in rows and tag.parent is not None:
            rows[id_] = replace(rows[id_], parent=_parent(names, tag))
    require_no_cycle({**vocabulary.rows, **rows}, rows)
    changed = {i: row for i, row in rows.items() if vocabulary.rows.get(i) != row}
    added = sum(i not in vocabulary.rows for i in changed)
    report = ImportReport(
        added=added, updated=len(changed) - added, unchanged=len(tags) - len(changed)
    )
    return Edit(tags=dict(changed)), report


def _assign_ids(said: Said, names: _Names, tags: Sequence[Tag]) -> list[int]:
    known = [names.vocabulary.id_of(tag.name) for tag in tags]
    fresh = iter(said.new_tag_ids(sum(id_ is None for id_ in known)))
    ids: dict[int, None] = {}
    for tag, old in zip(tags, known, strict=True):
        id_ = next(fresh) if old is None else old
        if id_ in ids or name_key(tag.name) in names.new:
            raise InputError(f"the tag {tag.name!r} comes twice. Leave one out")
        names.new[name_key(tag.name)] = id_
        ids[id_] = None
    return list(ids)


def _row(id_: int, tag: Tag, old: TagRow | None, names: _Names, *, leave_out: bool) -> TagRow:
    given = []
    for key, name in named(tag.name, tag.aliases):
        owner = names.owner(key)
        if owner is None or owner == id_:
            names.new[key] = id_
            given.append((key, name))
        elif not leave_out:
            msg = (
                f"the tag {tag.name!r}: its name {name!r} already belongs to another tag. "
                f"Remove it there or here, or skip what conflicts (--on-conflict skip)"
            )
            raise InputError(msg)
    stated = TagRow(
        id=id_,
        names=tuple(given),
        prompts=checked_prompts(tag.prompts),
        group=checked_group(tag.group),
        threshold=checked_threshold(tag.threshold),
    )
    if old is None:
        return stated
    known = dict(old.names)
    return replace(
        old,
        names=tuple({**known, **{k: n for k, n in given if k not in known}}.items()),
        prompts=stated.prompts or old.prompts,
        group=stated.group or old.group,
        threshold=old.threshold if stated.threshold is None else stated.threshold,
    )


def _parent(names: _Names, tag: Tag) -> int:
    found = names.owner(name_key(tag.parent or ""))
    if found is None:
        msg = (
            f"the tag {tag.name!r} has the parent {tag.parent!r}, which is neither there nor in "
            f"the import. Add it or leave the parent out"
        )
        raise InputError(msg)
    return found
