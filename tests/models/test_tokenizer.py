"""Cleaning, truncating and padding texts."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx_models import write_tokenizer

from soutu.errors import ModelError
from soutu.models.card import Clean
from soutu.models.layout import TextSpec
from soutu.models.tokenizer import TextTokenizer, clean_text


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Write a word tokenizer with [CLS] 2 and [SEP] 3 around the words."""
    write_tokenizer(tmp_path / "tokenizer.json")
    return tmp_path / "tokenizer.json"


@pytest.mark.parametrize(
    ("clean", "expected"),
    [
        ("none", "  Café &amp;  “Bar”_\n"),
        ("lowercase", "  café &amp;  “bar”_\n"),
        ("whitespace", 'Café & "Bar"_'),
        ("lower", 'café & "bar"_'),
        ("canonicalize", "café bar"),
    ],
)
def test_cleaning(clean: Clean, expected: str) -> None:
    """Each way of cleaning does what its name says."""
    assert clean_text("  Café &amp;  “Bar”_\n", clean) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ﬁsh", "fish"),
        ("ＦＵＬＬ　ｗｉｄｔｈ", "full width"),
        ("cafe\u0301", "café"),
        ("a\u0000b\ufeff", "ab"),
        ("a &lt; b &amp;amp; c", "a < b & c"),
        ("<b> &amp; c", "<b> & c"),
        ("你好，世界！", "你好,世界!"),
    ],
)
def test_open_clips_cleaning_makes_plain_characters(text: str, expected: str) -> None:
    """Ligatures, widths, accents, control characters and HTML become plain, as ftfy does it."""
    assert clean_text(text, "lower") == expected


def test_lowercase_goes_letter_by_letter() -> None:
    """A sigma at a word's end stays the common one, as the tokenizers library has it."""
    assert clean_text("ΟΔΟΣ", "lowercase") == "οδοσ"
    assert clean_text("ΟΔΟΣ", "lower") == "οδος"


def test_the_end_token_survives_truncation(path: Path) -> None:
    """A long text keeps its beginning and its end token."""
    tokenizer = TextTokenizer(path, TextSpec(context_length=5))
    assert tokenizer(["a cat on the mat a cat"]).ids.tolist() == [[2, 4, 5, 7, 3]]


def test_texts_are_padded_to_the_context(path: Path) -> None:
    """Padding follows the text, and the mask tells it apart."""
    tokens = TextTokenizer(path, TextSpec(context_length=6))(["a cat", ""])
    assert tokens.ids.tolist() == [[2, 4, 5, 3, 0, 0], [2, 3, 0, 0, 0, 0]]
    assert tokens.mask.tolist() == [[1, 1, 1, 1, 0, 0], [1, 1, 0, 0, 0, 0]]


def test_texts_can_be_padded_to_the_longest(path: Path) -> None:
    """Where padding is masked, a batch is no longer than its longest text."""
    tokenizer = TextTokenizer(path, TextSpec(context_length=6, pad_to_context=False))
    assert tokenizer(["a", "a cat"]).ids.tolist() == [[2, 4, 3, 0], [2, 4, 5, 3]]
    assert tokenizer(["a"], length=4).ids.tolist() == [[2, 4, 3, 0]]


def test_texts_can_be_padded_on_the_left(path: Path) -> None:
    """Padding before the text."""
    tokenizer = TextTokenizer(path, TextSpec(context_length=5, pad_left=True))
    tokens = tokenizer(["a"])
    assert (tokens.ids.tolist(), tokens.mask.tolist()) == ([[0, 0, 2, 4, 3]], [[0, 0, 1, 1, 1]])


def test_the_padding_token_is_named(path: Path) -> None:
    """The settings' padding token wins, one that the tokenizer lacks is passed over."""
    named = TextTokenizer(path, TextSpec(context_length=4, pad_token="[UNK]"))
    assert named(["a"]).ids.tolist() == [[2, 4, 3, 1]]
    unknown = TextTokenizer(path, TextSpec(context_length=4, pad_token="<nothing>"))
    assert unknown(["a"]).ids.tolist() == [[2, 4, 3, 0]]


def test_a_broken_tokenizer_is_an_error(tmp_path: Path) -> None:
    """The file is named."""
    (tmp_path / "tokenizer.json").write_text("{}", "utf-8")
    with pytest.raises(ModelError, match=r"tokenizer\.json cannot be read"):
        TextTokenizer(tmp_path / "tokenizer.json", TextSpec())
