"""`soutu eval tagging`, `retrieval` and `compare`: with the bundled model on painted pictures."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from painting import COLOURS, paint

from cli.fake import Soutu
from soutu.cli.progress import ProgressLines
from soutu.models.store import ModelStore

FEW = ("--resamples", "20")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep vectors in a folder of the test's own."""
    monkeypatch.setenv("SOUTU_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder for each of four colours, with three pictures."""
    for colour in COLOURS:
        for seed in range(3):
            paint(tmp_path / "colours" / colour / f"{seed}.png", colour, size=64, seed=9 * seed)
    return tmp_path / "colours"


@pytest.fixture
def captions(tmp_path: Path) -> Path:
    """Four pictures, each with an English and a Chinese caption."""
    words = {"red": "红色", "green": "绿色", "blue": "蓝色", "white": "白色"}
    lines = ["image,caption,language"]
    for colour, chinese in words.items():
        paint(tmp_path / f"{colour}.png", colour, size=64)
        lines += [f"{colour}.png,the colour {colour},en", f"{colour}.png,{chinese},zh"]
    (tmp_path / "captions.csv").write_text("\n".join(lines), "utf-8")
    return tmp_path / "captions.csv"


def test_tagging_prints_figures_and_writes_reports(
    soutu_command: Soutu, pictures: Path, tmp_path: Path
) -> None:
    """One run, three formats, and the table on the screen."""
    reports = [f"--report={tmp_path / name}" for name in ("r.html", "r.md", "r.json")]
    result = soutu_command("eval", "tagging", str(pictures), *FEW, *reports)
    assert result.exit_code == 0, result.stderr
    assert "How well probabilities rank" in result.stdout
    assert "12 pictures, 4 classes." in result.stdout
    data = json.loads((tmp_path / "r.json").read_text())
    assert data["figures"]["task"] == "tagging"
    assert data["made"]["data"]["counts"]["pictures"] == 12
    assert {path.name for path in tmp_path.glob("r*")} == {
        "r.html", "r.md", "r-1.svg", "r-2.svg", "r.json"
    }  # fmt: skip


def test_a_second_run_reads_the_kept_vectors(
    soutu_command: Soutu, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both say the same."""
    first = soutu_command("eval", "tagging", str(pictures), *FEW, "--json")
    load = ModelStore.load

    def without_towers(*args: object, **options: object) -> object:
        encoder = load(*args, **options)  # type: ignore[arg-type]
        monkeypatch.setattr(encoder, "encode_images", None)
        monkeypatch.setattr(encoder, "encode_texts", None)
        return encoder

    monkeypatch.setattr(ModelStore, "load", without_towers)
    again = soutu_command("eval", "tagging", str(pictures), *FEW, "--json")
    assert json.loads(again.stdout)["figures"] == json.loads(first.stdout)["figures"]


def test_retrieval_by_captions_and_by_pictures(
    soutu_command: Soutu, pictures: Path, captions: Path
) -> None:
    """What DATA holds says what is asked."""
    result = soutu_command("eval", "retrieval", str(captions), *FEW, "--json")
    assert result.exit_code == 0, result.stderr
    rankings = json.loads(result.stdout)["figures"]["rankings"]
    assert set(rankings) == {
        "text to image, en", "text to image, zh", "image to text, en", "image to text, zh"
    }  # fmt: skip
    result = soutu_command("eval", "retrieval", str(pictures), *FEW, "--json")
    (ranking,) = json.loads(result.stdout)["figures"]["rankings"].values()
    assert ranking["queries"] == 12
    assert ranking["R@1"]["estimate"] == 1.0


def test_compare_names_what_is_better_or_says_that_nothing_is(
    soutu_command: Soutu, captions: Path, pictures: Path
) -> None:
    """By captions where there are some, else by tags."""
    result = soutu_command("eval", "compare", "mini", "mini,index=binary",
                           "--data", str(captions), *FEW)  # fmt: skip
    assert result.exit_code == 0, result.stderr
    assert "text to image, en, R@10: no difference shown" in result.stdout
    assert "How fast" in result.stdout
    result = soutu_command("eval", "compare", "mini", "mini,precision=int8",
                           "--data", str(pictures), *FEW, "--json")  # fmt: skip
    assert json.loads(result.stdout)["figures"]["task"] == "tagging"


def test_ctrl_c_keeps_what_was_encoded(
    soutu_command: Soutu, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message says how to go on."""
    monkeypatch.setattr(ProgressLines, "__call__", lambda *_: os.kill(os.getpid(), signal.SIGINT))
    result = soutu_command("eval", "tagging", str(pictures), *FEW)
    assert (result.exit_code, result.stdout) == (130, "")
    assert "Run the same command again" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("tagging", "colours", "--model", "mini", "--head", "colours"), "exclude each other"),
        (("tagging", "colours", "--library", "x", "--precision", "int8"), "goes with --model"),
        (("tagging", "colours", "--report", "r.doc"), "names no format"),
        (("tagging", "colours", "--split", "test"), "no split 'test'"),
        (("tagging", "colours", "--classes", "red,yellow"), "no class 'yellow'"),
        (("tagging", "colours", "--model", "nothing"), "no model"),
        (("tagging", "colours", "--head", "colours"), "no head"),
        (("retrieval", "colours", "--kind", "captions"), "no caption file"),
        (("retrieval", "colours", "--kind", "composed"), "no cap.*.val.json"),
        (("compare", "mini", "--data", "colours"), "at least two"),
        (("compare", "mini", "mini,x=1", "--data", "colours"), "is no setting"),
    ],
)
def test_what_cannot_be_done_is_told_at_once(
    soutu_command: Soutu, pictures: Path, arguments: tuple[str, ...], message: str
) -> None:
    """With the code for bad input, before anything is encoded."""
    result = soutu_command("eval", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_pictures_that_are_not_there(soutu_command: Soutu, pictures: Path, tmp_path: Path) -> None:
    """An error, or left out where that is asked for."""
    table = tmp_path / "labels.csv"
    lines = [f"colours/{c}/{n}.png,{c}" for c in ("red", "blue") for n in range(3)]
    table.write_text("\n".join(["path,labels", *lines, "gone.png,red"]))
    result = soutu_command("eval", "tagging", str(table), *FEW)
    assert (result.exit_code, "1 of 7 pictures" in result.stderr) == (2, True)
    result = soutu_command("eval", "tagging", str(table), *FEW, "--allow-missing")
    assert "6 pictures, 2 classes." in result.stdout
