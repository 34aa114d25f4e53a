"""Find and replace the XMP packet among the chunks of a PNG.

Sources: PNG (third edition) 11.3.3.4 `iTXt`; XMP specification part 3 names its keyword.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import NamedTuple

from soutu.errors import ImageError
from soutu.images.xmp import LIMIT

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEYWORD = b"XML:com.adobe.xmp\0"
_LONGEST = (1 << 31) - 1


class _Chunk(NamedTuple):
    kind: bytes
    start: int
    end: int
    value: bytes


def xmp_of(data: bytes) -> bytes | None:
    """Return the XMP packet of a PNG, wherever it stands, or None.

    Raises ImageError for a file whose chunks are damaged up to it.
    """
    for chunk in _chunks(data):
        if _is_xmp(chunk):
            return _packet(chunk)
    return None


def edit_png(data: bytes, change: Callable[[bytes | None], bytes]) -> bytes:
    """Return a PNG with its packet, or None, changed; all other chunks stay as they are.

    A packet that is not there yet goes before the pixels, and an empty one goes altogether.
    Raises ImageError for a damaged file.
    """
    chunks = list(_chunks(data))
    found = [chunk for chunk in chunks if _is_xmp(chunk)]
    if len(found) > 1:
        msg = f"it holds {len(found)} XMP packets, of which each program reads another"
        raise ImageError(msg)
    old = _packet(found[0]) if found else None
    new = change(old)
    if new == (old or b""):
        return data
    pixels = next((chunk.start for chunk in chunks if chunk.kind == b"IDAT"), None)
    if pixels is None:
        msg = "damaged: it has no pixels"
        raise ImageError(msg)
    start, end = (found[0].start, found[0].end) if found else (pixels, pixels)
    chunk = _chunk(b"iTXt", _KEYWORD + bytes(4) + new) if new else b""
    return data[:start] + chunk + data[end:]


def _chunks(data: bytes) -> list[_Chunk]:
    chunks, at, kind = [], len(SIGNATURE), b""
    while kind != b"IEND":
        if at + 12 > len(data):
            msg = "truncated: the end of the file is missing"
            raise ImageError(msg)
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        end = at + 12 + size
        if size > _LONGEST or end > len(data):
            msg = f"damaged: chunk {kind!r} is longer than the file"
            raise ImageError(msg)
        value = data[at + 8 : end - 4] if kind == b"iTXt" else b""
        chunks.append(_Chunk(kind, at, end, value))
        at = end
    return chunks


def _is_xmp(chunk: _Chunk) -> bool:
    return chunk.kind == b"iTXt" and chunk.value.startswith(_KEYWORD)


def _packet(chunk: _Chunk) -> bytes:
    """Return the text of an iTXt chunk: flag and method, language and translation go before."""
    parts = chunk.value[len(_KEYWORD) + 2 :].split(b"\0", 2)
    if len(parts) != 3:
        msg = "damaged: its iTXt chunk ends too early"
        raise ImageError(msg)
    if not chunk.value[len(_KEYWORD)]:
        return parts[2]
    unpack = zlib.decompressobj()
    try:
        text = unpack.decompress(parts[2], LIMIT)
    except zlib.error as error:
        msg = f"damaged: its iTXt chunk does not unpack: {error}"
        raise ImageError(msg) from error
    if not unpack.eof:
        msg = f"its XMP does not end, or is longer than {LIMIT:,} bytes"
        raise ImageError(msg)
    return text


def _chunk(kind: bytes, value: bytes) -> bytes:
    check = zlib.crc32(kind + value)
    return struct.pack(">I", len(value)) + kind + value + struct.pack(">I", check)
