"""Losses by known answers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from soutu.errors import InputError
from soutu.train.losses import ASL, Focal, Loss, WeightedBCE, bce, class_weights, loss_of

LOSSES: list[Loss] = [bce, WeightedBCE(torch.tensor([1.0, 2.0, 5.0])), Focal(), ASL()]


@pytest.fixture
def logits() -> torch.Tensor:
    return torch.randn(40, 3, generator=torch.Generator().manual_seed(0)) * 4


@pytest.fixture
def labels() -> torch.Tensor:
    return torch.randint(-1, 2, (40, 3), generator=torch.Generator().manual_seed(1))


def known(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    entries = functional.binary_cross_entropy_with_logits(
        logits, labels.float().clamp(min=0), reduction="none"
    )
    return entries * (labels >= 0)


@pytest.mark.parametrize("loss", LOSSES)
def test_unknown_labels_have_no_gradient(
    loss: Loss, logits: torch.Tensor, labels: torch.Tensor
) -> None:
    """An unknown label gives no loss and no gradient; every known one gives some."""
    logits = (logits / 4 + 1).requires_grad_()
    entries = loss(logits, labels)
    entries.sum().backward()
    assert logits.grad is not None
    unknown = labels < 0
    assert torch.all(entries[unknown] == 0)
    assert torch.all(logits.grad[unknown] == 0)
    assert torch.any(logits.grad[~unknown] != 0)


def test_infinite_logits_of_unknown_labels_do_no_harm() -> None:
    """A masked entry has gradient 0 even where its own loss would overflow."""
    logits = torch.tensor([[1e38, 0.5]], requires_grad=True)
    for loss in LOSSES[2:]:
        (grad,) = torch.autograd.grad(loss(logits, torch.tensor([[-1, 1]])).sum(), logits)
        assert torch.isfinite(grad).all()


@pytest.mark.parametrize(
    "loss",
    [bce, Focal(gamma=0), ASL(gamma_yes=0, gamma_no=0, margin=0), WeightedBCE(torch.ones(3))],
)
def test_plain_settings_give_cross_entropy(
    loss: Loss, logits: torch.Tensor, labels: torch.Tensor
) -> None:
    """Focal with gamma 0, ASL with no gamma and no margin and equal weights are all BCE."""
    torch.testing.assert_close(loss(logits, labels), known(logits, labels))


def test_asl_follows_its_formula() -> None:
    """ASL equals the formula of the paper, written out."""
    logits = torch.tensor([[0.7, -1.2]])
    p = torch.sigmoid(logits)
    q = (p - 0.05).clamp(min=0)
    expected = torch.stack(
        [
            -((1 - p[0, 0]) ** 1) * torch.log(p[0, 0]),
            -(q[0, 1] ** 4) * torch.log(1 - q[0, 1]),
        ]
    )
    entries = ASL(gamma_yes=1, gamma_no=4, margin=0.05)(logits, torch.tensor([[1, 0]]))
    torch.testing.assert_close(entries[0], expected)


def test_asl_drops_very_easy_negatives() -> None:
    """A no that is as sure as the margin gives no gradient."""
    logits = torch.tensor([[-6.0]], requires_grad=True)
    ASL()(logits, torch.tensor([[0]])).sum().backward()
    assert logits.grad is not None
    assert logits.grad.item() == 0


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_are_finite_far_out(loss: Loss) -> None:
    """Very wrong answers give finite losses and gradients."""
    logits = torch.tensor([[80.0, -80.0, 30.0]], requires_grad=True)
    entries = loss(logits, torch.tensor([[0, 1, 0]]))
    entries.sum().backward()
    assert logits.grad is not None
    assert torch.isfinite(entries).all()
    assert torch.isfinite(logits.grad).all()


def test_class_weights_count_known_labels() -> None:
    """A class weighs its known no's per yes, within limits."""
    labels = np.array([[1, 0, 1], [0, 0, 1], [0, -1, 1], [0, 0, -1]], np.int8)
    np.testing.assert_array_equal(class_weights(labels), [3, 3, 1])


def test_unknown_loss_is_refused() -> None:
    """A loss by a wrong name names the right ones."""
    with pytest.raises(InputError, match=r"'hinge'.*weighted-bce"):
        loss_of("hinge", np.zeros((1, 1), np.int8))
