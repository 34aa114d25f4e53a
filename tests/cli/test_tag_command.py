"""`soutu tag`: what it asks the library for, and how it writes the answer."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path

import pytest
from painting import ColourEncoder, FakeStore, paint

import soutu.library
from cli.fake import Soutu
from cli.tagging import TaggingLibrary, score
from soutu.library.folder import FolderLibrary
from soutu.types import TagScore


@pytest.fixture
def tagged(tagging: TaggingLibrary) -> TaggingLibrary:
    """Lay down the tags of tom.jpg; rex.jpg has none."""
    for name in ("cat", "猫科动物", "day"):
        tagging.tags.add(name)
    tagging.scores["tom.jpg"] = (
        score("cat", 1.0, source="person", threshold=0.42),
        score("猫科动物", 0.625, threshold=0.5),
        score("day", 0.25, threshold=0.5, source="learned"),
    )
    return tagging


def test_table(soutu_command: Soutu, tagged: TaggingLibrary) -> None:
    """Below each picture stand its tags, with probability, threshold and source."""
    result = soutu_command("tag", "tom.jpg", "rex.jpg")
    assert (result.exit_code, result.stdout.splitlines()) == (
        0,
        [
            "tom.jpg",
            "  cat       ████████ 100% ≥  42%  person",
            "  猫科动物  █████···  62% ≥  50%  zero-shot",
            "  day       ██······  25% <  50%  learned",
            "rex.jpg",
            "  no tag",
        ],
    )
    scored = soutu_command("tag", "tom.jpg", "--scores").stdout.splitlines()
    assert scored[1] == "  cat       ████████ 100% ≥  42%   0.2500  person"


def test_tags_without_a_threshold(soutu_command: Soutu, tagged: TaggingLibrary) -> None:
    """Where the most probable tag holds there is none to show, and columns still align."""
    tagged.scores["tom.jpg"] = (
        score("cat", 0.75, threshold=0.0),
        score("day", 0.25, threshold=0.5),
    )
    assert soutu_command("tag", "tom.jpg").stdout.splitlines()[1:] == [
        "  cat       ██████··  75%         zero-shot",
        "  day       ██······  25% <  50%  zero-shot",
    ]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], ("threshold", None, None)),
        (["-k", "3"], ("top", 3, None)),
        (["--mode", "top"], ("top", None, None)),
        (["--mode", "threshold", "-k", "3"], ("threshold", 3, None)),
        (["--mode", "softmax", "--tag", "CAT", "--tag", "day"], ("softmax", None, ["cat", "day"])),
    ],
)
def test_what_the_library_is_asked(
    soutu_command: Soutu, tagged: TaggingLibrary, options: list[str], expected: object
) -> None:
    """A number alone means the most probable tags; tags are asked for by any of their names."""
    soutu_command("tag", "a.jpg", *options)
    assert tagged.asked == [("tag", (("a.jpg",), *expected))]  # type: ignore[misc]


def test_json_and_json_lines(soutu_command: Soutu, tagged: TaggingLibrary) -> None:
    """Both have everything that is known; lines can be read one by one."""
    expected = {
        "tag": "cat",
        "probability": 1.0,
        "threshold": 0.42,
        "score": 0.25,
        "source": "person",
        "holds": True,
    }
    found = json.loads(soutu_command("tag", "tom.jpg", "rex.jpg", "--format", "json").stdout)
    assert [picture["path"] for picture in found] == ["tom.jpg", "rex.jpg"]
    assert (found[0]["id"], found[0]["tags"][0], found[1]["tags"]) == (1, expected, [])
    lines = soutu_command("tag", "tom.jpg", "rex.jpg", "--format", "jsonl").stdout.splitlines()
    assert [json.loads(line) for line in lines] == found


def test_csv(soutu_command: Soutu, tagged: TaggingLibrary) -> None:
    """A row a tag, quoted where it must be."""
    tagged.scores["a,b.jpg"] = (score('a "big" cat', 0.5),)
    written = soutu_command("tag", "a,b.jpg", "tom.jpg", "--format", "csv").stdout
    rows = list(csv.reader(io.StringIO(written)))
    assert rows[:2] == [
        ["path", "tag", "probability", "threshold", "source", "score"],
        ["a,b.jpg", 'a "big" cat', "0.500000", "0.500000", "zero-shot", "0.125000"],
    ]
    assert len(rows) == 5


def test_all_asks_for_the_whole_library(
    soutu_command: Soutu, tagged: TaggingLibrary, tmp_path: Path
) -> None:
    """--all takes the place of pictures; one or the other is needed."""
    result = soutu_command("tag", "--all", "--format", "jsonl")
    assert tagged.asked == [("tag", (None, "threshold", None, None))]
    paths = [json.loads(line)["path"] for line in result.stdout.splitlines()]
    assert paths == [str(tmp_path / "tom.jpg"), str(tmp_path / "rex.jpg")]
    tagged.held.clear()
    empty = soutu_command("tag", "--all", "--format", "json")
    assert (empty.stdout, empty.stderr) == (
        "[]\n",
        "The library holds no pictures yet. Run: soutu index FOLDER\n",
    )
    assert soutu_command("tag", "--all", "tom.jpg").exit_code == 2
    assert soutu_command("tag", "--scores").exit_code == 2


def test_bad_pictures_do_not_stop_the_others(soutu_command: Soutu, tagged: TaggingLibrary) -> None:
    """They are named at the end; the code is 1 only when none could be read."""
    some = soutu_command("tag", "tom.jpg", "bad.txt", "rex.jpg", "bad\n2.txt")
    assert some.exit_code == 0
    assert [line for line in some.stdout.splitlines() if line[0] != " "] == ["tom.jpg", "rex.jpg"]
    assert some.stderr == (
        "2 pictures could not be read:\n"
        "  cannot tag bad.txt: not a picture\n"
        "  cannot tag bad\\n2.txt: not a picture\n"
    )
    none = soutu_command("tag", "bad.txt", "bad2.txt", "--format", "json")
    assert (none.exit_code, json.loads(none.stdout)) == (1, [])
    single = soutu_command("tag", "bad.txt")
    assert (single.exit_code, single.stderr) == (
        1,
        "1 picture could not be read:\n  cannot tag bad.txt: not a picture\n",
    )


def test_without_tags_it_says_how_to_begin(soutu_command: Soutu, tagging: TaggingLibrary) -> None:
    """An empty vocabulary is a mistake here: there is nothing that could be printed."""
    result = soutu_command("tag", "tom.jpg")
    assert (result.exit_code, result.stderr) == (
        2,
        "soutu: there are no tags yet. Run: soutu tags import everyday (or: soutu tags add NAME)\n",
    )


@pytest.mark.parametrize(
    "args",
    [
        ["tom.jpg", "--tag", "catt"],
        ["tom.jpg", "--tag", ""],
        ["tom.jpg", "-k", "0"],
        ["tom.jpg", "--mode", "best"],
        ["tom.jpg", "--format", "xml"],
    ],
)
def test_bad_arguments_exit_with_2(
    soutu_command: Soutu, tagged: TaggingLibrary, args: list[str]
) -> None:
    """Nothing is asked of the library."""
    assert soutu_command("tag", *args).exit_code == 2
    assert tagged.asked == []


def test_names_cannot_reach_the_terminal(soutu_command: Soutu, tagged: TaggingLibrary) -> None:
    """Control characters in paths and tags are escaped in the table; JSON keeps stray bytes."""
    path = os.fsdecode(b"\x1b]0;x\x07\xff.jpg")
    tagged.scores[path] = (TagScore(
        tag="\x1b[31mred", probability=0.9, threshold=0.5, score=0.1, source="file", holds=True
    ),)  # fmt: skip
    stdout = soutu_command("tag", path).stdout
    assert r"\x1b]0;x\x07\xff.jpg" in stdout
    assert r"\x1b[31mred" in stdout
    assert "\x1b" not in stdout
    in_json = json.loads(soutu_command("tag", path, "--format", "json").stdout)
    assert in_json[0]["path"] == path


def test_the_whole_way_on_a_real_library(
    soutu_command: Soutu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Index, add tags, label, review, search, count, write and undo work on one library."""
    store = FakeStore(ColourEncoder())
    monkeypatch.setattr(
        soutu.library,
        "open_library",
        lambda _where=None, *, create=False, **_options: FolderLibrary(
            tmp_path / "library", store=store, model="colour", create=create
        ),
    )
    monkeypatch.chdir(tmp_path)

    def say(*args: str, stdin: str | None = None) -> str:
        done = soutu_command(*args, stdin=stdin)
        assert (done.exit_code, done.stderr) == (0, "")
        return done.stdout

    for number in range(12):
        for colour in ("red", "green", "blue"):
            paint(tmp_path / "photos" / f"{colour}{number:02}.png", colour, seed=number)
    say("tags", "add", "colour")
    for name, alias in (("red", "红"), ("blue", "蓝")):
        say("tags", "add", name, "--alias", alias, "--parent", "colour")
    say("index", "photos", "--quiet")
    say("tags", "edit", "红", "--threshold", "0.5")

    top = json.loads(say("tag", "photos/red01.png", "-k", "1", "--format", "json"))
    assert top[0]["tags"][0]["tag"] == "red"
    say("label", "photos/red00.png", "photos/red01.png", "--yes", "red")
    assert say("review", "--tag", "red", "-k", "3", "--json").count('"tag": "red"') == 3
    assert say("review", "--tag", "red", stdin="s\nq\n").endswith("Nothing answered.\n")
    found = say("search", "--tag", "红", "--format", "paths").splitlines()
    assert {str(tmp_path / "photos" / f"red0{number}.png") for number in (0, 1)} <= {*found}
    counts = {each["tag"]: each for each in json.loads(say("tags", "counts", "--json"))}
    assert (counts["red"]["count"], counts["red"]["yes"]) == (len(found), 2)
    assert len(say("tag", "--all", "--format", "jsonl").splitlines()) == 36
    assert "written" in say("tags", "write", "photos/red00.png", "--tag", "red")
    assert "<rdf:li>red</rdf:li>" in (tmp_path / "photos" / "red00.png.xmp").read_text("utf-8")
    say("tags", "rm", "--yes", "red")
    assert say("tags", "undo") == "Undone: remove red\n"
    assert len(json.loads(say("label", "--list", "--json"))) == 2


def test_a_threshold_of_zero_by_hand_is_shown(soutu_command: Soutu, tagged: TaggingLibrary) -> None:
    """The 0 of a group's tags is none, and is not."""
    tagged.tags.add("all", threshold=0.0)
    tagged.tags.add("dusk", threshold=0.0, group="time")
    tagged.scores["rex.jpg"] = (score("all", 0.25, threshold=0.0), score("dusk", 1, threshold=0.0))
    lines = soutu_command("tag", "rex.jpg").stdout.splitlines()
    assert ["≥   0%" in line for line in lines[1:]] == [True, False]
