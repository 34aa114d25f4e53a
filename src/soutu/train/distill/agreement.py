"""Measure a student on what was held out: does it agree with its teacher, does it find captions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - everyone calls it that
from torch import Tensor

from soutu.train.distill.bags import bags_of
from soutu.train.distill.corpus import Corpus
from soutu.train.distill.lesson import captions_of
from soutu.train.distill.networks import Student
from soutu.train.distill.settings import Settings

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

_BATCH = 64


@torch.no_grad()
def agreement(
    student: Student,
    corpus: Corpus,
    tokenizer: Tokenizer,
    settings: Settings,
    device: torch.device,
) -> dict[str, float]:
    """Return figures on held-out pictures, in percent but for `cosine`; none without any.

    `cosine` to the teacher's own vectors, where both live in one space; `top1`: how often both name
    the same word of the bank first; `label`: how often the right label comes first; `R@10`, with
    the language: how often a caption's picture is among its ten nearest.
    """
    shelves = corpus.held_out
    if not any(len(shelf.pictures) for shelf in shelves):
        return {}
    student.eval()
    vectors = torch.cat(
        [vectors_of(student, shelf.pictures, settings.size, device) for shelf in shelves]
    )
    features = torch.from_numpy(
        np.concatenate([shelf.features for shelf in shelves]).astype(np.float32)
    )
    logits = features @ torch.from_numpy(corpus.bank_weights) + torch.from_numpy(corpus.bank_bias)
    names = student.texts(bags_of(tokenizer, corpus.bank).to(device)).cpu()
    same = (vectors @ names.T).argmax(1) == logits.argmax(1)
    figures = {"top1": _percent(same)}
    if corpus.projection is not None:
        goal = F.normalize(features @ torch.from_numpy(corpus.projection), dim=-1)
        figures["cosine"] = float((vectors * goal).sum(1).mean())
    labels = torch.from_numpy(np.concatenate([shelf.labels for shelf in shelves]))
    if (known := labels >= 0).any():
        named = student.texts(bags_of(tokenizer, corpus.labels).to(device)).cpu()
        figures["label"] = _percent((vectors[known] @ named.T).argmax(1) == labels[known])
    for captions in captions_of(corpus, shelves, tokenizer, device):
        texts = student.texts(captions.bags.take(captions.rows)).cpu()
        holders, own = np.unique(captions.owners.cpu().numpy(), return_inverse=True)
        scores = texts @ vectors[holders].T
        mine = scores[torch.arange(len(own)), own]
        ranks = (scores >= mine[:, None]).sum(1)
        figures[f"R@10 {captions.language}".rstrip()] = _percent(ranks <= 10)
    return figures


@torch.no_grad()
def vectors_of(
    student: Student, pictures: NDArray[np.uint8], size: int, device: torch.device
) -> Tensor:
    """Encode square pictures uint8 [n, side, side, 3] at a size: unit vectors on the CPU."""
    student.eval()
    starts = range(0, len(pictures), _BATCH)
    parts = (sized(pictures[at : at + _BATCH], size) for at in starts)
    return torch.cat([student.image(part.to(device)).cpu() for part in parts])


def sized(pictures: NDArray[np.uint8], size: int) -> Tensor:
    """Return pictures as float [n, 3, size, size], 0 to 255, whole values."""
    pixels = torch.from_numpy(np.array(pictures)).permute(0, 3, 1, 2).float()
    if pixels.shape[-1] == size:
        return pixels
    resized = F.interpolate(
        pixels, (size, size), mode="bilinear", antialias=True, align_corners=False
    )
    return resized.round().clamp(0, 255)


def _percent(right: Tensor) -> float:
    return 100 * float(right.float().mean())
