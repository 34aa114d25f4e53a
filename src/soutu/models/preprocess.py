"""Read the picture settings of the published layouts into one `Preprocess`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

from soutu.errors import ModelError
from soutu.types import Interpolation, Preprocess

OPENAI_MEAN = (0.48145466, 0.4578275, 0.40821073)
OPENAI_STD = (0.26862954, 0.26130258, 0.27577711)
PIL_RESAMPLING: tuple[Interpolation, ...] = (
    "nearest",
    "lanczos",
    "bilinear",
    "bicubic",
    "box",
    "hamming",
)
"""Filters by the number that PIL gives them."""


class Size(NamedTuple):
    """Height and width in pixels."""

    height: int
    width: int


def from_transformers(config: Mapping[str, Any], path: Path) -> Preprocess:
    """Read `preprocessor_config.json` of transformers.

    Raises ModelError, naming `path`, for settings that cannot be followed.
    """
    size, shortest = _transformers_size(config.get("size", 224), path)
    crop = None
    if config.get("do_center_crop", shortest is not None):
        crop, square = _transformers_size(config.get("crop_size", 224), path)
        crop = crop or Size(square or 0, square or 0)
    if not config.get("do_resize", True):
        raise ModelError(f"{path} switches resizing off, so pictures would have no common size")
    if shortest is not None and crop is None:
        raise ModelError(
            f"{path} resizes the short side to {shortest} and crops nothing, so pictures would "
            "have no common size"
        )
    target = crop or size
    assert target is not None
    mean, std = _transformers_normalisation(config, path)
    return Preprocess(
        height=target.height,
        width=target.width,
        resize=shortest if shortest is not None else _pair(size or target),
        mode="shortest" if shortest is not None else "squash",
        interpolation=_interpolation(config.get("resample", 3), path),
        mean=mean,
        std=std,
        margin="down",
    )


def from_open_clip(config: Mapping[str, Any], path: Path) -> Preprocess:
    """Read `preprocess_cfg.json` of open_clip, as Immich ships it.

    Raises ModelError, naming `path`, for settings that cannot be followed.
    """
    size = _open_clip_size(config.get("size", 224), path)
    mode = config.get("resize_mode", "shortest")
    if mode not in {"shortest", "squash"}:
        raise ModelError(f"{path} has resize_mode {mode!r}; known are shortest and squash")
    if mode == "shortest" and size.height != size.width:
        raise ModelError(f"{path} wants {size.height} × {size.width} with resize_mode shortest")
    return Preprocess(
        height=size.height,
        width=size.width,
        resize=size.height if mode == "shortest" else _pair(size),
        mode=mode,
        interpolation=_interpolation(config.get("interpolation", "bicubic"), path),
        mean=_triple(config.get("mean", OPENAI_MEAN), path),
        std=_triple(config.get("std", OPENAI_STD), path),
    )


def _transformers_size(value: object, path: Path) -> tuple[Size | None, int | None]:
    """Return either a full size or a short side."""
    if isinstance(value, Mapping):
        if {"height", "width"} <= value.keys():
            return Size(int(value["height"]), int(value["width"])), None
        if "shortest_edge" in value:
            return None, int(value["shortest_edge"])
    elif isinstance(value, int):
        return None, value
    elif isinstance(value, Sequence) and len(value) == 2 and not isinstance(value, str):
        return Size(int(value[0]), int(value[1])), None
    raise ModelError(
        f"{path} gives the size {value!r}; known are shortest_edge, or height and width"
    )


def _pair(size: Size) -> tuple[int, int]:
    return size.height, size.width


def _open_clip_size(value: object, path: Path) -> Size:
    if isinstance(value, int):
        return Size(value, value)
    if isinstance(value, Sequence) and len(value) == 2 and not isinstance(value, str):
        return Size(int(value[0]), int(value[1]))
    raise ModelError(f"{path} gives the size {value!r}; known are one number or two")


def _transformers_normalisation(
    config: Mapping[str, Any], path: Path
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Express rescaling and normalisation as mean and std of values in 0..1."""
    mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    if config.get("do_normalize", True):
        mean = _triple(config.get("image_mean", OPENAI_MEAN), path)
        std = _triple(config.get("image_std", OPENAI_STD), path)
    factor = float(config.get("rescale_factor", 1 / 255)) if config.get("do_rescale", True) else 1.0
    unit = 255 * factor  # what a full 255 becomes
    if math.isclose(unit, 1.0, rel_tol=1e-6):
        return mean, std
    return _triple([m / unit for m in mean], path), _triple([s / unit for s in std], path)


def _interpolation(value: object, path: Path) -> Interpolation:
    if isinstance(value, int) and 0 <= value < len(PIL_RESAMPLING):
        return PIL_RESAMPLING[value]
    if isinstance(value, str) and value.lower() in PIL_RESAMPLING:
        return cast("Interpolation", value.lower())
    raise ModelError(f"{path} resizes with {value!r}; known are {', '.join(PIL_RESAMPLING)}")


def _triple(value: object, path: Path) -> tuple[float, float, float]:
    if isinstance(value, Sequence) and len(value) == 3:
        red, green, blue = (float(part) for part in value)
        return red, green, blue
    raise ModelError(f"{path} gives {value!r} where three numbers, one a channel, are needed")
