"""The student: a small residual net of plain convolutions, and a table of token vectors."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F  # noqa: N812 - everyone calls it that
from torch import Tensor, nn

from soutu.train.distill.bags import Bags
from soutu.train.distill.settings import Settings
from soutu.train.distill.vocabulary import BLANK_TOKENS

MEAN, STD = 118.0, 60.0
"""Of values 0 to 255, the same for every channel."""
_PLAIN_STAGES = 2
"""Stages of 3 x 3 blocks; the later ones, which are wide, have bottlenecks."""
_HOTTEST = math.log(60.0)


class Convolution(nn.Sequential):
    """Convolve, normalise over the batch, and rectify unless told not to."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, *, rectify: bool = True
    ) -> None:
        convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
        last = nn.ReLU(inplace=True) if rectify else nn.Identity()
        super().__init__(convolution, nn.BatchNorm2d(outputs), last)
        self.rectify = rectify

    def parts(self) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
        """Return the convolution and its normalisation."""
        convolution, norm = self[0], self[1]
        assert isinstance(convolution, nn.Conv2d)
        assert isinstance(norm, nn.BatchNorm2d)
        return convolution, norm


class Block(nn.Module):
    """Add what a few convolutions make of the input to it; the last starts at zero."""

    def __init__(self, *layers: Convolution) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        nn.init.zeros_(layers[-1].parts()[1].weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return a map of the same shape."""
        inner = x
        for layer in self.layers:
            inner = layer(inner)
        return F.relu(x + inner)


def plain_block(width: int) -> Block:
    """Make a block of two 3 x 3 convolutions."""
    return Block(Convolution(width, width), Convolution(width, width, rectify=False))


def bottleneck(width: int) -> Block:
    """Make a block that convolves at half its width."""
    half = width // 2
    return Block(
        Convolution(width, half, 1),
        Convolution(half, half),
        Convolution(half, width, 1, rectify=False),
    )


class ImageTower(nn.Module):
    """Pixels [n, 3, side, side], 0 to 255, to unit vectors [n, dim]; about 5.6 M parameters.

    Convolutions without groups or attention are what int8 kernels are fastest at.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        widths = settings.widths
        layers: list[nn.Module] = [Convolution(3, widths[0], 7, 4)]
        for stage, depth in enumerate(settings.depths):
            width = widths[stage + 1]
            layers.append(Convolution(widths[stage], width, 3, 2))
            make = plain_block if stage < _PLAIN_STAGES else bottleneck
            layers += [make(width) for _ in range(depth)]
        layers.append(Convolution(widths[-1], settings.last, 1))
        self.body = nn.Sequential(*layers)
        self.project = nn.Linear(settings.last, settings.dim)

    def forward(self, pixels: Tensor) -> Tensor:
        """Encode pictures."""
        pooled = self.features(pixels).mean((2, 3))
        return F.normalize(self.project(pooled), dim=-1)

    def convolutions(self) -> Iterator[Convolution]:
        """List the layers in the order of the graph."""
        return (module for module in self.body.modules() if isinstance(module, Convolution))

    def features(self, pixels: Tensor) -> Tensor:
        """Return the last layer's map [n, last, side / 32, side / 32]."""
        found: Tensor = self.body((pixels - MEAN) / STD)
        return found


class Student(nn.Module):
    """Both towers, and what only the training needs.

    A text is the sum of its tokens' vectors, turned by one matrix; being linear, the matrix is
    folded into the table in the end. `head` maps picture features to a foreign teacher's.
    """

    def __init__(self, settings: Settings, tokens: int, foreign: int | None) -> None:
        super().__init__()
        self.image = ImageTower(settings)
        self.table = nn.Parameter(torch.zeros(tokens, settings.dim))
        self.turn = nn.Parameter(torch.eye(settings.dim))
        self.head = nn.Linear(settings.last, foreign) if foreign else None
        # How sharp each softmax is: over the bank, over labels, over captions.
        self.scales = nn.Parameter(torch.full((3,), math.log(16.0)))

    def texts(self, bags: Bags) -> Tensor:
        """Return the unit vectors [n, dim] of texts."""
        return F.normalize(sums(self.table, bags) @ self.turn, dim=-1)

    def sharpness(self) -> Tensor:
        """Return the factors of the cosines in each softmax."""
        return self.scales.clamp(max=_HOTTEST).exp()

    @torch.no_grad()
    def blank(self) -> None:
        """Keep the tokens that say nothing at zero."""
        self.table[:BLANK_TOKENS] = 0


def sums(table: Tensor, bags: Bags) -> Tensor:
    """Add up the token vectors of each text: unit vectors, zeros for a text without tokens."""
    added = F.embedding_bag(bags.ids, table, bags.starts[:-1], mode="sum")
    return F.normalize(added, dim=-1)
