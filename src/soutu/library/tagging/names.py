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
# Scripts whose letters look otherwise beside a joiner: Arabic and its kin, those of India.
_JOINING = re.compile("[\u0600-\u1cff\ua8e0-\uabff\U00010a00-\U00011fff]")
_JOINERS = "\u200c\u200d"
_UNSEEN = frozenset({"Cf", "Zs", "Zl", "Zp", "Mn"})


def check_name(name: str) -> str:
    """Return a name without white space around it and with single spaces within.

    Raises InputError for one that is empty or shows nothing, holds control characters or invisible
    ones, has more than 200 characters or begins with "!".
    """
    name = name.strip()
    if not name:
        raise InputError("a name is empty. Give every tag a name of at least one character")
    if (found := _unprintable(name)) is not None:
        raise InputError(
            f"name {name!r} holds the character U+{ord(found):04X}, which cannot be shown. "
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


def _unprintable(name: str) -> str | None:
    """Return a character of a name that shows nothing or moves others about, if there is one."""
    if found := _UNPRINTABLE.search(name):
        return found[0]
    if name.isascii():
        return None
    for place, char in enumerate(name):
        if unicodedata.category(char) == "Cf" and not _joins(name, place):
            return char
    return None


def _joins(name: str, place: int) -> bool:
    """Tell whether a character joins, or keeps apart, what looks otherwise without it."""
    before, after = name[place - 1 : place], name[place + 1 : place + 2]
    if name[place] not in _JOINERS or not before or not after:
        return False
    if unicodedata.category(after)[0] not in "LMS":
        return False
    return bool(_JOINING.match(before)) or unicodedata.category(before)[0] in "SM"  # as of emoji


def is_name(text: str) -> bool:
    """Tell whether a text can be the name of a tag."""
    try:
        check_name(text)
    except InputError:
        return False
    return True
