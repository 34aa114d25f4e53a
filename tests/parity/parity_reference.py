# mypy: ignore-errors
# The reference libraries are not installed where types are checked.
"""Small random-weight models of the reference libraries, in the layouts that hubs publish.

Run through `make_golden.py`, in its own environment: this module needs torch, transformers and
open_clip, which soutu itself never does. open_clip wants torchvision, of which there may be no CPU
build; `torchvision_standin` then gives it the few transforms it names, over PIL, as torchvision
does them on PIL pictures.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from parity_export import (
    IMAGE,
    export_combined,
    export_text,
    export_vision,
    save,
    save_immich,
    write_json,
)
from parity_open_clip import HFTokenizer, open_clip
from parity_tokenizers import (
    CONTEXT,
    Texts,
    as_transformers,
    bert,
    gemma_like,
    simple_tokenizer,
    train_clip_bpe,
    xlm_roberta,
)
from PIL import Image

TINY = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}
TINY_IMAGE = {**TINY, "image_size": IMAGE, "patch_size": 8}


@dataclass(frozen=True)
class Reference:
    """One model as its own library runs it."""

    name: str
    write: Callable[[Path], None]
    tokens: Callable[[Texts], np.ndarray]
    texts: Callable[[Texts], np.ndarray]
    pixels: Callable[[Iterable[Image.Image]], np.ndarray]
    images: Callable[[Iterable[Image.Image]], np.ndarray]


def references(corpus: Texts) -> list[Reference]:
    """Build every reference model; tokenizers are trained on `corpus`."""
    return [
        clip(corpus),
        siglip(corpus),
        chinese_clip(corpus),
        open_clip_bpe(corpus),
        open_clip_xlm_roberta(corpus),
    ]


# --- transformers layout ---


def clip(corpus: Texts) -> Reference:
    """CLIP with byte-level BPE, two graphs."""
    torch.manual_seed(1)
    vocab, merges = train_clip_bpe(corpus)
    tokenizer = transformers.CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=CONTEXT)
    eos = tokenizer.eos_token_id
    config = transformers.CLIPConfig(
        text_config={
            **TINY,
            "vocab_size": len(tokenizer),
            "max_position_embeddings": CONTEXT,
            "eos_token_id": eos,
            "bos_token_id": tokenizer.bos_token_id,
            "pad_token_id": eos,
        },
        vision_config=TINY_IMAGE,
        projection_dim=24,
    )
    model = transformers.CLIPModel(config).eval()
    processor = transformers.CLIPImageProcessorPil(
        size={"shortest_edge": IMAGE}, crop_size={"height": IMAGE, "width": IMAGE}
    )

    def write(folder: Path) -> None:
        save(folder, tokenizer, processor, {"model_type": "clip", "projection_dim": 24})
        export_vision(
            model, "get_image_features", folder / "onnx/vision_model.onnx", "image_embeds"
        )
        export_text(model, folder / "onnx/text_model.onnx", "text_embeds")

    return _from_transformers("clip", model, tokenizer, processor, write, padding="longest")


def siglip(corpus: Texts) -> Reference:
    """SigLIP 2: Gemma-like tokenizer with byte fallback, squashed pictures, pooler outputs."""
    torch.manual_seed(2)
    tokenizer = gemma_like(corpus)
    config = transformers.SiglipConfig(
        text_config={
            **TINY,
            "vocab_size": len(tokenizer),
            "max_position_embeddings": CONTEXT,
            "projection_size": 16,
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
        },
        vision_config=TINY_IMAGE,
    )
    model = transformers.SiglipModel(config).eval()
    processor = transformers.SiglipImageProcessorPil(
        size={"height": IMAGE, "width": IMAGE}, resample=2
    )

    def write(folder: Path) -> None:
        positions = {"max_position_embeddings": CONTEXT}
        config_file = {"model_type": "siglip", "text_config": positions}
        save(folder, tokenizer, processor, config_file)
        export_vision(
            model, "get_image_features", folder / "onnx/vision_model.onnx", "pooler_output"
        )
        export_text(model, folder / "onnx/text_model.onnx", "pooler_output")

    return _from_transformers("siglip", model, tokenizer, processor, write, padding="max_length")


def chinese_clip(corpus: Texts) -> Reference:
    """Chinese-CLIP: BERT WordPiece, both towers in one graph."""
    torch.manual_seed(3)
    tokenizer = bert(corpus)
    config = transformers.ChineseCLIPConfig(
        text_config={**TINY, "vocab_size": len(tokenizer), "max_position_embeddings": 64},
        vision_config=TINY_IMAGE,
        projection_dim=24,
    )
    model = transformers.ChineseCLIPModel(config).eval()
    model.set_attn_implementation("eager")  # the others drop an all-ones mask while tracing
    processor = transformers.ChineseCLIPImageProcessorPil(
        size={"height": IMAGE, "width": IMAGE}, do_center_crop=False
    )

    def write(folder: Path) -> None:
        save(folder, tokenizer, processor, {"model_type": "chinese_clip"})
        export_combined(model, tokenizer, folder / "onnx/model.onnx")

    return _from_transformers("chinese-clip", model, tokenizer, processor, write, padding="longest")


# --- immich layout ---


def open_clip_bpe(corpus: Texts) -> Reference:
    """open_clip's CLIP: its own BPE, one text or picture a run, normalised in the graph."""
    torch.manual_seed(4)
    _, merges = train_clip_bpe(corpus)
    simple = simple_tokenizer(merges)
    fast = as_transformers(simple, model_max_length=CONTEXT)
    vision = {"image_size": IMAGE, "layers": 2, "width": 16, "head_width": 8, "patch_size": 8}
    text = {
        "context_length": CONTEXT,
        "vocab_size": len(simple.encoder),
        "width": 16,
        "heads": 2,
        "layers": 2,
    }
    model = open_clip.CLIP(embed_dim=24, vision_cfg=vision, text_cfg=text).eval()
    preprocess = {
        "size": [IMAGE, IMAGE],
        "mode": "RGB",
        "mean": list(open_clip.OPENAI_DATASET_MEAN),
        "std": list(open_clip.OPENAI_DATASET_STD),
        "interpolation": "bicubic",
        "resize_mode": "shortest",
        "fill_color": 0,
    }

    def write(folder: Path) -> None:
        config = {"embed_dim": 24, "vision_cfg": vision, "text_cfg": text}
        save_immich(folder, model, fast, config, preprocess)
        # open_clip pads with token 0; the published settings name it, the tokenizer does not.
        settings = folder / "textual/tokenizer_config.json"
        write_json(settings, {**json.loads(settings.read_text("utf-8")), "pad_token": "!"})

    return _from_open_clip("open-clip", model, simple, preprocess, write)


def open_clip_xlm_roberta(corpus: Texts) -> Reference:
    """open_clip with an XLM-RoBERTa text tower: Unigram tokenizer, squashed pictures."""
    torch.manual_seed(5)
    fast = xlm_roberta(corpus)
    scratch = Path(tempfile.mkdtemp())
    hf_config = transformers.XLMRobertaConfig(
        **TINY, vocab_size=len(fast), max_position_embeddings=CONTEXT + 2, pad_token_id=1
    )
    hf_config.save_pretrained(scratch)
    fast.save_pretrained(scratch)
    vision = {"image_size": IMAGE, "layers": 2, "width": 16, "head_width": 8, "patch_size": 8}
    text = {
        "hf_model_name": str(scratch),
        "hf_tokenizer_name": str(scratch),
        "hf_model_pretrained": False,
        "hf_pooler_type": "mean_pooler",
        "context_length": CONTEXT,
    }
    model = open_clip.CustomTextCLIP(embed_dim=24, vision_cfg=vision, text_cfg=text).eval()
    model.text.transformer.set_attn_implementation("eager")
    tokenizer = HFTokenizer(str(scratch), context_length=CONTEXT)
    shutil.rmtree(scratch)
    preprocess = {
        "size": IMAGE,
        "mean": [0.5, 0.5, 0.5],
        "std": [0.5, 0.5, 0.5],
        "interpolation": "bilinear",
        "resize_mode": "squash",
    }

    def write(folder: Path) -> None:
        config = {"embed_dim": 24, "text_cfg": {"context_length": CONTEXT}}
        save_immich(folder, model, fast, config, preprocess)

    return _from_open_clip("open-clip-xlm-r", model, tokenizer, preprocess, write)


# --- running the references ---


def _from_transformers(
    name: str,
    model: Any,
    tokenizer: Any,
    processor: Any,
    write: Callable[[Path], None],
    *,
    padding: str,
) -> Reference:
    def encode(texts: Texts, pad: str) -> Any:
        return tokenizer(
            texts, padding=pad, truncation=True, max_length=CONTEXT, return_tensors="pt"
        )

    def texts_to_vectors(texts: Texts) -> np.ndarray:
        inputs = encode(texts, padding)
        if padding == "max_length":  # SigLIP was trained without a mask
            inputs = {"input_ids": inputs["input_ids"]}
        return _unit(_tensor(model.get_text_features(**inputs)))

    def pixels(pictures: Iterable[Image.Image]) -> np.ndarray:
        return np.stack([np.asarray(processor(p)["pixel_values"][0]) for p in pictures])

    def images_to_vectors(pictures: Iterable[Image.Image]) -> np.ndarray:
        return _unit(_tensor(model.get_image_features(torch.from_numpy(pixels(pictures)))))

    return Reference(
        name=name,
        write=write,
        tokens=lambda texts: encode(texts, "max_length")["input_ids"].numpy(),
        texts=_no_grad(texts_to_vectors),
        pixels=pixels,
        images=_no_grad(images_to_vectors),
    )


def _from_open_clip(
    name: str, model: Any, tokenizer: Any, preprocess: dict[str, Any], write: Callable[[Path], None]
) -> Reference:
    transform = open_clip.image_transform(
        preprocess["size"],
        is_train=False,
        mean=tuple(preprocess["mean"]),
        std=tuple(preprocess["std"]),
        resize_mode=preprocess["resize_mode"],
        interpolation=preprocess["interpolation"],
    )

    def pixels(pictures: Iterable[Image.Image]) -> np.ndarray:
        return np.stack([transform(picture).numpy() for picture in pictures])

    return Reference(
        name=name,
        write=write,
        tokens=lambda texts: tokenizer(texts).numpy(),
        texts=_no_grad(lambda texts: model.encode_text(tokenizer(texts), normalize=True).numpy()),
        pixels=pixels,
        images=_no_grad(
            lambda pictures: model.encode_image(
                torch.from_numpy(pixels(pictures)), normalize=True
            ).numpy()
        ),
    )


def _no_grad(function: Callable[[Any], np.ndarray]) -> Callable[[Any], np.ndarray]:
    def run(value: Any) -> np.ndarray:
        with torch.no_grad():
            return function(value)

    return run


def _tensor(value: Any) -> np.ndarray:
    """Take the features out of what this version of transformers returns."""
    tensor = value if isinstance(value, torch.Tensor) else value.pooler_output
    return tensor.detach().numpy()


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
