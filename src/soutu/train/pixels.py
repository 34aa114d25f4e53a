"""Heads that see pixels: a small CNN from scratch, and an image tower whose last blocks learn.

X are uint8 pixels [n, 3, height, width], such as `soutu.library.pixels` gives. What they learn
reads pixels, and so scores data sets but no library, which keeps vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from soutu.errors import InputError
from soutu.heads import PixelGraph
from soutu.heads.pixels import PIXELS
from soutu.train.classifier import TorchClassifier
from soutu.train.estimators import LinearClassifier
from soutu.train.examples import Examples
from soutu.train.loop import logits_of
from soutu.train.networks import LinearNetwork
from soutu.train.onnx import export
from soutu.train.settings import Settings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.types import Vectors


class CNN(nn.Module):
    """Convolve and pool from pixels to logits: one stage a width, each halving the sides."""

    def __init__(self, labels: int, *, widths: Sequence[int], flip: bool) -> None:
        super().__init__()
        self.flip = flip
        stages: list[nn.Module] = []
        for before, after in zip((3, *widths), widths, strict=False):
            stages += [
                nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(),
                nn.Conv2d(after, after, 3, padding=1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(),
            ]
        self.stages = nn.Sequential(*stages)
        self.answer = nn.Linear(widths[-1], labels)

    def forward(self, pixels: Tensor) -> Tensor:
        """Return logits [n, labels] of uint8 pixels; training mirrors half of the pictures."""
        values = pixels.float() / 127.5 - 1
        if self.flip and self.training:
            values = half_mirrored(values)
        found: Tensor = self.answer(self.stages(values).mean(dim=(2, 3)))
        return found


def half_mirrored(pictures: Tensor) -> Tensor:
    """Mirror half of the pictures [n, 3, height, width], as chance has it."""
    chosen = torch.rand(len(pictures)) < 0.5
    return torch.where(chosen[:, None, None, None], pictures.flip(3), pictures)


class TowerNetwork(nn.Module):
    """Put a linear head on an image tower of which only the last blocks learn.

    The tower stays in evaluation mode: statistics of its norms were learned from more pictures
    than fine-tuning sees.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        tower: nn.Module,
        head: LinearNetwork,
        *,
        mean: Sequence[float],
        std: Sequence[float],
        flip: bool = False,
    ) -> None:
        super().__init__()
        self.tower, self.head, self.flip = tower, head, flip
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1))

    def train(self, mode: bool = True) -> Self:
        """Switch the head alone."""
        super().train(mode)
        self.tower.eval()
        return self

    def vectors(self, pixels: Tensor) -> Tensor:
        """Return the tower's unit vectors [n, dim] of uint8 pixels."""
        values = (pixels.float() / 255 - self.mean) / self.std
        if self.flip and self.training:
            values = half_mirrored(values)
        found: Tensor = self.tower(values)
        return nn.functional.normalize(found, dim=-1)

    def forward(self, pixels: Tensor) -> Tensor:
        """Return logits [n, labels]."""
        found: Tensor = self.head(self.vectors(pixels))
        return found


def freeze(tower: nn.Module, blocks: int) -> None:
    """Let only the last blocks of a tower learn, and what was registered after them.

    Blocks are the children of the longest nn.ModuleList or nn.Sequential in it. Raises InputError
    for a tower without one, and for more blocks than it has.
    """
    lists = [one for one in tower.modules() if isinstance(one, nn.ModuleList | nn.Sequential)]
    longest = max(lists, key=len, default=None)
    if longest is None or not 1 <= blocks <= len(longest):
        have = 0 if longest is None else len(longest)
        msg = f"{blocks} blocks are to learn; the tower has {have} (nn.ModuleList, nn.Sequential)"
        raise InputError(msg)
    learning = False
    first = longest[len(longest) - blocks]
    for module in tower.modules():
        learning = learning or module is first
        for parameter in module.parameters(recurse=False):
            parameter.requires_grad_(learning)


@dataclass(kw_only=True)
class PixelClassifier(TorchClassifier):
    """What heads over pixels have in common."""

    def export(self, path: Path) -> None:
        """Write an ONNX graph from uint8 pixels [n, 3, height, width] to probabilities."""
        path.write_bytes(self._graph())

    def to_head(self) -> PixelGraph:
        """Return what `soutu.heads.save_head` stores. Raises InputError for pixels not square."""
        graph = self._graph()
        _, height, width = self._shape
        if height != width:
            raise InputError(f"a head reads square pictures; these are {width} x {height}")
        return PixelGraph(graph=graph, labels=len(self.classes_), side=height)

    def _graph(self) -> bytes:
        network = self.fitted()
        sample = torch.zeros((2, *self._shape), dtype=torch.uint8)
        return export(network, sample, input_name=PIXELS)

    def _check_pixels(self, inputs: NDArray[Any]) -> None:
        if inputs.ndim != 4 or inputs.shape[1] != 3 or inputs.dtype != np.uint8:
            msg = (
                f"{type(self).__name__} takes uint8 pixels [n, 3, height, width]; these are "
                f"{inputs.dtype} of the shape {inputs.shape}"
            )
            raise InputError(msg)


@dataclass(kw_only=True)
class CNNClassifier(PixelClassifier):
    """A small convolutional network with a sigmoid a label, trained end to end from pixels."""

    widths: tuple[int, ...] = (32, 64, 128, 256)
    flip: bool = True

    def _network(
        self,
        examples: Examples,
        classes: tuple[str, ...],
        text: Vectors | None,  # noqa: ARG002 - names say nothing to it
    ) -> nn.Module:
        self._check_pixels(examples.inputs)
        return CNN(len(classes), widths=self.widths, flip=self.flip)


@dataclass(kw_only=True)
class FineTunedClassifier(PixelClassifier):
    """Go on training the last blocks of an image tower, together with a linear head.

    `tower` maps normalised pixels to vectors [n, dim]; `weights` is a safetensors file to load into
    it first. The head is trained alone on the tower's vectors before the blocks learn, which harms
    what the tower knows less than training both from the start (Kumar et al. 2022, Fine-Tuning can
    Distort Pretrained Features). `probe` are the settings of that first step. `tower` itself is not
    changed; a copy learns.
    """

    tower: nn.Module
    weights: Path | None = None
    blocks: int = 1
    flip: bool = True
    mean: tuple[float, float, float] = (0.48145466, 0.4578275, 0.40821073)
    std: tuple[float, float, float] = (0.26862954, 0.26130258, 0.27577711)
    settings: Settings = field(
        default_factory=lambda: Settings(epochs=5, batch_size=32, learning_rate=3e-5)
    )
    probe: Settings = field(default_factory=Settings)

    def _network(
        self,
        examples: Examples,
        classes: tuple[str, ...],
        text: Vectors | None,  # noqa: ARG002 - names say nothing to it
    ) -> nn.Module:
        self._check_pixels(examples.inputs)
        tower = self._tower()
        freeze(tower, self.blocks)
        bare = TowerNetwork(tower, LinearNetwork(1, 1), mean=self.mean, std=self.std).eval()
        vectors = logits_of(bare.vectors, examples.inputs)
        probe = LinearClassifier(loss=self.loss, settings=self.probe)
        probe.fit(vectors, examples.labels, classes=classes)
        head = probe.fitted()
        assert isinstance(head, LinearNetwork)
        return TowerNetwork(tower, head, mean=self.mean, std=self.std, flip=self.flip)

    def tuned(self) -> nn.Module:
        """Return the tower as it is after `fit`. Raises InputError before."""
        network = self.fitted()
        assert isinstance(network, TowerNetwork)
        return network.tower

    def _tower(self) -> nn.Module:
        """Return a copy of the tower, with the weights of the file where one is named."""
        import copy

        from safetensors import SafetensorError
        from safetensors.torch import load_file

        tower = copy.deepcopy(self.tower)
        if self.weights is not None:
            try:
                tower.load_state_dict(load_file(self.weights))
            except (OSError, RuntimeError, SafetensorError) as error:
                msg = f"{self.weights} does not hold the weights of this tower: {error}"
                raise InputError(msg) from error
        return tower

    def parameters(self) -> dict[str, Any]:
        """Return all settings as JSON values; of the tower, its class."""
        return {
            "loss": self.loss,
            "tower": type(self.tower).__name__,
            "blocks": self.blocks,
            "flip": self.flip,
            "mean": list(self.mean),
            "std": list(self.std),
            "probe": asdict(self.probe),
            **asdict(self._settings()),
        }

    def _made_of(self) -> dict[str, Any]:
        # Frozen weights are hashed by the loop, the others are in the checkpoint.
        return {"head": type(self).__name__, **self.parameters()}
