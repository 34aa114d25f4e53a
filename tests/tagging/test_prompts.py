"""The texts of a tag and their mean vector."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pytest

from soutu.library.tagging.prompts import prompt_texts, text_vectors
from soutu.types import Tag

if TYPE_CHECKING:
    from soutu.types import Vectors


class Words:
    """Encode each text as a random direction of its own; remember what was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.largest = 0

    def __call__(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        self.largest = max(self.largest, len(texts))
        found = np.zeros((len(texts), 16), dtype=np.float32)
        for row, text in enumerate(texts):
            found[row] = np.random.default_rng(zlib.crc32(text.encode())).standard_normal(16)
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        unit: Vectors = found / np.maximum(lengths, 1e-12)
        return unit


def test_a_tag_is_described_by_its_name_and_a_sentence() -> None:
    """Without prompts of its own a tag goes through the templates of its script."""
    assert prompt_texts(Tag(name="cat")) == ("cat", "a photo of a cat")
    assert prompt_texts(Tag(name="猫")) == ("猫", "猫图片")


def test_aliases_of_the_same_script_describe_the_tag_and_others_only_find_it() -> None:
    """An alias in another script may be in a language that the model does not know."""
    english = Tag(name="cat", aliases=("kitty", "猫", "кошка"))
    assert prompt_texts(english) == ("cat", "a photo of a cat", "kitty", "a photo of a kitty")
    chinese = Tag(name="T恤", aliases=("短袖", "t-shirt"))
    assert prompt_texts(chinese) == ("T恤", "T恤图片", "短袖", "短袖图片")


def test_own_prompts_replace_the_templates() -> None:
    """`{}` stands for the name, a prompt without it is used as it is, and each counts once."""
    prompts = ("{} on a sofa", "a sleeping animal", "cat on a sofa", "{0} {name}")
    tag = Tag(name="cat", aliases=("kitty",), prompts=prompts)
    assert prompt_texts(tag) == ("cat on a sofa", "a sleeping animal", "{0} {name}")


@pytest.mark.parametrize("name", ["2024", "❤", "{}", "a{b}c", "%s", "é", "ñandú"])
def test_any_name_has_texts_that_hold_it(name: str) -> None:
    """Digits, symbols and braces are ordinary text."""
    assert prompt_texts(Tag(name=name)) == (name, f"a photo of a {name}")


def test_a_tags_vector_is_the_unit_mean_of_its_texts() -> None:
    """The texts of a tag count alike, whatever the other tags are."""
    tags = [Tag(name="cat", aliases=("kitty",)), Tag(name="狗"), Tag(name="x", prompts=("sun",))]
    encode = Words()
    expected = [encode(prompt_texts(tag)).mean(axis=0) for tag in tags]
    found = text_vectors(tags, Words())
    assert found.dtype == np.float32
    for row, mean in zip(found, expected, strict=True):
        np.testing.assert_allclose(row, mean / np.linalg.norm(mean), atol=1e-6)


def test_each_distinct_text_is_encoded_once_and_a_few_thousand_at_a_time() -> None:
    """Importing many tags neither repeats work nor builds one giant batch."""
    encode = Words()
    tags = [Tag(name=f"tag {number % 6000}") for number in range(7000)]
    found = text_vectors(tags, encode)
    assert found.shape == (7000, 16)
    assert len(encode.asked) == len(set(encode.asked)) == 12_000
    assert encode.largest <= 4096
    np.testing.assert_array_equal(found[:1000], found[6000:])


def test_no_tags_have_no_vectors_of_the_right_shape() -> None:
    """An empty vocabulary is fine."""
    assert text_vectors([], Words()).shape == (0, 16)


def test_texts_that_cancel_out_leave_a_finite_vector() -> None:
    """Two opposite prompts have no mean direction; the first one stands."""

    def encode(texts: Sequence[str]) -> Vectors:
        return np.array([[1.0, 0.0] if text == "up" else [-1.0, 0.0] for text in texts], np.float32)

    found = text_vectors([Tag(name="x", prompts=("up", "down"))], encode)
    np.testing.assert_array_equal(found, np.array([[1.0, 0.0]], dtype=np.float32))
