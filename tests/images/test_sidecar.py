"""XMP files beside pictures: found, read, and written without touching what is not ours."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from xmp_packets import DARKTABLE, LIGHTROOM, bag, packet

from soutu.errors import ImageError, InputError, StorageError
from soutu.images.keywords import NO_KEYWORDS, Keywords, Own
from soutu.images.sidecar import find_sidecars, keywords_beside, read_sidecar, write_sidecar

DOG = ("animal", "dog")
OWN = Own(may_go=lambda _: True)


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


def test_pictures_that_share_a_name_do_not_write_into_one_sidecar(picture: Path) -> None:
    """Each gets its own, and what soutu wrote into the shared one goes; the rest of it stays."""
    shared = picture.with_name("photo.xmp")
    shared.write_text(DARKTABLE)
    assert write_sidecar(picture, [("cat",)], own=OWN) == shared
    other = picture.with_name("photo.PNG")
    other.write_bytes(b"picture")
    assert write_sidecar(picture, [("cat",)], own=OWN) == picture.with_name("photo.jpg.xmp")
    assert write_sidecar(other, [DOG], ["holiday"], own=OWN) == other.with_name("photo.PNG.xmp")
    assert read_sidecar(shared) == Keywords(("dog", "holiday"), (DOG,))
    assert keywords_beside(picture).names == ("cat", "dog", "holiday")


def test_a_sidecar_that_says_whose_it_is_is_not_shared(picture: Path) -> None:
    """It is written whatever other files are there."""
    shared = picture.with_name("photo.xmp")
    shared.write_text(LIGHTROOM.replace("CR2", "JPG"))
    picture.with_name("photo.CR2").write_bytes(b"raw")
    assert write_sidecar(picture, [DOG], own=OWN) == shared


def test_both_sidecars_of_a_picture_lose_what_is_to_go(picture: Path) -> None:
    """The tags stand in the first one only."""
    own, shared = picture.with_name("photo.jpg.xmp"), picture.with_name("photo.xmp")
    write_sidecar(picture, [DOG, ("cat",)], own=OWN)
    own.rename(shared)
    own.write_text(DARKTABLE)
    write_sidecar(picture, [("cat",)], ["holiday"], own=OWN)
    assert read_sidecar(own).names == ("dog", "cat")
    assert read_sidecar(shared).names == ()


@pytest.mark.parametrize("there", [True, False])
def test_a_sidecar_that_changes_meanwhile_is_not_overwritten(
    picture: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    """Nor one that comes meanwhile: the other program's work stays."""
    sidecar = picture.with_name("photo.jpg.xmp")
    if there:
        sidecar.write_text(DARKTABLE)
    sync = os.fsync

    def meddle(handle: int) -> None:
        sidecar.write_text("changed")
        sync(handle)

    monkeypatch.setattr(os, "fsync", meddle)
    with pytest.raises(ImageError, match="changed while"):
        write_sidecar(picture, [("cat",)])
    assert sidecar.read_text() == "changed"
    assert len(list(picture.parent.iterdir())) == 2


def test_owner_and_attributes_stay(picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As far as the system lets them: what it refuses does not stop the writing."""
    sidecar = picture.with_name("photo.jpg.xmp")
    sidecar.write_text(DARKTABLE)
    kept: dict[bytes, bytes] = {}
    asked: list[tuple[int, int]] = []

    def own(_: int, user: int, group: int) -> None:
        asked.append((user, group))
        raise PermissionError

    def put(_: int, name: bytes, value: bytes) -> None:
        if name == b"security.x":
            raise PermissionError
        kept[name] = value

    monkeypatch.setattr(os, "fchown", own)
    monkeypatch.setattr(os, "listxattr", lambda _: [b"security.x", b"user.x"], raising=False)
    monkeypatch.setattr(os, "getxattr", lambda _, name: b"of " + name, raising=False)
    monkeypatch.setattr(os, "setxattr", put, raising=False)
    write_sidecar(picture, [("cat",)])
    assert asked == [(sidecar.stat().st_uid, sidecar.stat().st_gid)]
    assert kept == {b"user.x": b"of user.x"}


def test_names_too_long_for_sidecars_have_none(tmp_path: Path) -> None:
    """Looking for one is no error; writing one is, and says why."""
    picture = tmp_path / ("x" * 251 + ".jpg")
    picture.write_bytes(b"picture")
    assert find_sidecars(picture) == []
    with pytest.raises(StorageError, match="file name too long"):
        write_sidecar(picture, [("cat",)])
