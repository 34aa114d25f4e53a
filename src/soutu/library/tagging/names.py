"""Names of tags: how they are compared, and which ones cannot be used."""

from __future__ import annotations

import re
import unicodedata

from soutu.errors import InputError
from soutu.images.keywords import key as name_key

__all__ = ["MAX_LENGTH", "check_name", "is_name", "name_key"]

MAX_LENGTH = 200
"""The most characters of a name."""

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # control characters, surrogates
_UNSEEN = frozenset({"Cf", "Zs", "Zl", "Zp", "Mn"})


def check_name(name: str) -> str:
    """Return a name without white space around it and with single spaces within.

    Raises InputError for one that is empty or shows nothing, holds control characters, has more
    than 200 characters or begins with "!".
    """
    name = name.strip()
    if not name:
        raise InputError("a name is empty. Give every tag a name of at least one character")
    if found := _UNPRINTABLE.search(name):
        raise InputError(
            f"name {name!r} holds the character U+{ord(found[0]):04X}, which cannot be shown. "
            "Take it out"
        )
    if len(name) > MAX_LENGTH:
        raise InputError(
            f"name {name[:40]!r}... has {len(name)} characters; at most {MAX_LENGTH} can be used. "
            "Shorten it, or make the long text a prompt"
        )
    if name[0] in "!！":  # NFKC makes the wide form the same character
        raise InputError(
            f"name {name!r} begins with '!', which means 'not' in a search. Take the '!' away"
        )
    if not name.isascii() and all(unicodedata.category(c) in _UNSEEN for c in name):
        raise InputError(f"name {name!a} shows nothing. Give it a visible character")
    return " ".join(name.split())


def is_name(text: str) -> bool:
    """Tell whether a text can be the name of a tag."""
    try:
        check_name(text)
    except InputError:
        return False
    return True
