"""Whose word counts: people's, imports' and files', of one tag and of tags that exclude another."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import OpenFolder

from soutu.errors import InputError
from soutu.images.sidecar import write_sidecar
from soutu.library.folder import FolderLibrary
from soutu.types import Label


@pytest.fixture
def library(open_folder: OpenFolder, photos: Path) -> FolderLibrary:
    """Three painted pictures; the file of the red one says cat."""
    write_sidecar(photos / "red.png", [("cat",)])
    opened = open_folder()
    opened.add([photos])
    for name in ("cat", "kitty", "puss"):
        opened.tags.add(name)
    return opened


@pytest.fixture
def light(library: FolderLibrary) -> FolderLibrary:
    """The group light with the tags day and night."""
    for name in ("day", "night"):
        library.tags.add(name, group="light")
    library.tags.add("dusk")
    return library


def said(library: FolderLibrary, *, files: bool = True) -> list[tuple[str, bool, str]]:
    """List what is said of the red picture."""
    return [
        (label.tag, label.value, label.source)
        for label in library.labels.all()
        if label.path.name == "red.png" and (files or label.source != "file")
    ]


# --- files ---


def test_what_a_file_says_cannot_be_cleared(library: FolderLibrary, photos: Path) -> None:
    """It would be back with the next change; a no goes before it."""
    red = photos / "red.png"
    with pytest.raises(InputError, match=r"a keyword in the file says 'cat' of red\.png.*Say no"):
        library.labels.set(red, clear=["cat"])
    with pytest.raises(InputError, match="a keyword in the file"):
        library.labels.set_many([], clear=[(red, "cat")])
    assert said(library) == [("cat", True, "file")]
    assert library.labels.set(red, no=["cat"]) == 1
    assert said(library) == [("cat", False, "person")]


def test_the_file_speaks_again_when_a_person_takes_a_word_back(
    library: FolderLibrary, photos: Path
) -> None:
    """At once, by clear and by undo."""
    red = photos / "red.png"
    library.labels.set(red, no=["cat"])
    assert library.labels.set(red, clear=["cat"]) == 1
    assert said(library) == [("cat", True, "file")]
    library.labels.undo()
    assert said(library) == [("cat", False, "person")]
    library.labels.undo()
    assert said(library) == [("cat", True, "file")]


def test_undo_restores_no_word_that_the_file_does_not_say_any_more(
    library: FolderLibrary, photos: Path
) -> None:
    """The keyword went while a person's label stood in its place."""
    library.labels.set(photos / "red.png", no=["cat"])
    (photos / "red.png.xmp").unlink()
    library.add([photos])
    library.labels.undo()
    assert said(library) == []


# --- merges ---


@pytest.mark.parametrize("into", ["cat", "kitty", "puss"])
def test_a_person_s_word_outlives_a_merge(library: FolderLibrary, photos: Path, into: str) -> None:
    """Against a file's, whichever tag it is of."""
    library.labels.set(photos / "red.png", no=["puss"])
    library.tags.merge([name for name in ("cat", "kitty", "puss") if name != into], into)
    assert said(library) == [(into, False, "person")]
    library.tags.undo()
    assert said(library) == [("cat", True, "file"), ("puss", False, "person")]


def test_an_import_s_word_is_less_than_a_person_s(library: FolderLibrary, photos: Path) -> None:
    """Of two equals, that of the tag that stays."""
    red = photos / "red.png"
    library.labels.set(red, no=["kitty"], source="import")
    library.labels.set(red, yes=["puss"])
    library.tags.merge(["puss"], "kitty")
    assert said(library, files=False) == [("kitty", True, "person")]
    library.labels.set(red, no=["cat"])
    library.tags.merge(["kitty"], "cat")
    assert said(library) == [("cat", False, "person")]


# --- groups ---


def test_a_yes_takes_the_place_of_another_in_the_group(light: FolderLibrary, photos: Path) -> None:
    """In one change, which undo takes back."""
    red = photos / "red.png"
    light.labels.set(red, yes=["day", "dusk"])
    assert light.labels.set(red, yes=["night"]) == 2
    assert light.tags.history(1)[0].what == "red.png: yes night, clear day"
    assert said(light, files=False) == [("dusk", True, "person"), ("night", True, "person")]
    light.labels.undo()
    assert said(light, files=False) == [("day", True, "person"), ("dusk", True, "person")]
    light.labels.set_many([Label(path=red, tag="night", value=True)])
    assert said(light, files=False)[1:] == [("night", True, "import")]
    light.labels.set(red, no=["day"])
    assert len(said(light, files=False)) == 3


TWO_RIGHT = re.escape("red.png: 'day' and 'night' exclude each other (group 'light')")


def test_two_at_once_are_refused(light: FolderLibrary, photos: Path, tmp_path: Path) -> None:
    """With both names, the group and, in a file, the line."""
    red = photos / "red.png"
    with pytest.raises(InputError, match=TWO_RIGHT):
        light.labels.set(red, yes=["day", "night"])
    with pytest.raises(InputError, match=TWO_RIGHT):
        light.labels.set_many([Label(path=red, tag=tag, value=True) for tag in ("day", "night")])
    file = tmp_path / "labels.csv"
    file.write_text(f"image,tag,label\n{red},day,yes\n{red},cat,no\n{red},night,1\n")
    with pytest.raises(InputError, match=rf"line 4: .*{TWO_RIGHT}"):
        light.labels.load(file)
    assert said(light, files=False) == []
    light.labels.set(red, yes=["day"], no=["night"])


def test_a_yes_against_what_the_file_says(light: FolderLibrary, photos: Path) -> None:
    """The file's word cannot be taken back, so a no stands before it."""
    light.tags.edit("cat", group="light")
    light.labels.set(photos / "red.png", yes=["day"])
    assert said(light) == [("cat", False, "person"), ("day", True, "person")]
    light.labels.undo()
    assert said(light) == [("cat", True, "file")]


JOINS: dict[str, Callable[[FolderLibrary], object]] = {
    "edit": lambda x: x.tags.edit("dusk", group="light"),
    "merge": lambda x: x.tags.merge(["dusk"], "night"),
}


@pytest.mark.parametrize("join", JOINS.values(), ids=JOINS.keys())
def test_tags_that_come_into_one_group(
    light: FolderLibrary, photos: Path, join: Callable[[FolderLibrary], object]
) -> None:
    """A person's last word stands, and undo gives the other back."""
    red = photos / "red.png"
    light.labels.set(red, yes=["dusk"])
    light.labels.set(red, yes=["day"])
    before = said(light)
    join(light)
    assert said(light, files=False) == [("day", True, "person")]
    light.tags.undo()
    assert said(light) == before


def test_an_imported_vocabulary_can_bring_tags_together(
    light: FolderLibrary, photos: Path, tmp_path: Path
) -> None:
    """A person's word counts more than an import's, though it is older."""
    red = photos / "red.png"
    light.labels.set(red, yes=["dusk"])
    light.labels.set(red, yes=["day"], source="import")
    (tmp_path / "v.csv").write_text("name,group\ndusk,light\n")
    light.tags.load(tmp_path / "v.csv")
    assert said(light, files=False) == [("dusk", True, "person")]


# --- undo of labels among other changes ---


def test_label_undo_passes_over_changes_of_tags(light: FolderLibrary, photos: Path) -> None:
    """They stay; a labelling that they changed is not taken back without them."""
    red = photos / "red.png"
    light.labels.set(red, yes=["dusk"])
    light.tags.add("noon")
    light.tags.rename("dusk", "gloaming")
    assert light.labels.undo().what == "red.png: yes dusk"
    assert (said(light, files=False), "noon" in light.tags) == ([], True)
    light.labels.set(red, yes=["gloaming"])
    light.tags.merge(["gloaming"], "noon")
    with pytest.raises(InputError, match="'merge gloaming into noon' came later"):
        light.labels.undo()
    light.tags.undo()
    light.labels.set(red, clear=["gloaming"])
    light.tags.remove(["gloaming"])
    with pytest.raises(InputError, match="a tag of it was removed since"):
        light.labels.undo()


def test_undo_of_one_tag_on_one_picture(light: FolderLibrary, photos: Path) -> None:
    """Later labels of others stay."""
    red, green = photos / "red.png", photos / "green.png"
    light.labels.set(red, no=["dusk"], who="ann")
    light.labels.set(red, yes=["dusk"], who="bo")
    light.labels.set(green, yes=["dusk"])
    light.labels.undo((red, "dusk"))
    (label, _) = light.labels.all(tag="dusk")[::-1]
    assert (label.value, label.who) == (False, "ann")
    light.labels.undo((red, "dusk"))
    assert [x.path.name for x in light.labels.all(tag="dusk")] == ["green.png"]
    with pytest.raises(InputError, match="no labelling left"):
        light.labels.undo((red, "dusk"))


# --- wrong arguments ---


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda x, p: x.labels.set(p, yes="cat"),
            r"yes takes a list, and 'cat' is a single one. Write \['cat'\]",
        ),
        (lambda x, p: x.labels.set(p, no="cat"), "no takes a list"),
        (lambda x, p: x.labels.set(p, clear="cat"), "clear takes a list"),
        (lambda x, p: x.labels.set([p], yes=["cat"]), "a picture is named by its path or its id"),
        (lambda x, _: x.tags.add("dog", aliases="hound"), "aliases takes a list, and 'hound'"),
        (lambda x, _: x.tags.edit("cat", prompts="a cat"), "prompts takes a list"),
        (lambda x, _: x.tags.remove("cat"), "names takes a list"),
        (lambda x, _: x.tags.merge("kitty", "cat"), "names takes a list"),
    ],
)
def test_a_text_is_no_list(
    library: FolderLibrary,
    photos: Path,
    call: Callable[[FolderLibrary, Path], object],
    message: str,
) -> None:
    """It would be taken letter by letter."""
    with pytest.raises(InputError, match=message):
        call(library, photos / "green.png")
