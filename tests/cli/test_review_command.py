"""`soutu review`: one key an answer in a terminal, one line an answer elsewhere."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from cli.fake import Soutu
from cli.tagging import TaggingLibrary
from cli.terminal import Terminal
from soutu.catalog.catalog import Catalog
from soutu.cli.answers import meaning
from soutu.cli.reviewing import Review
from soutu.errors import InputError
from soutu.library.tagging.labels import FolderLabels

PROGRAM = Path(__file__).with_name("tagging_program.py")
SHELL = Path(__file__).with_name("shell_program.py")
ESCAPE = re.compile(r"\x1b\][^\x1b\x07]*(?:\x07|\x1b\\)|\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def pets(tagging: TaggingLibrary) -> TaggingLibrary:
    """Add two tags: with two pictures, there are four questions."""
    tagging.tags.add("cat")
    tagging.tags.add("dog")
    return tagging


def said(library: TaggingLibrary) -> list[tuple[str, str, bool]]:
    """List all labels."""
    return [(label.path.name, label.tag, label.value) for label in library.labels.all()]


def labels_in(folder: Path) -> list[tuple[str, str, bool]]:
    """List the labels that a program left in a library."""
    catalog = Catalog.open(folder / "library" / "catalog.sqlite")
    labels = FolderLabels(catalog, lambda _tags: None).all()
    catalog.close()
    return [(label.path.name, label.tag, label.value) for label in labels]


def wait_for(file: Path) -> None:
    """Wait until a file is there; fail after a while."""
    end = time.monotonic() + 20
    while not file.exists():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("y", "yes"), ("Y", "yes"), ("ｙ", "yes"), ("no", "no"), (" ", "skip"), ("\u3000", "skip"),
        ("s", "skip"), ("u", "undo"), ("o", "open"), ("Q", "quit"), ("x", None), ("", None),
    ],
)  # fmt: skip
def test_what_keys_mean(written: str, expected: str | None) -> None:
    """Upper case and the wide letters of Chinese keyboards count."""
    assert meaning(written) == expected


def test_answers_from_lines(soutu_command: Soutu, pets: TaggingLibrary) -> None:
    """Each line answers the question above it; the end of the lines is the end."""
    result = soutu_command("review", "--who", "ann", stdin="y\nNO\ns\n")
    assert (result.exit_code, result.stdout.splitlines()) == (
        0,
        [
            " 62%  cat  tom.jpg",
            " 62%  cat  rex.jpg",
            " 62%  dog  tom.jpg",
            " 62%  dog  rex.jpg",
            "2 answers kept: 1 yes, 1 no, 1 skipped",
        ],
    )
    assert said(pets) == [("rex.jpg", "cat", False), ("tom.jpg", "cat", True)]
    assert {label.who for label in pets.labels.all()} == {"ann"}


def test_quit_and_undo_from_lines(soutu_command: Soutu, pets: TaggingLibrary) -> None:
    """`u` asks the last question again, and `q` ends it."""
    result = soutu_command("review", stdin="y\nu\nn\nq\ny\n")
    assert result.stdout.splitlines()[-1] == "1 answer kept: 0 yes, 1 no"
    assert said(pets) == [("tom.jpg", "cat", False)]
    nothing = soutu_command("review", stdin="")
    assert nothing.stdout.splitlines()[-1] == "Nothing answered."


def test_a_line_that_is_no_answer(soutu_command: Soutu, pets: TaggingLibrary) -> None:
    """It ends the review, as all later lines would answer the wrong question; others stay."""
    result = soutu_command("review", stdin="y\nperhaps\ny\n")
    assert (result.exit_code, said(pets)) == (2, [("tom.jpg", "cat", True)])
    assert "answer 2 is 'perhaps'" in result.stderr
    assert result.stdout.splitlines()[-1] == "1 answer kept: 1 yes, 0 no"


def test_questions_are_fetched_page_by_page(soutu_command: Soutu, pets: TaggingLibrary) -> None:
    """After a page new questions are chosen, without the skipped ones, until none are left."""
    result = soutu_command("review", "-k", "2", "--by", "picture", stdin="s\ny\ny\ny\ny\ny\n")
    assert result.stdout.splitlines()[-1] == "3 answers kept: 3 yes, 0 no, 1 skipped"
    assert pets.asked == [
        ("review", (None, "picture", 2)),
        ("review", (None, "picture", 3)),
        ("review", (None, "picture", 3)),
        ("review", ("cat", "picture", 3)),
        ("review", ("dog", "picture", 2)),
    ]
    assert ("tom.jpg", "cat", True) not in said(pets)


def test_one_tag(soutu_command: Soutu, pets: TaggingLibrary) -> None:
    """Only its questions are asked; then there is nothing left."""
    soutu_command("review", "--tag", "dog", stdin="y\nn\n")
    assert said(pets) == [("rex.jpg", "dog", False), ("tom.jpg", "dog", True)]
    done = soutu_command("review", "--tag", "dog")
    assert done.stdout == "Nothing to ask: every picture has its labels.\n"
    assert soutu_command("review", "--tag", "bird").exit_code == 2


def test_json_asks_nothing(soutu_command: Soutu, pets: TaggingLibrary) -> None:
    """The questions are printed, for programs that ask in their own way."""
    questions = json.loads(soutu_command("review", "--json", "-k", "1", stdin="y\n").stdout)
    assert [(Path(q["path"]).name, q["tag"], q["probability"]) for q in questions] == [
        ("tom.jpg", "cat", 0.62)
    ]
    assert said(pets) == []


def test_nothing_to_review(soutu_command: Soutu, tagging: TaggingLibrary) -> None:
    """Without tags or pictures it says what to do first."""
    assert "soutu tags import everyday" in soutu_command("review").stdout
    tagging.tags.add("cat")
    tagging.held.clear()
    assert "soutu index FOLDER" in soutu_command("review").stdout


def test_undo_after_another_change(pets: TaggingLibrary) -> None:
    """What somebody else changed since stays; the own answer is taken back all the same."""
    review = Review(pets, tag=None, by="tag", page=20, who="ann")
    assert not review.undo()
    first = review.question()
    review.answer("yes")
    review.answer("no")
    assert review.undo()
    assert [change.undone for change in pets.tags.history(2)] == [True, False]
    pets.tags.add("bird")
    assert review.undo()
    assert (review.question(), said(pets), "bird" in pets.tags) == (first, [], True)


def test_undo_of_an_answer_that_changed_nothing(pets: TaggingLibrary) -> None:
    """Somebody else said the same meanwhile, and more: all of theirs stays."""
    review = Review(pets, tag="cat", by="tag", page=20, who="ann")
    question = review.question()
    assert question is not None
    pets.labels.set(question.id, yes=["cat"], who="bo")
    pets.labels.set("rex.jpg", yes=["dog"], who="bo")
    theirs = pets.labels.all()
    review.answer("yes")
    assert review.undo()
    assert (pets.labels.all(), review.question()) == (theirs, question)


def test_undo_gives_back_what_others_said_before(pets: TaggingLibrary) -> None:
    """And leaves what they said since."""
    review = Review(pets, tag="cat", by="tag", page=20, who="ann")
    question = review.question()
    assert question is not None
    pets.labels.set(question.id, no=["cat"], who="bo")
    before = pets.labels.all()
    review.answer("yes")
    pets.labels.set("rex.jpg", yes=["dog"], who="bo")
    assert review.undo()
    assert pets.labels.all(tag="cat") == before
    review.answer("yes")
    pets.labels.set(question.id, no=["cat"], who="cy")
    assert review.undo()
    assert [(x.value, x.who) for x in pets.labels.all(tag="cat")] == [(False, "cy")]
    review.answer("yes")
    pets.tags.merge(["cat"], "dog")
    assert review.undo()
    assert ("tom.jpg", "dog", True) in said(pets)


def test_every_question_is_asked_though_all_are_skipped(pets: TaggingLibrary) -> None:
    """The library asks about a few tags at a time, always the same while nothing changes."""
    for number in range(10):
        pets.tags.add(f"t{number}")
    pets.rounds = 8
    review = Review(pets, tag=None, by="tag", page=4, who="ann")
    asked = []
    while question := review.question():
        asked.append((question.id, question.tag))
        review.answer("skip")
    assert len(asked) == len(set(asked)) == 12 * len(pets.held)
    assert review.undo()
    assert review.question() is not None


def test_a_tag_that_is_gone_by_now(pets: TaggingLibrary) -> None:
    """Its question is over, and the next one is asked."""
    review = Review(pets, tag=None, by="tag", page=20, who=None)
    assert review.question() is not None
    pets.tags.remove(["cat"])
    with pytest.raises(InputError):
        review.answer("yes")
    after = review.question()
    assert after is not None
    assert after.path.name == "rex.jpg"


def test_keys_in_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No Enter is needed; keys typed ahead count, other keys ring, and letters show the keys."""
    monkeypatch.chdir(tmp_path)
    with Terminal(["review"], columns=60, program=PROGRAM) as terminal:
        terminal.read_until("cat?")
        terminal.press("x\x1b[Ay")
        terminal.read_until("2. ")
        terminal.press("nusq")
        assert terminal.wait() == 0
    shown = ESCAPE.sub("", terminal.text).replace("\r", "")
    assert shown.count("\a") == 2
    assert shown.replace("\a", "").splitlines() == [
        "y yes · n no · s skip · u undo · o open · q quit",
        "1. tom.jpg",
        "   cat?  █████··· 62%, holds from 50%  ",
        "   y yes · n no · s skip · u undo · o open · q quit",
        "   cat?  █████··· 62%, holds from 50%  yes",
        "2. rex.jpg",
        "   cat?  █████··· 62%, holds from 50%  no",
        "3. the cat 猫.jpg",
        "   cat?  █████··· 62%, holds from 50%  undo",
        "2. rex.jpg",
        "   cat?  █████··· 62%, holds from 50%  skip",
        "3. the cat 猫.jpg",
        "   cat?  █████··· 62%, holds from 50%  quit",
        "1 answer kept: 1 yes, 0 no, 1 skipped",
    ]
    assert "/the%20cat%20%E7%8C%AB.jpg" in terminal.text
    assert labels_in(tmp_path) == [("tom.jpg", "cat", True)]


def test_ctrl_c_keeps_what_was_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends like `q`, with the code of Ctrl-C."""
    monkeypatch.chdir(tmp_path)
    with Terminal(["review"], program=PROGRAM) as terminal:
        terminal.read_until("cat?")
        terminal.press("n")
        terminal.read_until("2. ")
        terminal.read_until("holds from 50%  ")
        os.killpg(terminal.process.pid, signal.SIGINT)
        assert terminal.wait() == 130
    assert "1 answer kept: 0 yes, 1 no" in terminal.text
    assert "Traceback" not in terminal.text
    assert labels_in(tmp_path) == [("tom.jpg", "cat", False)]


@pytest.mark.parametrize("detour", [[], ["bg; sleep 0.5; jobs"]])
def test_ctrl_z_and_fg(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, detour: Sequence[str]
) -> None:
    """Keys count at once again, the question is repeated, and the shell has its own terminal."""
    monkeypatch.chdir(tmp_path)
    with Terminal([], program=SHELL) as terminal:
        terminal.read_until("$ ")
        terminal.press(shlex.join([sys.executable, str(PROGRAM), "review"]) + "\n")
        terminal.read_until("1. ")
        terminal.read_until("holds from 50%  ")
        for typed in ["\x1a", *(f"{command}\n" for command in detour)]:
            terminal.text = ""
            terminal.press(typed)
            terminal.read_until("Stopped")
            terminal.read_until("$ ")
        terminal.text = ""
        terminal.press("stty -a | tr ' ' '_'; fg\n")
        terminal.read_until("holds from 50%  ")
        assert "_icanon" in terminal.text
        terminal.press("y")
        terminal.read_until("2. ")
        terminal.press("q")
        terminal.read_until("1 answer kept")
        terminal.press("exit\n")
        assert terminal.wait() == 0
    assert labels_in(tmp_path) == [("tom.jpg", "cat", True)]


def test_open_shows_the_picture_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The desktop's viewer gets it; where there is none, the review says so and goes on."""
    monkeypatch.chdir(tmp_path)
    viewers = tmp_path / "viewers"
    viewers.mkdir()
    viewer, seen = viewers / "xdg-open", tmp_path / "seen"
    viewer.write_text(f'#!/bin/sh\necho "$1" > {seen}.new && mv {seen}.new {seen}\n')
    viewer.chmod(0o755)
    path = f"{viewers}{os.pathsep}{os.environ['PATH']}"
    with Terminal(["review"], program=PROGRAM, env={"PATH": path}) as terminal:
        terminal.read_until("cat?")
        terminal.press("oy")
        terminal.read_until("2. ")
        terminal.press("q")
        assert terminal.wait() == 0
    wait_for(seen)
    assert seen.read_text() == f"{tmp_path / 'tom.jpg'}\n"
    with Terminal(["review"], program=PROGRAM, env={"PATH": str(tmp_path)}) as terminal:
        terminal.read_until("cat?")
        terminal.press("oq")
        assert terminal.wait() == 0
    shown = ESCAPE.sub("", terminal.text).replace("\r", "")
    assert "no viewer: xdg-open is not installed\n   cat?" in shown


def test_thumbnails_where_the_terminal_draws_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The facts stand beside the picture, each line cut to the room that is left."""
    monkeypatch.chdir(tmp_path)
    env = {"TERM": "xterm-kitty", "KITTY_WINDOW_ID": "1"}
    with Terminal(["review"], columns=50, env=env, program=PROGRAM) as terminal:
        terminal.read_until("cat?")
        terminal.press("q")
        assert terminal.wait() == 0
    assert "\x1b7\x1b8\x1b[15G" in terminal.text
    shown = ESCAPE.sub("", terminal.text).replace("\r", "").splitlines()
    assert "1. tom.jpg" in shown[-7]
    assert shown[-2] == "   cat?  █████··· 62%, holds from 50%  quit"
