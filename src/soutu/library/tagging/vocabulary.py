"""The vocabulary at one moment: tags by any of their names, and how they relate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING

from soutu.errors import InputError
from soutu.library.arguments import text
from soutu.library.tagging.names import name_key
from soutu.types import Tag

if TYPE_CHECKING:
    from soutu.catalog.said import TagRow


TAG_NAME = "the name of a tag"
"""What errors call a tag's name that is no text."""
_NEAR = 0.75  # how alike a name has to be to be what was meant: kiten is kitten, nope no couple


class Vocabulary:
    """Look tags up by id and by name; never changes."""

    def __init__(self, rows: Mapping[int, TagRow]) -> None:
        self.rows = rows

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {key: row.id for row in self.rows.values() for key, _ in row.names}

    @cached_property
    def children(self) -> dict[int, list[int]]:
        """The ids of the tags just below each tag."""
        found: dict[int, list[int]] = {}
        for row in self.rows.values():
            if row.parent is not None:
                found.setdefault(row.parent, []).append(row.id)
        return found

    @cached_property
    def groups(self) -> dict[str, list[int]]:
        """The ids of the tags that exclude each other, by the key of their group's name."""
        found: dict[str, list[int]] = {}
        for row in self.rows.values():
            if row.group is not None:
                found.setdefault(name_key(row.group), []).append(row.id)
        return found

    def rivals(self, tag: int) -> tuple[int, ...]:
        """Return the tags of a tag's group, itself among them; none where it stands alone."""
        group = self.rows[tag].group
        found = () if group is None else self.groups[name_key(group)]
        return tuple(found) if len(found) > 1 else ()

    def group(self, tag: int) -> str | None:
        """Return the name of a tag's group, as its first tag spells it."""
        own = self.rows[tag].group
        return None if own is None else self.rows[self.groups[name_key(own)][0]].group

    def __len__(self) -> int:
        return len(self.rows)

    def id_of(self, name: str) -> int | None:
        """Return the id of the tag of that name or alias, or None."""
        return self._ids.get(name_key(name))

    def find(self, name: str) -> TagRow:
        """Return the tag of that name or alias. Raises InputError with the nearest names."""
        found = self.id_of(text(name, TAG_NAME))
        if found is not None:
            return self.rows[found]
        near = get_close_matches(name_key(name), self._ids, n=3, cutoff=_NEAR)
        if near:
            names = {self.name(self._ids[key]): None for key in near}
            cure = f"Did you mean {' or '.join(map(repr, names))}?"
        else:
            cure = f"Add it: soutu tags add {name!r}; see what there is: soutu tags list"
        msg = f"there is no tag {name!r}. {cure}"
        raise InputError(msg)

    def name(self, tag: int) -> str:
        """Return the name of a tag."""
        return self.rows[tag].names[0][1]

    def path(self, tag: int) -> tuple[str, ...]:
        """Return the names from the broadest tag down to this one."""
        names = []
        at: int | None = tag
        while at is not None:
            names.append(self.name(at))
            at = self.rows[at].parent
        return tuple(reversed(names))

    def narrower(self, tags: Iterable[int]) -> list[int]:
        """Return the tags and all that are narrower than them, without doubles."""
        found: dict[int, None] = {}
        waiting = list(tags)
        while waiting:
            tag = waiting.pop()
            if tag not in found:
                found[tag] = None
                waiting += self.children.get(tag, [])
        return list(found)

    def tag(self, tag: int) -> Tag:
        """Return a tag as people see it."""
        row = self.rows[tag]
        return Tag(
            name=row.names[0][1],
            aliases=tuple(name for _, name in row.names[1:]),
            prompts=row.prompts,
            parent=None if row.parent is None else self.name(row.parent),
            group=self.group(tag),
            threshold=row.threshold,
        )

    def __iter__(self) -> Iterator[Tag]:
        return (self.tag(id_) for id_ in self.rows)
