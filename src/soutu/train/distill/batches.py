"""Draw the pictures of a step: the same for the same seed and step, whatever came before.

So a run that was stopped goes on with exactly the pictures that it would have seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - everyone calls it that
from torch import Tensor

from soutu.train.distill.corpus import Shelf
from soutu.train.distill.settings import Settings

TILES = 4
"""Pictures in a mosaic."""
_TILE_WEIGHT = 0.5
"""What a tile counts beside a single picture: it is smaller, but there are more of them."""
_RATIO = math.log(4 / 3)
_SATURATION, _CONTRAST, _CAST = 0.35, 0.3, 0.06
_STEPS = 1_000_003  # between the seeds of two runs, so that their steps share none


@dataclass(frozen=True, eq=False)
class Batch:
    """Pictures of one step: first the tiles of `mosaics` canvases, four each, then single ones.

    `canvases` are float [mosaics + singles, 3, side, side], 0 to 255. Of each of the n pictures
    there are the teacher's features [n, features], the label [n] (-1 for none), the number among
    all learnt pictures [n], and what it counts [n].
    """

    canvases: Tensor
    mosaics: int
    features: Tensor
    labels: Tensor
    numbers: Tensor
    weights: Tensor


def generator(settings: Settings, step: int) -> torch.Generator:
    """Return the source of all chance of one step."""
    return torch.Generator().manual_seed(settings.seed * _STEPS + step)


def draw(
    shelves: Sequence[Shelf], settings: Settings, chance: torch.Generator, device: torch.device
) -> Batch:
    """Draw and crop the pictures of a step."""
    mosaics = round(settings.mosaics * settings.batch)
    singles = settings.batch - mosaics
    side = settings.train_size
    tiles = _picks(shelves, [shelf.tiles for shelf in shelves], TILES * mosaics, chance)
    order = torch.randperm(len(tiles), generator=chance)
    tiles = tiles[order]
    whole = _picks(shelves, [shelf.share for shelf in shelves], singles, chance)
    canvases = _crops(shelves, whole, side, settings, chance, device)
    if mosaics:
        small = _crops(shelves, tiles, side // 2, settings, chance, device)
        grid = small.view(mosaics, 2, 2, 3, side // 2, side // 2).permute(0, 3, 1, 4, 2, 5)
        canvases = torch.cat([grid.reshape(mosaics, 3, side, side), canvases])
    picks = torch.cat([tiles, whole])
    weights = torch.ones(len(picks))
    weights[: len(tiles)] = _TILE_WEIGHT
    return Batch(
        canvases=canvases.contiguous(memory_format=torch.channels_last),
        mosaics=mosaics,
        features=_gathered([shelf.features for shelf in shelves], picks).float().to(device),
        labels=_gathered([shelf.labels for shelf in shelves], picks).to(device),
        numbers=(picks[:, 1] + _offsets(shelves)[picks[:, 0]]).to(device),
        weights=weights.to(device),
    )


def _offsets(shelves: Sequence[Shelf]) -> Tensor:
    """Return the number of the first picture of each shelf."""
    return torch.tensor([0, *(len(shelf.pictures) for shelf in shelves)]).cumsum(0)[:-1]


def _picks(
    shelves: Sequence[Shelf], shares: Sequence[float], count: int, chance: torch.Generator
) -> Tensor:
    """Draw pictures by the shares of their shelves: int64 [count, 2], shelf and row."""
    if not count:
        return torch.zeros(0, 2, dtype=torch.int64)
    picked = torch.multinomial(
        torch.tensor(shares, dtype=torch.float64), count, replacement=True, generator=chance
    )
    lengths = torch.tensor([len(shelf.pictures) for shelf in shelves])[picked]
    rows = (torch.rand(count, generator=chance, dtype=torch.float64) * lengths).long()
    return torch.stack([picked, rows], 1)


def _gathered(arrays: Sequence[np.ndarray], picks: Tensor) -> Tensor:
    """Take one row of the picked shelf's array for each picture."""
    out = np.empty((len(picks), *arrays[0].shape[1:]), dtype=arrays[0].dtype)
    for shelf, array in enumerate(arrays):
        chosen = (picks[:, 0] == shelf).numpy()
        if chosen.any():
            out[chosen] = array[picks[:, 1].numpy()[chosen]]
    return torch.from_numpy(out)


def _crops(
    shelves: Sequence[Shelf],
    picks: Tensor,
    side: int,
    settings: Settings,
    chance: torch.Generator,
    device: torch.device,
) -> Tensor:
    """Crop each picture at random to [n, 3, side, side], with colours changed a little."""
    count = len(picks)
    boxes = _boxes(count, settings.smallest_crop, chance)
    out = torch.empty(count, 3, side, side, device=device)
    for shelf, each in enumerate(shelves):
        chosen = torch.nonzero(picks[:, 0] == shelf)[:, 0]
        if not len(chosen):
            continue
        rows = each.pictures[picks[chosen, 1].numpy()]
        pixels = torch.from_numpy(np.ascontiguousarray(rows)).to(device)
        pixels = pixels.permute(0, 3, 1, 2).float()
        while pixels.shape[-1] >= 2 * side:  # the grid below would skip pixels
            pixels = F.avg_pool2d(pixels, 2)
        grid = F.affine_grid(
            boxes[chosen].to(device), [len(chosen), 3, side, side], align_corners=False
        )
        out[chosen.to(device)] = F.grid_sample(
            pixels, grid, mode="bilinear", padding_mode="reflection", align_corners=False
        )
    return _coloured(out, chance)


def _boxes(count: int, smallest: float, chance: torch.Generator) -> Tensor:
    """Draw boxes of at least `smallest` of the area, half of them mirrored: affine [n, 2, 3]."""
    area = _between(count, smallest, 1, chance)
    ratio = _between(count, -_RATIO, _RATIO, chance).exp()
    wide, high = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    boxes = torch.zeros(count, 2, 3)
    boxes[:, 0, 2] = (1 - wide) * _between(count, -1, 1, chance)
    boxes[:, 1, 2] = (1 - high) * _between(count, -1, 1, chance)
    mirrored = torch.randint(0, 2, (count,), generator=chance) * 2 - 1
    boxes[:, 0, 0], boxes[:, 1, 1] = wide * mirrored, high
    return boxes


def _coloured(pixels: Tensor, chance: torch.Generator) -> Tensor:
    count, device = len(pixels), pixels.device

    def factor(spread: float) -> Tensor:
        return _between(count, 1 - spread, 1 + spread, chance).view(-1, 1, 1, 1).to(device)

    grey = pixels.mean(1, keepdim=True)
    pixels = grey + (pixels - grey) * factor(_SATURATION)
    mean = pixels.mean((1, 2, 3), keepdim=True)
    pixels = mean * factor(_CONTRAST) + (pixels - mean) * factor(_CONTRAST)
    cast = 1 + _CAST * torch.randn(count, 3, 1, 1, generator=chance).to(device)
    return (pixels * cast).clamp(0, 255)


def _between(count: int, low: float, high: float, chance: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(count, generator=chance)
