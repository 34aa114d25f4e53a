"""The names that data sets have for their parts."""

from __future__ import annotations

import re

_NAMES = {
    "train": "train", "training": "train", "trn": "train",
    "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "test": "test", "testing": "test", "tst": "test",
}  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+")


def split_named(text: str) -> str | None:
    """Return "train", "val" or "test" for a name that means it (valid, training …), or None."""
    return _NAMES.get(text.strip().lower())


def split_within(text: str) -> str | None:
    """Return the split that a longer name tells, as instances_val2017 does; the last one counts."""
    found = [_NAMES[word] for word in _WORD.findall(text.lower()) if word in _NAMES]
    return found[-1] if found else None
