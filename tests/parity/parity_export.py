# mypy: ignore-errors
# The reference libraries are not installed where types are checked.
"""Write reference models as ONNX, in the layouts that hubs publish."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from parity_tokenizers import CONTEXT
from torch import nn

IMAGE = 32
"""Pixels on a side of the small models' pictures."""


def save(folder: Path, tokenizer: Any, processor: Any, config: dict[str, Any]) -> None:
    """Write the settings of a folder in the transformers.js layout."""
    (folder / "onnx").mkdir(parents=True)
    tokenizer.save_pretrained(folder)
    settings = json.loads(processor.to_json_string())
    write_json(folder / "preprocessor_config.json", settings)
    write_json(folder / "config.json", config)
    keep = {"tokenizer.json", "tokenizer_config.json", "preprocessor_config.json", "config.json"}
    for path in folder.iterdir():
        if path.is_file() and path.name not in keep:
            path.unlink()


def save_immich(
    folder: Path, model: Any, tokenizer: Any, config: dict[str, Any], preprocess: dict[str, Any]
) -> None:
    """Write a whole folder in the Immich layout."""
    (folder / "visual").mkdir(parents=True)
    tokenizer.save_pretrained(folder / "textual")
    for path in (folder / "textual").iterdir():
        if path.name not in {"tokenizer.json", "tokenizer_config.json"}:
            path.unlink()
    write_json(folder / "config.json", config)
    write_json(folder / "visual/preprocess_cfg.json", preprocess)
    # Immich exports one picture and one text a run, normalised, text as int32.
    image = _Call(lambda pixels: model.encode_image(pixels, normalize=True), model)
    text = _Call(lambda ids: model.encode_text(ids.long(), normalize=True), model)
    _export(image, (torch.rand(1, 3, IMAGE, IMAGE),), folder / "visual/model.onnx", ["image"])
    ids = torch.randint(3, 20, (1, CONTEXT), dtype=torch.int32)
    ids[:, CONTEXT // 2 :] = 1  # XLM-RoBERTa's padding, so that its mask is traced
    _export(text, (ids,), folder / "textual/model.onnx", ["text"])


class _Call(nn.Module):
    """Wrap a function of a model as a module, for export."""

    def __init__(self, function: Callable[..., Any], model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.function = function
        self.eval()  # export would put a module back into the mode it was in

    def forward(self, *inputs: Any) -> Any:
        return self.function(*inputs)


def export_vision(model: Any, method: str, path: Path, output: str) -> None:
    """Write the graph of the image tower."""

    def run(pixel_values: Any) -> Any:
        value = getattr(model, method)(pixel_values)
        return value if isinstance(value, torch.Tensor) else value.pooler_output

    _export(
        _Call(run, model), (torch.rand(2, 3, IMAGE, IMAGE),), path, ["pixel_values"], output, True
    )


def export_text(model: Any, path: Path, output: str) -> None:
    """Write the graph of the text tower."""

    def run(input_ids: Any) -> Any:
        value = model.get_text_features(input_ids)
        return value if isinstance(value, torch.Tensor) else value.pooler_output

    ids = torch.randint(3, 20, (2, CONTEXT))
    _export(_Call(run, model), (ids,), path, ["input_ids"], output, True)


def export_combined(model: Any, tokenizer: Any, path: Path) -> None:
    """Write one graph with both towers, texts with a mask and types."""

    def run(input_ids: Any, token_type_ids: Any, attention_mask: Any, pixel_values: Any) -> Any:
        found = model(input_ids, pixel_values, attention_mask, token_type_ids)
        return found.logits_per_image, found.text_embeds, found.image_embeds

    tokens = tokenizer(["一只猫", "夕阳下的海边有一条狗"], padding=True, return_tensors="pt")
    inputs = (
        tokens["input_ids"],
        torch.zeros_like(tokens["input_ids"]),
        tokens["attention_mask"],
        torch.rand(2, 3, IMAGE, IMAGE),
    )
    names = ["input_ids", "token_type_ids", "attention_mask", "pixel_values"]
    axes = {name: {0: "text_batch", 1: "length"} for name in names[:3]}
    axes["pixel_values"] = {0: "image_batch"}
    torch.onnx.export(
        _Call(run, model),
        inputs,
        str(path),
        input_names=names,
        output_names=["logits_per_image", "text_embeds", "image_embeds"],
        dynamic_axes=axes,
        dynamo=False,
        opset_version=17,
    )


def _export(
    module: nn.Module,
    inputs: tuple[Any, ...],
    path: Path,
    names: list[str],
    output: str = "embedding",
    free: bool = False,
) -> None:
    length = {} if len(inputs[0].shape) != 2 else {1: "length"}
    axes = {names[0]: {0: "batch", **length}, output: {0: "batch"}} if free else None
    torch.onnx.export(
        module,
        inputs,
        str(path),
        input_names=names,
        output_names=[output],
        dynamic_axes=axes,
        dynamo=False,
        opset_version=17,
    )


def write_json(path: Path, value: Any) -> None:
    """Write a settings file."""
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", "utf-8")
