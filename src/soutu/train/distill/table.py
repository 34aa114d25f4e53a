"""Fit the token table to the places of texts, before any picture is looked at."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812 - everyone calls it that
from torch import Tensor

from soutu.train.distill import losses
from soutu.train.distill.bags import Bags
from soutu.train.distill.batches import generator
from soutu.train.distill.networks import sums
from soutu.train.distill.settings import Settings
from soutu.train.distill.vocabulary import BLANK_TOKENS

_CONTRAST, _SHARPNESS = 0.04, 20.0
_SAMPLE, _IN_PLACE = 4_096, 0.999


def first_table(taught: Bags, targets: Tensor, tokens: int) -> Tensor:
    """Place each token at the mean of the texts that hold it, short texts before long ones."""
    lengths = taught.starts.diff()
    owners = torch.repeat_interleave(torch.arange(len(lengths), device=lengths.device), lengths)
    weight = 1.0 / lengths[owners].float()
    total = torch.zeros(tokens, device=targets.device)
    total.index_add_(0, taught.ids, weight)
    table = torch.zeros(tokens, targets.shape[1], device=targets.device)
    for at in range(0, len(owners), 1 << 16):  # the texts may hold millions of tokens
        part = slice(at, at + (1 << 16))
        places = targets[owners[part]] * (weight[part] / lengths[owners[part]])[:, None]
        table.index_add_(0, taught.ids[part], places)
    return table / total.clamp(min=0.5)[:, None]


@torch.no_grad()
def in_place(table: Tensor, taught: Bags, targets: Tensor) -> bool:
    """Tell whether texts lie at their places already, so that there is nothing to fit."""
    every = max(len(taught) // _SAMPLE, 1)
    rows = torch.arange(0, len(taught), every, device=targets.device)
    cosines = (sums(table, taught.take(rows)) * targets[rows]).sum(-1)
    return bool(cosines.mean() > _IN_PLACE)


def text_loss(table: Tensor, taught: Bags, targets: Tensor, rows: Tensor) -> Tensor:
    """Pull some texts to their places, and apart from each other's."""
    found, goal = sums(table, taught.take(rows)), targets[rows]
    own = torch.arange(len(rows), device=rows.device)
    apart = F.cross_entropy(_SHARPNESS * found @ goal.T, own)
    return losses.cosine(found, goal) + _CONTRAST * apart


def fit_table(
    table: torch.nn.Parameter,
    taught: Bags,
    targets: Tensor,
    settings: Settings,
    on_step: Callable[[int], None],
) -> None:
    """Fit a table in place, with a rate that falls to zero; takes a minute or two."""
    optimizer = torch.optim.Adam([table], lr=settings.text_rate, betas=(0.9, 0.99))
    for step in range(settings.text_steps):
        for group in optimizer.param_groups:
            group["lr"] = settings.text_rate * (1 - step / settings.text_steps)
        chance = generator(settings, -step - 1)
        rows = torch.randint(len(taught), (settings.text_batch,), generator=chance)
        loss = text_loss(table, taught, targets, rows.to(table.device))
        optimizer.zero_grad()
        loss.backward()  # torch leaves it untyped
        optimizer.step()
        with torch.no_grad():
            table[:BLANK_TOKENS] = 0
        on_step(step + 1)
