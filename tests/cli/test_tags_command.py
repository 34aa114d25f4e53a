"""`soutu tags`: a real vocabulary in a catalog; what is computed is laid down."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from cli.fake import Soutu
from cli.tagging import TaggingLibrary
from soutu.cli import tags_edit, tags_see
from soutu.cli.display import columns
from soutu.cli.table import cut_to, shortened
from soutu.errors import LibraryMissing
from soutu.types import MergeIdea, Tag, TagCount, TagFacts, TagIdea


@pytest.fixture
def animals(tagging: TaggingLibrary) -> TaggingLibrary:
    """Add a few tags to the library."""
    tagging.tags.add("animal")
    tagging.tags.add("cat", aliases=["猫", "kitty"], parent="animal")
    tagging.tags.add("dog", aliases=["狗"], parent="animal", threshold=0.3)
    tagging.tags.add("day", group="light")
    return tagging


def test_add_takes_everything_a_tag_has(soutu_command: Soutu, tagging: TaggingLibrary) -> None:
    """One command makes a whole tag, and says how to find its pictures."""
    soutu_command("tags", "add", "animal")
    result = soutu_command(
        "tags", "add", "big cat", "--alias", "虎", "--alias", "tiger",
        "--prompt", "a photo of a {}", "--parent", "animal",
        "--group", "cats", "--threshold", "0.4",
    )  # fmt: skip
    assert (result.exit_code, result.stdout) == (
        0,
        "Added big cat, also 虎, tiger. Its pictures: soutu search --tag 'big cat'\n",
    )
    assert tagging.tags.get("虎") == Tag(
        name="big cat",
        aliases=("虎", "tiger"),
        prompts=("a photo of a {}",),
        parent="animal",
        group="cats",
        threshold=0.4,
    )


def test_add_and_import_make_the_library(soutu_command: Soutu, tagging: TaggingLibrary) -> None:
    """A vocabulary can come before the first picture; other commands need a library."""
    tagging.exists = False
    for command in (["add", "cat"], ["import", "everyday"]):
        assert soutu_command("tags", *command, "--library", "lib").exit_code == 0
        assert tagging.opened_with == {"where": "lib", "create": True}
    for command in (["list"], ["show", "cat"], ["rm", "cat"], ["undo"], ["export", "a.csv"]):
        assert soutu_command("tags", *command).exit_code == 1
    with pytest.raises(LibraryMissing):
        tagging.open("lib")


def test_list(soutu_command: Soutu, animals: TaggingLibrary) -> None:
    """The table aligns Chinese names; the tree has narrower tags below broader ones."""
    assert soutu_command("tags", "list").stdout.splitlines() == [
        "NAME    ALIASES    PARENT  GROUP  THRESHOLD",
        "animal  -          -       -           auto",
        "cat     猫, kitty  animal  -           auto",
        "dog     狗         animal  -            30%",
        "day     -          -       light       auto",
    ]
    animals.tags.add("kitten", parent="cat")
    assert soutu_command("tags", "list", "--tree").stdout.splitlines() == [
        "animal",
        "├─ cat  (猫, kitty)",
        "│  └─ kitten",
        "└─ dog  (狗)",
        "day",
    ]
    assert json.loads(soutu_command("tags", "list", "--json").stdout)[1] == {
        "name": "cat",
        "aliases": ["猫", "kitty"],
        "prompts": [],
        "parent": "animal",
        "group": None,
        "threshold": None,
    }


def test_no_tags_is_an_answer(soutu_command: Soutu, tagging: TaggingLibrary) -> None:
    """An empty vocabulary says how to begin; JSON is an empty list."""
    for command in ("list", "counts"):
        result = soutu_command("tags", command)
        assert (result.exit_code, result.stdout) == (
            0,
            "There are no tags yet. Run: soutu tags import everyday (or: soutu tags add NAME)\n",
        )
        assert json.loads(soutu_command("tags", command, "--json").stdout) == []


def test_a_very_deep_tree(soutu_command: Soutu, tagging: TaggingLibrary) -> None:
    """A chain of tags longer than Python's stack is drawn too."""
    chain = [Tag(name="t0"), *(Tag(name=f"t{n}", parent=f"t{n - 1}") for n in range(1, 2000))]
    lines = tags_see._tree(chain)
    assert (len(lines), lines[-1].strip()) == (2000, "└─ t1999")


def test_show(soutu_command: Soutu, animals: TaggingLibrary) -> None:
    """A tag is found by any name, and shown with what was found for it."""
    animals.labels.set("tom.jpg", yes=["cat"])
    animals.tags.edit("cat", prompts=["a photo of a {}", "{} fur"])
    assert soutu_command("tags", "show", "猫").stdout.splitlines() == [
        "name       cat",
        "aliases    猫, kitty",
        "broader    animal",
        "narrower   -",
        "group      -",
        "prompts    a photo of a {}",
        "           {} fur",
        "threshold  42%, found by itself",
        "source     learned from the labels",
        "labels     1 yes, 0 no",
        "pictures   1,203",
    ]
    facts = json.loads(soutu_command("tags", "show", "dog", "--json").stdout)
    assert (facts["threshold"], facts["threshold_found"], facts["count"]) == (0.3, 0.3, 1203)
    assert "30%, set by hand" in soutu_command("tags", "show", "dog").stdout


def test_counts(soutu_command: Soutu, animals: TaggingLibrary) -> None:
    """The most frequent tag has the longest bar; tags on no picture are only counted."""
    animals.found.numbers = [
        TagCount(tag="猫", count=1200, yes=3, no=1),
        TagCount(tag="dog", count=300),
        TagCount(tag="day", count=0),
    ]
    result = soutu_command("tags", "counts", "--where", "width > 5")
    assert result.stdout.splitlines() == [
        "猫   1,200  ████████████████████  labels: 3 yes, 1 no",
        "dog    300  █████···············",
        "… and 1 tag on no picture",
    ]
    assert (animals.found.where, animals.found.expand) == ("width > 5", True)
    soutu_command("tags", "counts", "--no-expand")
    assert not animals.found.expand
    in_json = json.loads(soutu_command("tags", "counts", "--json").stdout)
    assert in_json[0] == {"tag": "猫", "count": 1200, "yes": 3, "no": 1}
    assert len(in_json) == 3
    animals.found.numbers = [TagCount(tag="day", count=0)]
    assert soutu_command("tags", "counts").stdout == "1 tag on no picture\n"


def test_rename(soutu_command: Soutu, animals: TaggingLibrary) -> None:
    """The message has the names as they are written in the vocabulary."""
    renamed = soutu_command("tags", "rename", "KITTY", "Cat (pet)")
    assert renamed.stdout.splitlines() == [
        "cat is now Cat (pet).",
        "cat is no name of it any more. To keep it: soutu tags edit --add-alias cat 'Cat (pet)'",
        "The model now reads the new name: other pictures may hold the tag.",
    ]
    kept = soutu_command("tags", "rename", "--keep", "Cat (pet)", "feline")
    assert "no name of it any more" not in kept.stdout
    assert animals.tags.get("cat (pet)").name == "feline"
    same = soutu_command("tags", "rename", "dog", "dog")
    assert same.stdout == "dog has that name already.\n"


def test_edit(soutu_command: Soutu, animals: TaggingLibrary) -> None:
    """What is given is replaced, added or taken away; the rest stays."""

    def edit(*options: str) -> Tag:
        result = soutu_command("tags", "edit", "cat", *options)
        assert (result.exit_code, result.stdout) == (0, "Changed cat.\n")
        return animals.tags.get("cat")

    assert edit("--add-alias", "喵").aliases == ("猫", "kitty", "喵")
    assert edit("--alias", "tom").aliases == ("tom",)
    assert edit("--no-aliases", "--add-alias", "猫").aliases == ("猫",)
    assert edit("--no-aliases").aliases == ()
    assert edit("--prompt", "a {}", "--prompt", "{}").prompts == ("a {}", "{}")
    assert edit("--no-prompts").prompts == ()
    assert edit("--no-parent").parent is None
    assert edit("--parent", "animal", "--group", "pets").group == "pets"
    assert edit("--no-group", "--threshold", "0").threshold == 0
    assert edit("--auto-threshold") == Tag(name="cat", parent="animal")
    nothing = soutu_command("tags", "edit", "cat", "--no-group")
    assert nothing.stdout == "Nothing to change about cat.\n"


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--alias", "a", "--no-aliases"],
        ["--alias", "a", "--add-alias", "b"],
        ["--prompt", "a", "--no-prompts"],
        ["--parent", "animal", "--no-parent"],
        ["--group", "a", "--no-group"],
        ["--threshold", "0", "--auto-threshold"],
        ["--threshold", "1.5"],
    ],
)
def test_edit_refuses_what_contradicts_itself(
    soutu_command: Soutu, animals: TaggingLibrary, options: list[str]
) -> None:
    """Nothing to change, both of a pair, or a threshold beyond 1: the library is not opened."""
    assert soutu_command("tags", "edit", "cat", *options).exit_code == 2
    assert animals.opened_with == {}


def test_merge(soutu_command: Soutu, animals: TaggingLibrary) -> None:
    """The tag that stays has the names of the others."""
    result = soutu_command("tags", "merge", "dog", "day", "--into", "kitty")
    assert result.stdout == "Merged into cat, also 猫, kitty, dog, 狗, day.\n"
    assert soutu_command("tags", "merge", "dog").exit_code == 2


def test_rm_asks_when_labels_would_go(
    soutu_command: Soutu, animals: TaggingLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What people said is not lost by accident; a tag without labels goes at once."""
    assert soutu_command("tags", "rm", "day").stdout == (
        "Removed 1 tag. To take it back: soutu tags undo\n"
    )
    animals.labels.set("tom.jpg", yes=["cat"], no=["dog"])
    refused = soutu_command("tags", "rm", "cat", "猫", "dog")
    assert refused.exit_code == 2
    assert "would remove 2 labels too, and nobody is here to ask" in refused.stderr
    monkeypatch.setattr(tags_edit, "_someone_is_here", lambda: True)
    declined = soutu_command("tags", "rm", "cat", stdin="n\n")
    assert (declined.exit_code, len(animals.tags)) == (1, 3)
    assert soutu_command("tags", "rm", "cat", stdin="y\n").stdout == (
        "Remove 1 label too? [y/N]: y\n"
        "Removed 1 tag and 1 label. To take it back: soutu tags undo\n"
    )
    assert soutu_command("tags", "rm", "-y", "dog").exit_code == 0
    assert [tag.name for tag in animals.tags] == ["animal"]


def test_undo_and_history(soutu_command: Soutu, animals: TaggingLibrary) -> None:
    """Each undo says what it took back; the history shows it as undone."""
    soutu_command("tags", "rm", "dog")
    assert soutu_command("tags", "undo").stdout == "Undone: remove dog\n"
    assert soutu_command("tags", "undo").stdout == "Undone: add day\n"
    lines = soutu_command("tags", "history", "-n", "3").stdout.splitlines()
    assert [line.split("  ", 3)[3].split(maxsplit=1) for line in lines] == [
        ["remove", "(undone) dog"],
        ["add", "(undone) day"],
        ["add", "dog"],
    ]
    newest = json.loads(soutu_command("tags", "history", "-n", "1", "--json").stdout)[0]
    assert (newest["action"], newest["what"], newest["undone"]) == ("remove", "dog", True)


def test_nothing_to_undo(soutu_command: Soutu, tagging: TaggingLibrary) -> None:
    """An empty history says so."""
    undo = soutu_command("tags", "undo")
    assert (undo.exit_code, undo.stderr) == (
        2,
        "soutu: there is nothing to undo: no change of tags or labels is left\n",
    )
    assert soutu_command("tags", "history").stdout == "No tag and no label was ever changed.\n"


@pytest.mark.parametrize(
    "args",
    [
        ["add", ""],
        ["add", "cat"],
        ["add", "KITTY"],
        ["add", "x", "--parent", "nobody"],
        ["add", "x", "--threshold", "2"],
        ["add", "x", "--threshold", "nan"],
        ["show", "catt"],
        ["rename", "nobody", "x"],
        ["rename", "cat", "dog"],
        ["edit", "animal", "--parent", "cat"],
        ["merge", "cat", "--into", "cat"],
        ["rm", "cat", "nobody"],
        ["import", "evryday"],
        ["export", "tags.xyz"],
        ["list", "--tree", "--json"],
        ["history", "-n", "0"],
    ],
)
def test_bad_input_changes_nothing(
    soutu_command: Soutu, animals: TaggingLibrary, args: list[str]
) -> None:
    """It ends with code 2 and a line that says why."""
    before = list(animals.tags)
    result = soutu_command("tags", *args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-1].startswith(("soutu: ", "Error: "))
    assert list(animals.tags) == before


def test_import_and_export(soutu_command: Soutu, animals: TaggingLibrary, tmp_path: Path) -> None:
    """What was exported comes back; tags that are there are updated, skipped or an error."""
    assert soutu_command("tags", "export", "tags.csv").stdout == "Wrote 4 tags to tags.csv\n"
    again = soutu_command("tags", "import", "tags.csv")
    assert again.stdout == "4 tags: 4 unchanged\n"
    animals.tags.remove(["dog"])
    animals.tags.edit("cat", aliases=[])
    assert soutu_command("tags", "import", "tags.csv", "--on-conflict", "error").exit_code == 2
    assert soutu_command("tags", "import", "tags.csv").stdout == (
        "4 tags: 1 added, 1 changed, 2 unchanged\n"
    )
    (tmp_path / "empty.json").write_text("[]")
    empty = soutu_command("tags", "import", "empty.json")
    assert empty.stdout == "No tags there; nothing changed\n"


def test_a_broken_file_is_named_with_its_place(
    soutu_command: Soutu, animals: TaggingLibrary, tmp_path: Path
) -> None:
    """The message has line and column, and nothing of the file is taken."""
    (tmp_path / "bad.csv").write_text("name,threshold\nbird,0.5\nfish,high\n")
    result = soutu_command("tags", "import", "bad.csv")
    assert result.exit_code == 2
    assert "bad.csv, line 3, column 2" in result.stderr
    assert "bird" not in animals.tags


def test_starters(soutu_command: Soutu, tagging: TaggingLibrary) -> None:
    """Every vocabulary that is listed can be imported."""
    lines = soutu_command("tags", "starters").stdout.splitlines()
    names = [line.split()[0] for line in lines]
    assert "everyday" in names
    for name in names:
        assert soutu_command("tags", "import", name).exit_code == 0
    assert "猫" in tagging.tags


def test_suggest_gives_commands_that_work(soutu_command: Soutu, animals: TaggingLibrary) -> None:
    """Each idea is the command that follows it, quoted for the shell."""
    nothing = soutu_command("tags", "suggest")
    assert nothing.stdout == "Nothing to suggest: the tags cover the pictures.\n"
    examples = (Path("a.jpg"), Path("b.jpg"))
    animals.found.new = [
        TagIdea(name="it's sunset", count=12, score=0.3, examples=examples),
        TagIdea(name="-x", count=1, score=0.3, examples=()),
    ]
    animals.found.pairs = [MergeIdea(keep="cat", merge="dog", similarity=0.93, overlap=0.8)]
    lines = soutu_command("tags", "suggest").stdout.splitlines()
    assert lines == [
        "Kinds of pictures that no tag covers:",
        """  soutu tags add 'it'"'"'s sunset'  12 pictures  a.jpg, b.jpg""",
        "  soutu tags add -- -x              1 picture",
        "Tags that may be one:",
        "  soutu tags merge dog --into cat  alike 93%  same pictures 80%",
    ]
    for line in (lines[1], lines[2], lines[4]):
        typed = shlex.split(line.strip().split("  ")[0])
        assert soutu_command(*typed[1:]).exit_code == 0
    in_json = json.loads(soutu_command("tags", "suggest", "-n", "1", "--json").stdout)
    assert [idea["name"] for idea in in_json["add"]] == ["it's sunset"]
    assert in_json["merge"][0]["overlap"] == 0.8


def test_tables_are_cut_to_fit() -> None:
    """The first column to be cut loses most, but never all; figures stay whole."""
    rows = [["a long name", "猫, " * 20, "30%"], ["b", "-", "auto"]]
    assert columns(cut_to(rows, 40, cut=(1, 0))) == [
        "a long name  猫, 猫, 猫, 猫, 猫,…  30%",
        "b            -                     auto",
    ]
    assert columns(cut_to(rows, 10, cut=(1, 0)))[0] == "a long…  猫, 猫,…  30%"
    assert shortened("猫猫猫", 4) == "猫…"


def test_import_takes_a_source_or_keywords(soutu_command: Soutu, animals: TaggingLibrary) -> None:
    """Exactly one of them."""
    assert soutu_command("tags", "import", "everyday", "--keywords").exit_code == 2
    assert soutu_command("tags", "import", "--on-conflict", "skip").exit_code == 2
    animals.keywords({"a.jpg": "Paris", "b.jpg": "paris"})
    result = soutu_command("tags", "import", "--keywords")
    assert (result.exit_code, result.stdout) == (0, "1 tag: 1 added\n")
    assert "Paris" in animals.tags


def test_show_tells_a_tags_own_pictures_from_those_of_narrower_tags(
    soutu_command: Soutu, animals: TaggingLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search for the tag finds the larger number."""
    facts = replace(animals.found.facts("animal"), count=3, count_with_narrower=1026)
    monkeypatch.setattr(animals.found, "facts", lambda _: facts)
    last = soutu_command("tags", "show", "animal").stdout.splitlines()[-1]
    assert last == "pictures   3, 1,026 with narrower tags"
    shown = json.loads(soutu_command("tags", "show", "animal", "--json").stdout)
    assert (shown["count"], shown["count_with_narrower"]) == (3, 1026)


def test_show_says_that_a_threshold_waits_for_pictures(
    soutu_command: Soutu, animals: TaggingLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was found yet."""
    tag = animals.tags.get("cat")
    facts = TagFacts(tag=tag, children=(), threshold=None)
    monkeypatch.setattr(animals.found, "facts", lambda _: facts)
    result = soutu_command("tags", "show", "cat")
    assert "finds itself once pictures are indexed" in result.stdout
    shown = json.loads(soutu_command("tags", "show", "cat", "--json").stdout)
    assert shown["threshold_found"] is None
