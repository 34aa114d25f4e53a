"""Heads over pixels: a CNN from scratch and an image tower whose last blocks learn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]  # it ships no types
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from soutu.errors import InputError
from soutu.heads import HeadEncoder, HeadFacts, open_head, save_head
from soutu.heads.pixels import pixel_encoder, side_of
from soutu.metrics import mean_average_precision
from soutu.train.pixels import CNNClassifier, FineTunedClassifier, PixelClassifier
from soutu.train.settings import Settings

CLASSES = ("red", "bright", "left")


class Tower(nn.Module):
    """A tiny image tower with three blocks and a last norm."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 12, 4, stride=4)
        self.blocks = nn.ModuleList(nn.Linear(12, 12) for _ in range(3))
        self.norm = nn.LayerNorm(12)

    def forward(self, pixels: Tensor) -> Tensor:
        found: Tensor = self.patches(pixels).flatten(2).mean(dim=2)
        for block in self.blocks:
            found = found + torch.relu(block(found))
        answer: Tensor = self.norm(found)
        return answer


def tower(seed: int = 0) -> Tower:
    torch.manual_seed(seed)
    return Tower()


def pictures(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Paint pictures that are red or not, bright or not, and have a bar on the left or not."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, (n, 3)).astype(np.int8)
    pixels = rng.integers(60, 90, (n, 3, 16, 16))
    pixels[:, 0] += 60 * labels[:, 0, None, None]
    pixels += 50 * labels[:, 1, None, None, None]
    pixels[:, 1, :, :4] += 55 * labels[:, 2, None, None]
    return pixels.astype(np.uint8), labels


def check(head: PixelClassifier, tmp_path: Path, least: float) -> None:
    """Train a head; it must rank well, and its graph must answer as it does."""
    pixels, labels = pictures(240, 0)
    other, truth = pictures(100, 1)
    head.fit(pixels, labels, classes=CLASSES, validation=(other, truth))
    scores = head.predict_proba(other)
    assert mean_average_precision(scores, truth) > least
    head.export(tmp_path / "head.onnx")
    session = ort.InferenceSession(tmp_path / "head.onnx")
    for n in (1, 7):
        found = session.run(None, {"pixels": other[:n]})[0]
        np.testing.assert_allclose(found, scores[:n], atol=1e-4)


def test_cnn_learns_from_pixels(tmp_path: Path) -> None:
    """A small CNN learns what is in the pixels; its ONNX graph gives the same."""
    settings = Settings(epochs=6, batch_size=32, learning_rate=5e-3)
    check(CNNClassifier(widths=(8, 16), flip=False, settings=settings), tmp_path, 0.9)


def test_last_blocks_learn_and_the_first_do_not(tmp_path: Path) -> None:
    """Fine-tuning changes the last block and the norm after it; the tower given stays as it is."""
    given = tower()
    head = FineTunedClassifier(
        tower=given, settings=Settings(epochs=3, batch_size=32, learning_rate=1e-3),
        probe=Settings(epochs=5, batch_size=32, learning_rate=1e-2),
    )  # fmt: skip
    check(head, tmp_path, 0.7)
    tuned = {
        name.removeprefix("tower."): value
        for name, value in head.fitted().state_dict().items()
        if name.startswith("tower.")
    }
    original = tower().state_dict()
    changed = {name for name, value in original.items() if not torch.equal(value, tuned[name])}
    assert changed == {"blocks.2.weight", "blocks.2.bias", "norm.weight", "norm.bias"}
    assert all(torch.equal(value, original[name]) for name, value in given.state_dict().items())


def test_fine_tuning_resumes_without_the_frozen_weights(tmp_path: Path) -> None:
    """Checkpoints hold what learns; a tower with other frozen weights is refused."""
    pixels, labels = pictures(60, 0)
    settings = Settings(epochs=2, batch_size=32, learning_rate=1e-3)

    def fit(one: nn.Module, folder: Path | None) -> np.ndarray:
        head = FineTunedClassifier(tower=one, settings=settings, probe=Settings(epochs=1))
        head.fit(pixels, labels, classes=CLASSES, checkpoint=folder)
        return head.predict_proba(pixels)

    expected = fit(tower(), None)
    np.testing.assert_array_equal(fit(tower(), tmp_path), expected)
    np.testing.assert_array_equal(fit(tower(), tmp_path), expected)
    weights = (tmp_path / "epoch-2.safetensors").read_bytes()
    assert b"tower.blocks.2" in weights
    assert b"tower.blocks.1" not in weights
    with pytest.raises(InputError, match="frozen weights was"):
        fit(tower(seed=1), tmp_path)


def test_tower_weights_are_read_from_safetensors(tmp_path: Path) -> None:
    """A checkpoint of the tower gives what the module with these weights gives."""
    pixels, labels = pictures(40, 0)
    save_file(tower(seed=3).state_dict(), tmp_path / "tower.safetensors")
    once = Settings(epochs=1, batch_size=32)

    def scores(head: FineTunedClassifier) -> np.ndarray:
        return head.fit(pixels, labels, classes=CLASSES).predict_proba(pixels)

    read = FineTunedClassifier(
        tower=tower(), weights=tmp_path / "tower.safetensors", settings=once, probe=once
    )
    given = FineTunedClassifier(tower=tower(seed=3), settings=once, probe=once)
    np.testing.assert_array_equal(scores(read), scores(given))
    save_file({"other": torch.zeros(1)}, tmp_path / "tower.safetensors")
    with pytest.raises(InputError, match="does not hold the weights of this tower"):
        scores(read)


def test_what_cannot_be_trained_on_is_refused() -> None:
    """Vectors, and more blocks than there are, are refused."""
    pixels, labels = pictures(20, 0)
    with pytest.raises(InputError, match="takes uint8 pixels"):
        CNNClassifier().fit(pixels.astype(np.float32), labels, classes=CLASSES)
    with pytest.raises(InputError, match="4 blocks are to learn; the tower has 3"):
        FineTunedClassifier(tower=tower(), blocks=4).fit(pixels, labels, classes=CLASSES)


def test_a_stored_head_answers_as_the_network_does(tmp_path: Path) -> None:
    """It takes square pictures alone."""
    pixels, labels = pictures(80, 0)
    head = CNNClassifier(widths=(8, 16), settings=Settings(epochs=2, batch_size=16))
    head.fit(pixels, labels, classes=CLASSES)
    facts = HeadFacts(
        classes=CLASSES, thresholds=(0.5,) * 3, encoder=pixel_encoder(16), method="cnn"
    )
    save_head(tmp_path / "head", head.to_head(), facts)
    stored = open_head(tmp_path / "head").predict_proba(pixels)
    np.testing.assert_allclose(stored, head.predict_proba(pixels), atol=1e-4)
    wide = CNNClassifier(widths=(8,), settings=Settings(epochs=1))
    wide.fit(np.ascontiguousarray(pixels[:, :, :, :8]), labels, classes=CLASSES)
    with pytest.raises(InputError, match="square pictures; these are 8 x 16"):
        wide.to_head()
    with pytest.raises(InputError, match="reads vectors of mini and no pixels"):
        side_of(HeadEncoder(name="mini", revision="a", dim=256))
    with pytest.raises(InputError, match="768 numbers a picture"):
        save_head(tmp_path / "other", head.to_head(), replace(facts, encoder=pixel_encoder(32)))
