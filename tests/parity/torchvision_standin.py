# mypy: ignore-errors
# The reference libraries are not installed where types are checked.
"""The few names of torchvision that open_clip imports, for machines without a CPU build of it.

Only the transforms of inference are real; they do on PIL pictures what torchvision's own PIL
backend does (`Resize` of one number keeps the aspect, the long side rounded down; `CenterCrop`
rounds the margins half to even). Everything that training would use refuses to run.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from enum import Enum
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import numpy as np
import torch
from PIL import Image


class InterpolationMode(Enum):
    """PIL's filters by torchvision's names."""

    NEAREST = Image.Resampling.NEAREST
    BILINEAR = Image.Resampling.BILINEAR
    BICUBIC = Image.Resampling.BICUBIC


class Compose:
    """Run transforms one after another."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = list(transforms)

    def __call__(self, value: Any) -> Any:
        for transform in self.transforms:
            value = transform(value)
        return value


class Resize:
    """Resize a PIL picture to a short side, or to (height, width)."""

    def __init__(self, size: int | Sequence[int], interpolation: InterpolationMode) -> None:
        self.size, self.filter = size, interpolation.value

    def __call__(self, picture: Image.Image) -> Image.Image:
        if not isinstance(self.size, int):
            height, width = self.size
            return picture.resize((width, height), self.filter)
        width, height = picture.size
        short, long = min(width, height), max(width, height)
        target = (self.size, int(self.size * long / short))
        return picture.resize(target if width <= height else target[::-1], self.filter)


class CenterCrop:
    """Crop the middle (height, width) of a PIL picture."""

    def __init__(self, size: Sequence[int]) -> None:
        self.height, self.width = size

    def __call__(self, picture: Image.Image) -> Image.Image:
        left = round((picture.width - self.width) / 2.0)
        top = round((picture.height - self.height) / 2.0)
        return picture.crop((left, top, left + self.width, top + self.height))


class ToTensor:
    """Turn a PIL picture into float32 [3, height, width] in 0..1."""

    def __call__(self, picture: Image.Image) -> torch.Tensor:
        pixels = torch.from_numpy(np.array(picture.convert("RGB"), dtype=np.uint8))
        return pixels.permute(2, 0, 1).contiguous().to(torch.float32).div(255)


class Normalize:
    """Subtract a mean and divide by a standard deviation, channel by channel."""

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        self.mean = torch.tensor(mean).view(-1, 1, 1)
        self.std = torch.tensor(std).view(-1, 1, 1)

    def __call__(self, tensor: torch.Tensor) -> torch.Tensor:
        return (tensor - self.mean) / self.std


class _Training:
    """A name that only training uses."""

    def __init__(self, *_: Any, **__: Any) -> None:
        raise NotImplementedError("the stand-in for torchvision is for inference only")


def install() -> None:
    """Put the stand-in in place, unless torchvision itself is installed."""
    if find_spec("torchvision") is not None:
        return
    names: dict[str, dict[str, Any]] = {
        "torchvision": {},
        "torchvision.ops": {},
        "torchvision.ops.misc": {"FrozenBatchNorm2d": _Training},
        "torchvision.transforms.functional": {"to_tensor": ToTensor()},
        "torchvision.transforms": {
            "CenterCrop": CenterCrop,
            "ColorJitter": _Training,
            "Compose": Compose,
            "Grayscale": _Training,
            "InterpolationMode": InterpolationMode,
            "Normalize": Normalize,
            "RandomResizedCrop": _Training,
            "Resize": Resize,
            "ToTensor": ToTensor,
        },
    }
    for name, held in names.items():
        module = ModuleType(name)
        module.__spec__ = ModuleSpec(name, None)
        vars(module).update(held)
        sys.modules[name] = module
    for name in names:
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, sys.modules[name])
