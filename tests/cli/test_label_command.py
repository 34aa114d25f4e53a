"""`soutu label`: on real labels in a catalog."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.fake import Soutu
from cli.tagging import TaggingLibrary


@pytest.fixture
def pets(tagging: TaggingLibrary) -> TaggingLibrary:
    """Add two tags."""
    tagging.tags.add("cat", aliases=["猫"])
    tagging.tags.add("dog")
    tagging.tags.add("day", group="light")
    tagging.tags.add("night", group="light")
    return tagging


def said(library: TaggingLibrary) -> list[tuple[str, str, bool, str, str]]:
    """List all labels without their times."""
    return [(x.path.name, x.tag, x.value, x.source, x.who) for x in library.labels.all()]


def test_yes_no_and_clear(soutu_command: Soutu, pets: TaggingLibrary) -> None:
    """What is said is kept with who said it; saying it again changes nothing."""
    args = ["label", "tom.jpg", "--yes", "猫", "--no", "dog", "--who", "ann"]
    first = soutu_command(*args)
    assert (first.exit_code, first.stdout) == (
        0,
        "2 labels changed. To take it back: soutu label --undo\n",
    )
    assert said(pets) == [
        ("tom.jpg", "cat", True, "person", "ann"),
        ("tom.jpg", "dog", False, "person", "ann"),
    ]
    assert soutu_command(*args).stdout == "Nothing changed: that was said already.\n"
    assert soutu_command("label", "tom.jpg", "--clear", "cat").exit_code == 0
    assert soutu_command("label", "tom.jpg", "--clear", "cat").stdout == "Nothing to take back.\n"
    assert [label[1] for label in said(pets)] == ["dog"]


def test_several_pictures_at_once(soutu_command: Soutu, pets: TaggingLibrary) -> None:
    """They are labelled together or not at all, as one change."""
    missing = soutu_command("label", "tom.jpg", "nobody.jpg", "--yes", "cat")
    assert (missing.exit_code, said(pets)) == (2, [])
    assert "nobody.jpg" in missing.stderr
    done = soutu_command("label", "tom.jpg", "rex.jpg", "--yes", "cat", "--no", "dog")
    assert done.stdout.startswith("4 labels changed.")
    assert {label[3] for label in said(pets)} == {"person"}
    assert soutu_command("label", "--undo").stdout == "Undone: 4 labels\n"
    assert said(pets) == []
    soutu_command("label", "tom.jpg", "rex.jpg", "--yes", "cat")
    swapped = soutu_command("label", "tom.jpg", "rex.jpg", "--clear", "cat", "--no", "dog")
    assert swapped.stdout.startswith("4 labels changed.")
    assert {label[1:3] for label in said(pets)} == {("dog", False)}
    cleared = soutu_command("label", "tom.jpg", "rex.jpg", "--clear", "cat")
    assert cleared.stdout == "Nothing to take back.\n"


def test_undo_takes_back_labels_only(soutu_command: Soutu, pets: TaggingLibrary) -> None:
    """A change of tags that came later is not touched."""
    soutu_command("label", "tom.jpg", "--yes", "cat")
    pets.tags.add("kitty")
    assert soutu_command("label", "--undo").stdout == "Undone: label tom.jpg: yes cat\n"
    refused = soutu_command("label", "--undo")
    assert refused.exit_code == 2
    assert "soutu tags undo" in refused.stderr


def test_list(soutu_command: Soutu, pets: TaggingLibrary) -> None:
    """All labels, those of a picture, or those of a tag."""
    assert soutu_command("label", "--list").stdout == "No labels.\n"
    soutu_command("label", "tom.jpg", "--yes", "cat", "--no", "dog", "--who", "安")
    soutu_command("label", "rex.jpg", "--yes", "dog", "--who", "bo")
    lines = soutu_command("label", "--list").stdout.splitlines()
    assert [line.rsplit("  ", 1)[0] for line in lines] == [
        "yes  dog  rex.jpg  person  bo",
        "yes  cat  tom.jpg  person  安",
        "no   dog  tom.jpg  person  安",
    ]
    of_tag = json.loads(soutu_command("label", "--list", "--tag", "猫", "--json").stdout)
    assert [(Path(x["path"]).name, x["tag"], x["label"], x["who"]) for x in of_tag] == [
        ("tom.jpg", "cat", "yes", "安")
    ]
    assert len(soutu_command("label", "tom.jpg", "--list").stdout.splitlines()) == 2


def test_labels_of_pictures_that_are_gone_are_marked(
    soutu_command: Soutu, pets: TaggingLibrary
) -> None:
    """In the table and in JSON; they are exported, and come back from the export."""
    soutu_command("label", "tom.jpg", "rex.jpg", "--yes", "cat")
    pets.lose("tom.jpg")
    lines = soutu_command("label", "--list").stdout.splitlines()
    assert [line.endswith("  (missing)") for line in lines] == [False, True]
    found = json.loads(soutu_command("label", "--list", "--json").stdout)
    assert [(Path(x["path"]).name, x["missing"]) for x in found] == [
        ("rex.jpg", False),
        ("tom.jpg", True),
    ]
    soutu_command("label", "--export", "labels.csv")
    soutu_command("label", "--undo")
    assert soutu_command("label", "--from", "labels.csv").stdout == "2 labels: 2 added\n"


def test_csv_comes_back(soutu_command: Soutu, pets: TaggingLibrary) -> None:
    """An export can be imported, with who said what."""
    soutu_command("label", "tom.jpg", "--yes", "cat", "--who", "ann")
    exported = soutu_command("label", "--export", "labels.csv")
    assert exported.stdout == "Wrote 1 label to labels.csv\n"
    before = said(pets)
    soutu_command("label", "--undo")
    assert soutu_command("label", "--from", "labels.csv").stdout == "1 label: 1 added\n"
    assert [label[:3] for label in said(pets)] == [label[:3] for label in before]
    assert soutu_command("label", "--from", "labels.csv").stdout == "1 label: 1 unchanged\n"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("image,tag,label\ntom.jpg,cat,yes\ntom.jpg,dog,maybe\n", "bad.csv, line 3, column 3"),
        ("image,tag,label\ntom.jpg,cat,yes\nnobody.jpg,cat,yes\n", "bad.csv, line 3"),
        ("image,tag,label\ntom.jpg,cat,yes\ntom.jpg,猫,no\n", "bad.csv, line 3"),
        ("image,tag,label\ntom.jpg,cat,yes\ntom.jpg,bird,no\n", "bad.csv, line 3"),
        ('image,tag,label\n"tom.jpg,cat,yes\n', "bad.csv, line 2"),
    ],
)
def test_a_broken_csv_is_refused_whole(
    soutu_command: Soutu, pets: TaggingLibrary, tmp_path: Path, text: str, place: str
) -> None:
    """The message has the place of the mistake, and no line of the file is taken."""
    (tmp_path / "bad.csv").write_text(text, "utf-8")
    result = soutu_command("label", "--from", "bad.csv")
    assert (result.exit_code, said(pets)) == (2, [])
    assert place in result.stderr


@pytest.mark.parametrize(
    "args",
    [
        ["tom.jpg"],
        ["--yes", "cat"],
        ["tom.jpg", "--yes", "cat", "--list"],
        ["--from", "a.csv", "--export", "b.csv"],
        ["tom.jpg", "--from", "a.csv"],
        ["tom.jpg", "--undo"],
        ["tom.jpg", "--yes", "cat", "--tag", "cat"],
        ["tom.jpg", "--yes", "cat", "--json"],
    ],
)
def test_options_that_do_not_go_together(
    soutu_command: Soutu, pets: TaggingLibrary, args: list[str]
) -> None:
    """They are refused before the library is opened, with what to write instead."""
    result = soutu_command("label", *args)
    assert result.exit_code == 2
    assert "Error: " in result.stderr
    assert pets.opened_with == {}


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["tom.jpg", "--yes", "catt"], "Did you mean 'cat'?"),
        (["tom.jpg", "--yes", ""], "''"),
        (["tom.jpg", "--yes", "cat", "--no", "猫"], "both right and wrong"),
        (["nobody.jpg", "--yes", "cat"], "does not hold nobody.jpg"),
        (["tom.jpg", "--yes", "day", "--yes", "night"], "'day' and 'night' exclude each other"),
        (["--from", "nobody.csv"], "nobody.csv"),
        (["--list", "--tag", "bird"], "'bird'"),
    ],
)
def test_bad_input_exits_with_2(
    soutu_command: Soutu, pets: TaggingLibrary, args: list[str], told: str
) -> None:
    """The message has what was wrong, and nothing is kept."""
    result = soutu_command("label", *args)
    assert (result.exit_code, result.stdout, said(pets)) == (2, "", [])
    assert told in result.stderr
