"""Read and change the keywords of an IPTC-IIM block, and find that block in Photoshop's resources.

Sources: IPTC-NAA Information Interchange Model 4.2 (dataset 2:25 keywords, 1:90 coded character
set) and Adobe's Photoshop file format (image resources 0x0404 IPTC, 0x0425 its MD5).
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Collection, Sequence
from typing import NamedTuple

from soutu.errors import ImageError
from soutu.images.keywords import key

MARKER = b"\x1c"
"""What each dataset, and so a block, begins with."""

LONGEST = 64
"""Bytes that a keyword may have."""

_KEYWORD, _CHARSET, _UTF8 = (2, 25), (1, 90), b"\x1b%G"
_IPTC, _IPTC_DIGEST = 0x0404, 0x0425


class _Dataset(NamedTuple):
    kind: tuple[int, int]  # record and number
    start: int
    end: int
    value: bytes


class _Resource(NamedTuple):
    kind: int
    start: int
    end: int
    head: bytes  # up to the size: signature, kind, name
    value: bytes


def read_iptc(data: bytes) -> list[str]:
    """Return the keywords of a block, as far as it is intact."""
    datasets = _parse(data)[0]
    codec = _codec(datasets)
    values = [found.value for found in datasets if found.kind == _KEYWORD]
    return [_text(value, codec) for value in values if value]


def edit_iptc(data: bytes, add: Sequence[str], remove: Collection[str]) -> bytes:
    """Return a block with keywords added and removed; all else in it stays as it is.

    Keywords of more than LONGEST bytes are left to XMP. Raises ImageError for a block that is
    damaged, and for one whose character set lacks a letter of a new keyword.
    """
    datasets, intact = _parse(data)
    if not intact:
        msg = "its IPTC block is damaged"
        raise ImageError(msg)
    codec, wanted, gone = _codec(datasets), [*map(key, add)], {key(name) for name in remove}
    gone -= set(wanted)
    held = [found for found in datasets if found.kind == _KEYWORD]
    dropped = [found for found in held if key(_text(found.value, codec)) in gone]
    present = {key(_text(found.value, codec)) for found in held}
    new = [name for name in add if key(name) not in present]
    new = [name for name in new if len(name.encode()) <= LONGEST]
    edits = [(found.start, found.end, b"") for found in dropped]
    if new:
        edits += _additions(datasets, new, codec)
    for start, end, text in sorted(edits, key=lambda e: (e[1], e[0]), reverse=True):
        data = data[:start] + text + data[end:]
    return data


def edit_resources(data: bytes, add: Sequence[str], remove: Collection[str]) -> bytes:
    """Change the IPTC block within Photoshop's image resources, if there is one.

    The MD5 by which programs see that the block was changed behind their backs is renewed.
    Raises ImageError as `edit_iptc` does, and for resources that end too early.
    """
    resources = parse_resources(data)
    blocks = [found for found in resources if found.kind == _IPTC]
    if not blocks:
        return data
    new = edit_iptc(blocks[0].value, add, remove)
    if new == blocks[0].value:
        return data
    parts, at = [], 0
    for found in resources:
        value = found.value
        if found is blocks[0]:
            value = new
        elif found.kind == _IPTC_DIGEST and len(value) == 16:
            value = hashlib.md5(new, usedforsecurity=False).digest()
        parts += [data[at : found.start], found.head, struct.pack(">I", len(value)), value]
        parts.append(bytes(len(value) % 2))
        at = found.end
    return b"".join([*parts, data[at:]])


def parse_resources(data: bytes) -> list[_Resource]:
    """Split Photoshop's image resources. Raises ImageError for those that end too early."""
    resources, at = [], 0
    while data[at : at + 4] == b"8BIM":
        name = data[at + 6] if at + 6 < len(data) else 0
        sized = at + 6 + (name + 2) // 2 * 2  # the name has its length before it and is padded
        if sized + 4 > len(data):
            break
        kind = int.from_bytes(data[at + 4 : at + 6], "big")
        start = sized + 4
        end = start + int.from_bytes(data[sized:start], "big")
        if end > len(data):
            break
        padded = min(end + (end - start) % 2, len(data))
        resources.append(_Resource(kind, at, padded, data[at:sized], data[start:end]))
        at = padded
    if data[at:].strip(b"\0"):
        msg = "its Photoshop block is damaged, or goes on in another one"
        raise ImageError(msg)
    return resources


def _parse(data: bytes) -> tuple[list[_Dataset], bool]:
    """Split a block into datasets, and tell whether nothing but padding is left over."""
    found, at = [], 0
    while at + 5 <= len(data) and data[at : at + 1] == MARKER:
        start, size = at + 5, int.from_bytes(data[at + 3 : at + 5], "big")
        if size & 0x8000:  # an extended dataset: the size has its own size
            width = size & 0x7FFF
            size = int.from_bytes(data[start : start + width], "big") if width <= 4 else len(data)
            start += width
        if start + size > len(data):
            break
        kind = (data[at + 1], data[at + 2])
        found.append(_Dataset(kind, at, start + size, data[start : start + size]))
        at = start + size
    return found, not data[at:].strip(b"\0")


def _codec(datasets: list[_Dataset]) -> str:
    """Return how text is written: as 1:90 says, else UTF-8 where all keywords are valid in it."""
    declared = _declared(datasets)
    if declared == _UTF8:
        return "utf-8"
    try:
        for found in datasets:
            if found.kind == _KEYWORD:
                found.value.decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _declared(datasets: list[_Dataset]) -> bytes:
    return next((found.value for found in datasets if found.kind == _CHARSET), b"")


def _text(value: bytes, codec: str) -> str:
    try:
        return value.decode(codec).strip("\0 ")
    except UnicodeDecodeError:
        return value.decode("latin-1").strip("\0 ")


def _additions(
    datasets: list[_Dataset], new: Sequence[str], codec: str
) -> list[tuple[int, int, bytes]]:
    """Put keywords after the last dataset of record 2, and name UTF-8 where it is first used."""
    declared = _declared(datasets)
    plain = all(name.isascii() for name in new)
    other = declared not in (b"", _UTF8) or (not declared and not _all_utf8(datasets))
    if other and not plain:
        letters = "latin-1" if not declared else "ascii"
        codec = _holding(new, letters)
    at = max((found.end for found in datasets if found.kind[0] <= 2), default=0)
    edits = [(at, at, b"".join(_dataset(_KEYWORD, name.encode(codec)) for name in new))]
    if not other and not declared and not plain:
        edits.append((0, 0, _dataset(_CHARSET, _UTF8)))
    return edits


def _holding(new: Sequence[str], codec: str) -> str:
    try:
        for name in new:
            name.encode(codec)
    except UnicodeEncodeError as error:
        msg = (
            f"its IPTC block is in an old character set, which lacks letters of "
            f"{error.object!r}. Write a sidecar instead"
        )
        raise ImageError(msg) from error
    return codec


def _all_utf8(datasets: list[_Dataset]) -> bool:
    """Tell whether naming UTF-8 would leave every text of record 2 readable as it is."""
    try:
        for found in datasets:
            if found.kind[0] == 2 and found.kind[1] < 200:  # from 200 on: a preview's bytes
                found.value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _dataset(kind: tuple[int, int], value: bytes) -> bytes:
    return MARKER + struct.pack(">BBH", *kind, len(value)) + value
