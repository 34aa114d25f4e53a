"""soutu against open_clip and transformers, on small random-weight models that they exported.

The values were written by `make_golden.py`, which can also compare the two live.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from parity_pictures import parity_pictures
from parity_strings import parity_strings

from soutu.images.transform import apply, normalise
from soutu.models.encoder import DualEncoder
from soutu.models.entry import folder_card
from soutu.models.layout import ModelFiles, read
from soutu.models.tokenizer import TextTokenizer

GOLDEN = Path(__file__).parent / "golden"
MODELS = ("clip", "siglip", "chinese-clip", "open-clip", "open-clip-xlm-r")


@dataclass(frozen=True)
class Subject:
    """A model folder as soutu reads it, and what its own library made of the samples."""

    files: ModelFiles
    encoder: DualEncoder
    golden: Mapping[str, NDArray[Any]]


@pytest.fixture(params=MODELS, scope="module")
def subject(request: pytest.FixtureRequest) -> Subject:
    """Open one of the exported models."""
    folder = GOLDEN / str(request.param)
    files = read(folder, folder_card(folder))
    encoder = DualEncoder(files, name=folder.name, revision="", precision="fp32")
    with np.load(folder / "golden.npz") as golden:
        return Subject(files, encoder, dict(golden))


def test_there_are_200_different_texts() -> None:
    """The texts number 200, and none is there twice."""
    assert len(set(parity_strings())) == 200


def test_tokens_are_those_of_the_reference(subject: Subject) -> None:
    """Every text becomes the same token ids, padding included."""
    tokenizer = TextTokenizer(subject.files.tokenizer, subject.files.text_spec)
    expected = subject.golden["tokens"]
    actual = tokenizer(parity_strings(), length=expected.shape[1]).ids
    same = (actual == expected).all(axis=1)
    differing = [text for text, one in zip(parity_strings(), same, strict=True) if not one]
    assert differing == []


def test_pixels_are_those_of_the_reference(subject: Subject) -> None:
    """Pictures become the same pixels within 1/255."""
    spec = subject.files.preprocess
    assert spec.std is not None
    pixels = np.stack([apply(picture, spec) for picture in parity_pictures()])
    difference = np.abs(normalise(pixels, spec) - subject.golden["pixels"])
    levels = difference * np.array(spec.std)[:, None, None] * 255
    assert levels.max() <= 1.01


def test_text_vectors_are_those_of_the_reference(subject: Subject) -> None:
    """Texts become the same vectors in fp32."""
    vectors = subject.encoder.encode_texts(parity_strings())
    assert np.einsum("nd,nd->n", vectors, subject.golden["texts"]).min() >= 0.9999


def test_image_vectors_are_those_of_the_reference(subject: Subject) -> None:
    """Pictures become the same vectors in fp32."""
    spec = subject.files.preprocess
    pixels = np.stack([apply(picture, spec) for picture in parity_pictures()])
    vectors = subject.encoder.encode_images(pixels)
    assert np.einsum("nd,nd->n", vectors, subject.golden["images"]).min() >= 0.9999


def test_vectors_do_not_depend_on_the_batch(subject: Subject) -> None:
    """A text encoded alone and among longer ones gives the same vector."""
    texts = ["a cat", *parity_strings()[:7]]
    alone = subject.encoder.encode_texts(texts[:1])
    among = subject.encoder.encode_texts(texts)[:1]
    np.testing.assert_allclose(alone, among, atol=1e-5)


def test_vectors_are_of_unit_length(subject: Subject) -> None:
    """Vectors have length one and the dimension that the facts promise."""
    vectors = subject.encoder.encode_texts(["a cat", "一只猫"])
    assert vectors.shape == (2, subject.encoder.facts.dim)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
