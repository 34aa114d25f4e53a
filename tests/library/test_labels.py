"""What people say of pictures: kept whatever happens to files, models and machines."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from conftest import OpenFolder
from painting import paint

from soutu.errors import InputError
from soutu.library.folder import FolderLibrary
from soutu.library.tagging.spoken import Spoken
from soutu.types import ImportReport, Label


@pytest.fixture
def library(open_folder: OpenFolder, photos: Path) -> FolderLibrary:
    """Three painted pictures and the tags warm and cold."""
    opened = open_folder()
    opened.add([photos])
    opened.tags.add("warm", aliases=["暖"])
    opened.tags.add("cold")
    return opened


def said(library: FolderLibrary) -> list[tuple[str, str, bool]]:
    return [(label.path.name, label.tag, label.value) for label in library.labels.all()]


def test_a_picture_is_labelled_by_path_or_id(library: FolderLibrary, photos: Path) -> None:
    """Yes and no at once; any name of a tag will do; the number of changes comes back."""
    assert library.labels.set(photos / "red.png", yes=["暖"], no=["cold"]) == 2
    (hit,) = library.search("blue", k=1)
    assert library.labels.set(hit.id, yes=["cold"]) == 1
    assert library.labels.set(str(photos / "red.png"), yes=["warm"]) == 0
    assert said(library) == [
        ("red.png", "cold", False),
        ("red.png", "warm", True),
        ("blue.png", "cold", True),
    ]
    assert [x.path.name for x in library.labels.all(tag="cold")] == ["red.png", "blue.png"]
    assert [x.tag for x in library.labels.all(picture=hit.id)] == ["cold"]


def test_a_label_says_who_said_it_and_when(library: FolderLibrary, photos: Path) -> None:
    """The name that was given, or the login name."""
    library.labels.set(photos / "red.png", yes=["warm"], who="ann")
    (label,) = library.labels.all()
    assert (label.who, label.source) == ("ann", "person")
    assert label.at is not None
    change = library.tags.history()[0]
    assert (change.who, change.what) == ("ann", "red.png: yes warm")


def test_people_change_their_minds(library: FolderLibrary, photos: Path) -> None:
    """The last word counts; clear takes a label back; undo goes back step by step."""
    red = photos / "red.png"
    library.labels.set(red, yes=["warm"])
    library.labels.set(red, no=["warm"])
    assert said(library) == [("red.png", "warm", False)]
    library.labels.set(red, clear=["warm"])
    assert said(library) == []
    library.labels.undo()
    assert said(library) == [("red.png", "warm", False)]
    library.labels.undo()
    assert said(library) == [("red.png", "warm", True)]
    library.labels.undo()
    assert said(library) == []
    with pytest.raises(InputError, match="no labelling left to take back"):
        library.labels.undo()


BAD: Sequence[tuple[Callable[[FolderLibrary, Path], object], str]] = [
    (lambda x, p: x.labels.set(p / "red.png", yes=["hot"]), "no tag 'hot'"),
    (lambda x, p: x.labels.set(p / "red.png", yes=["cold"], no=["cold"]), "both right and wrong"),
    (lambda x, p: x.labels.set(p / "red.png", yes=["warm"], no=["暖"]), "both right and wrong"),
    (lambda x, p: x.labels.set(p / "gone.png", yes=["warm"]), "does not hold .*gone.png"),
    (lambda x, p: x.labels.set(7, yes=["warm"]), "no picture with the id 7"),
    (
        lambda x, p: x.labels.set_many(
            [
                Label(path=p / "red.png", tag="warm", value=True),
                Label(path=p / "gone.png", tag="warm", value=True),
            ]
        ),
        "does not hold .*gone.png",
    ),
    (
        lambda x, p: x.labels.set_many(
            [
                Label(path=p / "red.png", tag="warm", value=True),
                Label(path=p / "red.png", tag="暖", value=False),
            ]
        ),
        "'warm' is said to be both right and wrong for .*red.png",
    ),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_bad_labels_are_refused_whole(
    library: FolderLibrary,
    photos: Path,
    change: Callable[[FolderLibrary, Path], object],
    message: str,
) -> None:
    """Nothing is written, also not the good ones beside them."""
    with pytest.raises(InputError, match=message):
        change(library, photos)
    assert said(library) == []
    assert library.tags.history()[0].action == "add"


def test_labels_go_out_and_come_back_as_csv(
    library: FolderLibrary, photos: Path, tmp_path: Path
) -> None:
    """An export is an import; what is the same already is counted as such."""
    library.labels.set(photos / "red.png", yes=["warm"], no=["cold"])
    library.labels.set(photos / "sub" / "blue.png", yes=["cold"])
    before = said(library)
    file = tmp_path / "labels.csv"
    assert library.labels.save(file) == 3
    library.labels.set(photos / "red.png", no=["warm"], clear=["cold"])
    assert library.labels.load(file) == ImportReport(added=1, updated=1, unchanged=1)
    assert said(library) == before
    library.labels.undo()
    assert said(library) == [("red.png", "warm", False), ("blue.png", "cold", True)]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{photos}/red.png,hot,yes", "line 3: there is no tag 'hot'"),
        ("{photos}/gone.png,warm,yes", "line 3: the library does not hold"),
        ("{photos}/red.png,warm,maybe", "line 3"),
        ("{photos}/red.png,暖,no", "line 3: 'warm' is said to be both right and wrong"),
    ],
)
def test_a_broken_csv_names_its_line(
    library: FolderLibrary, photos: Path, tmp_path: Path, row: str, message: str
) -> None:
    """And nothing of it is kept."""
    file = tmp_path / "labels.csv"
    file.write_text(f"image,tag,label\n{photos}/red.png,warm,yes\n{row.format(photos=photos)}\n")
    with pytest.raises(InputError, match=message):
        library.labels.load(file)
    assert said(library) == []


# --- what happens to pictures ---


def test_labels_survive_moves_changes_and_models(
    library: FolderLibrary, open_folder: OpenFolder, photos: Path
) -> None:
    """A renamed file, a changed one, and another model's space."""
    library.labels.set(photos / "red.png", yes=["warm"])
    library.labels.set(photos / "green.png", no=["warm"])
    (photos / "red.png").rename(photos / "rouge.png")
    paint(photos / "green.png", "green", seed=9, size=20)
    library.add([photos])
    library.close()
    again = open_folder(model=None)
    again.use_model("other")
    assert said(again) == [("green.png", "warm", False), ("rouge.png", "warm", True)]


def test_labels_wait_for_pictures_that_are_gone(
    library: FolderLibrary, photos: Path, tmp_path: Path
) -> None:
    """They come back with the file, also at another place; meanwhile they teach nothing."""
    library.labels.set(photos / "red.png", yes=["warm"], who="ann")
    kept = tmp_path / "kept.png"
    shutil.move(photos / "red.png", kept)
    library.add([photos])
    assert said(library) == [("red.png", "warm", True)]
    catalog = library._catalog
    assert [len(x.yes) for x in Spoken.of(catalog).labels.values()] == []
    shutil.move(kept, photos / "new.png")
    library.add([photos])
    (label,) = library.labels.all()
    assert (label.path.name, label.who) == ("new.png", "ann")
    assert [len(x.yes) for x in Spoken.of(catalog).labels.values()] == [1]


def test_removed_pictures_get_their_labels_back(library: FolderLibrary, photos: Path) -> None:
    """`remove` forgets the picture, not what was said of it."""
    library.labels.set(photos / "red.png", yes=["warm"])
    library.remove([photos])
    library.add([photos])
    assert said(library) == [("red.png", "warm", True)]
    assert len(library.labels.all(picture=photos / "red.png")) == 1


# --- what happens to tags ---


def test_merged_tags_share_their_labels(library: FolderLibrary, photos: Path) -> None:
    """Where both were labelled, the label of the tag that stays stands."""
    library.labels.set(photos / "red.png", yes=["warm"], no=["cold"])
    library.labels.set(photos / "green.png", yes=["cold"])
    library.tags.merge(["cold"], "warm")
    assert said(library) == [("green.png", "warm", True), ("red.png", "warm", True)]
    library.tags.undo()
    assert said(library) == [
        ("green.png", "cold", True),
        ("red.png", "cold", False),
        ("red.png", "warm", True),
    ]


def test_a_removed_tag_takes_its_labels_with_it_until_undo(
    library: FolderLibrary, photos: Path
) -> None:
    """A new tag of the same name starts afresh."""
    library.labels.set(photos / "red.png", yes=["warm"])
    library.tags.remove(["warm"])
    library.tags.add("warm")
    assert said(library) == []
    library.tags.undo()
    library.tags.undo()
    assert said(library) == [("red.png", "warm", True)]
