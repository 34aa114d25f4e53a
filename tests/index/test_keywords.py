"""How texts become tokens, and tokens BM25 weights."""

from __future__ import annotations

import math

import pytest

from soutu.index.keywords import AVERAGE_LENGTH, document, idf, query, token_id, tokenize


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        ("--- !!! ", []),
        ("A Black cat", ["a", "black", "cat"]),
        ("IMG_2024_猫.jpg", ["img", "2024", "猫", "jpg"]),
        ("red-dress_v2.JPG", ["red", "dress", "v", "2", "v2", "jpg"]),
        ("redDress", ["red", "dress", "reddress"]),
        ("HTMLFile", ["html", "file", "htmlfile"]),
        ("DSC00123", ["dsc", "00123", "dsc00123"]),
        ("连衣裙", ["连", "衣", "裙", "连衣", "衣裙"]),
        ("猫cat狗", ["猫", "cat", "狗"]),
        ("ﾀﾜｰ", ["タ", "ワ", "ー", "タワ", "ワー"]),
        ("ＦＵＬＬ", ["full"]),
        ("Straße", ["strasse"]),
        ("cafe\u0301", ["café"]),
        ("हिन्दी फोटो", ["हिन्दी", "फोटो"]),
        ("한글 사진", ["한", "글", "한글", "사", "진", "사진"]),
        ("caf\udce9.jpg", ["caf", "jpg"]),
        ("𠮷野", ["𠮷", "野", "𠮷野"]),
        ("🐱cat🐶", ["cat"]),
    ],
)
def test_texts_become_tokens(text: str, tokens: list[str]) -> None:
    """Words are folded and split as file names need it; CJK gives characters and pairs."""
    assert tokenize(text) == tokens


def test_token_ids_never_change() -> None:
    """Stored vectors stay valid: ids are XXH32 of the UTF-8 bytes, as published for these."""
    assert token_id("") == 0x02CC5D05
    assert token_id("a") == 0x550D7456
    assert token_id("abc") == 0x32D153FF


def test_documents_saturate_and_are_length_normalised() -> None:
    """The weight is tf * (k1 + 1) / (tf + k1 * (1 - b + b * length / average))."""
    ids, weights = document("cat cat dog")

    norm = 1.2 * (1 - 0.75 + 0.75 * 3 / AVERAGE_LENGTH)
    expected = {token_id("cat"): 2 * 2.2 / (2 + norm), token_id("dog"): 2.2 / (1 + norm)}
    assert ids == sorted(expected)
    assert weights == pytest.approx([expected[i] for i in ids])


def test_queries_count_each_token_once() -> None:
    """Repeating a word does not weigh it more."""
    assert query("cat cat 猫") == sorted([token_id("cat"), token_id("猫")])


def test_rare_tokens_weigh_more() -> None:
    """The IDF is ln((N - n + 0.5) / (n + 0.5) + 1), always above 0."""
    assert idf(8, 4) == pytest.approx(math.log(2))
    assert idf(100, 1) > idf(100, 50) > idf(100, 100) > 0
