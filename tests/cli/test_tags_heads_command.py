"""`soutu tags use-head`, `drop-head` and `heads`: a real vocabulary, and real heads in folders."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from cli.fake import Soutu
from cli.tagging import TaggingLibrary
from soutu.heads import HeadData, HeadEncoder, HeadFacts, LinearHead, save_head


def head(folder: Path, *, revision: str = "r1", classes: tuple[str, ...] = ("cat", "dog")) -> Path:
    """Write a head for the library's model."""
    count = len(classes)
    weights = np.ones((count, 4), np.float32)
    save_head(
        folder,
        LinearHead(weights=weights, bias=np.zeros(count, np.float32)),
        HeadFacts(
            classes=classes,
            thresholds=(0.5,) * count,
            encoder=HeadEncoder(name="mini", revision=revision, dim=4, precision="int8"),
            method="logistic",
            data=HeadData(name="zoo", digest="d"),
            made="2026-01-02T03:04:05+00:00",
        ),
    )
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return head(tmp_path / "head")


def test_use_head_says_what_it_scores_and_added(
    soutu_command: Soutu, tagging: TaggingLibrary, folder: Path
) -> None:
    tagging.tags.add("Hund")
    result = soutu_command("tags", "use-head", str(folder), "--as", "dog=Hund")
    assert (result.exit_code, result.stdout) == (
        0,
        (
            "The head (logistic of zoo, for mini) scores 2 tags: cat, Hund\n"
            "Added 1 tag: cat\n"
            "To take it back: soutu tags undo\n"
        ),
    )
    assert tagging.heads()[0].tags == ("Hund", "cat")


def test_classes_are_left_out(soutu_command: Soutu, tagging: TaggingLibrary, folder: Path) -> None:
    result = soutu_command("tags", "use-head", str(folder), "--without", "dog")
    assert result.exit_code == 0
    assert [tag.name for tag in tagging.tags] == ["cat"]


def test_long_lists_are_cut(soutu_command: Soutu, tagging: TaggingLibrary, tmp_path: Path) -> None:
    many = head(tmp_path / "many", classes=tuple(f"c{n}" for n in range(12)))
    result = soutu_command("tags", "use-head", str(many))
    assert "scores 12 tags: c0, c1, c2, c3, c4, c5, c6, c7 and 4 more\n" in result.stdout


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--as", "dog"], "write CLASS=TAG"),
        (["--as", "=x"], "write CLASS=TAG"),
        (["--as", "dog=x", "--without", "dog"], "'dog' is both renamed and left out"),
        (["--as", "cow=x"], "knows no class 'cow'; it knows: cat, dog"),
        (["--without", "cat", "--without", "dog"], "every class of the head is left out"),
    ],
)
def test_what_cannot_be_is_refused(
    soutu_command: Soutu, tagging: TaggingLibrary, folder: Path, given: list[str], told: str
) -> None:
    result = soutu_command("tags", "use-head", str(folder), *given)
    assert result.exit_code == 2
    assert told in result.stderr
    assert list(tagging.tags) == []


def test_a_head_of_another_model_says_what_to_do(
    soutu_command: Soutu, tagging: TaggingLibrary, tmp_path: Path
) -> None:
    result = soutu_command("tags", "use-head", str(head(tmp_path / "old", revision="r0")))
    assert result.exit_code == 2
    assert "the head reads 4-d vectors of mini (int8 revision r0)" in result.stderr
    assert "the library holds 4-d vectors of mini (int8 revision r1)" in result.stderr


def test_heads_are_listed_and_shown(
    soutu_command: Soutu, tagging: TaggingLibrary, folder: Path
) -> None:
    nothing = soutu_command("tags", "heads")
    assert nothing.stdout == "No tag has a trained head. To use one: soutu tags use-head DIR\n"
    soutu_command("tags", "use-head", str(folder))
    lines = [line.split() for line in soutu_command("tags", "heads").stdout.splitlines()]
    assert lines == [
        ["head", "logistic", "of", "zoo,", "for", "mini"],
        ["made", "2026-01-02T03:04:05+00:00"],
        ["tags", "cat,", "dog"],
    ]
    [found] = json.loads(soutu_command("tags", "heads", "--json").stdout)
    assert (found["method"], found["tags"], found["idle"]) == ("logistic", ["cat", "dog"], None)
    shown = soutu_command("tags", "show", "cat").stdout
    assert "logistic of zoo, for mini" in shown
    told = json.loads(soutu_command("tags", "show", "cat", "--json").stdout)
    assert told["head"]["data"] == "zoo"


def test_drop_head(soutu_command: Soutu, tagging: TaggingLibrary, folder: Path) -> None:
    assert soutu_command("tags", "drop-head").stdout == "No tag has a trained head.\n"
    soutu_command("tags", "use-head", str(folder))
    one = soutu_command("tags", "drop-head", "cat")
    assert one.stdout == ("1 tag without a trained head now. To take it back: soutu tags undo\n")
    assert soutu_command("tags", "drop-head", "cat").exit_code == 2
    assert soutu_command("tags", "drop-head").exit_code == 0
    assert tagging.heads() == []
    history = [change.action for change in tagging.tags.history()]
    assert history == ["drop-head", "drop-head", "use-head"]
