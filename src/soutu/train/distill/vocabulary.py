"""Build the student's tokenizer: one Unigram vocabulary for every language of its texts.

Words between spaces are tokens as they are, the most frequent first; Chinese characters stand in
runs without spaces, and are cut into words that were seen as names and pieces learnt on the runs.
What is in neither list falls apart into pieces and letters (Kudo, Subword regularization, 2018).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from soutu.errors import InputError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

UNKNOWN, SPACE = "<unk>", "▁"
BLANK_TOKENS = 2
"""The first tokens, unknown and a space of its own, say nothing: their vectors are zero."""
_HAN = re.compile(r"[\u3400-\u9fff]+")
_LONGEST_WORD = 4  # Chinese characters
_SHARE_OF_PIECES = 0.1
_ENOUGH_TO_LEARN = 1_000
_WORD, _PIECE, _LETTER = -2.0, -15.0, -18.0
"""Scores: a word's own token must cost less than any way of putting it together."""
_ROUNDS = 3


def build_tokenizer(texts: Iterable[str], *, names: Iterable[str] = (), size: int) -> Tokenizer:
    """Return a tokenizer of at most about `size` tokens for texts like these.

    `names` are texts whose Chinese runs are words of their own. Raises InputError for texts that
    hold no word.
    """
    from tokenizers import Tokenizer, models

    empty = _assembled(Tokenizer(models.Unigram([(UNKNOWN, _LETTER), (SPACE, _WORD)], 0, False)))
    words: Counter[str] = Counter()
    runs: Counter[str] = Counter()
    for text in texts:
        plain = empty.normalizer.normalize_str(text)
        runs.update(_HAN.findall(plain))
        words.update(_HAN.sub(" ", plain).split())
    named = [run for name in names for run in _HAN.findall(empty.normalizer.normalize_str(name))]
    if not words and not runs:
        raise InputError("the texts to learn from hold no word. Give a word list that has some")
    vocabulary = {UNKNOWN: _LETTER, SPACE: _WORD, **_spaced(words, size)}
    vocabulary.update(_chinese(runs, named, vocabulary, size - len(vocabulary)))
    return _assembled(Tokenizer(models.Unigram(list(vocabulary.items()), 0, False)))


def _assembled(tokenizer: Tokenizer) -> Tokenizer:
    from tokenizers import Regex, normalizers, pre_tokenizers

    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFKD(),
            normalizers.StripAccents(),
            normalizers.Lowercase(),
            normalizers.Replace(Regex(r"[^\p{L}\p{N}]+"), " "),
            normalizers.Strip(),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_HAN.pattern), "isolated"),
            pre_tokenizers.Metaspace(prepend_scheme="always", split=True),
        ]
    )
    return tokenizer


def _spaced(words: Counter[str], size: int) -> dict[str, float]:
    """Give whole words, pieces of words and letters their scores."""
    total = max(words.total(), 1)
    pieces = int(_SHARE_OF_PIECES * size)
    kept = sorted(words.items(), key=lambda one: (-one[1], one[0]))[: max(size - pieces, 0)]
    found = {f"{SPACE}{word}": math.log(count / total) + _WORD for word, count in kept}
    for piece in _learnt(sorted(words), pieces, 8):
        found.setdefault(piece, _PIECE - 1.0 / len(piece))
    for letter in sorted({letter for word in words for letter in word}):
        found.setdefault(letter, _LETTER)
    return found


def _chinese(
    runs: Counter[str], named: Sequence[str], others: dict[str, float], size: int
) -> dict[str, float]:
    """Score names, learnt pieces and characters by how often the best cut uses them."""
    if not runs:
        return {}
    from tokenizers import Tokenizer, models

    dictionary = {run for run in named if len(run) <= _LONGEST_WORD}
    learnt = _learnt(sorted(runs), max(size, 0), _LONGEST_WORD)
    pieces = {piece for piece in learnt if _HAN.fullmatch(piece)} | dictionary
    pieces |= {letter for run in runs for letter in run}
    scores = {piece: -9.0 if len(piece) > 1 else -10.5 for piece in sorted(pieces)}
    for _ in range(_ROUNDS):
        vocabulary = list({**others, **scores}.items())
        tokenizer = _assembled(Tokenizer(models.Unigram(vocabulary, 0, False)))
        counts: Counter[str] = Counter()
        for run, times in runs.items():
            for token in tokenizer.encode(run).tokens:
                counts[token] += times
        total = max(sum(counts[piece] for piece in scores), 1)
        scores = {
            piece: math.log((counts[piece] + (0.7 if piece in dictionary else 0.2)) / total)
            for piece in scores
        }
    return scores


def _learnt(texts: Sequence[str], size: int, longest: int) -> list[str]:
    """Learn pieces that many of the texts share; none from too few texts, which teach nothing."""
    if len(texts) < _ENOUGH_TO_LEARN or size < 1:
        return []
    from tokenizers import Tokenizer, models, trainers

    tokenizer = Tokenizer(models.Unigram())
    trainer = trainers.UnigramTrainer(
        vocab_size=size,
        unk_token=UNKNOWN,
        special_tokens=[UNKNOWN],
        max_piece_length=longest,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return sorted(piece for piece in tokenizer.get_vocab() if piece != UNKNOWN)
