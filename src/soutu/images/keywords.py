"""Keywords as picture files hold them: flat names, and paths from the broadest name on."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from soutu.errors import InputError

TagPath: TypeAlias = tuple[str, ...]
"""The names from the broadest one to the tag itself: ("animal", "dog")."""

K = TypeVar("K")
V = TypeVar("V")

_IPTC_CUT = range(61, 65)
"""Length in UTF-8 of a keyword that was cut to IPTC's 64 bytes between two characters."""


@dataclass(frozen=True, slots=True)
class Keywords:
    """What a picture is tagged with, each once, in the order of the file.

    `names` has every keyword, the last one of each path too; `paths` those that stand below a
    broader one, without the paths that go on in another.
    """

    names: tuple[str, ...] = ()
    paths: tuple[TagPath, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.names)


NO_KEYWORDS = Keywords()


def gather(names: Iterable[str], paths: Iterable[Sequence[str]] = ()) -> Keywords:
    """Make Keywords of what a file repeats in several lists; doubles differ in case at most."""
    trimmed = [tuple(filter(None, (name.strip() for name in path))) for path in paths]
    every = [name.strip() for name in names] + [path[-1] for path in trimmed if path]
    found = _once((key(name), name) for name in every if name)
    longer = _once((keys(path), path) for path in trimmed if len(path) > 1)
    begun = {path[:end] for path in longer for end in range(1, len(path))}
    return Keywords(
        names=tuple(_uncut(list(found.values()))),
        paths=tuple(path for parts, path in longer.items() if parts not in begun),
    )


def join(parts: Iterable[Keywords]) -> Keywords:
    """Unite the keywords of several places, each once."""
    held = list(parts)
    return gather(
        (n for part in held for n in part.names), (p for part in held for p in part.paths)
    )


def key(name: str) -> str:
    """Return what names that are the same to a reader have in common."""
    return unicodedata.normalize("NFKC", name.strip()).casefold()


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
    cut = {name for name in names if len(name.encode("utf-8", "replace")) in _IPTC_CUT}
    if not cut:
        return names
    return [n for n in names if n not in cut or not any(o != n and o.startswith(n) for o in names)]
