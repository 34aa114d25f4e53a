"""ML-Decoder: queries that look at the regions of a picture, one answer a label.

Ridnik et al. 2023, "ML-Decoder: Scalable and Versatile Classification Head": a transformer decoder
without self-attention. A group query stands for several labels, which a small layer of its own
tells apart; text-vector queries share one layer, so that labels never trained on can be asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from soutu.train.networks import Standardise

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class QueryLayer(nn.Module):
    """Let queries attend to regions, then pass through a feed-forward layer.

    Queries are the same for every picture, so what depends on them alone is computed once.
    """

    def __init__(self, width: int, *, heads: int, feed_forward: int) -> None:
        super().__init__()
        self.heads = heads
        self.before = nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)
        self.between = nn.LayerNorm(width)
        self.feed = nn.Sequential(
            nn.Linear(width, feed_forward), nn.ReLU(), nn.Linear(feed_forward, width)
        )
        self.after = nn.LayerNorm(width)

    def forward(self, queries: Tensor, regions: Tensor) -> Tensor:
        """Return what each query found [n, queries, width] in the regions [n, regions, width]."""
        queries = self.before(queries)
        found = self.between(queries + self.out(self._attend(queries, regions)))
        answer: Tensor = self.after(found + self.feed(found))
        return answer

    def _attend(self, queries: Tensor, regions: Tensor) -> Tensor:
        """Return what each query takes [n, queries, width], or one row [n, 1, width] for all."""
        n, count, width = regions.shape
        if count == 1:  # attention to one region is that region, whatever is asked
            return functional.linear(
                regions, self.key_value.weight[width:], self.key_value.bias[width:]
            )
        each = width // self.heads
        key: Tensor
        value: Tensor
        key, value = self.key_value(regions).view(n, count, 2, self.heads, each).unbind(2)
        asked = self.query(queries).view(len(queries), self.heads, each)
        close = torch.einsum("qhe,nrhe->nhqr", asked, key) * each**-0.5
        found = torch.einsum("nhqr,nrhe->nqhe", close.softmax(dim=-1), value)
        return found.reshape(n, len(queries), width)


class GroupDecoder(nn.Module):
    """Answer for all labels with at most `groups` queries, each standing for several labels."""

    queries: Tensor

    def __init__(
        self,
        dim: int,
        labels: int,
        *,
        groups: int = 10,
        width: int = 128,
        heads: int = 4,
        feed_forward: int = 128,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        groups = min(groups, labels)
        self.labels = labels
        self.each = -(-labels // groups)
        self.standardise = Standardise(dim)
        # Dropout here and not in the layer, where drawing it for each query takes half the time.
        self.embed = nn.Sequential(nn.Linear(dim, width), nn.ReLU(), nn.Dropout(dropout))
        # Not trained, as in the paper: what follows learns to tell them apart.
        self.register_buffer("queries", torch.randn(groups, width))
        self.layer = QueryLayer(width, heads=heads, feed_forward=feed_forward)
        self.split = nn.Parameter(torch.empty(groups, width, self.each))
        nn.init.xavier_normal_(self.split)
        self.bias = nn.Parameter(torch.zeros(labels))

    def forward(self, vectors: Tensor) -> Tensor:
        """Return logits [n, labels]."""
        found = self.layer(self.queries, self.embed(as_regions(self.standardise(vectors))))
        logits = torch.einsum("nqw,qwe->nqe", found, self.split)
        return logits.flatten(1)[:, : self.labels] + self.bias


class TextDecoder(nn.Module):
    """Answer for any labels that have text vectors, trained on or not.

    `texts` [labels, k] are those trained on. The logit of a label is what the decoder finds with
    its text vector as the query, plus the product of text and picture through a learned map that
    starts as the identity: so it starts as zero-shot. This product is no part of the paper. With
    one region there is nothing to attend to, and without a product of text and picture little that
    is learned of some labels holds for others.
    """

    texts: Tensor

    def __init__(
        self,
        dim: int,
        texts: NDArray[np.float32],
        *,
        width: int = 128,
        heads: int = 4,
        feed_forward: int = 128,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.standardise = Standardise(dim)
        self.register_buffer("texts", torch.from_numpy(texts))
        self.embed = nn.Sequential(nn.Linear(dim, width), nn.ReLU(), nn.Dropout(dropout))
        self.ask = nn.Linear(texts.shape[1], width)
        self.layer = QueryLayer(width, heads=heads, feed_forward=feed_forward)
        self.answer = nn.Linear(width, 1)
        self.map = nn.Parameter(torch.eye(dim, texts.shape[1]))
        self.scale = nn.Parameter(torch.tensor(10.0))

    def forward(self, vectors: Tensor, texts: Tensor | None = None) -> Tensor:
        """Return logits [n, labels] for `texts` [labels, dim]; None asks for those trained on."""
        texts = self.texts if texts is None else texts
        # Standardised rows: entries of unit vectors are tiny beside the layer's biases.
        asked = self.ask(functional.layer_norm(texts, texts.shape[-1:]))
        regions = as_regions(vectors)
        found = self.layer(asked, self.embed(self.standardise(regions)))
        pictures = functional.normalize(regions, dim=-1) @ self.map
        close = (pictures @ functional.normalize(texts, dim=-1).T).amax(dim=1)
        logits: Tensor = self.answer(found).squeeze(-1) + self.scale * close
        return logits


def as_regions(vectors: Tensor) -> Tensor:
    """Return [n, regions, dim] for vectors [n, dim] or [n, regions, dim]."""
    return vectors[:, None] if vectors.ndim == 2 else vectors
