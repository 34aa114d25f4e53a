"""Finding picture files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from soutu.errors import InputError
from soutu.images.source import SUFFIXES, FileEntry, scan
from soutu.types import Failure


def put(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def names(folder: Path, *paths: Path | str, **options: Any) -> list[str]:
    """Scan and return the paths found, relative to a folder."""
    entries = list(scan(paths or [folder], **options))
    assert all(isinstance(found, FileEntry) for found in entries), entries
    return [os.path.relpath(found.path, folder) for found in entries]


def failures(*paths: Path) -> list[Failure]:
    return [found for found in scan(paths) if isinstance(found, Failure)]


def test_entry_holds_what_tells_whether_a_file_changed(tmp_path: Path) -> None:
    """Path, root, size and time of each file are those of the file system."""
    path = put(tmp_path / "a" / "b.jpg", b"12345")
    os.utime(path, ns=(1, 1_600_000_000_123_456_789))
    entry = FileEntry(path=path, root=tmp_path, size=5, mtime_ns=1_600_000_000_123_456_789)
    assert list(scan([tmp_path])) == [entry]


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_pictures_are_known_by_ending_in_any_case(tmp_path: Path, suffix: str) -> None:
    """Lower, upper and mixed case endings are taken."""
    for name in (f"a.{suffix}", f"b.{suffix.upper()}", f"c.x.{suffix.title()}"):
        put(tmp_path / name)
    assert len(names(tmp_path)) == 3


def test_other_files_are_left_out(tmp_path: Path) -> None:
    """Files of other kinds, macOS shadow files and names without a dot are no pictures."""
    for name in ("a.txt", "b.jpg.txt", "jpg", "._c.jpg", "d.mp4", "e.jpg~"):
        put(tmp_path / name)
    assert names(tmp_path) == []


def test_order_is_by_name_and_the_same_each_time(tmp_path: Path) -> None:
    """Within a folder files come by name, and before the folders below."""
    for name in ("b.jpg", "a.jpg", "z/b.jpg", "z/a.jpg", "m/x/y.jpg", "m/a.jpg", "c.jpg"):
        put(tmp_path / name)
    expected = ["a.jpg", "b.jpg", "c.jpg", "m/a.jpg", "m/x/y.jpg", "z/a.jpg", "z/b.jpg"]
    assert names(tmp_path) == expected


def test_named_file_is_taken_whatever_its_ending(tmp_path: Path) -> None:
    """A file asked for by name is taken once, also when its folder is asked for too."""
    odd, usual = put(tmp_path / "scan.dat"), put(tmp_path / "b.jpg")
    assert names(tmp_path, odd, usual, tmp_path, odd) == ["scan.dat", "b.jpg"]
    assert [e.root for e in scan([odd]) if isinstance(e, FileEntry)] == [tmp_path]


def test_globs_do_not_drop_a_named_file(tmp_path: Path) -> None:
    """Include and exclude are about folders; what is named is wanted."""
    path = put(tmp_path / "a.jpg")
    assert names(tmp_path, path, include=["*.png"], exclude=["*.jpg"]) == ["a.jpg"]


def test_relative_paths_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dots in a path are taken out; the result does not depend on the working folder."""
    put(tmp_path / "a" / "b.jpg")
    monkeypatch.chdir(tmp_path / "a")
    entries = list(scan(["../a/."]))
    assert entries == list(scan([tmp_path / "a"]))


def test_overlapping_roots_yield_each_file_once(tmp_path: Path) -> None:
    """The first root that leads to a file has it."""
    put(tmp_path / "a" / "x.jpg")
    put(tmp_path / "b" / "y.jpg")
    assert names(tmp_path, tmp_path, tmp_path / "a", tmp_path) == ["a/x.jpg", "b/y.jpg"]
    entries = scan([tmp_path / "a", tmp_path])
    assert [e.root for e in entries if isinstance(e, FileEntry)] == [tmp_path / "a", tmp_path]


def test_folders_nobody_keeps_photos_in_are_skipped(tmp_path: Path) -> None:
    """Version control, caches and trash are left out unless they are asked for by name."""
    for name in (".git", "node_modules", "@eaDir", "__pycache__", ".Trash-1000", "$RECYCLE.BIN"):
        put(tmp_path / "p" / name / "a.jpg")
    put(tmp_path / "p" / ".hidden" / "b.jpg")
    assert names(tmp_path) == ["p/.hidden/b.jpg"]
    assert names(tmp_path, tmp_path / "p" / "node_modules") == ["p/node_modules/a.jpg"]


def test_skip_leaves_a_folder_out_however_it_is_reached(tmp_path: Path) -> None:
    """The library's own folder is skipped, also through a link; a missing one does no harm."""
    put(tmp_path / "library" / "thumb.jpg")
    put(tmp_path / "a.jpg")
    (tmp_path / "link").symlink_to("library")
    skip = [tmp_path / "library", tmp_path / "missing"]
    assert names(tmp_path, skip=skip) == ["a.jpg"]


def test_globs_are_those_of_gitignore(tmp_path: Path) -> None:
    """Patterns apply below the root; ! takes back, and a slash anchors."""
    for name in ("a.jpg", "b.png", "old/c.jpg", "new/old/d.jpg", "new/keep.png"):
        put(tmp_path / name)
    assert names(tmp_path, include=["*.png"]) == ["b.png", "new/keep.png"]
    assert names(tmp_path, include=["/new/"]) == ["new/keep.png", "new/old/d.jpg"]
    assert names(tmp_path, exclude=["old"]) == ["a.jpg", "b.png", "new/keep.png"]
    assert names(tmp_path, exclude=["/old/"]) == ["a.jpg", "b.png", "new/keep.png", "new/old/d.jpg"]
    assert names(tmp_path, exclude=["*.png", "!keep.png", "old"]) == ["a.jpg", "new/keep.png"]
    assert names(tmp_path, include=["new"], exclude=["*.jpg"]) == ["new/keep.png"]


def test_globs_match_names_with_line_breaks(tmp_path: Path) -> None:
    """A line break is a character like any other."""
    put(tmp_path / "a\nb" / "c.jpg")
    assert names(tmp_path, include=["**/c.jpg"]) == ["a\nb/c.jpg"]
    assert names(tmp_path, exclude=["**/c.jpg"]) == []


def test_excluded_folder_is_not_entered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is excluded costs nothing, even where it cannot be read."""
    put(tmp_path / "secret" / "a.jpg")
    forbid(monkeypatch, tmp_path / "secret")
    assert names(tmp_path, exclude=["secret/"]) == []


def test_bad_glob_is_an_input_error(tmp_path: Path) -> None:
    """The pattern is named, before anything is yielded."""
    with pytest.raises(InputError, match="'!' is not a pattern"):
        scan([tmp_path], exclude=["*.png", "!"])


def test_links_are_followed(tmp_path: Path) -> None:
    """Linked files and folders are found under the link's name."""
    outside = tmp_path / "outside"
    put(outside / "a.jpg")
    put(tmp_path / "in" / "b.jpg")
    (tmp_path / "in" / "file.jpg").symlink_to(outside / "a.jpg")
    (tmp_path / "in" / "folder").symlink_to(outside)
    found = names(tmp_path, tmp_path / "in")
    assert found == ["in/b.jpg", "in/file.jpg", "in/folder/a.jpg"]


def test_real_place_comes_before_a_link_to_it(tmp_path: Path) -> None:
    """A folder is visited once, under its own name, even if a link to it sorts first."""
    put(tmp_path / "zoo" / "cat.jpg")
    (tmp_path / "alias").symlink_to("zoo")
    assert names(tmp_path) == ["zoo/cat.jpg"]


def test_link_loops_end(tmp_path: Path) -> None:
    """Links to a parent, to each other and to themselves do not hold the scan up."""
    put(tmp_path / "a" / "b" / "x.jpg")
    (tmp_path / "a" / "b" / "up").symlink_to(tmp_path)
    (tmp_path / "ping").symlink_to("pong")
    (tmp_path / "pong").symlink_to("ping")
    (tmp_path / "self").symlink_to("self")
    assert names(tmp_path) == ["a/b/x.jpg"]


def test_linked_root_is_a_root(tmp_path: Path) -> None:
    """A link asked for by name gives paths below the link."""
    put(tmp_path / "real" / "a.jpg")
    (tmp_path / "link").symlink_to("real")
    assert names(tmp_path, tmp_path / "link") == ["link/a.jpg"]


def test_broken_links_are_failures_only_if_they_look_like_pictures(tmp_path: Path) -> None:
    """A link to a vanished picture is listed; one to anything else is nobody's business."""
    (tmp_path / "gone.jpg").symlink_to("nowhere.jpg")
    (tmp_path / "loop.png").symlink_to("loop.png")
    (tmp_path / "notes.txt").symlink_to("nowhere.txt")
    found = failures(tmp_path)
    assert [failure.path.name for failure in found] == ["gone.jpg", "loop.png"]
    assert found[0].reason == "a broken link: what it points to does not exist"
    assert "symbolic links" in found[1].reason


def test_unreadable_folder_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One folder that cannot be listed does not stop the scan."""
    put(tmp_path / "a" / "x.jpg")
    put(tmp_path / "b" / "y.jpg")
    forbid(monkeypatch, tmp_path / "a")
    found = list(scan([tmp_path]))
    assert found[0] == Failure(path=tmp_path / "a", reason="cannot be listed: permission denied")
    assert [e.path.name for e in found[1:] if isinstance(e, FileEntry)] == ["y.jpg"]


def test_missing_root_is_an_input_error_before_anything_is_yielded(tmp_path: Path) -> None:
    """The call itself raises, naming the path."""
    put(tmp_path / "a.jpg")
    with pytest.raises(InputError, match=r"no file or folder .*nowhere"):
        scan([tmp_path, tmp_path / "nowhere"])


def test_root_that_is_no_file_is_an_input_error(tmp_path: Path) -> None:
    """A pipe is refused rather than read for ever; so is a path with a NUL."""
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(InputError, match="neither a file nor a folder"):
        scan([tmp_path / "pipe.jpg"])
    with pytest.raises(InputError, match="cannot be read"):
        scan(["a\0b"])


def test_pipes_named_like_pictures_are_left_out(tmp_path: Path) -> None:
    """Only regular files are pictures."""
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    assert names(tmp_path) == []


def test_odd_names_come_through(tmp_path: Path) -> None:
    """Spaces, line breaks, emoji, Chinese and bytes that are no UTF-8 are kept exactly."""
    odd = ["a b.jpg", "a\nb.jpg", "猫.jpg", "🐈.jpg", os.fsdecode(b"\xff\xfe.jpg"), "-n.jpg"]
    for name in odd:
        put(tmp_path / name)
    entries = [found for found in scan([tmp_path]) if isinstance(found, FileEntry)]
    assert sorted(e.path.name for e in entries) == sorted(odd)
    assert all(e.path.read_bytes() == b"x" for e in entries)


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    """Return a folder with others nested deeper than a path can name, and one picture far in."""
    levels = 2200
    handle = os.open(tmp_path, os.O_RDONLY)
    for level in range(levels):
        os.mkdir("d", dir_fd=handle)
        inner = os.open("d", os.O_RDONLY, dir_fd=handle)
        if level == 1500:
            os.close(os.open("a.jpg", os.O_CREAT | os.O_WRONLY, dir_fd=inner))
        os.close(handle)
        handle = inner
    yield tmp_path
    for level in reversed(range(levels)):  # from the inside out, as no path reaches that deep
        if level == 1500:
            os.unlink("a.jpg", dir_fd=handle)
        outer = os.open("..", os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        os.rmdir("d", dir_fd=outer)
        handle = outer
    os.close(handle)


def test_nesting_beyond_what_a_path_can_name_is_a_failure(deep: Path) -> None:
    """More levels than Python's stack are walked; where the path gets too long, a Failure."""
    picture, failure = scan([deep])
    assert picture.path.name == "a.jpg"
    assert isinstance(failure, Failure)
    assert failure.reason == "cannot be listed: file name too long"


def test_file_that_vanishes_during_the_scan_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file deleted between the listing and the look at it is no failure."""
    put(tmp_path / "a.jpg")
    put(tmp_path / "b.jpg")
    scandir = os.scandir

    def listing_then_deletion(path: Any) -> Any:
        entries = list(scandir(path))
        (tmp_path / "a.jpg").unlink()
        return Listing(entries)

    monkeypatch.setattr(os, "scandir", listing_then_deletion)
    assert names(tmp_path) == ["b.jpg"]


class Listing(list[Any]):
    """A listing that is closed, as that of os.scandir."""

    def __enter__(self) -> Listing:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def forbid(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Make listing a folder fail, as it does for other users' folders (tests may run as root)."""
    scandir = os.scandir

    def refusing(path: Any) -> Any:
        if os.fspath(path) == str(folder):
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
