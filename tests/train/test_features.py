"""Vectors of a data set: encoded once, resumed, renewed when a file changes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from soutu.data import LabelledData
from soutu.errors import InputError
from soutu.images.decode import decode
from soutu.models import load_mini
from soutu.models.base import Encoder, EncoderFacts
from soutu.train.features import encode_data
from soutu.types import Pixels, Progress, Vectors


class Counting:
    """An encoder that counts the pictures it is given."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder, self.pictures = encoder, 0

    @property
    def facts(self) -> EncoderFacts:
        return self.encoder.facts

    def encode_images(self, pixels: Pixels) -> Vectors:
        self.pictures += len(pixels)
        return self.encoder.encode_images(pixels)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        return self.encoder.encode_texts(texts)

    def close(self) -> None:
        self.encoder.close()


@pytest.fixture(scope="module")
def mini() -> Encoder:
    return load_mini(threads=1)


@pytest.fixture
def encoder(mini: Encoder) -> Counting:
    return Counting(mini)


@pytest.fixture
def data(tmp_path: Path) -> LabelledData:
    """Twenty painted pictures of two classes."""
    rng = np.random.default_rng(0)
    paths = []
    for number in range(20):
        pixels = rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)
        paths.append(tmp_path / f"{number:02}.png")
        Image.fromarray(pixels).save(paths[-1])
    labels = (np.arange(20)[:, None] % 2 == np.arange(2)).astype(np.int8)
    return LabelledData(name="made", paths=tuple(paths), classes=("a", "b"), labels=labels)


def test_vectors_are_those_of_the_library(
    data: LabelledData, encoder: Counting, tmp_path: Path
) -> None:
    """Each row is the vector of its file, mapped from a file that a second run reads again."""
    seen: list[Progress] = []
    found = encode_data(data, encoder, tmp_path / "cache", on_progress=seen.append).require_all()
    assert isinstance(found.vectors, np.memmap)
    pixels = decode(data.paths[7], encoder.facts.preprocess).pixels
    expected = encoder.encoder.encode_images(pixels[None])[0]
    assert found.vectors[7] @ expected > 0.999  # int8 varies a little with the company
    assert (seen[-1].done, seen[-1].total) == (20, 20)
    assert encoder.pictures == 20
    again = encode_data(data, encoder, tmp_path / "cache")
    assert encoder.pictures == 20
    np.testing.assert_array_equal(again.vectors, found.vectors)


def test_crops_are_further_regions(data: LabelledData, encoder: Counting, tmp_path: Path) -> None:
    """With crops there are six vectors a picture, the whole one first."""
    whole = encode_data(data, encoder, tmp_path / "cache")
    crops = encode_data(data, encoder, tmp_path / "cache", regions="whole+crops")
    assert crops.vectors.shape == (20, 6, encoder.facts.dim)
    assert np.einsum("nd,nd->n", whole.vectors, crops.vectors[:, 0]).min() > 0.999
    assert encoder.pictures == 20 + 120


def test_a_stopped_run_goes_on(data: LabelledData, encoder: Counting, tmp_path: Path) -> None:
    """What was encoded before a stop is not encoded again."""
    stopped = encode_data(data, encoder, tmp_path / "cache", should_stop=lambda: True)
    assert stopped.stopped
    before = int(stopped.readable.sum())
    assert 0 < before < 20
    encoder.pictures = 0
    found = encode_data(data, encoder, tmp_path / "cache")
    assert found.readable.all()
    assert encoder.pictures == 20 - before


def test_changed_files_are_encoded_again(
    data: LabelledData, encoder: Counting, tmp_path: Path
) -> None:
    """A file of another time or size gets a new vector; labels do not matter."""
    found = encode_data(data, encoder, tmp_path / "cache")
    old = np.array(found.vectors[3])
    Image.new("RGB", (50, 50), "red").save(data.paths[3])
    os.utime(data.paths[4], ns=(1, 1))
    encoder.pictures = 0
    relabelled = LabelledData(
        name="made", paths=data.paths, classes=data.classes, labels=1 - data.labels
    )
    found = encode_data(relabelled, encoder, tmp_path / "cache")
    assert encoder.pictures == 2
    assert not np.allclose(found.vectors[3], old)


def test_unreadable_files_are_named(data: LabelledData, encoder: Counting, tmp_path: Path) -> None:
    """Missing and broken files are listed with the reason, and the others have vectors."""
    data.paths[2].unlink()
    data.paths[5].write_bytes(b"no picture")
    found = encode_data(data, encoder, tmp_path / "cache")
    assert [one.path for one in found.failures] == [data.paths[2], data.paths[5]]
    assert found.readable.sum() == 18
    with pytest.raises(InputError, match=r"2 of 20 pictures cannot be read: .*02\.png"):
        found.require_all()


def test_a_damaged_cache_is_made_anew(
    data: LabelledData, encoder: Counting, tmp_path: Path
) -> None:
    """A cut-off cache file costs encoding again, nothing else."""
    encode_data(data, encoder, tmp_path / "cache")
    (folder,) = (tmp_path / "cache").iterdir()
    for name in ("vectors.npy", "stamps.npy"):
        (folder / name).write_bytes(b"cut")
    assert encode_data(data, encoder, tmp_path / "cache").readable.all()
    assert encoder.pictures == 40
