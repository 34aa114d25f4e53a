"""Labels and undo while files come, go and take each other's place."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import OpenFolder
from painting import paint

from soutu.images.sidecar import write_sidecar
from soutu.library.folder import FolderLibrary
from soutu.library.tagging.spoken import Spoken
from soutu.types import ImportReport


@pytest.fixture
def library(open_folder: OpenFolder, photos: Path) -> FolderLibrary:
    """Three painted pictures and the tags warm and cold."""
    opened = open_folder()
    opened.add([photos])
    opened.tags.add("warm")
    opened.tags.add("cold")
    return opened


def said(library: FolderLibrary) -> list[tuple[str, str, bool]]:
    return [(label.path.name, label.tag, label.value) for label in library.labels.all()]


def taught(library: FolderLibrary) -> int:
    """Count the labels that tags learn from."""
    return sum(len(x.yes) + len(x.no) for x in Spoken.of(library._catalog).labels.values())


def move_away_and_back(library: FolderLibrary, photos: Path, old: str, new: str) -> None:
    """Let a picture leave, and come back under another name, each seen by a run."""
    away = photos.parent / "away.png"
    shutil.move(photos / old, away)
    library.add([photos])
    shutil.move(away, photos / new)
    library.add([photos])


def test_undo_for_a_picture_that_is_gone(library: FolderLibrary, photos: Path) -> None:
    """What was said waits for it, counts nowhere, and is there when it comes back."""
    red = photos / "red.png"
    library.labels.set(red, yes=["warm"])
    library.labels.set(red, clear=["warm"])
    library.remove([red])
    library.tags.undo()
    (label,) = library.labels.all()
    assert (label.path.name, label.missing, taught(library)) == ("red.png", True, 0)
    assert library.tags.show("warm").yes == 0
    library.add([photos])
    (label,) = library.labels.all()
    assert (label.missing, taught(library)) == (False, 1)


CHANGES: dict[str, Callable[[FolderLibrary], object]] = {
    "remove": lambda x: x.tags.remove(["warm"]),
    "merge": lambda x: x.tags.merge(["warm"], "cold"),
    "clear": lambda x: x.labels.set(x.labels.all()[0].path, clear=["warm"]),
    "no": lambda x: x.labels.set(x.labels.all()[0].path, no=["warm"], yes=["cold"]),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_undo_follows_a_picture_to_its_new_place(
    library: FolderLibrary, photos: Path, change: Callable[[FolderLibrary], object]
) -> None:
    """Also when it moved twice since; the labels are those from before, neither more nor less."""
    library.labels.set(photos / "red.png", yes=["warm"])
    change(library)
    move_away_and_back(library, photos, "red.png", "one.png")
    move_away_and_back(library, photos, "one.png", "two.png")
    library.tags.undo()
    assert said(library) == [("two.png", "warm", True)]
    library.labels.undo()
    assert said(library) == []


def test_an_old_place_taken_again_is_another_picture(library: FolderLibrary, photos: Path) -> None:
    """A copy where the picture once was does not get what the history says of the picture."""
    library.labels.set(photos / "red.png", yes=["warm"])
    move_away_and_back(library, photos, "red.png", "new.png")
    shutil.copy(photos / "new.png", photos / "red.png")
    library.add([photos])
    library.labels.set(photos / "red.png", yes=["cold"])
    library.labels.undo()
    library.labels.undo()
    assert said(library) == []
    library.labels.set(photos / "red.png", no=["warm"])
    assert said(library) == [("red.png", "warm", False)]


def test_a_picture_moved_over_another_takes_its_labels_along(
    library: FolderLibrary, photos: Path
) -> None:
    """They describe what is seen there now; what else was said of the place stays."""
    library.labels.set(photos / "red.png", yes=["warm"])
    library.labels.set(photos / "green.png", no=["warm"], yes=["cold"])
    (photos / "red.png").replace(photos / "green.png")
    report = library.add([photos])
    assert (report.updated, report.removed) == (1, 1)
    assert said(library) == [("green.png", "cold", True), ("green.png", "warm", True)]
    assert not any(label.missing for label in library.labels.all())
    assert taught(library) == 2


def test_a_copy_gets_no_labels_while_the_picture_stays(
    library: FolderLibrary, photos: Path
) -> None:
    """They were said of one file."""
    library.labels.set(photos / "red.png", yes=["warm"])
    shutil.copy(photos / "red.png", photos / "copy.png")
    library.add([photos])
    assert said(library) == [("red.png", "warm", True)]


def test_a_file_s_own_keyword_yields_to_what_a_person_said_before(
    library: FolderLibrary, photos: Path
) -> None:
    """The label of the person moves over the label of the file that was there."""
    write_sidecar(photos / "green.png", [("warm",)])
    library.add([photos])
    library.labels.set(photos / "red.png", no=["warm"])
    (photos / "red.png").replace(photos / "green.png")
    library.add([photos])
    assert said(library) == [("green.png", "warm", False)]


def test_a_backup_is_restored_with_who_said_it_and_when(
    library: FolderLibrary, photos: Path, tmp_path: Path
) -> None:
    """Also labels of pictures that are gone; those of files are left to the files."""
    write_sidecar(photos / "green.png", [("cold",)])
    library.add([photos])
    library.labels.set(photos / "red.png", yes=["warm"], who="ann")
    library.labels.set(photos / "sub" / "blue.png", no=["warm"], who="bo", source="import")
    library.remove([photos / "red.png"])
    before = library.labels.all()
    assert [label.source for label in before] == ["file", "person", "import"]
    file = tmp_path / "labels.csv"
    assert library.labels.save(file) == 3
    library.labels.undo()
    library.labels.undo()
    assert library.labels.load(file, who="eve") == ImportReport(added=2, unchanged=1)
    assert library.labels.all() == before
    assert library.labels.set_many(before) == ImportReport(unchanged=3)
    (photos / "green.png.xmp").unlink()
    library.add([photos])
    assert library.labels.load(file).added == 0


def test_an_export_of_two_pictures_of_one_place_can_be_imported(
    library: FolderLibrary, photos: Path, tmp_path: Path
) -> None:
    """The picture that is there now speaks."""
    library.labels.set(photos / "red.png", yes=["warm"])
    library.remove([photos / "red.png"])
    paint(photos / "red.png", "white")
    library.add([photos])
    library.labels.set(photos / "red.png", no=["warm"])
    assert len(library.labels.all()) == 2
    assert library.labels.save(tmp_path / "labels.csv") == 1
    assert library.labels.load(tmp_path / "labels.csv") == ImportReport(unchanged=1)


def test_a_file_name_that_is_no_utf_8(library: FolderLibrary, photos: Path, tmp_path: Path) -> None:
    """It is labelled, listed, exported and imported; the history spells the byte out."""
    odd = Path(os.fsdecode(os.fsencode(photos) + b"/b\xff.png"))
    paint(odd, "red", seed=5)
    library.add([photos])
    assert library.labels.set(odd, yes=["warm"], who="\udcff") == 1
    assert library.tags.history(1)[0].what == "b\\udcff.png: yes warm"
    file = Path(os.fsdecode(os.fsencode(tmp_path) + b"/l\xff.csv"))
    library.labels.save(file)
    library.labels.undo()
    assert library.labels.load(file) == ImportReport(added=1)
    assert library.labels.all()[0].path == odd
    tags = Path(os.fsdecode(os.fsencode(tmp_path) + b"/t\xff.csv"))
    tags.write_text("name\nhot\n", "utf-8")
    assert library.tags.load(tags).added == 1
