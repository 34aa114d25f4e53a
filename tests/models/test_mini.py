"""The bundled model: golden values, and what it loads for a text query."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from soutu.models import load_mini
from soutu.models.encoder import DualEncoder
from soutu.models.samples import sample_pictures

GOLDEN = Path(__file__).with_name("mini_golden.npz")
TEXTS = ("a cat", "猫", "a rocket launch", "text on a page", "夕阳下的海边")
"""The values were written by `tests/models/make_mini_golden.py` from the shipped files."""


@pytest.fixture(scope="module")
def mini() -> DualEncoder:
    """Open the bundled model."""
    return load_mini(threads=1)


def test_text_vectors_are_the_golden_ones(mini: DualEncoder) -> None:
    """Texts in both languages give the stored vectors."""
    with np.load(GOLDEN) as golden:
        np.testing.assert_allclose(mini.encode_texts(TEXTS), golden["texts"], atol=1e-4)


def test_image_vectors_are_the_golden_ones(mini: DualEncoder) -> None:
    """Pictures give the stored vectors; int8 kernels of other processors may round apart."""
    vectors = mini.encode_images(sample_pictures(mini.facts.preprocess, 4))
    with np.load(GOLDEN) as golden:
        cosines = np.einsum("nd,nd->n", vectors, golden["images"])
    assert cosines.min() >= 1 - 1e-4


def test_vectors_are_of_unit_length(mini: DualEncoder) -> None:
    """Both towers give unit vectors of the promised dimension."""
    images = mini.encode_images(sample_pictures(mini.facts.preprocess, 2))
    for vectors in (images, mini.encode_texts(TEXTS)):
        assert vectors.shape[1] == mini.facts.dim == 256
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_a_text_does_not_depend_on_its_batch(mini: DualEncoder) -> None:
    """Padding changes nothing."""
    among = mini.encode_texts(["a cat", "a much longer text about a cat on a red sofa"])
    np.testing.assert_allclose(among[0], mini.encode_texts(["a cat"])[0], atol=1e-5)


@pytest.mark.parametrize("text", ["", "   ", "!!!"])
def test_a_text_without_words_is_finite(mini: DualEncoder, text: str) -> None:
    """Nothing to say is no error."""
    assert np.isfinite(mini.encode_texts([text])).all()


def test_both_languages_share_the_space(mini: DualEncoder) -> None:
    """A cat is nearer to 猫 than to a rocket."""
    vectors = mini.encode_texts(TEXTS)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


def test_the_scale_is_that_of_the_card(mini: DualEncoder) -> None:
    """The map from cosine to probability is the one that was measured."""
    assert (mini.facts.scale.scale, mini.facts.scale.bias) == (14.358, -6.581)


def test_a_text_query_loads_no_picture_code() -> None:
    """Neither Pillow, the hub's client nor onnx is imported, and the image tower stays shut."""
    program = """
import json, sys
from soutu.models import load_mini
encoder = load_mini()
encoder.encode_texts(["a cat"])
heavy = {"PIL", "huggingface_hub", "onnx", "sqlalchemy", "rich"}
print(json.dumps([sorted(heavy & sys.modules.keys()), encoder._image is None]))
"""
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert json.loads(found.stdout) == [[], True]
