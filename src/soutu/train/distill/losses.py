"""The losses of distillation. Each takes vectors and gives one number."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - everyone calls it that
from torch import Tensor

_OWN = -1e4
"""What takes an answer out of a softmax."""
_SMOOTHING = 0.05


def cosine(found: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
    """Average 1 - cosine over rows, by `weights`; the rows of `target` are unit vectors."""
    return _mean(1 - (F.normalize(found, dim=-1) * target).sum(-1), weights)


def distribution(
    cosines: Tensor, sharpness: Tensor, teacher: Tensor, weights: Tensor | None = None
) -> Tensor:
    """Average the cross-entropy of the student's distribution over words against the teacher's.

    `cosines` [n, words] are the student's, `teacher` [n, words] probabilities; Hinton et al.,
    Distilling the knowledge in a neural network (2015).
    """
    return _mean(-(teacher * F.log_softmax(sharpness * cosines, -1)).sum(-1), weights)


def named(cosines: Tensor, sharpness: Tensor, labels: Tensor) -> Tensor:
    """Average the cross-entropy of pictures' labels [n] over all label names [n, names], smoothed.

    Szegedy et al., Rethinking the Inception architecture for computer vision (2016).
    """
    return F.cross_entropy(sharpness * cosines, labels, label_smoothing=_SMOOTHING)


def info_nce(
    images: Tensor,
    texts: Tensor,
    sharpness: Tensor,
    *,
    other_images: Tensor | None = None,
    other_texts: Tensor | None = None,
    same: Tensor | None = None,
) -> Tensor:
    """Contrast n pictures with their n captions, in both directions (van den Oord et al., 2018).

    `other_images` and `other_texts` are further wrong answers; `same` [n, other texts] marks those
    that are captions of the picture after all, which do not count.
    """
    own = torch.arange(len(images), device=images.device)
    to_text, to_image = images @ texts.T, texts @ images.T
    if other_texts is not None:
        wrong = images @ other_texts.T
        to_text = torch.cat([to_text, wrong if same is None else wrong.masked_fill(same, _OWN)], 1)
    if other_images is not None:
        to_image = torch.cat([to_image, texts @ other_images.T], 1)
    return 0.5 * (
        F.cross_entropy(sharpness * to_text, own) + F.cross_entropy(sharpness * to_image, own)
    )


def _mean(rows: Tensor, weights: Tensor | None) -> Tensor:
    return rows.mean() if weights is None else (rows * weights).sum() / weights.sum()
