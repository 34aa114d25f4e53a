"""Prompts and thresholds of tags: which ones can be used, wherever they come from."""

from __future__ import annotations

import re
from numbers import Real

from soutu.errors import InputError

MAX_PROMPT = 2000
"""The most characters of a prompt; models read a few hundred at most."""

# Control characters but for the white space among them, and halves of surrogate pairs.
_NO_TEXT = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")


def check_prompt(prompt: object) -> str:
    """Return a prompt. Raises InputError for one that is empty, too long or no text."""
    if not isinstance(prompt, str) or not prompt.strip():
        raise InputError(
            f"prompt {prompt!r:.60} is no text. Write what the picture shows, as in 'a photo of a "
            "{}'"
        )
    if len(prompt) > MAX_PROMPT:
        raise InputError(
            f"prompt {prompt[:40]!r}... has {len(prompt):,} characters; at most {MAX_PROMPT:,} can "
            "be used. Write a sentence"
        )
    if found := _NO_TEXT.search(prompt):
        raise InputError(
            f"prompt {prompt[:40]!r} holds the character U+{ord(found[0]):04X}, which is no text. "
            "Take it out"
        )
    return prompt


def _is_share(number: Real) -> bool:
    return 0 <= float(number) <= 1


def check_threshold(threshold: object) -> float | None:
    """Return a threshold. Raises InputError for what is no number from 0 to 1; None is kept."""
    if threshold is None:
        return None
    if not isinstance(threshold, bool) and isinstance(threshold, Real) and _is_share(threshold):
        return float(threshold)
    raise InputError(
        f"threshold {threshold!r:.60} is no number from 0 to 1. Correct it, or leave it out so "
        "that it finds itself"
    )
