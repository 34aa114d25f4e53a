"""`soutu models`: on the real model store in an empty home, and a library in memory."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest
from PIL import Image

from cli.fake import FakeLibrary, Soutu, space
from soutu.cli.progress import ProgressLines
from soutu.cli.samples import read_samples
from soutu.errors import InputError
from soutu.models.card import MINI_FOLDER, catalogue
from soutu.models.quantize import QuantizeReport
from soutu.models.store import ModelStore
from soutu.types import Preprocess, Progress


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep added models in a folder of the test's own, away from any hub."""
    monkeypatch.setenv("SOUTU_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return tmp_path / "home"


@pytest.fixture
def model_folder(tmp_path: Path) -> Path:
    """Copy the bundled model to a folder, as a model of the user's own."""
    return Path(shutil.copytree(MINI_FOLDER, tmp_path / "my-model"))


def test_list_names_every_model(soutu_command: Soutu) -> None:
    """The table and the JSON have the catalogue, and tell what is on this disk."""
    lines = soutu_command("models", "list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["NAME", *catalogue()]
    assert lines[1].split()[1] == "bundled"
    entries = json.loads(soutu_command("models", "list", "--json").stdout)
    assert [entry["name"] for entry in entries if entry["present"]] == ["mini"]


def test_info_gives_figures_with_their_sources(soutu_command: Soutu) -> None:
    """Nobody has to believe a figure."""
    stdout = soutu_command("models", "info", "mini").stdout
    card = catalogue()["mini"]
    assert stdout.startswith(card.title)
    for figure in card.figures:
        assert f"{figure.value:.1f}  {figure.metric}  {figure.task}" in stdout
        assert f"({figure.source})" in stdout
    in_json = json.loads(soutu_command("models", "info", "mini", "--json").stdout)
    assert in_json["licence"] == card.licence


def test_unknown_model_suggests_near_ones(soutu_command: Soutu) -> None:
    """A typing mistake gets an answer, with the code for bad input."""
    result = soutu_command("models", "info", "minni")
    assert result.exit_code == 2
    assert "Did you mean mini" in result.stderr


def test_no_hub_is_a_clear_error(soutu_command: Soutu) -> None:
    """Where no hub answers, the message says what was wanted and what can be done."""
    result = soutu_command("models", "add", "clip-vit-b-32")
    assert result.exit_code == 1
    assert result.stderr.startswith("soutu: ")
    assert str(catalogue()["clip-vit-b-32"].repository) in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_folder_is_added_and_forgotten(
    soutu_command: Soutu, library: FakeLibrary, model_folder: Path
) -> None:
    """A model folder is known by its name until `rm`, and stays where it is."""
    added = soutu_command("models", "add", str(model_folder), "--name", "mine")
    assert added.exit_code == 0
    assert added.stdout.endswith("To use it: soutu models use mine\n")
    assert "mine" in soutu_command("models", "list").stdout
    removed = soutu_command("models", "rm", "mine")
    assert removed.stdout == "Deleted of mine: the model itself.\n"
    assert "mine" not in soutu_command("models", "list").stdout
    assert (model_folder / "image.onnx").is_file()


def test_use_fills_and_switches(soutu_command: Soutu, library: FakeLibrary) -> None:
    """The library is told the model and the precision."""
    library.progress = [Progress(stage="fill", done=1, total=2)]
    result = soutu_command("models", "use", "mine", "--precision", "int8")
    assert library.asked == [("use", ("mine", "int8"))]
    assert result.stdout == "Now in use: mine (int8). 2 pictures encoded with mine.\n"


def test_going_back_encodes_nothing(soutu_command: Soutu, library: FakeLibrary) -> None:
    """The vectors that are there are not told of as new ones."""
    library.spaces = [library.use_model("mine", precision="int8")]
    result = soutu_command("models", "use", "mine", "--precision", "int8")
    assert result.stdout == (
        "Now in use: mine (int8). Its vectors of 2 pictures were here already.\n"
    )


def test_use_stopped_with_ctrl_c(
    soutu_command: Soutu, library: FakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old model stays in use, and the message says how to go on."""
    library.progress = [Progress(stage="fill", done=1, total=2)]
    monkeypatch.setattr(ProgressLines, "__call__", lambda *_: os.kill(os.getpid(), signal.SIGINT))
    result = soutu_command("models", "use", "mine")
    assert (result.exit_code, result.stdout) == (130, "")
    assert "searches use the old model" in result.stderr
    assert "go on" in result.stderr


def test_rm_drops_the_vectors_too(
    soutu_command: Soutu, library: FakeLibrary, model_folder: Path
) -> None:
    """What the library holds of the model goes with it, the bundled model itself stays."""
    soutu_command("models", "add", str(model_folder), "--name", "mine")
    library.spaces = [space("mine", current=True), space("mini", current=False)]
    refused = soutu_command("models", "rm", "mine")
    assert refused.exit_code == 2
    assert "mine is the model in use" in refused.stderr
    assert soutu_command("models", "rm", "mini").stdout == "Deleted of mini: 2 vectors.\n"
    library.spaces = [space("mini", current=True), space("mine", current=False)]
    gone = soutu_command("models", "rm", "mine")
    assert gone.stdout == "Deleted of mine: 2 vectors and the model itself.\n"
    assert [each.model for each in library.spaces] == ["mini"]


def test_rm_without_a_library(soutu_command: Soutu, library: FakeLibrary) -> None:
    """No library is needed to delete a model, unless one was named; mini cannot be deleted."""
    library.exists = False
    bundled = soutu_command("models", "rm", "mini")
    assert bundled.exit_code == 2
    assert "part of soutu" in bundled.stderr
    named = soutu_command("models", "rm", "mini", "--library", "nowhere")
    assert named.exit_code == 1
    assert "no library at nowhere" in named.stderr


def test_quantize_reports_what_it_costs(
    soutu_command: Soutu, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Speed, size and cosine stand side by side with the verdict."""
    report = QuantizeReport(
        method="dynamic", cosine_mean=0.9991, cosine_min=0.985, text_cosine_min=0.99,
        speed_fp32=32.0, speed=128.0, bytes_fp32=600_000_000, bytes=150_000_000, accepted=False,
        quality_fp32={"mAP": 61.25}, quality={"mAP": 60.9},
    )  # fmt: skip
    monkeypatch.setattr(ModelStore, "quantize", lambda *_, **__: report)
    assert soutu_command("models", "quantize", "clip").stdout.splitlines() == [
        "                fp32      int8",
        "pictures/s      32.0     128.0",
        "size        600.0 MB  150.0 MB",
        "mAP             61.2      60.9",
        "cosine to fp32: mean 0.9991, least 0.9850 (texts 0.9900)",
        "Not close enough: --precision auto stays with fp32; --precision int8 forces it.",
    ]


def test_mini_has_nothing_to_quantize(soutu_command: Soutu) -> None:
    """A model that comes in int8 says so."""
    result = soutu_command("models", "quantize", "mini")
    assert (result.exit_code, "int8 only" in result.stderr) == (2, True)


def test_samples_are_the_readable_pictures_of_a_folder(tmp_path: Path) -> None:
    """Bad files are left out; a folder without pictures is refused."""
    folder = tmp_path / "samples"
    folder.mkdir()
    preprocess = Preprocess(height=8, width=8, resize=8)
    with pytest.raises(InputError, match="no readable picture"):
        read_samples(folder, preprocess)
    for name in ("a.png", "b.png"):
        Image.new("RGB", (20, 10), "red").save(folder / name)
    (folder / "bad.png").write_bytes(b"no picture")
    assert read_samples(folder, preprocess).shape == (2, 3, 8, 8)
