"""Keywords as picture files hold them: flat names, and paths from the broadest name on."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeAlias, TypeVar

from soutu.errors import InputError

TagPath: TypeAlias = tuple[str, ...]
"""The names from the broadest one to the tag itself: ("animal", "dog")."""

K = TypeVar("K")
V = TypeVar("V")

_IPTC_CUT = range(61, 65)
"""Length in UTF-8 of a keyword that was cut to IPTC's 64 bytes between two characters."""
_DEEPEST = 64  # names of the longest path that is taken for one


@dataclass(frozen=True, slots=True)
class Keywords:
    """What a picture is tagged with, each once, in the order of the file.

    `names` has every keyword, the last one of each path too; `paths` those that stand below a
    broader one, without the paths that go on in another. `ours` are the keys of those that soutu
    put there by itself, as far as the file says so: they tell it nothing new.
    """

    names: tuple[str, ...] = ()
    paths: tuple[TagPath, ...] = ()
    ours: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.names)


@dataclass(frozen=True, slots=True)
class Own:
    """That tags are soutu's own keywords, to be noted as such where they are written.

    Of those noted earlier, the ones whose key `may_go` allows go unless they are written again.
    `said` are the keys of keywords that the file has in another place by somebody else: soutu
    may repeat them, but they do not become its own.
    """

    may_go: Callable[[str], bool]
    said: frozenset[str] = frozenset()


NO_KEYWORDS = Keywords()


def gather(
    names: Iterable[str],
    paths: Iterable[Sequence[str]] = (),
    ours: Iterable[str] = (),
) -> Keywords:
    """Make Keywords of what a file repeats in several lists; doubles differ in case at most.

    Paths of more than 64 names are no keywords that anybody made, and are left out. `ours` are
    the texts that soutu wrote.
    """
    shallow = (path for path in paths if len(path) <= _DEEPEST)
    trimmed = [tuple(filter(None, (name.strip() for name in path))) for path in shallow]
    every = [name.strip() for name in names] + [path[-1] for path in trimmed if path]
    found = _once((key(name), name) for name in every if name)
    longer = _once((keys(path), path) for path in trimmed if len(path) > 1)
    # Sorted, a path stands right before those that go on from it.
    begun = {one for one, next_ in pairwise(sorted(longer)) if next_[: len(one)] == one}
    return Keywords(
        names=tuple(_uncut(list(found.values()))),
        paths=tuple(path for parts, path in longer.items() if parts not in begun),
        ours=frozenset(map(key, ours)) & found.keys(),
    )


def join(parts: Iterable[Keywords]) -> Keywords:
    """Unite the keywords of several places, each once: soutu's are those that nobody else has."""
    held = list(parts)
    united = gather(
        (n for part in held for n in part.names), (p for part in held for p in part.paths)
    )
    marked = frozenset().union(*(part.ours for part in held))
    if not marked:
        return united
    others = {k for part in held for k in map(key, part.names) if k not in part.ours}
    return replace(united, ours=marked - others)


def key(name: str) -> str:
    """Return what names are compared by: Unicode NFKC, casefolded, white space collapsed."""
    if name.isascii():  # most names; the rest costs four times as much
        return " ".join(name.lower().split())
    folded = unicodedata.normalize("NFKC", name).casefold()
    # Folding can bring back letters that NFKC takes apart or composes.
    folded = unicodedata.normalize("NFKC", folded).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def keys(path: Iterable[str]) -> TagPath:
    """Return the key of each name of a path."""
    return tuple(map(key, path))


def check(tags: Sequence[TagPath]) -> None:
    """Raise InputError for a tag that no file could hold."""
    for path in tags:
        if not path or not all(name.strip() for name in path):
            msg = f"the tag path {path!r} has an empty name. Give each tag a name"
            raise InputError(msg)
        for name in path:
            if not all(map(_fits_xml, name)):
                msg = f"tag {name!r} holds a character that XMP cannot hold. Rename the tag"
                raise InputError(msg)


def _fits_xml(letter: str) -> bool:
    """Tell whether XML 1.0 can hold a character (its rule `Char`; line breaks would not last)."""
    code = ord(letter)
    return 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or code > 0xFFFF


def _once(pairs: Iterable[tuple[K, V]]) -> dict[K, V]:
    """Keep the first value of each key, in their order."""
    first: dict[K, V] = {}
    for name, value in pairs:
        first.setdefault(name, value)
    return first


def _uncut(names: list[str]) -> list[str]:
    """Leave out keywords that are another one, cut to the 64 bytes that IPTC allows."""
    if not any(len(name.encode("utf-8", "replace")) in _IPTC_CUT for name in names):
        return names
    # Sorted, a name stands right before those that go on from it.
    begun = {one for one, next_ in pairwise(sorted(set(names))) if next_.startswith(one)}
    cut = {name for name in begun if len(name.encode("utf-8", "replace")) in _IPTC_CUT}
    return [name for name in names if name not in cut]
