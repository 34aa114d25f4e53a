"""Cursors: where a reader of many results is, in a text that means nothing to them."""

from __future__ import annotations

import base64
import binascii
import json

import xxhash

from soutu.errors import InputError

LONGEST = 600
"""Letters of a cursor at most."""

_FURTHEST = 10**9


def question_mark(*asked: object) -> str:
    """Return a short text that tells questions apart."""
    return xxhash.xxh3_64_hexdigest(json.dumps(asked, sort_keys=True, default=str).encode())


def write_cursor(start: int, question: str, way: str = "") -> str:
    """Write down that the results of a question were read up to a place, and in which way."""
    text = f"{start}.{question}" + (f".{way}" if way else "")
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def next_cursor(start: int, wanted: int, found: int, question: str) -> str | None:
    """Return the cursor of the page after one from `start` on; None where this was the last.

    A page is the last one that has fewer results, `found`, than were wanted.
    """
    return write_cursor(start + wanted, question) if found == wanted else None


def read_cursor(cursor: str | None, question: str) -> int:
    """Return the place to go on from; 0 without a cursor. Raises InputError."""
    return read_way(cursor, question)[0]


def read_way(cursor: str | None, question: str) -> tuple[int, str | None]:
    """Return the place to go on from and the way; 0 and None without a cursor.

    Raises InputError.
    """
    if cursor is None:
        return 0, None
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        start, _, rest = text.partition(".")
        asked, _, way = rest.partition(".")
        place = int(start)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        place, asked, way = -1, "", ""
    if not 0 <= place <= _FURTHEST or asked != question:
        msg = f"the cursor {cursor[:40]!r} is not one of this question. Ask again without a cursor"
        raise InputError(msg)
    return place, way
