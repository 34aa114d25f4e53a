"""Turn texts into token ids, exactly as a model's own `tokenizer.json` says."""

from __future__ import annotations

import html
import string
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from soutu.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Encoding

    from soutu.models.card import Clean
    from soutu.models.layout import TextSpec

_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_LIGATURES = "ĲĳŉǄǅǆǇǈǉǊǋǌǱǲǳﬀﬁﬂﬃﬄﬅﬆ"
_WIDTHS = "\u3000" + "".join(map(chr, range(0xFF01, 0xFFF0)))
_PLAIN = {
    **{ord(c): unicodedata.normalize("NFKC", c) for c in _LIGATURES + _WIDTHS},
    **dict.fromkeys(map(ord, "\u02bc\u2018\u2019\u201a\u201b"), "'"),
    **dict.fromkeys(map(ord, "\u201c\u201d\u201e\u201f"), '"'),
    **dict.fromkeys(map(ord, "\r\u0085\u2028\u2029"), "\n"),
    **dict.fromkeys([*range(9), 0x0B, *range(0x0E, 0x20), 0x7F, 0xFEFF], None),
}
"""Ligatures, full- and half-width forms, curled quotes, line breaks, control characters."""


@dataclass(frozen=True)
class Tokens:
    """A padded batch: token ids, attention mask and token types, each int64 [n, length]."""

    ids: NDArray[np.int64]
    mask: NDArray[np.int64]
    types: NDArray[np.int64]


def clean_text(text: str, clean: Clean) -> str:
    """Clean a text before tokenising.

    `whitespace`, `lower` and `canonicalize` are open_clip's: plain characters and single spaces,
    then lower case, then (canonicalize, after big_vision) no ASCII punctuation. `lowercase` is the
    tokenizers library's normaliser of that name, letter by letter.
    """
    if clean == "none":
        return text
    if clean == "lowercase":
        return "".join(letter.lower() for letter in text)
    text = _plain(text)
    if clean == "canonicalize":
        text = text.replace("_", " ").translate(_NO_PUNCTUATION)
    return " ".join((text if clean == "whitespace" else text.lower()).split())


def _plain(text: str) -> str:
    """Undo HTML and fancy characters as ftfy does, but for its guesses at broken encodings."""
    if "<" not in text:
        text = html.unescape(text)
    text = unicodedata.normalize("NFC", text.translate(_PLAIN))
    return html.unescape(html.unescape(text)).strip()


class TextTokenizer:
    """Tokenise texts for one model. Safe to call from many threads."""

    def __init__(self, path: Path, spec: TextSpec) -> None:
        # Imported here: a picture-only run needs no tokenizer.
        from tokenizers import Tokenizer

        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises bare Exception
            raise ModelError(f"the tokenizer {path} cannot be read: {error}") from error
        self._spec = spec
        self._pad_id = self._find_pad_id()
        self._tokenizer.no_padding()
        if spec.context_length is None:
            self._tokenizer.no_truncation()
        else:
            # Special tokens count, so the end token survives truncation.
            self._tokenizer.enable_truncation(max_length=spec.context_length)

    def __call__(self, texts: Sequence[str], *, length: int | None = None) -> Tokens:
        """Tokenise texts into one padded batch; `length` forces its second axis.

        Texts longer than the model's context keep their beginning and their end token.
        """
        # One by one: a batch call would start a thread pool that forked children trip over.
        encodings = [self._tokenizer.encode(clean_text(t, self._spec.clean)) for t in texts]
        return self._pad(encodings, length or self._batch_length(encodings))

    def _batch_length(self, encodings: Sequence[Encoding]) -> int:
        if self._spec.pad_to_context and self._spec.context_length is not None:
            return self._spec.context_length
        return max((len(encoding.ids) for encoding in encodings), default=0) or 1

    def _pad(self, encodings: Sequence[Encoding], length: int) -> Tokens:
        shape = (len(encodings), length)
        ids = np.full(shape, self._pad_id, dtype=np.int64)
        mask, types = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        for row, encoding in enumerate(encodings):
            kept = min(len(encoding.ids), length)
            where = slice(length - kept, length) if self._spec.pad_left else slice(0, kept)
            ids[row, where] = encoding.ids[:kept]
            mask[row, where] = 1
            types[row, where] = encoding.type_ids[:kept]
        return Tokens(ids, mask, types)

    def _find_pad_id(self) -> int:
        if self._spec.pad_token is not None:
            found = self._tokenizer.token_to_id(self._spec.pad_token)
            if found is not None:
                return found
        padding = self._tokenizer.padding
        return int(padding["pad_id"]) if padding else 0
