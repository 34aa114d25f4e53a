"""Picture settings of the published layouts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from soutu.errors import ModelError
from soutu.models.preprocess import OPENAI_MEAN, OPENAI_STD, from_open_clip, from_transformers

PATH = Path("settings.json")
CROP = {"height": 224, "width": 224}


@pytest.mark.parametrize(
    ("config", "resize", "mode", "shape"),
    [
        ({}, 224, "shortest", (224, 224)),
        ({"size": 256, "crop_size": 224}, 256, "shortest", (224, 224)),
        ({"size": {"shortest_edge": 256}, "crop_size": CROP}, 256, "shortest", (224, 224)),
        ({"size": {"height": 384, "width": 320}}, (384, 320), "squash", (384, 320)),
        (
            {"size": {"height": 256, "width": 256}, "do_center_crop": True, "crop_size": CROP},
            (256, 256),
            "squash",
            (224, 224),
        ),
        ({"size": [224, 192]}, (224, 192), "squash", (224, 192)),
    ],
)
def test_transformers_sizes(
    config: dict[str, Any], resize: object, mode: str, shape: tuple[int, int]
) -> None:
    """Every way of writing the sizes is understood."""
    spec = from_transformers(config, PATH)
    assert (spec.resize, spec.mode, (spec.height, spec.width)) == (resize, mode, shape)


@pytest.mark.parametrize(
    ("number", "name"), [(0, "nearest"), (1, "lanczos"), (2, "bilinear"), (3, "bicubic")]
)
def test_filters_go_by_pils_numbers(number: int, name: str) -> None:
    """The number of a filter is PIL's."""
    assert from_transformers({"resample": number}, PATH).interpolation == name


def test_normalisation_defaults_to_clips() -> None:
    """What the file leaves out is OpenAI CLIP's."""
    spec = from_transformers({}, PATH)
    assert (spec.mean, spec.std) == (OPENAI_MEAN, OPENAI_STD)


def test_no_normalisation_keeps_zero_to_one() -> None:
    """Switched off, values stay as rescaling leaves them."""
    spec = from_transformers({"do_normalize": False}, PATH)
    assert (spec.mean, spec.std) == ((0, 0, 0), (1, 1, 1))


def test_no_rescaling_is_expressed_in_mean_and_std() -> None:
    """Values in 0..255 are the same as a smaller mean and std of values in 0..1."""
    config = {"do_rescale": False, "image_mean": [127.5] * 3, "image_std": [127.5] * 3}
    spec = from_transformers(config, PATH)
    assert (spec.mean, spec.std) == ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def test_open_clip_settings() -> None:
    """Squashing, one number or two, and the filter by name."""
    config = {"size": 224, "resize_mode": "squash", "interpolation": "bilinear"}
    spec = from_open_clip(config, PATH)
    assert (spec.resize, spec.mode, spec.interpolation) == ((224, 224), "squash", "bilinear")
    assert from_open_clip({"size": [336, 336]}, PATH).resize == 336


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"size": {"longest_edge": 224}}, "gives the size"),
        ({"size": "big"}, "gives the size"),
        ({"do_resize": False}, "switches resizing off"),
        ({"size": {"shortest_edge": 224}, "do_center_crop": False}, "no common size"),
        ({"resample": 9}, "resizes with 9"),
        ({"image_mean": [0.5]}, "three numbers"),
    ],
)
def test_transformers_settings_that_cannot_be_followed(config: dict[str, Any], says: str) -> None:
    """The file and the setting are named."""
    with pytest.raises(ModelError, match=rf"settings\.json.*{says}"):
        from_transformers(config, PATH)


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"resize_mode": "longest"}, "resize_mode 'longest'"),
        ({"size": [224, 336]}, "224 × 336"),
        ({"interpolation": "random"}, "resizes with 'random'"),
        ({"mean": "grey"}, "three numbers"),
    ],
)
def test_open_clip_settings_that_cannot_be_followed(config: dict[str, Any], says: str) -> None:
    """The file and the setting are named."""
    with pytest.raises(ModelError, match=rf"settings\.json.*{says}"):
        from_open_clip(config, PATH)
