"""Words to sparse vectors for BM25, made for file names, captions and OCR text in any script.

The document side carries the saturated term frequency, the engine multiplies by the rarity (IDF),
the query side is 1 for each token: the sum of the products is BM25 (Robertson and Zaragoza, "The
Probabilistic Relevance Framework: BM25 and Beyond", 2009). The average length is fixed, because an
exact one would change every stored vector with each picture that is added.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

import xxhash

K1 = 1.2
"""How fast repeating a token stops to help."""
B = 0.75
"""How much long texts are marked down."""
AVERAGE_LENGTH = 16.0
"""Tokens in a usual text: a file name with a short caption."""

# Han (all planes), kana and hangul: scripts that are searched by characters, not by spaces.
_CJK = (
    "\u3005\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\U00020000-\U000323af"
)
_CJK_RUN = re.compile(f"[{_CJK}]+")
_RUN = re.compile(f"[{_CJK}]+|[^{_CJK}]+")


def tokenize(text: str) -> list[str]:
    """Split text into folded tokens, repeats included.

    NFKC and case folding; anything but letters, marks and digits separates. Runs of CJK characters
    give each character and each pair of neighbours. Words break at camelCase and between letters
    and digits, and are kept whole beside their parts: `redDress2` gives red, dress, 2, reddress2.
    """
    tokens: list[str] = []
    for word in _words(unicodedata.normalize("NFKC", text)):
        for run in _RUN.findall(word):
            if _CJK_RUN.match(run):
                tokens.extend(run)
                tokens.extend(run[i : i + 2] for i in range(len(run) - 1))
                continue
            parts = list(_parts(run))
            tokens.extend(part.casefold() for part in parts)
            if len(parts) > 1:
                tokens.append(run.casefold())
    return tokens


def document(text: str) -> tuple[list[int], list[float]]:
    """Turn text to be found into token ids, ascending, and their BM25 weights without the IDF."""
    tokens = tokenize(text)
    norm = K1 * (1.0 - B + B * len(tokens) / AVERAGE_LENGTH)
    counts = Counter(map(token_id, tokens))
    ids = sorted(counts)
    return ids, [counts[i] * (K1 + 1.0) / (counts[i] + norm) for i in ids]


def query(text: str) -> list[int]:
    """Turn words to look for into distinct token ids, ascending."""
    return sorted({token_id(token) for token in tokenize(text)})


def token_id(token: str) -> int:
    """Hash a token to 32 bits (XXH32), the same on every machine and in every run."""
    return xxhash.xxh32_intdigest(token.encode("utf-8"))


def idf(documents: int, holding: int) -> float:
    """Weigh a token by its rarity, as Qdrant's `idf` modifier does.

    `documents` counts the texts that have any token, `holding` those that have this one.
    """
    return math.log((documents - holding + 0.5) / (holding + 0.5) + 1.0)


def _words(text: str) -> Iterator[str]:
    """Yield maximal runs of letters, marks and digits."""
    start = -1
    for i, char in enumerate(text):
        # Marks belong to words: without them Indic scripts would fall apart.
        if char.isalnum() or unicodedata.category(char)[0] == "M":
            if start < 0:
                start = i
        elif start >= 0:
            yield text[start:i]
            start = -1
    if start >= 0:
        yield text[start:]


def _parts(word: str) -> Iterator[str]:
    """Break a word between letters and digits and at camelCase humps (`HTMLFile`: HTML, File)."""
    start = 0
    for i in range(1, len(word)):
        before, here = word[i - 1], word[i]
        hump = here.isupper() and (
            before.islower() or (before.isupper() and word[i + 1 : i + 2].islower())
        )
        if hump or before.isdigit() != here.isdigit():
            yield word[start:i]
            start = i
    yield word[start:]
