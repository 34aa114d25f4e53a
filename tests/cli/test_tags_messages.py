"""What `soutu tags` says of mistakes, and of what it left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.fake import Soutu
from cli.tagging import TaggingLibrary
from soutu.types import TagCount


@pytest.fixture
def animals(tagging: TaggingLibrary) -> TaggingLibrary:
    """Add a few tags to the library."""
    tagging.tags.add("animal")
    tagging.tags.add("cat", aliases=["猫", "kitty"], parent="animal")
    tagging.tags.add("dog", aliases=["狗"], parent="animal", threshold=0.3)
    tagging.tags.add("day", group="light")
    return tagging


def test_import_says_what_it_skipped(
    soutu_command: Soutu, animals: TaggingLibrary, tmp_path: Path
) -> None:
    """Each with its place and the reason."""
    (tmp_path / "more.csv").write_text("name,aliases\nlion,猫\nfox,\n")
    result = soutu_command("tags", "import", "more.csv", "--on-conflict", "skip")
    assert result.stdout == (
        "2 tags: 1 added, 1 skipped\n"
        "  skipped line 2, 'lion': its name '猫' belongs to the tag 'cat'\n"
    )
    assert "lion" not in animals.tags


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["tags", "import", "-"], "'-' is no file"),
        (["tags", "export", "-"], "'-' is no file"),
        (["label", "--from", "-"], "'-' is no file"),
        (["label", "--export", "-"], "'-' is no file"),
        (["tags", "import", "."], ". is a folder"),
        (["tags", "export", "."], ". is a folder"),
        (["tags", "add", "t3", "--parent", "t3"], "t3 → t3"),
        (["tags", "add", "t3", "--alias", ""], "an alias is empty"),
        (["tags", "add", "t3", "--group", " "], "the group is empty"),
        (["tags", "show", "-dash"], "Put -- before a name that begins with a dash"),
        (["tags", "show", "nosuch"], "there is no tag 'nosuch'. Add it"),
    ],
)
def test_messages_say_what_to_do(
    soutu_command: Soutu, animals: TaggingLibrary, words: list[str], message: str
) -> None:
    """The code is that of bad input."""
    animals.tags.add("sofa")
    result = soutu_command(*words)
    assert (result.exit_code, message in result.stderr) == (2, True), result.stderr


def test_a_threshold_may_be_a_percentage(soutu_command: Soutu, animals: TaggingLibrary) -> None:
    """As soutu itself shows it."""
    assert soutu_command("tags", "edit", "cat", "--threshold", "8%").exit_code == 0
    assert animals.tags.get("cat").threshold == 0.08
    assert soutu_command("tags", "edit", "cat", "--threshold", "108%").exit_code == 2


def test_counts_without_pictures(soutu_command: Soutu, tagging: TaggingLibrary) -> None:
    """It says what to do first, as a search does; that is no mistake."""
    tagging.tags.add("cat")
    tagging.held.clear()
    tagging.found.numbers = [TagCount(tag="cat", count=0)]
    result = soutu_command("tags", "counts")
    assert (result.exit_code, "soutu index FOLDER" in result.stdout) == (0, True)
