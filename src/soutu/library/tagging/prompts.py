"""The texts that describe a tag to a model, and their vectors.

A tag without prompts of its own is described by several templates, whose vectors are averaged
(Radford et al. 2021, Learning Transferable Visual Models From Natural Language Supervision, §3.1.4:
prompt ensembling over the embedding space). The bare name and one phrase did as well as any longer
list with the bundled model, and a short list keeps imports of many tags fast.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from soutu.types import Tag, Vectors

ENGLISH = ("{}", "a photo of a {}")
CHINESE = ("{}", "{}图片")

_HAN = re.compile(r"[\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_CHUNK = 4096  # texts encoded at a time: tokens of 100,000 names need not exist at once


def prompt_texts(tag: Tag) -> tuple[str, ...]:
    """Return the texts that a tag is described by, each once.

    Prompts of the tag's own replace everything else; `{}` in them stands for the name. Otherwise
    the name and its aliases in the same script go through the templates of that script; aliases
    in other scripts only find the tag, since many models know no more than one.
    """
    if tag.prompts:
        return _distinct(prompt.replace("{}", tag.name) for prompt in tag.prompts)
    script = _script(tag.name)
    names = [tag.name, *(alias for alias in tag.aliases if _script(alias) == script)]
    templates = CHINESE if script == "HAN" else ENGLISH
    return _distinct(form.replace("{}", name) for name in names for form in templates)


def text_vectors(tags: Sequence[Tag], encode: Callable[[Sequence[str]], Vectors]) -> Vectors:
    """Return the vector of each tag: the unit mean [tags, dim] of its texts' unit vectors.

    `encode` turns texts into unit vectors [n, dim]; each distinct text is encoded once, a few
    thousand at a time. Where the texts of a tag cancel out, the first one stands for all.
    """
    texts = [prompt_texts(tag) for tag in tags]
    row_of: dict[str, int] = {}
    rows = [row_of.setdefault(text, len(row_of)) for each in texts for text in each]
    distinct = list(row_of)
    if not distinct:
        return np.asarray(encode([]), dtype=np.float32)
    parts = [encode(distinct[at : at + _CHUNK]) for at in range(0, len(distinct), _CHUNK)]
    vectors = np.concatenate(parts).astype(np.float32)
    counts = np.array([len(each) for each in texts])
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    means = np.add.reduceat(vectors[rows], starts, axis=0)
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    first = vectors[np.asarray(rows)[starts]]
    unit = np.where(lengths > 1e-6 * counts[:, None], means / np.maximum(lengths, 1e-12), first)
    return np.asarray(unit, dtype=np.float32)


def _script(name: str) -> str:
    """Name the script of a text: HAN if it holds any such letter, else that of its first letter."""
    if _HAN.search(name):
        return "HAN"
    letter = next((char for char in name if char.isalpha()), "")
    return unicodedata.name(letter, "").split(" ", 1)[0] if letter else ""


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))
