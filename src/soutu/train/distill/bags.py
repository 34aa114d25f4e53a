"""Texts as bags of tokens: word order does not count, so a text is the sum of its tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from tokenizers import Tokenizer


class Bags:
    """The token ids of many texts, end to end."""

    def __init__(self, ids: torch.Tensor, starts: torch.Tensor) -> None:
        self.ids = ids
        self.starts = starts

    def __len__(self) -> int:
        return len(self.starts) - 1

    def take(self, rows: torch.Tensor) -> Bags:
        """Return the bags of some texts, in that order."""
        lengths = self.starts[rows + 1] - self.starts[rows]
        starts = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
        shift = torch.repeat_interleave(self.starts[rows] - starts[:-1], lengths)
        return Bags(self.ids[torch.arange(len(shift), device=shift.device) + shift], starts)

    def to(self, device: torch.device) -> Bags:
        """Move to a device."""
        return Bags(self.ids.to(device), self.starts.to(device))


def bags_of(tokenizer: Tokenizer, texts: Sequence[str]) -> Bags:
    """Tokenise texts."""
    lists = [encoding.ids for encoding in tokenizer.encode_batch(list(texts))]
    starts = torch.tensor([0, *map(len, lists)], dtype=torch.int64).cumsum(0)
    return Bags(torch.tensor([i for ids in lists for i in ids], dtype=torch.int64), starts)
