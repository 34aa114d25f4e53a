"""XMP files beside pictures: found, read, and written without touching what is not ours."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from xmp_packets import DARKTABLE, LIGHTROOM, bag, packet

from soutu.errors import ImageError, InputError, StorageError
from soutu.images.keywords import NO_KEYWORDS, Keywords
from soutu.images.sidecar import find_sidecars, keywords_beside, read_sidecar, write_sidecar

DOG = ("animal", "dog")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Return the path of a picture; sidecars do not ask what it holds."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"picture")
    return path


def stamp(path: Path) -> tuple[int, int, bytes]:
    """Return what shows that a file was written."""
    return path.stat().st_ino, path.stat().st_mtime_ns, path.read_bytes()


def test_a_new_sidecar_has_the_whole_name_of_the_picture(picture: Path) -> None:
    """`photo.jpg.xmp`, as darktable and digiKam have it; a second time it is not touched."""
    sidecar = write_sidecar(picture, [DOG, ("风景", "海")])
    assert sidecar == picture.with_name("photo.jpg.xmp")
    assert read_sidecar(sidecar) == Keywords(("dog", "海"), (DOG, ("风景", "海")))
    before = stamp(sidecar)
    assert write_sidecar(picture, [DOG, ("风景", "海")], ["cat"]) == sidecar
    assert stamp(sidecar) == before
    assert sorted(p.name for p in picture.parent.iterdir()) == ["photo.jpg", "photo.jpg.xmp"]


def test_without_tags_no_sidecar_is_made(picture: Path) -> None:
    """There is nothing to say."""
    assert not write_sidecar(picture, [], ["dog"]).exists()


@pytest.mark.parametrize("name", ["photo.jpg.xmp", "photo.xmp", "photo.XMP", "photo.jpg.XMP"])
def test_the_sidecar_that_is_there_is_written(picture: Path, name: str) -> None:
    """With its mode, and with everything else in it."""
    sidecar = picture.with_name(name)
    sidecar.write_text(DARKTABLE)
    sidecar.chmod(0o640)
    assert write_sidecar(picture, [("animal", "cat")], ["dog"]) == sidecar
    assert sidecar.stat().st_mode & 0o777 == 0o640
    assert 'xmp:Rating="4"' in sidecar.read_text()
    assert keywords_beside(picture).names == ("holiday", "cat")
    assert len(list(picture.parent.iterdir())) == 2


def test_the_sidecar_of_a_raw_file_with_the_same_name_is_left_to_it(picture: Path) -> None:
    """Adobe's programs write into it which file it is for."""
    shared = picture.with_name("photo.xmp")
    shared.write_text(LIGHTROOM)
    assert find_sidecars(picture) == []
    assert find_sidecars(picture.with_name("photo.CR2")) == [shared]
    write_sidecar(picture, [DOG])
    assert shared.read_text() == LIGHTROOM
    assert find_sidecars(picture) == [picture.with_name("photo.jpg.xmp")]


def test_both_sidecars_of_a_picture_are_read(picture: Path) -> None:
    """A broken one does not hide the other."""
    own, shared = picture.with_name("photo.jpg.xmp"), picture.with_name("photo.xmp")
    own.write_bytes(packet(bag("dc:subject", "dog")))
    shared.write_bytes(packet(bag("dc:subject", "sea", "DOG")))
    assert keywords_beside(picture).names == ("dog", "sea")
    own.write_bytes(b"<subject")
    assert keywords_beside(picture).names == ("sea", "DOG")
    assert keywords_beside(picture.with_name("other.jpg")) == NO_KEYWORDS


def test_a_link_to_a_sidecar_stays_a_link(picture: Path, tmp_path: Path) -> None:
    """What it points to is written."""
    real = tmp_path / "elsewhere"
    real.write_text(DARKTABLE)
    link = picture.with_name("photo.jpg.xmp")
    link.symlink_to(real)
    write_sidecar(picture, [("cat",)])
    assert link.is_symlink()
    assert "cat" in read_sidecar(real).names


def test_a_broken_sidecar_is_named_with_the_line_and_stays_as_it_is(picture: Path) -> None:
    """Somebody may still repair it."""
    sidecar = picture.with_name("photo.jpg.xmp")
    sidecar.write_text(DARKTABLE.replace("</dc:subject>", ""))
    before = stamp(sidecar)
    for attempt in (lambda: write_sidecar(picture, [DOG]), lambda: read_sidecar(sidecar)):
        with pytest.raises(ImageError, match=r"photo\.jpg\.xmp: not well-formed XML at line 31"):
            attempt()
    assert stamp(sidecar) == before


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_disk_that_refuses_leaves_the_sidecar_as_it_was(
    picture: Path, monkeypatch: pytest.MonkeyPatch, code: int, call: str
) -> None:
    """No temporary file is left either."""
    sidecar = picture.with_name("photo.jpg.xmp")
    sidecar.write_text(DARKTABLE)
    before = stamp(sidecar)

    def refuse(*_: Any) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Path if call == "replace" else os, call, refuse)
    with pytest.raises(StorageError, match=os.strerror(code).lower()):
        write_sidecar(picture, [("cat",)])
    assert stamp(sidecar) == before
    assert len(list(picture.parent.iterdir())) == 2


def test_a_folder_that_is_gone_is_named(tmp_path: Path) -> None:
    """The message says which file could not be written."""
    with pytest.raises(StorageError, match=r"gone/photo\.jpg\.xmp cannot be written"):
        write_sidecar(tmp_path / "gone" / "photo.jpg", [DOG])


def test_a_name_that_xmp_cannot_hold_writes_nothing(picture: Path) -> None:
    """The tag is named."""
    with pytest.raises(InputError, match="holds a character"):
        write_sidecar(picture, [DOG, ("a\x07b",)])
    assert find_sidecars(picture) == []
