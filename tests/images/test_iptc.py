"""Keywords in IPTC blocks, and those blocks among Photoshop's resources."""

from __future__ import annotations

import hashlib
import random
import struct

import pytest

from soutu.errors import ImageError
from soutu.images.iptc import edit_iptc, edit_resources, parse_resources, read_iptc

UTF8 = (1, 90, b"\x1b%G")


def block(*datasets: tuple[int, int, bytes]) -> bytes:
    """Write datasets (record, number, value)."""
    return b"".join(
        struct.pack(">BBBH", 0x1C, record, number, len(value)) + value
        for record, number, value in datasets
    )


def resource(kind: int, value: bytes, name: bytes = b"") -> bytes:
    """Write one of Photoshop's resources."""
    label = bytes([len(name)]) + name
    label += bytes(len(label) % 2)
    size = struct.pack(">I", len(value))
    return b"8BIM" + struct.pack(">H", kind) + label + size + value + bytes(len(value) % 2)


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (block(UTF8, (2, 25, "海".encode()), (2, 25, b"dog")), ["海", "dog"]),
        (block((2, 25, "海".encode())), ["海"]),
        (block((2, 25, "café".encode("latin-1"))), ["café"]),
        (block(UTF8, (2, 25, b"\xe9t\xe9")), ["été"]),
        (block((2, 5, b"title"), (2, 25, b""), (2, 120, b"text")), []),
        (block((2, 25, b"dog\0")) + bytes(3), ["dog"]),
        (b"\x1c\x02\x19\x80\x04\0\0\0\x03dog", ["dog"]),
        (block((2, 25, b"dog")) + b"\x1c\x02\x19\x7f\xffshort", ["dog"]),
        (b"\x1c\x02\x19\x80\xff", []),
        (b"junk", []),
        (b"", []),
    ],
)
def test_keywords_are_read_in_their_character_set(data: bytes, names: list[str]) -> None:
    """1:90 counts, then UTF-8 where it is valid, then Latin-1; damage ends the reading."""
    assert read_iptc(data) == names


def test_keywords_are_added_and_removed_and_the_rest_stays() -> None:
    """New ones stand with those of record 2; what follows stays behind them."""
    old = block(UTF8, (2, 0, b"\0\4"), (2, 25, b"dog"), (2, 25, b"mine"), (3, 10, b"\xff")) + b"\0"
    new = edit_iptc(old, ["海", "Mine"], ["DOG"])
    expected = block(
        *(UTF8, (2, 0, b"\0\4"), (2, 25, b"mine"), (2, 25, "海".encode()), (3, 10, b"\xff"))
    )
    assert new == expected + b"\0"
    assert edit_iptc(new, ["海", "mine"], ["dog", "mine"]) == new


def test_utf8_is_declared_where_it_is_first_needed() -> None:
    """Plain ASCII needs no declaration."""
    old = block((2, 25, b"dog"))
    assert edit_iptc(old, ["cat"], []) == old + block((2, 25, b"cat"))
    assert edit_iptc(old, ["海"], []) == block(UTF8) + old + block((2, 25, "海".encode()))


def test_an_old_character_set_is_kept_or_refused() -> None:
    """Declaring UTF-8 would spoil the text that is there."""
    old = block((2, 25, "café".encode("latin-1")))
    assert read_iptc(edit_iptc(old, ["été"], [])) == ["café", "été"]
    with pytest.raises(ImageError, match="old character set"):
        edit_iptc(old, ["海"], [])
    title = block((2, 5, "café".encode("latin-1")), (2, 25, b"dog"))
    assert edit_iptc(title, ["été"], []).endswith("été".encode("latin-1"))


def test_keywords_too_long_for_iptc_are_left_to_xmp() -> None:
    """64 bytes are the most."""
    assert edit_iptc(block(), ["x" * 65], []) == b""
    assert read_iptc(edit_iptc(block(), ["x" * 64], [])) == ["x" * 64]


def test_only_the_iptc_resource_changes_and_its_checksum_is_renewed() -> None:
    """Names, odd lengths and other resources stay."""
    inner = block((2, 25, b"dog"))
    head, tail = resource(0x03ED, b"abc", b"name"), resource(0x0BB7, b"xyz")
    old = head + resource(0x0404, inner) + resource(0x0425, bytes(16)) + tail
    new_inner = inner + block((2, 25, b"cat"))
    digest = hashlib.md5(new_inner).digest()
    new = edit_resources(old, ["cat"], [])
    assert new == head + resource(0x0404, new_inner) + resource(0x0425, digest) + tail
    assert edit_resources(new, ["cat"], []) == new
    assert edit_resources(head + tail, ["cat"], []) == head + tail


def test_damaged_blocks_are_refused_and_never_break() -> None:
    """Cut or changed bytes: ImageError or a block that holds the new keyword."""
    inner = block(UTF8, (2, 25, "海".encode()), (2, 25, b"dog"))
    whole = resource(0x03ED, b"abc") + resource(0x0404, inner) + resource(0x0425, bytes(16))
    chance = random.Random(2)
    for turn in range(3000):
        data = bytearray(whole)
        if turn % 3 == 0:
            del data[chance.randrange(len(data)) :]
        if data:
            data[chance.randrange(len(data))] = chance.randrange(256)
        read_iptc(bytes(data))
        try:
            new = edit_resources(bytes(data), ["cat"], ["dog"])
        except ImageError:
            continue
        for found in parse_resources(new):
            if found.kind == 0x0404:
                assert "cat" in read_iptc(found.value)
                break
