"""Fine-tuning the image tower of the bundled model, from Python and from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from soutu.cli.app import app
from soutu.data import LabelledData, load
from soutu.errors import InputError
from soutu.models import load_mini
from soutu.models.card import MINI_FOLDER
from soutu.models.store import ModelStore
from soutu.train.distill.settings import Settings as Shape
from soutu.train.distill.start import open_start, tower_of
from soutu.train.finetune import FineTuned, FineTuning, fine_tune
from soutu.train.loop import logits_of
from soutu.train.settings import Settings

SHORT = FineTuning(blocks=1, settings=Settings(epochs=2, batch_size=8, learning_rate=1e-3))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> LabelledData:
    """Forty noisy pictures with stripes or without, and with a bright left side or without."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    lines = ["path,striped,left"]
    for number in range(40):
        striped, left = rng.integers(0, 2, 2)
        pixels = rng.integers(60, 120, (48, 64, 3))
        pixels[::8] += 100 * striped
        pixels[:, :20] += 90 * left
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
        lines.append(f"{number}.png,{striped},{left}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return load(folder / "labels.csv")


@pytest.fixture(scope="module")
def tuned(data: LabelledData, tmp_path_factory: pytest.TempPathFactory) -> FineTuned:
    """The bundled model, fine-tuned for a moment."""
    return fine_tune(data, MINI_FOLDER, tmp_path_factory.mktemp("models") / "mine", SHORT)


def test_a_tower_answers_as_its_model() -> None:
    """To what int8 rounds away."""
    pixels = np.random.default_rng(0).integers(0, 256, (4, 3, 160, 160)).astype(np.uint8)
    tower = tower_of(open_start(MINI_FOLDER), Shape())
    found = logits_of(lambda each: tower(each.float()), pixels)
    cosines = np.einsum("nd,nd->n", found, load_mini(threads=1).encode_images(pixels))
    assert cosines.min() > 0.97


def test_pictures_move_and_texts_stay(data: LabelledData, tuned: FineTuned, tmp_path: Path) -> None:
    """The folder is a model that the store takes; its config says what was done."""
    store = ModelStore(tmp_path)
    assert store.add(tuned.folder).name == "mine"
    mine, mini = store.load("mine", threads=1), load_mini(threads=1)
    assert mine.facts.revision != mini.facts.revision
    np.testing.assert_array_equal(mine.encode_texts(["a cat"]), mini.encode_texts(["a cat"]))
    pixels = np.random.default_rng(1).integers(0, 256, (2, 3, 160, 160)).astype(np.uint8)
    assert np.abs(mine.encode_images(pixels) - mini.encode_images(pixels)).max() > 0.005
    assert 0.2 < tuned.cosine < 1
    config = json.loads((tuned.folder / "config.json").read_text("utf-8"))
    said = config["fine_tuned"]
    assert (config["name"], said["base"], said["blocks"], said["epochs"]) == ("mine", "mini", 1, 2)
    assert said["data"] == {"name": "labels.csv", "digest": data.digest, "pictures": 40}
    assert said["after"] == pytest.approx(tuned.after, abs=1e-4)


def test_a_resumed_run_gives_the_same_model(
    data: LabelledData, tuned: FineTuned, tmp_path: Path
) -> None:
    """Stopped after an epoch, it ends where the unbroken one does."""

    class Interrupted(Exception):
        pass

    epochs = tmp_path / "mine.run" / "checkpoint.json"

    def interrupt(_: object) -> None:
        if epochs.exists():
            raise Interrupted

    with pytest.raises(Interrupted):
        fine_tune(data, MINI_FOLDER, tmp_path / "mine", SHORT, on_progress=interrupt)
    going_on = FineTuning(blocks=1, settings=SHORT.settings, resume=True)
    again = fine_tune(data, MINI_FOLDER, tmp_path / "mine", going_on)
    assert (again.folder / "image.onnx").read_bytes() == (tuned.folder / "image.onnx").read_bytes()


def test_what_cannot_be_fine_tuned(data: LabelledData, tmp_path: Path) -> None:
    """Each is refused before pictures are read."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.txt").write_text("x")
    with pytest.raises(InputError, match="full holds something else"):
        fine_tune(data, MINI_FOLDER, tmp_path / "full", SHORT)
    with pytest.raises(InputError, match=r"has no image\.onnx"):
        fine_tune(data, tmp_path / "full", tmp_path / "new", SHORT)
    many = FineTuning(blocks=30, settings=SHORT.settings)
    with pytest.raises(InputError, match="30 blocks are to learn; the tower has 9"):
        fine_tune(data, MINI_FOLDER, tmp_path / "new", many)
    assert not (tmp_path / "new").exists()


def test_the_command(data: LabelledData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what it gained and what comes next; heads are trained on what it made."""
    monkeypatch.setenv("SOUTU_HOME", str(tmp_path / "home"))
    file, mine = str(data.paths[0].parent / "labels.csv"), str(tmp_path / "mine")
    words = ["models", "fine-tune", file, "--out", mine, "--epochs", "1", "--blocks", "1"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0] == f"{mine}: mini fine-tuned on 40 pictures, 1 epoch, int8"
    assert lines[1].startswith("mAP of a linear head on held-out pictures: ")
    assert lines[-1] == f"To use it in a library: soutu models add {mine}"
    words = ["train", file, "--model", mine, "--head", "linear", "--epochs", "1"]
    trained = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "heads")])
    assert trained.exit_code == 0, trained.output
    for wrong, message in (
        (["models", "fine-tune", "--out", mine], "Name either DATA or --library"),
        (["models", "fine-tune", file, "--out", mine, "--model", "none"], "no model"),
    ):
        refused = CliRunner().invoke(app, wrong)
        assert refused.exit_code == 2
        assert message in refused.output
