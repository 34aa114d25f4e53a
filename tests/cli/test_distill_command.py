"""`soutu models distill` on the bundled model and painted pictures, and its messages."""

from __future__ import annotations

import importlib.util
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from painting import COLOURS, paint

from cli.fake import Soutu
from soutu.cli import models_distill
from soutu.cli.progress import ProgressLines
from soutu.models.store import ModelStore
from soutu.train.distill.settings import Settings

TINY = Settings(
    size=64, train_size=32, dim=16, widths=(4, 8, 12, 16), depths=(1, 1, 1), last=24,
    vocabulary=100, steps=4, batch=4, text_steps=4, warmup=1, tune_steps=0,
)  # fmt: skip


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the teacher's answers in a folder of the test's own."""
    monkeypatch.setenv("SOUTU_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what is typed for a student that trains in a moment."""
    monkeypatch.setattr(models_distill, "_settings", lambda **_: TINY)
    for name, colour in COLOURS.items():
        for k in range(6):
            paint(tmp_path / "pictures" / f"{name}{k}.png", colour, seed=k)
    (tmp_path / "words.txt").write_text("\n".join(COLOURS), "utf-8")
    return [
        "models", "distill", "--teacher", "mini", "--data", str(tmp_path / "pictures"),
        "--words", str(tmp_path / "words.txt"), "--out", str(tmp_path / "mine"),
    ]  # fmt: skip


def test_a_student_is_made_and_can_be_added(
    soutu_command: Soutu, tmp_path: Path, arguments: list[str]
) -> None:
    """The answer says what it learnt from, how good it is, and what to do next."""
    result = soutu_command(*arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert "learnt from 16 pictures" in lines[0]
    assert lines[1].startswith("the export is within")
    assert lines[3].startswith("on held-out pictures: the teacher's first word")
    assert lines[4] == f"To use it: soutu models add {tmp_path / 'mine'}"
    assert (tmp_path / "mine.training/corpus").is_dir()
    assert ModelStore(tmp_path / "store").add(tmp_path / "mine").name == "mine"


def test_a_student_can_be_trained_further(
    soutu_command: Soutu, tmp_path: Path, arguments: list[str]
) -> None:
    """A folder or a name is the start; one of another shape is refused in a sentence."""
    assert soutu_command(*arguments).exit_code == 0
    again = [*arguments[:-1], str(tmp_path / "again")]
    result = soutu_command(*again, "--start", str(tmp_path / "mine"))
    assert (result.exit_code, result.stderr) == (0, "")
    assert (tmp_path / "again/image.onnx").is_file()
    assert soutu_command("models", "add", str(tmp_path / "again")).exit_code == 0
    other = [*arguments[:-1], str(tmp_path / "other")]
    refused = soutu_command(*other, "--start", "mini")
    assert refused.exit_code == 2
    assert "the start, mini, has another image tower" in refused.stderr
    missing = soutu_command(*other, "--start", str(tmp_path / "pictures"))
    assert "pictures is incomplete" in missing.stderr


def test_ctrl_c_stops_and_the_same_command_goes_on(
    soutu_command: Soutu, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exit code is the shell's for the signal, and nothing is lost."""

    def interrupt(self: ProgressLines, progress: Any) -> None:
        if (progress.stage, progress.done) == ("train", 2):
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patched:
        patched.setattr(ProgressLines, "__call__", interrupt)
        stopped = soutu_command(*arguments)
    assert (stopped.exit_code, stopped.stdout) == (130, "")
    assert stopped.stderr == (
        "stopped at step 2 of 4, which is kept. Run the same command again to go on.\n"
    )
    assert soutu_command(*arguments).exit_code == 0


def test_without_torch_the_extra_is_named(
    soutu_command: Soutu, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message is a command to run."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(models_distill, "find_spec", lambda name: None)
    result = soutu_command(*arguments)
    assert result.exit_code != 0
    assert "pip install 'soutu[train]'" in result.stderr


def test_bad_words_are_refused_before_the_teacher_is_asked(
    soutu_command: Soutu, tmp_path: Path, arguments: list[str]
) -> None:
    """Nothing is encoded for a word list that is empty."""
    (tmp_path / "words.txt").write_text("# none\n", "utf-8")
    result = soutu_command(*arguments)
    assert (result.exit_code, "holds 0 words" in result.stderr) == (2, True)
    assert not (tmp_path / "home/vectors").exists()


def test_the_size_is_a_multiple_of_32(soutu_command: Soutu, tmp_path: Path) -> None:
    """Another size is refused with what is wanted."""
    result = soutu_command(
        "models", "distill", "--teacher", "mini", "--data", str(tmp_path),
        "--out", str(tmp_path / "mine"), "--size", "100",
    )  # fmt: skip
    assert (result.exit_code, "multiple of 32" in result.stderr) == (2, True)
