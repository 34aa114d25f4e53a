"""What a person's keys and words mean in a review."""

from __future__ import annotations

import unicodedata
from typing import Literal, TypeAlias

Said: TypeAlias = Literal["yes", "no", "skip", "undo", "open", "quit"]

_MEANINGS: dict[str, Said] = {
    "y": "yes", "yes": "yes", "n": "no", "no": "no", " ": "skip", "s": "skip", "skip": "skip",
    "u": "undo", "undo": "undo", "o": "open", "open": "open", "q": "quit", "quit": "quit",
}  # fmt: skip


def meaning(written: str) -> Said | None:
    """Return what a key or word means; None for one that means nothing.

    Upper case counts, and so do the wide letters of Chinese and Japanese keyboards.
    """
    return _MEANINGS.get(unicodedata.normalize("NFKC", written).lower())
