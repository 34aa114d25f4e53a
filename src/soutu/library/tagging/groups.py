"""The tags of a group exclude each other: of each picture, one of them is right at most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from soutu.catalog.said import Edit
from soutu.errors import InputError
from soutu.library.tagging.edits import word
from soutu.library.tagging.vocabulary import Vocabulary

if TYPE_CHECKING:
    from soutu.catalog.said import LabelKey, LabelRow, Said

_FILE = "file"


class OneRight:
    """Refuse two tags of a group that are said to be right for one picture at once."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary, self._among = vocabulary, _rivals(vocabulary)
        self._right: dict[LabelKey, int] = {}

    def add(self, tag: int, image: int) -> None:
        """Take a yes. Raises InputError where another tag of its group got one."""
        if tag not in self._among:
            return
        first = self._right.setdefault((self._among[tag][0], image), tag)
        if first != tag:
            name, other = self._vocabulary.tag(tag), self._vocabulary.name(first)
            msg = (
                f"{other!r} and {name.name!r} exclude each other (group {name.group!r}), but both "
                "are said to be right. Keep one of the two"
            )
            raise InputError(msg)


def _rivals(vocabulary: Vocabulary) -> dict[int, list[int]]:
    """Return the tags of a group, by each of them; tags that stand alone are left out."""
    return {tag: group for group in vocabulary.groups.values() if len(group) > 1 for tag in group}


def settled(said: Said, vocabulary: Vocabulary, edit: Edit) -> Edit:
    """Leave one yes to a picture in each group; `vocabulary` is as it is before the edit.

    A new label stands against all older ones. Where tags come into one group, a person's word
    counts more than an import's, that more than a file's, and then the later one. A yes that a
    file says cannot be taken back, so it becomes a no in the name of who said the other.
    """
    rows = {**vocabulary.rows, **edit.tags}
    among = _rivals(Vocabulary({tag: row for tag, row in rows.items() if row is not None}))
    yes: dict[LabelKey, list[LabelRow]] = {}
    for (tag, image), row in _said_in_groups(said, edit, among).items():
        if row is not None and row.value:
            yes.setdefault((among[tag][0], image), []).append(row)
    loses: dict[LabelKey, LabelRow] = {}
    for found in yes.values():
        latest = sorted(found, key=lambda row: row.at, reverse=True)
        best, *others = sorted(latest, key=lambda row: _rank(row, edit))
        if best.source != _FILE:  # files may say two things until somebody knows better
            loses.update({(row.tag, row.image): best for row in others})
    filed = said.filed(loses)
    labels = dict(edit.labels)
    for key, best in loses.items():
        labels[key] = replace(best, tag=key[0], value=False) if key in filed else None
    return replace(edit, labels=labels)


def _rank(row: LabelRow, edit: Edit) -> tuple[bool, int]:
    fresh = not edit.tags and (row.tag, row.image) in edit.labels
    return not fresh, word(row)


def _said_in_groups(
    said: Said, edit: Edit, among: Mapping[int, list[int]]
) -> dict[LabelKey, LabelRow | None]:
    """Return the labels after the edit that can contradict each other because of it."""
    changed = [tag for tag, row in edit.tags.items() if row is not None and tag in among]
    tags = {each for tag in changed for each in among[tag]}
    fresh = [k for k, row in edit.labels.items() if row is not None and row.value and k[0] in among]
    known = {
        (row.tag, row.image): row
        for rows in (
            said.labels(tags=sorted(tags)),
            said.labels(images=sorted({image for _, image in fresh})),
        )
        for row in rows
    }
    tags |= {each for tag, _ in fresh for each in among[tag]}
    return {key: row for key, row in {**known, **edit.labels}.items() if key[0] in tags}
