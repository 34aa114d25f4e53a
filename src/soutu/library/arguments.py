"""Check what callers in Python give, where a wrong type would be taken for something else."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TypeVar

from soutu.errors import InputError

_Item = TypeVar("_Item")


def several(values: Iterable[_Item], what: str) -> list[_Item]:
    """Return the values as a list. Raises InputError for a single one and for what is no list."""
    not_single(values, what)
    try:
        return list(values)
    except TypeError:
        raise InputError(f"{what} takes a list, not {values!r:.60}") from None


def not_single(values: object, what: str) -> None:
    """Raise InputError for one text, path or picture by itself.

    A text is made of texts: it would be taken letter by letter.
    """
    if isinstance(values, str | bytes | os.PathLike):
        shown = f"{values!r:.60}"
        raise InputError(f"{what} takes a list, and {shown} is a single one. Write [{shown}]")


def texts(values: Iterable[str], what: str) -> list[str]:
    """Return the texts as a list. Raises InputError for a single one and for what is no text."""
    found = several(values, what)
    for value in found:
        text(value, what)
    return found


def text(value: str, what: str) -> str:
    """Return a text. Raises InputError for what is none."""
    if not isinstance(value, str):
        raise InputError(f"{what} takes text, not {value!r:.60}. Write it in quotes")
    return value


def is_text(value: str) -> bool:
    """Tell whether a text holds no bytes that are no UTF-8, as names of files may."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def one_of(value: str, known: Iterable[str], what: str) -> None:
    """Raise InputError for a value that is none of those that are known."""
    if value not in (choices := tuple(known)):
        raise InputError(f"{what} is {value!r:.60}. Choose {', '.join(choices)}")
