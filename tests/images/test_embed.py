"""Tags in picture files themselves: read from every format, written into JPEG and PNG."""

from __future__ import annotations

import errno
import io
import os
import random
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from picture_files import CAT, LOSSLESS, LOSSY, PHOTOS, cat, encode, grey_tiff
from PIL import Image
from test_iptc import UTF8, block, resource
from xmp_packets import DARKTABLE, bag, packet

from soutu.errors import ImageError, InputError, StorageError
from soutu.images.embed import embed_in_place
from soutu.images.formats import open_picture
from soutu.images.iptc import read_iptc
from soutu.images.keywords import Keywords, Own
from soutu.images.keywords_file import read_keywords
from soutu.images.keywords_read import keywords_in

DOG = ("animal", "dog")
TAGS = [DOG, ("风景", "海")]
WRITTEN = Keywords(("dog", "海"), (DOG, ("风景", "海")))
OWN = Own(may_go=lambda _: True)
XMP_NAME = b"http://ns.adobe.com/xap/1.0/\0"


def app(marker: int, value: bytes) -> bytes:
    """Write a JPEG segment."""
    return struct.pack(">BBH", 0xFF, marker, len(value) + 2) + value


def jpeg(*segments: bytes) -> bytes:
    """Return a JPEG with segments behind JFIF."""
    data = encode(cat((32, 24)), "JPEG")
    return data[:20] + b"".join(segments) + data[20:]


def photoshop(*datasets: tuple[int, int, bytes]) -> bytes:
    """Return a segment with an IPTC block."""
    return app(0xED, b"Photoshop 3.0\0" + resource(0x0404, block(*datasets)))


def itxt(text: bytes, *, packed: bool = False) -> bytes:
    """Return a PNG chunk with an XMP packet."""
    value = b"XML:com.adobe.xmp\0" + bytes([packed, 0]) + b"\0\0"
    value += zlib.compress(text) if packed else text
    check = struct.pack(">I", zlib.crc32(b"iTXt" + value))
    return struct.pack(">I", len(value)) + b"iTXt" + value + check


def png(chunk: bytes, *, last: bool = False) -> bytes:
    """Return a PNG with a chunk behind its header, or behind its pixels."""
    data = encode(cat((32, 24)), "PNG")
    at = len(data) - 12 if last else 33
    return data[:at] + chunk + data[at:]


def exif(text: str) -> bytes:
    """Return an EXIF block with Explorer's keywords."""
    tags = Image.Exif()
    tags[0x9C9E] = text.encode("utf-16-le") + b"\0\0"
    return tags.tobytes()


def saved(folder: Path, data: bytes, name: str = "photo.jpg") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def pixels(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as image:
        return image.tobytes()


def state(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_xmp_is_read_from_every_format_that_carries_it(tmp_path: Path, kind: str) -> None:
    """From the opened picture and from the file."""
    body = packet(bag("dc:subject", "dog", "海") + bag("digiKam:TagsList", "animal/dog"))
    options = (LOSSLESS | LOSSY)[kind]
    if kind == "PNG":
        data = png(itxt(body))
    elif kind == "TIFF":
        data = encode(cat(), kind, tiffinfo={700: body})
    else:
        data = encode(cat(), kind, xmp=body, **options)
    expected = Keywords(("dog", "海"), (DOG,))
    assert keywords_in(open_picture(data)) == expected
    assert read_keywords(saved(tmp_path, data)) == expected


@pytest.mark.parametrize("kind", sorted(LOSSLESS | LOSSY))
def test_pictures_without_keywords_have_none(tmp_path: Path, kind: str) -> None:
    """And that is no error."""
    data = encode(cat(), kind, **(LOSSLESS | LOSSY)[kind])
    assert read_keywords(saved(tmp_path, data)) == Keywords()


@pytest.mark.parametrize("packed", [False, True])
def test_a_png_is_read_to_its_end(tmp_path: Path, packed: bool) -> None:
    """Some programs write the packet behind the pixels, or pack it."""
    data = png(itxt(packet(bag("dc:subject", "dog")), packed=packed), last=True)
    assert read_keywords(saved(tmp_path, data)).names == ("dog",)
    image = open_picture(data)
    image.load()
    assert keywords_in(image).names == ("dog",)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_keywords_of_windows_are_read(tmp_path: Path, kind: str) -> None:
    """UTF-16 with semicolons."""
    if kind == "TIFF":
        text = "dog; 海".encode("utf-16-le") + b"\0\0"
        data = encode(cat(), kind, tiffinfo={0x9C9E: text})
    else:
        data = encode(cat(), kind, exif=exif("dog; 海"))
    assert read_keywords(saved(tmp_path, data)).names == ("dog", "海")


def test_iptc_is_read_from_jpeg_and_tiff(tmp_path: Path) -> None:
    """TIFFs hold the block as bytes, or as 32-bit numbers."""
    datasets = (UTF8, (2, 25, "海".encode()), (2, 25, b"dog"))
    inner = block(*datasets) + bytes(-len(block(*datasets)) % 4)
    numbers = struct.unpack(f"<{len(inner) // 4}I", inner)
    swapped = struct.pack(f">{len(numbers)}I", *numbers)
    sources = [jpeg(photoshop(*datasets))]
    for block_of_bytes in (inner, swapped):
        sources.append(encode(cat(), "TIFF", tiffinfo={33723: block_of_bytes}))
        sources.append(grey_tiff(np.zeros((9, 9), np.uint8), bits=8, tags={33723: block_of_bytes}))
    kind = struct.pack("<HHI", 33723, 1, len(inner))
    sources.append(sources[2].replace(kind, struct.pack("<HHI", 33723, 4, len(numbers))))
    assert sources[-1] != sources[2]
    for data in sources:
        assert keywords_in(open_picture(data)).names == ("海", "dog")
        assert read_keywords(saved(tmp_path, data)).names == ("海", "dog")


def test_all_that_a_picture_and_its_sidecar_say_is_read_once(tmp_path: Path) -> None:
    """XMP, then IPTC, then Explorer's, then what stands beside."""
    body = app(0xE1, XMP_NAME + packet(bag("dc:subject", "dog")))
    path = saved(tmp_path, jpeg(body, photoshop((2, 25, b"DOG"), (2, 25, b"sea"))))
    saved(tmp_path, packet(bag("digiKam:TagsList", "animal/dog", "sun")), "photo.jpg.xmp")
    assert read_keywords(path) == Keywords(("dog", "sea", "sun"), (DOG,))


def test_broken_blocks_do_not_hide_the_others(tmp_path: Path) -> None:
    """A picture is worth more than its metadata."""
    data = jpeg(app(0xE1, XMP_NAME + b"<subject"), photoshop((2, 25, b"dog")))
    assert read_keywords(saved(tmp_path, data)).names == ("dog",)
    assert read_keywords(saved(tmp_path, png(itxt(b"<subject")))).names == ()
    with pytest.raises(ImageError):
        read_keywords(saved(tmp_path, b"no picture"))


@pytest.mark.parametrize("source", [*PHOTOS, CAT], ids=lambda path: path.name)
def test_real_photos_keep_every_pixel(tmp_path: Path, source: Path) -> None:
    """A second time there is nothing to do, and taking the tags away is possible."""
    old = source.read_bytes()
    path = saved(tmp_path, old, source.name)
    path.chmod(0o604)
    assert embed_in_place(path, TAGS, own=OWN) is True
    assert set(WRITTEN.names) <= set(read_keywords(path).names)
    assert set(WRITTEN.paths) <= set(read_keywords(path).paths)
    assert pixels(path.read_bytes()) == pixels(old)
    assert path.stat().st_mode & 0o777 == 0o604
    assert (tmp_path / (source.name + "_original")).read_bytes() == old
    assert embed_in_place(path, TAGS, own=OWN) is False
    assert embed_in_place(path, [], own=OWN) is True
    assert path.read_bytes() == old
    assert len(list(tmp_path.iterdir())) == 2


def test_only_the_packet_is_put_in(tmp_path: Path) -> None:
    """Behind JFIF in a JPEG, before the pixels in a PNG; all other bytes are the same."""
    plain = png(b"")
    sources = (("a.jpg", jpeg(), 20), ("b.png", plain, plain.index(b"IDAT") - 4))
    for name, old, at in sources:
        path = saved(tmp_path, old, name)
        embed_in_place(path, TAGS, backup=False)
        new = path.read_bytes()
        assert new[:at] + new[at + len(new) - len(old) :] == old
        assert not path.with_name(name + "_original").exists()


def test_the_packet_goes_behind_exif(tmp_path: Path) -> None:
    """Readers of EXIF expect theirs first, and it stays."""
    path = saved(tmp_path, encode(cat(), "JPEG", exif=exif("mine")))
    embed_in_place(path, TAGS)
    assert read_keywords(path).names == (*WRITTEN.names, "mine")
    data = path.read_bytes()
    assert data.index(b"Exif\0\0") < data.index(XMP_NAME)


def test_everything_else_in_the_packet_stays(tmp_path: Path) -> None:
    """Ratings and develop settings, in JPEG and in PNG, packed or not."""
    body = DARKTABLE.encode()
    sources = (jpeg(app(0xE1, XMP_NAME + body)), png(itxt(body)), png(itxt(body, packed=True)))
    for old in sources:
        path = saved(tmp_path, old)
        assert embed_in_place(path, [("cat",)], ["dog"], backup=False)
        new = path.read_bytes()
        assert b'darktable:params="00ff&gt;7f"' in new
        assert read_keywords(path).names == ("holiday", "cat")


def test_iptc_follows_where_there_is_one(tmp_path: Path) -> None:
    """Programs that read only IPTC see the same keywords."""
    path = saved(tmp_path, jpeg(photoshop((2, 25, b"cat"), (2, 25, b"mine"))))
    embed_in_place(path, TAGS, ["cat"])
    found: Any = open_picture(path.read_bytes()).info["photoshop"]
    assert read_iptc(found[0x0404]) == ["mine", "dog", "海"]
    assert read_keywords(path) == Keywords(("dog", "海", "mine"), WRITTEN.paths)


def test_iptc_loses_what_soutu_put_there_and_keeps_what_others_did(tmp_path: Path) -> None:
    """A keyword that IPTC had before is not soutu's, though soutu writes it into XMP."""
    path = saved(tmp_path, jpeg(photoshop((2, 25, b"dog"))))
    embed_in_place(path, [DOG, ("cat",)], own=OWN)
    assert read_keywords(path) == Keywords(("dog", "cat"), (DOG,), frozenset({"cat"}))
    embed_in_place(path, [], own=OWN)
    found: Any = open_picture(path.read_bytes()).info["photoshop"]
    assert read_iptc(found[0x0404]) == ["dog"]
    assert read_keywords(path).names == ("dog",)


def test_a_backup_is_never_overwritten(tmp_path: Path) -> None:
    """What soutu wrote needs none; what somebody else changed since then gets another."""
    old = jpeg(photoshop((2, 25, b"mine")))
    path = saved(tmp_path, old)
    embed_in_place(path, [DOG], own=OWN)
    embed_in_place(path, [("cat",)], own=OWN)
    assert path.with_name("photo.jpg_original").read_bytes() == old
    assert len(list(tmp_path.iterdir())) == 2
    embed_in_place(path, [("by hand",)], backup=False)
    other = path.read_bytes()
    embed_in_place(path, [DOG], own=OWN)
    embed_in_place(path, [("cat",)], own=OWN)
    assert path.with_name("photo.jpg_original").read_bytes() == old
    assert path.with_name("photo.jpg_original_2").read_bytes() == other
    assert len(list(tmp_path.iterdir())) == 3


def test_a_backup_that_was_there_keeps_something_else(tmp_path: Path) -> None:
    """The bytes of now are kept beside it."""
    path = saved(tmp_path, jpeg())
    older = saved(tmp_path, b"older", "photo.jpg_original")
    embed_in_place(path, [DOG])
    assert older.read_bytes() == b"older"
    assert path.with_name("photo.jpg_original_2").read_bytes() == jpeg()


def test_a_backup_is_copied_where_links_are_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as on memory cards."""

    def refuse(*_: Any) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    old = jpeg()
    path = saved(tmp_path, old)
    embed_in_place(path, [DOG])
    assert path.with_name("photo.jpg_original").read_bytes() == old
    assert len(list(tmp_path.iterdir())) == 2


def test_a_packet_too_large_for_a_jpeg_is_refused_and_padding_gives_way(tmp_path: Path) -> None:
    """64 KB are what a segment holds."""
    big = packet("<dc:source>" + "x" * 64_000 + "</dc:source>")
    path = saved(tmp_path, jpeg(app(0xE1, XMP_NAME + big)))
    before = state(tmp_path)
    with pytest.raises(ImageError, match=r"photo\.jpg: .* bytes of XMP are more than the 65,533"):
        embed_in_place(path, [(f"tag {n}",) for n in range(50)])
    assert state(tmp_path) == before
    padded = packet(bag("dc:subject", "mine")) + b" " * 64_000 + b'<?xpacket end="w"?>'
    path = saved(tmp_path, jpeg(app(0xE1, XMP_NAME + padded)))
    embed_in_place(path, [(f"tag {n}",) for n in range(50)])
    assert len(read_keywords(path).names) == 51


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (encode(cat(), "WEBP"), "cannot be written into WEBP. Write a sidecar"),
        (encode(cat(), "TIFF"), "cannot be written into TIFF. Write a sidecar"),
        (b"text", "this kind of file. Write a sidecar"),
        (jpeg(*2 * [app(0xE1, XMP_NAME + packet(""))]), "2 XMP packets"),
        (png(2 * itxt(packet(""))), "2 XMP packets"),
        (jpeg(app(0xE2, b"MPF\0" + bytes(20))), "several pictures"),
        (jpeg(app(0xE1, XMP_NAME + b"<subject")), "not well-formed XML at line 1"),
        (jpeg(app(0xED, b"Photoshop 3.0\x008BIM\4\4\0\0\0\0\xff\xff")), "Photoshop block"),
        (jpeg()[:300], "truncated"),
        (png(b"")[:-20], "truncated|damaged"),
    ],
)
def test_what_cannot_be_changed_safely_is_refused(tmp_path: Path, data: bytes, reason: str) -> None:
    """The message names the file and what to do; no file is touched."""
    path = saved(tmp_path, data)
    with pytest.raises(ImageError, match=rf"photo\.jpg: .*({reason})"):
        embed_in_place(path, [DOG])
    assert state(tmp_path) == {"photo.jpg": data}


@pytest.mark.parametrize("call", ["fsync", "link", "replace"])
def test_a_full_disk_leaves_the_original_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Neither a temporary file nor a backup of it stays."""
    data = jpeg()
    path = saved(tmp_path, data)

    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path if call == "replace" else os, call, refuse)
    with pytest.raises(StorageError, match="no space left"):
        embed_in_place(path, [DOG])
    assert state(tmp_path) == {"photo.jpg": data}


def test_a_picture_that_changes_meanwhile_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other program's work stays."""
    path = saved(tmp_path, jpeg())
    sync = os.fsync

    def meddle(handle: int) -> None:
        path.write_bytes(b"changed")
        sync(handle)

    monkeypatch.setattr(os, "fsync", meddle)
    with pytest.raises(ImageError, match="changed while"):
        embed_in_place(path, [DOG])
    assert state(tmp_path) == {"photo.jpg": b"changed"}


def test_a_name_that_xmp_cannot_hold_changes_nothing(tmp_path: Path) -> None:
    """The tag is named."""
    path = saved(tmp_path, jpeg())
    with pytest.raises(InputError, match="holds a character"):
        embed_in_place(path, [("a\0",)])
    assert state(tmp_path) == {"photo.jpg": jpeg()}


def test_damaged_files_are_refused_or_changed_and_the_original_is_never_lost(
    tmp_path: Path,
) -> None:
    """After every attempt the picture is the old one, or the new one with the old one kept."""
    chance = random.Random(3)
    body = packet(bag("dc:subject", "dog", "old"))
    sources = (
        jpeg(app(0xE1, XMP_NAME + body), photoshop(UTF8, (2, 25, b"dog"))),
        png(itxt(body)),
        png(itxt(body, packed=True)),
    )
    written = 0
    for turn in range(400):
        data = bytearray(sources[turn % 3])
        for _ in range(chance.randint(1, 3)):  # where the metadata is
            data[chance.randrange(min(len(data), 900))] = chance.randrange(256)
        if turn % 5 == 0:
            del data[chance.randrange(len(data)) :]
        path, kept = saved(tmp_path, bytes(data)), tmp_path / "photo.jpg_original"
        kept.unlink(missing_ok=True)
        try:
            changed = embed_in_place(path, [("cat",)], ["dog"])
        except ImageError:
            changed = False
        if not changed:
            assert state(tmp_path) == {"photo.jpg": data}
            continue
        written += 1
        assert kept.read_bytes() == data
        assert pixels(path.read_bytes()) == pixels(bytes(data))
        assert "cat" in read_keywords(path).names
    assert written > 20
