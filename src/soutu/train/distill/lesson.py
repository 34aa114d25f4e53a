"""A corpus as tensors, ready for the steps of a training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from soutu.train.distill.bags import Bags, bags_of
from soutu.train.distill.corpus import Corpus, Shelf

if TYPE_CHECKING:
    from tokenizers import Tokenizer


@dataclass(frozen=True, eq=False)
class Captions:
    """The captions of one language; those of picture i are `rows[starts[i]:starts[i + 1]]`.

    `bags` holds all captions of the corpus; `owners` [rows] is the picture of each row.
    """

    language: str
    bags: Bags
    rows: Tensor
    starts: Tensor
    owners: Tensor

    def choose(self, numbers: Tensor, chance: torch.Generator) -> tuple[Tensor, Tensor]:
        """Choose a caption for each picture that has one: their places, and places in `rows`."""
        first, count = self.starts[numbers], self.starts[numbers + 1] - self.starts[numbers]
        drawn = torch.rand(len(numbers), generator=chance).to(numbers.device)
        having = torch.nonzero(count > 0)[:, 0]
        return having, (first + (drawn * count).long())[having]

    def take(self, rows: Tensor) -> Bags:
        """Return the captions at some places in `rows`."""
        return self.bags.take(self.rows[rows])


@dataclass(frozen=True, eq=False)
class Lesson:
    """What every step needs, on the device.

    `middle` and `spread` standardise features of a foreign teacher.
    """

    corpus: Corpus
    shelves: tuple[Shelf, ...]
    bank: Bags
    bank_weights: Tensor
    bank_bias: Tensor
    taught: Bags
    targets: Tensor
    labels: Bags | None
    captions: tuple[Captions, ...]
    projection: Tensor | None
    middle: Tensor
    spread: Tensor
    device: torch.device

    def names(self) -> Tensor:
        """Return the rows of `taught` that are no captions; all, where there is nothing else."""
        captions = set(self.corpus.captions)
        rows = [row for row, text in enumerate(self.corpus.taught) if text not in captions]
        return torch.tensor(rows or range(len(self.taught)), device=self.device)

    def goal(self, features: Tensor) -> Tensor:
        """Return what pictures' vectors, or the head's answers, are to point at."""
        if self.projection is not None:
            return torch.nn.functional.normalize(features @ self.projection, dim=-1)
        return torch.nn.functional.normalize((features - self.middle) / self.spread, dim=-1)


def lesson_of(corpus: Corpus, tokenizer: Tokenizer, device: torch.device) -> Lesson:
    """Tokenise a corpus's texts and put its arrays on the device."""
    shelves = corpus.learnt
    sample = np.concatenate([shelf.features[:: max(len(shelf.features) // 4096, 1)]
                             for shelf in shelves]).astype(np.float32)  # fmt: skip
    projection = None if corpus.projection is None else torch.from_numpy(corpus.projection)
    return Lesson(
        corpus=corpus,
        shelves=shelves,
        bank=bags_of(tokenizer, corpus.bank).to(device),
        bank_weights=torch.from_numpy(corpus.bank_weights).to(device),
        bank_bias=torch.from_numpy(corpus.bank_bias).to(device),
        taught=bags_of(tokenizer, corpus.taught).to(device),
        targets=torch.from_numpy(corpus.targets).to(device),
        labels=bags_of(tokenizer, corpus.labels).to(device) if corpus.labels else None,
        captions=captions_of(corpus, shelves, tokenizer, device),
        projection=None if projection is None else projection.to(device),
        middle=torch.from_numpy(sample.mean(0)).to(device),
        spread=torch.from_numpy(sample.std(0) + 1e-6).to(device),
        device=device,
    )


def captions_of(
    corpus: Corpus, shelves: tuple[Shelf, ...], tokenizer: Tokenizer, device: torch.device
) -> tuple[Captions, ...]:
    """Sort the captions of some shelves by language."""
    if not corpus.captions:
        return ()
    bags = bags_of(tokenizer, corpus.captions).to(device)
    rows = np.concatenate([shelf.captions for shelf in shelves])
    counts = np.concatenate([np.diff(shelf.starts) for shelf in shelves])
    owners = np.repeat(np.arange(len(counts)), counts)
    languages = np.array(corpus.languages)
    found = []
    for language in sorted(set(languages[rows])):
        kept = languages[rows] == language
        mine = np.bincount(owners[kept], minlength=len(counts))
        found.append(
            Captions(
                language=str(language),
                bags=bags,
                rows=torch.from_numpy(rows[kept]).to(device),
                starts=torch.from_numpy(np.concatenate([[0], np.cumsum(mine)])).to(device),
                owners=torch.from_numpy(owners[kept]).to(device),
            )
        )
    return tuple(found)
