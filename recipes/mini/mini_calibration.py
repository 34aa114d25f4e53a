"""From cosine to probability: a logistic regression on tags that captions name.

A tag holds for a held-out picture if one of its English captions has the word. Captions leave much
unsaid, so probabilities come out low rather than high.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch

from soutu.models.base import Scale
from soutu.train.distill.agreement import vectors_of
from soutu.train.distill.bags import bags_of
from soutu.train.distill.corpus import Corpus
from soutu.train.distill.networks import Student
from soutu.train.distill.settings import Settings

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

_PROMPT = "a photo of a {}"
_FEWEST = 5  # pictures that have a tag
_ROUNDS = 50
_PRIOR = 1e-6
UNCALIBRATED = Scale(scale=14.0, bias=-6.5)
"""For held-out pictures whose captions name too few tags."""


def calibrated(
    student: Student, tokenizer: Tokenizer, corpus: Corpus, tags: Sequence[str], settings: Settings
) -> Scale:
    """Fit sigmoid(scale * cosine + bias) to the tags that held-out captions name."""
    shelf = max(corpus.held_out, key=lambda each: len(each.captions), default=None)
    if shelf is None:
        return UNCALIBRATED
    said = [
        {
            word
            for row in shelf.captions[shelf.starts[picture] : shelf.starts[picture + 1]]
            if corpus.languages[row] == "en"
            for word in _words(corpus.captions[row])
        }
        for picture in range(len(shelf.pictures))
    ]
    named = np.array([[tag.lower() in words for tag in tags] for words in said])
    frequent = named.sum(axis=0) >= _FEWEST
    if not frequent.any():
        return UNCALIBRATED
    prompts = [_PROMPT.format(tag) for tag, kept in zip(tags, frequent, strict=True) if kept]
    vectors = vectors_of(student, shelf.pictures, settings.size, torch.device("cpu"))
    with torch.no_grad():
        cosines = (vectors @ student.texts(bags_of(tokenizer, prompts)).T).numpy()
    return logistic(cosines.ravel(), named[:, frequent].ravel())


def logistic(cosines: NDArray[np.float32], holds: NDArray[np.bool_]) -> Scale:
    """Fit scale and bias by Newton's method; the scale is at least 1."""
    inputs = np.stack([cosines.astype(np.float64), np.ones(len(cosines))], axis=1)
    found = np.array([10.0, -5.0])
    for _ in range(_ROUNDS):
        probability = 1 / (1 + np.exp(-(inputs @ found)))
        spread = probability * (1 - probability)
        gradient = inputs.T @ (probability - holds) / len(holds) + _PRIOR * found
        curve = (inputs * spread[:, None]).T @ inputs / len(holds) + _PRIOR * np.eye(2)
        step = np.linalg.solve(curve, gradient)
        found -= np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-9:
            break
    return Scale(scale=max(float(found[0]), 1.0), bias=float(found[1]))


def _words(caption: str) -> list[str]:
    """List the words and pairs of words of a caption, plurals without their s too."""
    words = re.findall(r"[a-z]+", caption.lower())
    words += [word[:-1] for word in words if word.endswith("s")]
    return words + [" ".join(pair) for pair in pairwise(words)]
