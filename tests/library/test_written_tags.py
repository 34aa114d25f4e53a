"""Tags go out to other programs and come in from them, and guesses never come back as labels."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import OpenFolder
from painting import paint

from soutu.errors import InputError
from soutu.images.keywords_file import read_keywords
from soutu.images.sidecar import write_sidecar
from soutu.library.folder import FolderLibrary
from soutu.types import WriteReport


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
    library.add([photos])
    assert labels(library) == [("moved.png", "green", True, "file")]
    (photos / "copy.png").write_bytes((photos / "moved.png").read_bytes())
    write_sidecar(photos / "copy.png", [("blue",)])
    paint(photos / "moved.png", "red", seed=10)
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
    report = library.add([photos])
    assert report.updated == 3
    assert labels(library) == []


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
