"""A vocabulary that people own: every change is atomic, recorded and can be undone."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from conftest import OpenFolder

from soutu.errors import InputError
from soutu.library.base import Library
from soutu.types import ImportReport, Tag

Change = Callable[[Library], object]


@pytest.fixture
def library(open_folder: OpenFolder) -> Library:
    """An empty library with a small tree of tags."""
    opened = open_folder()
    opened.tags.add("animal", aliases=["动物"])
    opened.tags.add("cat", aliases=["猫", "kitty"], parent="animal")
    opened.tags.add("dog", prompts=["a photo of a {}"], parent="动物", threshold=0.4)
    return opened


def names(library: Library) -> list[str]:
    return [tag.name for tag in library.tags]


def test_a_tag_is_found_by_any_of_its_names_however_written(library: Library) -> None:
    """Case, width and surrounding space do not matter, in any script."""
    for name in ("Cat", "猫", " KITTY ", "ｃａｔ"):
        assert library.tags.get(name).name == "cat"
    assert "Kitty" in library.tags
    assert "horse" not in library.tags


def test_tags_keep_what_they_were_given(library: Library) -> None:
    """Every field comes back, the parent by its main name."""
    assert library.tags.get("dog") == Tag(
        name="dog", prompts=("a photo of a {}",), parent="animal", threshold=0.4
    )


def test_rename_keeps_everything_but_the_name(library: Library) -> None:
    """Also to another way of writing it, and to one of its aliases."""
    assert library.tags.rename("cat", "Cats").aliases == ("猫", "kitty")
    assert library.tags.rename("cats", "kitty") == Tag(
        name="kitty", aliases=("猫",), parent="animal"
    )
    assert "cats" not in library.tags


def test_edit_changes_only_what_is_given(library: Library) -> None:
    """None and empty lists take values away."""
    assert library.tags.edit("dog", aliases=["狗"]) == Tag(
        name="dog", aliases=("狗",), prompts=("a photo of a {}",), parent="animal", threshold=0.4
    )
    assert library.tags.edit("dog", prompts=[], parent=None, threshold=None, group="pet") == Tag(
        name="dog", aliases=("狗",), group="pet"
    )


def test_merge_moves_names_and_children(library: Library) -> None:
    """The merged tag's names become aliases, its children the target's."""
    library.tags.add("kitten", parent="cat")
    merged = library.tags.merge(["cat"], "dog")
    assert merged.aliases == ("cat", "猫", "kitty")
    assert library.tags.get("kitten").parent == "dog"
    assert names(library) == ["animal", "dog", "kitten"]


def test_merging_into_a_child_leaves_no_circle(library: Library) -> None:
    """The child takes the place of its parent."""
    merged = library.tags.merge(["animal"], "cat")
    assert merged.parent is None
    assert library.tags.get("dog").parent == "cat"


def test_removing_a_tag_moves_its_children_up(library: Library) -> None:
    """Also past several removed tags at once."""
    library.tags.add("kitten", parent="cat")
    assert library.tags.remove(["cat", "猫"]) == 1
    assert library.tags.get("kitten").parent == "animal"
    library.tags.add("tabby", parent="kitten")
    library.tags.remove(["animal", "kitten"])
    assert library.tags.get("tabby").parent is None


BAD: Sequence[tuple[Change, str]] = [
    (lambda x: x.tags.add(""), "empty"),
    (lambda x: x.tags.add("  "), "empty"),
    (lambda x: x.tags.add("CAT"), "'CAT' is a tag already"),
    (lambda x: x.tags.add("lion", aliases=["猫"]), "'猫' is an alias of 'cat' already"),
    (lambda x: x.tags.add("lion", threshold=1.5), "threshold 1.5 is no number from 0 to 1"),
    (
        lambda x: x.tags.add("lion", threshold=float("nan")),
        "threshold nan is no number",
    ),
    (lambda x: x.tags.add("lion", prompts=[" "]), "prompt ' ' is no text"),
    (lambda x: x.tags.add("lion", prompts=["a" * 3000]), "has 3,000 characters"),
    (lambda x: x.tags.add("lion", prompts=["a\x07"]), "the character U\\+0007"),
    (lambda x: x.tags.edit("cat", prompts=["a" * 3000]), "has 3,000 characters"),
    (lambda x: x.tags.add("lion", threshold=cast("float", "0.5")), "threshold '0.5' is no number"),
    (lambda x: x.tags.add("lion", threshold=True), "threshold True is no number"),
    (lambda x: x.tags.add(cast("str", None)), "name takes text, not None"),
    (lambda x: x.tags.add(cast("str", 5)), "name takes text, not 5"),
    (lambda x: x.tags.add("lion", aliases=[cast("str", 1)]), "aliases takes text, not 1"),
    (lambda x: x.tags.add("lion", prompts=[cast("str", 1)]), "prompts takes text, not 1"),
    (lambda x: x.tags.add("lion", parent=cast("str", 1)), "the name of a tag takes text, not 1"),
    (lambda x: x.tags.add("lion", group=cast("str", 1)), "group takes text, not 1"),
    (lambda x: x.tags.add("lion", aliases="狮子"), "aliases takes a list, and '狮子' is a single"),
    (lambda x: x.tags.edit("cat", aliases="狮子"), "aliases takes a list"),
    (lambda x: x.tags.add("lion", prompts="a lion"), "prompts takes a list"),
    (lambda x: x.tags.edit("cat", prompts="a lion"), "prompts takes a list"),
    (lambda x: x.tags.remove("cat"), "names takes a list"),
    (lambda x: x.tags.merge("cat", into="dog"), "names takes a list"),
    (lambda x: x.tags.load("everyday", on_conflict=cast("Any", "no")), "on_conflict is 'no'"),
    (lambda x: x.tags.add("lion", parent="felines"), "no tag 'felines'"),
    (lambda x: x.tags.edit("animal", parent="cat"), "animal → cat → animal"),
    (lambda x: x.tags.edit("animal", parent="animal"), "animal → animal"),
    (lambda x: x.tags.edit("catt"), "Did you mean 'cat'"),
    (lambda x: x.tags.rename("cat", "dog"), "'dog' is a tag already"),
    (lambda x: x.tags.merge(["cat"], "cat"), "into itself"),
    (lambda x: x.tags.merge(["cat", "cow"], "dog"), "no tag 'cow'"),
    (lambda x: x.tags.remove(["cat", "cow"]), "no tag 'cow'"),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_what_cannot_be_changed_is_refused_and_changes_nothing(
    library: Library, change: Change, message: str
) -> None:
    """The message names the value; tags and history are as before."""
    before = list(library.tags), library.tags.history()
    with pytest.raises(InputError, match=message.replace("(", r"\(")):
        change(library)
    assert (list(library.tags), library.tags.history()) == before


GOOD: Sequence[Change] = [
    lambda x: x.tags.add("lion", aliases=["狮子"], parent="animal", group="big", threshold=0.1),
    lambda x: x.tags.rename("cat", "katze"),
    lambda x: x.tags.edit("dog", prompts=[], threshold=None, parent=None),
    lambda x: x.tags.merge(["cat", "animal"], "dog"),
    lambda x: x.tags.remove(["animal", "dog"]),
]


@pytest.mark.parametrize("change", GOOD)
def test_every_change_can_be_undone(library: Library, change: Change) -> None:
    """Undo gives back exactly what was, and can go on to the changes before."""
    before = list(library.tags)
    change(library)
    assert list(library.tags) != before
    undone = library.tags.undo()
    assert undone.undone
    assert list(library.tags) == before
    assert library.tags.history()[0] == undone
    library.tags.undo()
    assert "dog" not in library.tags


def test_undo_ends_with_the_first_change(library: Library) -> None:
    """Then there is nothing left to undo."""
    for _ in range(3):
        library.tags.undo()
    assert len(library.tags) == 0
    with pytest.raises(InputError, match="nothing to undo"):
        library.tags.undo()


def test_the_history_says_who_did_what(library: Library) -> None:
    """Newest first, with the name that was given or the login name."""
    library.tags.rename("cat", "cats", who="ann")
    newest, *older = library.tags.history()
    assert (newest.number, newest.who, newest.source) == (4, "ann", "person")
    assert (newest.action, newest.what) == ("rename", "cat to cats")
    assert [change.what for change in older] == ["dog", "cat", "animal"]
    assert older[0].who


def test_changes_that_change_nothing_are_not_recorded(library: Library) -> None:
    """Saying again what is so leaves the history alone."""
    library.tags.edit("dog", threshold=0.4)
    library.tags.rename("dog", "dog")
    assert len(library.tags.history()) == 3


# --- import and export ---


@pytest.mark.parametrize("suffix", [".csv", ".json", ".toml"])
def test_an_exported_vocabulary_comes_back_the_same(
    library: Library, open_folder: OpenFolder, tmp_path: Path, suffix: str
) -> None:
    """In every format, into another library."""
    file = tmp_path / f"tags{suffix}"
    assert library.tags.save(file) == 3
    other = open_folder(tmp_path / "other")
    assert other.tags.load(file) == ImportReport(added=3)
    assert list(other.tags) == list(library.tags)
    assert other.tags.load(file) == ImportReport(unchanged=3)


def test_an_import_updates_what_the_file_states(library: Library, tmp_path: Path) -> None:
    """Aliases add up; what the file leaves open stays as it is."""
    file = tmp_path / "tags.csv"
    file.write_text("name,aliases,threshold\nkitty,chat|猫,\ndog,,0.9\nfox,,\n")
    assert library.tags.load(file) == ImportReport(added=1, updated=2)
    assert library.tags.get("cat").aliases == ("猫", "kitty", "chat")
    assert library.tags.get("dog").threshold == 0.9
    assert library.tags.get("dog").prompts == ("a photo of a {}",)
    library.tags.undo()
    assert library.tags.get("cat").aliases == ("猫", "kitty")


def test_an_import_can_skip_or_refuse_what_is_there(library: Library, tmp_path: Path) -> None:
    """Skipping leaves out a tag one of whose names belongs to another, with those below it."""
    file = tmp_path / "tags.csv"
    file.write_text(
        "name,aliases,threshold,parent\nkitty,,0.9,\ncat,,,\nlion,猫|leo,,\ncub,,,lion\nfox,,,\n"
    )
    place = "tags.csv, line 2, column 1 (name)"
    with pytest.raises(InputError, match=re.escape(f"{place}: the tag 'kitty' is there already")):
        library.tags.load(file, on_conflict="error")
    assert library.tags.load(file, on_conflict="skip") == ImportReport(
        added=1,
        unchanged=2,
        skipped=(
            "line 4, 'lion': its name '猫' belongs to the tag 'cat'",
            "line 5, 'cub': its parent is skipped",
        ),
    )
    assert names(library) == ["animal", "cat", "dog", "fox"]
    assert library.tags.get("cat").threshold is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "name,parent\nwolf,\nfox,canines\n",
            "line 3, column 2 (parent): the tag 'fox' has the parent 'canines'",
        ),
        (
            "name,parent\nwolf,cat\nanimal,wolf\n",
            "line 2, column 2 (parent): the parents go round in a circle: ",
        ),
        ("name,parent\nanimal,cat\n", "animal → cat → animal"),
        (
            "name,aliases\nfox,\nlion,猫\n",
            "line 3, column 2 (aliases): the tag 'lion': its name '猫' belongs to the tag 'cat'",
        ),
        (
            "name\ncat\nkitty\n",
            "line 3, column 1 (name): the tag 'kitty' comes twice, as an alias of 'cat'",
        ),
        ("name,threshold\nfox,2\n", "line 2"),
        ("name\nfox\nFOX\n", "line 3"),
    ],
)
def test_a_bad_import_changes_nothing(
    library: Library, tmp_path: Path, text: str, message: str
) -> None:
    """The error says where and what."""
    before = list(library.tags)
    file = tmp_path / "tags.csv"
    file.write_text(text)
    with pytest.raises(InputError, match=re.escape(message)):
        library.tags.load(file)
    assert list(library.tags) == before


def test_a_bad_import_of_toml_names_the_tag(library: Library, tmp_path: Path) -> None:
    """Where there are no lines to count, its number and name say where it is."""
    file = tmp_path / "tags.toml"
    file.write_text('[[tag]]\nname = "wolf"\n[[tag]]\nname = "fox"\nparent = "canines"\n')
    place = f"{file}, tag 2 ('fox'), parent: the tag 'fox' has the parent 'canines'"
    with pytest.raises(InputError, match=re.escape(place)):
        library.tags.load(file)


def test_parents_may_come_later_in_an_import(library: Library, tmp_path: Path) -> None:
    """And be named by an alias of what is there."""
    file = tmp_path / "tags.csv"
    file.write_text("name,parent\ncub,lion\nlion,动物\n")
    library.tags.load(file)
    assert library.tags.get("cub").parent == "lion"
    assert library.tags.get("lion").parent == "animal"


def test_a_hundred_thousand_tags_are_imported_and_undone(library: Library, tmp_path: Path) -> None:
    """Large vocabularies are ordinary."""
    file = tmp_path / "many.csv"
    rows = (f"tag {i},alias {i},{'' if i % 2 else 'animal'}" for i in range(100_000))
    file.write_text("\n".join(["name,aliases,parent", *rows]))
    assert library.tags.load(file) == ImportReport(added=100_000)
    assert library.tags.get("ALIAS 99998").parent == "animal"
    library.tags.undo()
    assert names(library) == ["animal", "cat", "dog"]


KILLED = """
import sys
from pathlib import Path
from soutu import open_library
with open_library(sys.argv[1]) as library:
    print("ready", flush=True)
    library.tags.load(Path(sys.argv[2]))
    print("done", flush=True)
"""


def test_a_killed_import_leaves_all_or_nothing(open_folder: OpenFolder, tmp_path: Path) -> None:
    """SIGKILL at six moments spread over the import."""
    open_folder().close()
    place = tmp_path / "library"
    file = tmp_path / "many.csv"
    file.write_text("name\n" + "\n".join(f"tag {i}" for i in range(20_000)))
    counts = set()
    for step in range(6):
        with subprocess.Popen(
            [sys.executable, "-c", KILLED, place, file], stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            time.sleep(0.12 * step)
            os.kill(child.pid, signal.SIGKILL)
        with_tags = open_folder(model=None)
        counts.add(len(with_tags.tags))
        if len(with_tags.tags):
            with_tags.tags.undo()
        assert len(with_tags.tags) == 0
        with_tags.close()
    assert counts <= {0, 20_000}


def test_two_processes_do_not_overwrite_each_other(open_folder: OpenFolder) -> None:
    """Libraries opened twice see each other's tags at once and share one history."""
    one, two = open_folder(), open_folder()
    one.tags.add("cat")
    two.tags.add("dog")
    with pytest.raises(InputError, match="already"):
        two.tags.add("cat")
    assert names(one) == names(two) == ["cat", "dog"]
    two.tags.undo()
    assert names(one) == ["cat"]


def test_a_tag_is_shown_before_there_are_pictures(library: Library) -> None:
    """Its own values, and that there is no threshold to find yet."""
    facts = library.tags.show("animal")
    assert (facts.tag.name, facts.children, facts.threshold) == ("animal", ("cat", "dog"), None)
    assert library.tags.show("dog").threshold == 0.4
