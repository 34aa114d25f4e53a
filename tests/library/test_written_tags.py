"""Tags go out to other programs and come in from them, and guesses never come back as labels."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from conftest import OpenFolder
from painting import FakeStore, paint

from soutu.errors import InputError, StorageError
from soutu.images.keywords import Keywords
from soutu.images.keywords_file import keywords_of_file, read_keywords
from soutu.images.sidecar import read_sidecar, write_sidecar
from soutu.library.file_keywords import keywords_now
from soutu.library.folder import FolderLibrary
from soutu.types import Failure, Progress, WriteReport


@pytest.fixture
def library(open_folder: OpenFolder, photos: Path) -> FolderLibrary:
    """A red, a green and a blue picture, and tags for these colours below one for all."""
    opened = open_folder()
    opened.add([photos])
    opened.tags.add("colour", threshold=1.0)
    for name in ("red", "green", "blue"):
        opened.tags.add(name, parent="colour", group="hue")
    return opened


def labels(library: FolderLibrary) -> list[tuple[str, str, bool, str]]:
    return [(x.path.name, x.tag, x.value, x.source) for x in library.labels.all()]


def test_tags_are_written_beside_the_pictures(library: FolderLibrary, photos: Path) -> None:
    """With their hierarchy; a second run has nothing to do; a dry run only counts."""
    assert library.write_tags(dry_run=True) == WriteReport(written=3)
    assert sorted(photos.rglob("*.xmp")) == []
    assert library.write_tags() == WriteReport(written=3)
    found = read_keywords(photos / "red.png")
    assert found.paths == (("colour", "red"),)
    assert library.write_tags() == WriteReport(unchanged=3)
    assert library.write_tags(dry_run=True) == WriteReport(unchanged=3)


def test_only_some_pictures_and_tags_are_written(library: FolderLibrary, photos: Path) -> None:
    """Below the given paths, of the given tags."""
    assert library.write_tags([photos / "sub"], tags=["red", "blue"]) == WriteReport(written=1)
    assert [path.name for path in photos.rglob("*.xmp")] == ["blue.png.xmp"]
    with pytest.raises(InputError, match="no picture at or below"):
        library.write_tags([photos / "nowhere"])


def test_in_place_keeps_the_original(library: FolderLibrary, photos: Path) -> None:
    """The keywords are in the picture file, and the file as it was beside it."""
    before = (photos / "red.png").read_bytes()
    assert library.write_tags([photos / "red.png"], in_place=True) == WriteReport(written=1)
    assert (photos / "red.png_original").read_bytes() == before
    assert "red" in read_keywords(photos / "red.png").names
    assert library.write_tags([photos / "red.png"], in_place=True) == WriteReport(unchanged=1)


def test_corrected_tags_are_taken_out_again(library: FolderLibrary, photos: Path) -> None:
    """Keywords that soutu did not write stay."""
    red = photos / "red.png"
    write_sidecar(red, [("holiday",), ("green",)])
    library.write_tags()
    assert set(read_keywords(red).names) == {"holiday", "green", "red"}
    library.labels.set(red, yes=["blue"])
    library.write_tags()
    assert set(read_keywords(red).names) == {"holiday", "green", "blue"}
    library.labels.set(red, no=["green"])
    library.write_tags()
    assert set(read_keywords(red).names) == {"holiday", "blue"}


def test_what_cannot_be_written_is_listed(library: FolderLibrary, photos: Path) -> None:
    """A broken sidecar stays as it is, and the other pictures get theirs."""
    broken = photos / "red.png.xmp"
    broken.write_text("<x:xmpmeta")
    (photos / "green.png").unlink()
    report = library.write_tags()
    assert (report.written, report.unchanged) == (1, 0)
    assert [failure.path.name for failure in report.failures] == ["green.png", "red.png"]
    assert broken.read_text() == "<x:xmpmeta"


# --- keywords that files bring along ---


def test_keywords_of_files_become_labels(
    open_folder: OpenFolder, photos: Path, library: FolderLibrary
) -> None:
    """By any name of a tag, with the source `file`; others wait for a tag of their name."""
    new = paint(photos / "new.png", "red", seed=5)
    write_sidecar(new, [("nature", "animal", "Dog"), ("holiday",)])
    library.tags.add("hound", aliases=["dog"])
    library.add([photos])
    assert labels(library) == [("new.png", "hound", True, "file")]
    (found,) = library.tag([new], tags=["hound"])
    assert [(s.source, s.holds) for s in found.tags] == [("file", True)]
    library.tags.add("holiday")
    assert labels(library) == [
        ("new.png", "holiday", True, "file"),
        ("new.png", "hound", True, "file"),
    ]
    library.tags.edit("hound", aliases=[])
    assert labels(library) == [("new.png", "holiday", True, "file")]
    library.tags.undo()
    library.tags.undo()
    assert labels(library) == [("new.png", "hound", True, "file")]


def test_a_person_overrules_a_file(library: FolderLibrary, photos: Path) -> None:
    """Also when the file is read again."""
    red = photos / "red.png"
    write_sidecar(red, [("green",)])
    paint(red, "red", seed=8)
    library.add([photos])
    assert labels(library) == [("red.png", "green", True, "file")]
    library.labels.set(red, no=["green"])
    paint(red, "red", seed=9)
    library.add([photos])
    assert labels(library) == [("red.png", "green", False, "person")]


def test_a_person_confirms_a_file(library: FolderLibrary, photos: Path) -> None:
    """Then the label is theirs, and stays when the keyword goes."""
    red = photos / "red.png"
    write_sidecar(red, [("green",)])
    library.add([photos])
    assert library.labels.set(red, yes=["green"], who="ann") == 1
    write_sidecar(red, [], remove=["green"])
    library.add([photos])
    assert labels(library) == [("red.png", "green", True, "person")]


def test_labels_of_files_follow_the_files(library: FolderLibrary, photos: Path) -> None:
    """A keyword that is gone takes its label with it; copies and moves bring theirs along."""
    red = photos / "red.png"
    write_sidecar(red, [("green",)])
    paint(red, "red", seed=8)
    library.add([photos])
    red.rename(photos / "moved.png")
    (photos / "red.png.xmp").rename(photos / "moved.png.xmp")
    assert library.add([photos]).moved == 1
    assert labels(library) == [("moved.png", "green", True, "file")]
    (photos / "copy.png").write_bytes((photos / "moved.png").read_bytes())
    write_sidecar(photos / "copy.png", [("blue",)])
    paint(photos / "moved.png", "red", seed=10)
    (photos / "moved.png.xmp").unlink()
    library.add([photos])
    assert labels(library) == [("copy.png", "blue", True, "file")]


def test_a_changed_sidecar_is_read_again(library: FolderLibrary, photos: Path) -> None:
    """Though its picture is unchanged, and is not encoded again; also one that is gone."""
    red = photos / "red.png"
    write_sidecar(red, [("green",)])
    assert library.add([photos]).skipped == 3
    assert labels(library) == [("red.png", "green", True, "file")]
    write_sidecar(red, [("blue",)], remove=["green"])
    assert library.add([red]).skipped == 1
    assert labels(library) == [("red.png", "blue", True, "file")]
    (photos / "red.png.xmp").rename(photos / "red.xmp")
    library.add([photos])
    assert labels(library) == [("red.png", "blue", True, "file")]
    (photos / "red.xmp").unlink()
    library.add([photos])
    assert labels(library) == []


def test_what_soutu_wrote_is_nobodys_label(library: FolderLibrary, photos: Path) -> None:
    """A guess that was written out and read again is still a guess."""
    library.write_tags()
    library.write_tags([photos / "red.png"], in_place=True)
    for number, name in enumerate(("green.png", "sub/blue.png")):
        paint(photos / name, name.split("/")[-1][:-4], seed=20 + number)
    assert library.add([photos]).updated == 2
    assert labels(library) == []


def test_a_picture_that_moved_away_from_its_sidecar_loses_its_labels(
    library: FolderLibrary, photos: Path
) -> None:
    """Also in later runs; and one that came to another sidecar gets its labels."""
    red = photos / "red.png"
    write_sidecar(red, [("green",)])
    library.add([photos])
    red.rename(photos / "moved.png")
    library.add([photos])
    assert labels(library) == []
    (photos / "moved.png").rename(photos / "red.png")
    library.add([photos])
    assert labels(library) == [("red.png", "green", True, "file")]


@pytest.mark.parametrize("in_place", [False, True])
def test_guesses_stay_guesses_wherever_files_go(
    library: FolderLibrary, photos: Path, open_folder: OpenFolder, tmp_path: Path, in_place: bool
) -> None:
    """In another library, after the pictures were removed, on copies: the files say so."""
    library.write_tags(in_place=in_place)
    library.add([photos])
    library.remove([photos])
    library.add([photos])
    assert labels(library) == []
    for path in list(photos.rglob("red.png*")):
        (photos / f"copy-{path.name}").write_bytes(path.read_bytes())
    library.add([photos])
    assert labels(library) == []
    other = open_folder(tmp_path / "other")
    other.add([photos])
    other.tags.add("red")
    assert labels(other) == []
    assert [idea.name for idea in other.tags.suggest() if idea.score == 1] == []
    assert other.tags.add_keywords().added == 0


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_a_run_that_is_killed_leaves_no_labels(
    library: FolderLibrary, photos: Path, error: type[BaseException]
) -> None:
    """Whatever was written by then is marked in the file itself."""

    def kill(progress: Progress) -> None:
        if progress.done == 2:
            raise error

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("soutu.library.tagging.writing.note_written", lambda *_: None)
        with pytest.raises(error):
            library.write_tags(on_progress=kill)
    assert len(list(photos.rglob("*.xmp"))) == 2
    library.add([photos])
    assert labels(library) == []


def test_writing_some_tags_leaves_the_others_guesses(library: FolderLibrary, photos: Path) -> None:
    """The keywords of the other tags stay, and stay soutu's."""
    library.tags.add("warm", threshold=0.0)
    library.write_tags()
    assert library.write_tags(tags=["warm"]) == WriteReport(unchanged=3)
    library.add([photos])
    assert labels(library) == []
    library.tags.edit("red", threshold=1.0, group=None)
    library.tags.edit("warm", threshold=1.0)
    library.write_tags(tags=["warm"])
    assert read_keywords(photos / "red.png").names == ("red",)


@pytest.mark.parametrize("in_place", [False, True])
def test_what_soutu_wrote_goes_when_its_tag_is_renamed_or_removed(
    library: FolderLibrary, photos: Path, in_place: bool
) -> None:
    """Also when no tag is left; until then nobody is offered it as a keyword of their own."""
    red = photos / "red.png"
    before = red.read_bytes()
    library.write_tags(in_place=in_place)
    library.tags.rename("red", "scarlet")
    library.add([photos])
    assert [idea.name for idea in library.tags.suggest() if idea.score == 1] == []
    library.tags.add("red", threshold=1.0)
    assert labels(library) == []
    library.tags.remove(["red"])
    assert library.write_tags(in_place=in_place).written == 1
    assert read_keywords(red).names == ("scarlet",)
    library.tags.remove(["scarlet", "green", "blue", "colour"])
    library.add([photos])
    assert library.write_tags(in_place=in_place, dry_run=True) == WriteReport(written=3)
    assert library.write_tags(in_place=in_place) == WriteReport(written=3)
    assert read_keywords(red).names == ()
    assert red.read_bytes() == before
    library.add([photos])
    with pytest.raises(InputError, match="there are no tags yet"):
        library.write_tags(in_place=in_place)


def test_a_keyword_that_somebody_added_since_stays(library: FolderLibrary, photos: Path) -> None:
    """Only what soutu put there goes, whatever the catalog knows of the file."""
    red = photos / "red.png"
    write_sidecar(red, [("red",)])
    library.write_tags()
    library.tags.edit("red", threshold=1.0, group=None)
    library.write_tags()
    assert read_keywords(red).names == ("red", "green")
    library.add([photos])
    assert labels(library) == [("red.png", "red", True, "file")]


def test_in_place_keeps_a_sidecar_right_and_makes_none(
    library: FolderLibrary, photos: Path
) -> None:
    """A tag that no longer holds goes from both."""
    red = photos / "red.png"
    library.write_tags([red])
    library.write_tags(in_place=True)
    assert [path.name for path in photos.rglob("*.xmp")] == ["red.png.xmp"]
    library.labels.set(red, yes=["blue"])
    library.write_tags(in_place=True)
    assert read_sidecar(photos / "red.png.xmp").names == ("blue",)
    assert keywords_of_file(red.read_bytes()).names == ("blue",)
    library.add([photos])
    assert labels(library) == [("red.png", "blue", True, "person")]


def test_nothing_is_read_again_after_soutu_wrote_it(
    library: FolderLibrary, photos: Path, store: FakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither beside the pictures nor in them; what others write then is."""
    library.write_tags()
    library.write_tags([photos / "red.png"], in_place=True)
    calls = store.encoders["colour"].calls
    read: list[Path] = []
    real = keywords_now

    def spy(path: Path) -> tuple[Keywords, tuple[Failure, ...]]:
        read.append(path)
        return real(path)

    monkeypatch.setattr("soutu.library.indexing.keywords_now", spy)
    report = library.add([photos])
    assert (report.skipped, read, store.encoders["colour"].calls) == (3, [], calls)
    assert library.picture(photos / "red.png").path == photos / "red.png"
    write_sidecar(photos / "green.png", [("blue",)])
    library.add([photos])
    assert read == [photos / "green.png"]
    assert labels(library) == [("green.png", "blue", True, "file")]


def test_reading_many_sidecars_can_be_stopped(library: FolderLibrary, photos: Path) -> None:
    """It says how far it is, and the next run goes on."""
    for name in ("red.png", "green.png", "sub/blue.png"):
        write_sidecar(photos / name, [("green",)])
    seen: list[Progress] = []
    stopped = library.add([photos], should_stop=lambda: True, on_progress=seen.append)
    assert stopped.interrupted
    assert labels(library) == []
    library.add([photos], on_progress=seen.append)
    assert [p for p in seen if p.stage == "keywords"] == [
        Progress(stage="keywords", done=3, total=3)
    ]
    assert len(labels(library)) == 3


def test_a_broken_sidecar_is_listed_until_it_is_mended(
    library: FolderLibrary, photos: Path
) -> None:
    """Its picture is indexed all the same."""
    broken = photos / "new.png.xmp"
    paint(photos / "new.png", "red", seed=7)
    broken.write_text("<x:xmpmeta>subject")
    for _ in range(2):
        report = library.add([photos])
        assert [failure.path for failure in report.failures] == [broken]
        assert "not well-formed XML at line 1" in report.failures[0].reason
    assert library.status().failures == ()
    broken.unlink()
    write_sidecar(photos / "new.png", [("green",)])
    assert library.add([photos]).failures == ()
    assert labels(library) == [("new.png", "green", True, "file")]


def test_names_too_long_for_a_sidecar_end_nothing(library: FolderLibrary, photos: Path) -> None:
    """Such a picture is indexed, and listed when its tags cannot be written."""
    for length, seed in ((252, 3), (255, 4)):
        paint(photos / ("r" * (length - 4) + ".png"), "red", seed=seed)
    assert library.add([photos]).added == 2
    report = library.write_tags()
    assert (report.written, len(report.failures)) == (3, 2)
    assert "file name too long" in report.failures[0].reason
    assert len(library.write_tags(in_place=True).failures) == 2


def test_a_place_that_cannot_be_written_is_listed(library: FolderLibrary, photos: Path) -> None:
    """The others are written; only a full disk ends the run."""
    (photos / "green.png.xmp").mkdir()
    report = library.write_tags()
    assert (report.written, [f.path.name for f in report.failures]) == (2, ["green.png"])
    library.labels.set(photos / "red.png", yes=["blue"])

    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(StorageError, match="no space left"):
            library.write_tags()


@pytest.mark.parametrize("in_place", [False, True])
def test_a_dry_run_counts_what_would_be_written(
    library: FolderLibrary, photos: Path, in_place: bool
) -> None:
    """Also where only the place of a tag in the hierarchy changed, or a sidecar is there."""
    library.write_tags()
    if in_place:
        assert library.write_tags(dry_run=True, in_place=True) == WriteReport(written=3)
        library.write_tags(in_place=True)
    library.tags.add("thing", threshold=1.0)
    library.tags.edit("colour", parent="thing")
    before = {path: path.read_bytes() for path in photos.rglob("*") if path.is_file()}
    assert library.write_tags(dry_run=True, in_place=in_place) == WriteReport(written=3)
    assert before == {path: path.read_bytes() for path in photos.rglob("*") if path.is_file()}
    assert library.write_tags(in_place=in_place) == WriteReport(written=3)
    assert read_keywords(photos / "red.png").paths == (("thing", "colour", "red"),)
    assert library.write_tags(dry_run=True, in_place=in_place) == WriteReport(unchanged=3)


def test_keywords_of_files_can_become_tags(library: FolderLibrary, photos: Path) -> None:
    """Suggested by how often they come; taken in all at once, as one change."""
    for name, keywords in (("a.png", ["Paris", "trip"]), ("b.png", ["paris"])):
        write_sidecar(paint(photos / name, "red", seed=len(name)), [(k,) for k in keywords])
    paint(photos / "b.png", "blue", seed=3)
    library.add([photos])
    first = library.tags.suggest()[0]
    assert (first.name, first.count, first.score) == ("Paris", 2, 1.0)
    assert library.tags.add_keywords(at_least=2).added == 1
    assert [(n, t) for n, t, _, _ in labels(library)] == [("a.png", "Paris"), ("b.png", "Paris")]
    assert library.tags.add_keywords().added == 1
    library.tags.undo()
    library.tags.undo()
    assert labels(library) == []
