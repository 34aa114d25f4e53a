"""`soutu data check`: the figures, what is wrong, the exit codes."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest
from data_sets import paint

from cli.fake import FakeLibrary, Soutu
from cli.tagging import TaggingLibrary
from soutu.cli.progress import ProgressLines


@pytest.fixture
def good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a CSV of six pictures with two classes, and go there."""
    for number in range(6):
        paint(tmp_path / "pics" / f"{number}.jpg", number)
    lines = [
        "path,split,cat,sofa", "pics/0.jpg,train,0,0", "pics/1.jpg,train,1,1",
        "pics/2.jpg,train,0,1", "pics/3.jpg,val,1,0", "pics/4.jpg,val,0,1", "pics/5.jpg,val,1,",
    ]  # fmt: skip
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOUTU_HOME", str(tmp_path / "home"))
    return tmp_path


def test_good_data(soutu_command: Soutu, good: Path) -> None:
    """The table, the pairs and the verdict; the exit code is 0."""
    result = soutu_command("data", "check", "labels.csv")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert lines[:3] == ["labels.csv", "pictures 6 (train 3, val 3)", "classes 2"]
    assert lines[3] == "known labels 11 of 12"
    assert "sofa 3 2 1 1" in lines
    assert "TOGETHER BOTH P(2nd|1st) P(1st|2nd) LIFT" in lines
    assert lines[-1] == "Nothing wrong was found."


def test_errors_and_warnings(soutu_command: Soutu, good: Path) -> None:
    """An error makes the exit code 1 and comes first; a warning alone does not."""
    shutil.copy("pics/0.jpg", "pics/2.jpg")
    warned = soutu_command("data", "check", "labels.csv")
    assert warned.exit_code == 1
    assert "error: The same picture with different labels (1):" in warned.stdout
    assert "pics/0.jpg = pics/2.jpg: sofa" in warned.stdout
    assert warned.stdout.index("error:") < warned.stdout.index("warning:")
    assert warned.stdout.endswith("1 error, 1 warning.\n")
    shutil.copy("pics/0.jpg", "pics/2.jpg")
    text = Path("labels.csv").read_text().replace("pics/2.jpg,train,0,1", "pics/2.jpg,train,0,0")
    Path("labels.csv").write_text(text)
    only = soutu_command("data", "check", "labels.csv", "--json")
    report = json.loads(only.stdout)
    assert (only.exit_code, report["ok"]) == (0, True)
    (problem,) = report["problems"]
    assert (problem["severity"], problem["kind"]) == ("warning", "duplicate")
    assert problem["pictures"] == [[str(good / "pics/0.jpg"), str(good / "pics/2.jpg")]]


def test_json_has_every_figure(soutu_command: Soutu, good: Path) -> None:
    """What cannot be said is null, so that the JSON is plain."""
    Path("empty.csv").write_text("path,cat,never\npics/0.jpg,1,0\npics/1.jpg,0,0\n")
    result = soutu_command("data", "check", "empty.csv", "--json", "--labels-only")
    report = json.loads(result.stdout)
    assert result.exit_code == 1
    assert report["classes"][1] == {"name": "never", "yes": 0, "no": 2, "unknown": 0}
    assert report["cooccurrence"] == [[1, 0], [0, 0]]
    assert report["conditional"] == [[1, 0], [None, None]]
    assert report["imbalance"] == {"per_class": [1, None], "mean": 1, "worst": 1}
    assert report["pictures_read"] is False
    assert len(report["digest"]) == 32


def test_labels_only_reads_no_picture(soutu_command: Soutu, good: Path) -> None:
    """Missing files are told, damaged ones cannot be."""
    Path("pics/0.jpg").write_text("no picture")
    fine = soutu_command("data", "check", "labels.csv", "--labels-only")
    assert fine.exit_code == 0
    assert fine.stdout.endswith("The pictures themselves were not looked at.\n")
    Path("pics/1.jpg").unlink()
    lacks = soutu_command("data", "check", "labels.csv", "--labels-only")
    assert lacks.exit_code == 1
    assert "error: These files are not there (1):\n  pics/1.jpg\n" in lacks.stdout
    looked = soutu_command("data", "check", "labels.csv")
    assert "  pics/0.jpg: not a picture soutu can read" in looked.stdout


def test_matrices_are_written(soutu_command: Soutu, good: Path) -> None:
    """The message names the files."""
    result = soutu_command("data", "check", "labels.csv", "--labels-only", "--out", "report")
    assert result.stdout.splitlines()[-1].startswith("Written: report/cooccurrence.csv, ")
    assert len(list((good / "report").iterdir())) == 4


def test_a_model_finds_what_fingerprints_miss(soutu_command: Soutu, good: Path) -> None:
    """With a cosine of 0.5, pictures of patches are all alike to the bundled model."""
    assert soutu_command("data", "check", "labels.csv").stdout.endswith("wrong was found.\n")
    result = soutu_command("data", "check", "labels.csv", "--model", "mini", "--near", "0.5")
    assert result.exit_code == 0
    assert "warning: Pictures that look nearly the same in several splits" in result.stdout
    unknown = soutu_command("data", "check", "labels.csv", "--model", "minni")
    assert unknown.exit_code == 2
    assert "Did you mean mini" in unknown.stderr


@pytest.mark.parametrize("model", [[], ["--model", "mini"]])
def test_ctrl_c_stops(
    model: list[str], soutu_command: Soutu, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing half done is reported, and the exit code is that of Ctrl-C."""
    stage = "fill" if model else "check"

    def interrupt(_: object, progress: object) -> None:
        if getattr(progress, "stage", "") == stage:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(ProgressLines, "__call__", interrupt)
    if model:
        monkeypatch.setattr("soutu.library.encoding.encode_paths", _stopped)
    result = soutu_command("data", "check", "labels.csv", *model)
    assert (result.exit_code, result.stdout) == (130, "")
    assert result.stderr == "Stopped before all pictures were seen; nothing can be said yet.\n"


def _stopped(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_labels_of_a_library(soutu_command: Soutu, tagging: TaggingLibrary, tmp_path: Path) -> None:
    """What people said is checked like any data set; what they did not say is unknown."""
    for number, name in enumerate(("tom.jpg", "rex.jpg")):
        paint(tmp_path / name, number)
    none = soutu_command("data", "check", "--library", "lib")
    assert none.exit_code == 2
    assert "the library has no such labels" in none.stderr
    tagging.tags.add("cat")
    tagging.tags.add("dog")
    tagging.labels.set(tmp_path / "tom.jpg", yes=["cat"], no=["dog"])
    tagging.labels.set(tmp_path / "rex.jpg", no=["cat"])
    result = soutu_command("data", "check", "--library", "lib", "--json")
    report = json.loads(result.stdout)
    assert [(each["name"], each["yes"], each["unknown"]) for each in report["classes"]] == [
        ("cat", 1, 0),
        ("dog", 0, 1),
    ]
    assert [problem["kind"] for problem in report["problems"]] == ["no-yes"]


def test_bad_questions(soutu_command: Soutu, library: FakeLibrary, tmp_path: Path) -> None:
    """Options that contradict each other, and bad files, end with the code for bad input."""
    (tmp_path / "bad.csv").write_text("path,cat\na.jpg,1\nb.jpg,2\n")
    for args, message in (
        ([str(tmp_path / "bad.csv")], "line 3, column 2 (cat): '2' is no label"),
        (["--json"], "Name either PATH or --library"),
        (["x", "--library", "y"], "Name either PATH or --library"),
        (["x", "--labels-only", "--model", "mini"], "--labels-only at none"),
        (["--library", "y", "--root", "z"], "--root is for PATH"),
        (["nowhere"], "no file or folder 'nowhere'"),
    ):
        result = soutu_command("data", "check", *args)
        assert (result.exit_code, result.stdout) == (2, "")
        assert message in result.stderr
