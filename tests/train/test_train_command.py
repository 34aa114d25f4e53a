"""`soutu train`: from a folder of labelled pictures to heads that a library can use."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from soutu.cli.app import app
from soutu.data import LabelledData, load
from soutu.errors import InputError
from soutu.heads import open_head
from soutu.heads.pixels import squashed
from soutu.library import open_library
from soutu.library.pixels import picture_pixels
from soutu.library.vectors import VectorCache
from soutu.train.run import Plan, with_splits

Train = Callable[..., Result]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty small pictures that are red or not and bright or not, with their labels as CSV."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    lines = ["path,red,bright"]
    for number in range(60):
        red, bright = rng.integers(0, 2, 2)
        pixels = rng.integers(60, 90, (32, 32, 3))
        pixels[:, :, 0] += 80 * red
        pixels += 80 * bright
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
        lines.append(f"{number}.png,{red},{bright}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder / "labels.csv"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home for all tests, so that pictures are encoded once."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def train(data: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Train:
    """Run `soutu train` on the data with some words more; heads go to tmp_path/out."""
    monkeypatch.setenv("SOUTU_HOME", str(home))

    def run(*words: str, data: Path = data) -> Result:
        command = ["train", str(data), "--out", str(tmp_path / "out"), *words]
        return CliRunner().invoke(app, command)

    return run


def failed(result: Result, message: str) -> None:
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert message in result.stderr


def test_labels_of_a_library_train_the_head_that_it_tags_with(
    train: Train, data: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pictures that nobody labelled are left out, and what nobody said of the others is unknown."""
    monkeypatch.setenv("SOUTU_HOME", str(home))
    where = str(tmp_path / "lib")
    labelled = load(data)
    with open_library(where, create=True) as library:
        library.add([data.parent])
        library.tags.add("red")
        library.tags.add("bright")
        names = ["red", "bright"]
        for path, row in zip(labelled.paths[:50], labelled.labels, strict=False):
            said = [name for name, value in zip(names, row, strict=True) if value]
            library.labels.set(path, yes=said, no=[] if "red" in said else set(names) - set(said))
    words = ["--library", where, "--head", "linear", "--epochs", "3"]
    found = CliRunner().invoke(app, ["train", *words, "--out", str(tmp_path / "out")])
    assert found.exit_code == 0, found.output
    head = open_head(tmp_path / "out" / "linear")
    assert head.classes_ == ("red", "bright")
    assert head.facts.data is not None
    assert (head.facts.data.name, head.facts.data.pictures) == ("lib", 50)
    with open_library(where) as library:
        library.use_head(tmp_path / "out" / "linear")
        assert [each.tags for each in library.heads()] == [("red", "bright")]
    failed(train("--head", "linear", "--library", where), "Name either DATA or --library")


def test_several_heads_make_a_table(train: Train, tmp_path: Path) -> None:
    """Each head is trained and kept; a table compares them and says what they were measured on."""
    result = train("--head", "linear", "--head", "mlp", "--epochs", "8", "--test-share", "0.2")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].split()[:3] == ["HEAD", "LOSS", "MAP"]
    assert [line.split()[:2] for line in lines[1:3]] == [["linear", "bce"], ["mlp", "bce"]]
    assert "Measured on the test pictures" in lines[3]
    assert "soutu tags use-head" in lines[4]
    for name in ("linear", "mlp"):
        head = open_head(tmp_path / "out" / name)
        assert head.classes_ == ("red", "bright")
        assert head.facts.encoder.name == "mini"
        assert head.facts.data is not None
        assert head.facts.data.pictures == 60
        assert len(head.facts.data.seen) == 8 * 48  # all but the test pictures
        assert head.facts.metrics["test mAP"] is not None
        scores = head.predict_proba(np.zeros((3, head.facts.encoder.dim), np.float32))
        assert scores.shape == (3, 2)


def test_figures_as_json(train: Train) -> None:
    """Scripts get every figure; validation is named where there is no test split."""
    result = train("--head", "linear", "--loss", "asl", "--epochs", "2", "--json")
    (found,) = json.loads(result.stdout)
    assert found["head"] == "linear"
    assert found["loss"] == "asl"
    assert found["epochs"] == 2
    assert found["measured_on"] == "val"
    assert 0 <= found["mAP"] <= 1


def test_crops_are_kept_in_the_head(train: Train, tmp_path: Path) -> None:
    """A head over crops says so, and reads six vectors a picture."""
    assert train("--head", "ml-decoder", "--epochs", "1", "--regions", "whole+crops").exit_code == 0
    head = open_head(tmp_path / "out" / "ml-decoder")
    assert head.facts.regions == "whole+crops"
    assert head.predict_proba(np.zeros((2, 6, 256), np.float32)).shape == (2, 2)


def test_resume_gives_the_same_and_refuses_other_runs(train: Train, tmp_path: Path) -> None:
    """--resume ends at the same weights; with other settings or labels it says what differs."""
    words = ("--head", "linear", "--epochs", "3")
    assert train(*words).exit_code == 0
    weights = (tmp_path / "out" / "linear" / "weights.safetensors").read_bytes()
    assert train(*words, "--resume").exit_code == 0
    assert (tmp_path / "out" / "linear" / "weights.safetensors").read_bytes() == weights
    failed(train("--head", "linear", "--epochs", "4", "--resume"), "epochs was 3 and is 4")
    failed(train(*words, "--loss", "focal", "--resume"), "loss was bce and is focal")


def test_resume_refuses_changed_labels(train: Train, data: Path, tmp_path: Path) -> None:
    """A label that changed meanwhile is other data."""
    words = ("--head", "linear", "--epochs", "1")
    assert train(*words).exit_code == 0
    lines = data.read_text().splitlines()
    lines[1] = lines[1][:-1] + ("0" if lines[1].endswith("1") else "1")
    changed = data.with_name("changed.csv")
    changed.write_text("\n".join(lines))
    failed(train(*words, "--resume", data=changed), "data was")


def test_pictures_that_cannot_be_read(train: Train, data: Path) -> None:
    """Missing pictures are an error before training, or left out where asked to."""
    broken = data.with_name("broken.csv")
    broken.write_text(data.read_text() + "missing.png,1,0\n")
    failed(train("--head", "linear", data=broken), "1 of 61 pictures cannot be read")
    assert train("--head", "linear", "--leave-out", "--epochs", "1", data=broken).exit_code == 0


def test_a_class_that_teaches_nothing(train: Train, data: Path) -> None:
    """A class that always or never holds is named before anything is encoded."""
    lines = data.read_text().splitlines()
    one_sided = data.with_name("one_sided.csv")
    one_sided.write_text("\n".join([lines[0] + ",odd", *(line + ",0" for line in lines[1:])]))
    failed(train("--head", "linear", data=one_sided), "says yes to 'odd'")


def test_folder_in_the_way(train: Train, tmp_path: Path) -> None:
    """A folder of something else is refused before training and stays as it is."""
    (tmp_path / "out" / "linear").mkdir(parents=True)
    (tmp_path / "out" / "linear" / "thesis.txt").write_text("mine")
    failed(train("--head", "linear"), "holds something that is no head")
    assert (tmp_path / "out" / "linear" / "thesis.txt").read_text() == "mine"


def test_missing_extra_names_the_command(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without torch the command says what to install."""
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr("soutu.train.find_spec", lambda name: None if name == "torch" else "here")
    result = train("--head", "linear")
    assert result.exit_code == 1
    assert "training (torch) needs" in result.stderr
    assert "pip install 'soutu[train]'" in result.stderr


def splits(given: tuple[str, ...] | None, plan: Plan, data: Path) -> set[str]:
    found = load(data)
    own = LabelledData(
        name=found.name, paths=found.paths, classes=found.classes, labels=found.labels,
        splits=given,
    )  # fmt: skip
    return set(with_splits(own, plan).splits or ())


def test_splits_are_the_datas_own_or_new(data: Path) -> None:
    """Own splits are kept; a missing validation split is taken from the training one."""
    heads = ("linear",)
    own = ("train",) * 40 + ("val",) * 10 + ("test",) * 10
    assert splits(own, Plan(heads=heads), data) == {"train", "val", "test"}
    assert splits(own, Plan(heads=heads, splits="new"), data) == {"train", "val"}
    assert splits(None, Plan(heads=heads, test_share=0.1), data) == {"train", "val", "test"}
    halves = ("train",) * 40 + ("test",) * 20
    assert splits(halves, Plan(heads=heads), data) == {"train", "val", "test"}
    with pytest.raises(InputError, match="no splits train and val"):
        splits(None, Plan(heads=heads, splits="given"), data)
    with pytest.raises(InputError, match="is left to train on"):
        splits(None, Plan(heads=heads, val_share=0.6, test_share=0.5), data)


def test_a_network_over_pixels_is_judged_but_tags_no_library(
    train: Train, data: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands in the table beside heads over vectors, and `eval tagging` reads its folder."""
    words = ["--head", "cnn", "--head", "linear", "--side", "32", "--epochs", "2"]
    result = train(*words)
    assert result.exit_code == 0, result.output
    assert [line.split()[0] for line in result.stdout.splitlines()[1:3]] == ["cnn", "linear"]
    assert str(tmp_path / "out" / "linear") in result.stdout.splitlines()[-1]
    folder = tmp_path / "out" / "cnn"
    head = open_head(folder)
    assert (head.kind, head.facts.encoder.name, head.facts.features) == ("pixels", "pixels", 3072)
    squares = picture_pixels(load(data).paths, squashed(32))
    assert squares.pixels.shape == (60, 3, 32, 32)
    scores = head.predict_proba(squares.pixels)
    judged = CliRunner().invoke(
        app, ["eval", "tagging", str(data), "--head", str(folder), "--resamples", "20", "--json"]
    )
    assert judged.exit_code == 0, judged.output
    assert "has learned from" in judged.stdout
    assert scores.shape == (60, 2)
    assert train(*words, "--resume").exit_code == 0
    assert (open_head(folder).predict_proba(squares.pixels) == scores).all()
    with pytest.raises(InputError, match=r"reads uint8 pixels \[n, 3, 32, 32\]"):
        head.predict_proba(np.zeros((1, head.facts.encoder.dim), np.float32))
    with open_library(tmp_path / "lib", create=True) as library:
        library.add([data.parent])
        with pytest.raises(InputError, match="reads pixels; a library keeps the vectors"):
            library.use_head(folder)


def test_a_network_over_pixels_alone_needs_no_vectors(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is encoded for it; it still knows which pictures it has learned from."""
    monkeypatch.setattr(VectorCache, "pictures", lambda *_, **__: pytest.fail("encoded"))
    result = train("--head", "cnn", "--side", "32", "--epochs", "1")
    assert result.exit_code == 0, result.output
    taught = open_head(tmp_path / "out" / "cnn").facts.data
    assert taught is not None
    assert taught.seen


def test_only_what_a_library_can_use_is_recommended(train: Train) -> None:
    """Crops and pixels are no vectors of whole pictures."""
    found = train("--head", "cnn", "--side", "32", "--epochs", "1")
    assert "these heads score data sets alone" in found.stdout.splitlines()[-1]
