"""Small random-weight models of the reference libraries, in the layouts that hubs publish.

Run through `make_golden.py`, in its own environment: this module needs torch, transformers and
open_clip, which soutu itself never does. open_clip wants torchvision, of which there may be no CPU
build; `torchvision_standin` then gives it the few transforms it names, over PIL, as torchvision
does them on PIL pictures.
"""

from __future__ import annotations

import gzip
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
from PIL import Image
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers.trainers import BpeTrainer, UnigramTrainer, WordPieceTrainer
from torch import nn

import torchvision_standin

torchvision_standin.install()

import open_clip  # noqa: E402 - only after the stand-in
from open_clip.tokenizer import SimpleTokenizer  # noqa: E402

IMAGE = 32
CONTEXT = 24
TINY = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}
TINY_IMAGE = {**TINY, "image_size": IMAGE, "patch_size": 8}
Texts = list[str]


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
        _save(folder, tokenizer, processor, {"model_type": "clip", "projection_dim": 24})
        _export_vision(
            model, "get_image_features", folder / "onnx/vision_model.onnx", "image_embeds"
        )
        _export_text(model, folder / "onnx/text_model.onnx", "text_embeds")

    return _from_transformers("clip", model, tokenizer, processor, write, padding="longest")


def siglip(corpus: Texts) -> Reference:
    """SigLIP 2: Gemma-like tokenizer with byte fallback, squashed pictures, pooler outputs."""
    torch.manual_seed(2)
    tokenizer = _gemma_like(corpus)
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
        _save(folder, tokenizer, processor, config_file)
        _export_vision(
            model, "get_image_features", folder / "onnx/vision_model.onnx", "pooler_output"
        )
        _export_text(model, folder / "onnx/text_model.onnx", "pooler_output")

    return _from_transformers("siglip", model, tokenizer, processor, write, padding="max_length")


def chinese_clip(corpus: Texts) -> Reference:
    """Chinese-CLIP: BERT WordPiece, both towers in one graph."""
    torch.manual_seed(3)
    tokenizer = _bert(corpus)
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
        _save(folder, tokenizer, processor, {"model_type": "chinese_clip"})
        _export_combined(model, tokenizer, folder / "onnx/model.onnx")

    return _from_transformers("chinese-clip", model, tokenizer, processor, write, padding="longest")


# --- immich layout ---


def open_clip_bpe(corpus: Texts) -> Reference:
    """open_clip's CLIP: its own BPE, one text or picture a run, normalised in the graph."""
    torch.manual_seed(4)
    _, merges = train_clip_bpe(corpus)
    simple = _simple_tokenizer(merges)
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
        _save_immich(folder, model, fast, config, preprocess)
        # open_clip pads with token 0; the published settings name it, the tokenizer does not.
        settings = folder / "textual/tokenizer_config.json"
        _json(settings, {**json.loads(settings.read_text("utf-8")), "pad_token": "!"})

    return _from_open_clip("open-clip", model, simple, preprocess, write)


def open_clip_xlm_roberta(corpus: Texts) -> Reference:
    """open_clip with an XLM-RoBERTa text tower: Unigram tokenizer, squashed pictures."""
    torch.manual_seed(5)
    fast = _xlm_roberta(corpus)
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
    tokenizer = open_clip.tokenizer.HFTokenizer(str(scratch), context_length=CONTEXT)
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
        _save_immich(folder, model, fast, config, preprocess)

    return _from_open_clip("open-clip-xlm-r", model, tokenizer, preprocess, write)


# --- tokenizers, trained on our own texts ---


def train_clip_bpe(corpus: Texts) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Train merges of CLIP's form (`</w>` ends a word) and number them as open_clip does."""
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    pattern = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), "removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    alphabet = list(open_clip.tokenizer.bytes_to_unicode().values())
    trainer = BpeTrainer(
        vocab_size=1400, end_of_word_suffix="</w>", initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(corpus, trainer)
    merges = [tuple(pair) for pair in json.loads(tokenizer.to_str())["model"]["merges"]]
    names = [*alphabet, *(f"{letter}</w>" for letter in alphabet)]
    names += ["".join(pair) for pair in merges]
    names = [*dict.fromkeys(names), "<|startoftext|>", "<|endoftext|>"]
    return {name: number for number, name in enumerate(names)}, merges


def as_transformers(simple: SimpleTokenizer, **options: Any) -> Any:
    """Give open_clip's tokenizer the form that hubs publish; they name the special tokens apart."""
    names = {"<start_of_text>": "<|startoftext|>", "<end_of_text>": "<|endoftext|>"}
    vocab = {names.get(name, name): number for name, number in simple.encoder.items()}
    return transformers.CLIPTokenizer(vocab=vocab, merges=list(simple.bpe_ranks), **options)


def _simple_tokenizer(merges: list[tuple[str, str]]) -> SimpleTokenizer:
    """Hand our merges to open_clip in the gzip file that it reads."""
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "bpe.txt.gz"
        path.write_bytes(gzip.compress("\n".join(lines).encode()))
        return SimpleTokenizer(bpe_path=str(path), context_length=CONTEXT)


def _gemma_like(corpus: Texts) -> Any:
    specials = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    specials += [f"<0x{byte:02X}>" for byte in range(256)]
    backend = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    backend.normalizer = normalizers.Sequence(
        [normalizers.Lowercase(), normalizers.Replace(" ", "▁")]
    )
    backend.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    backend.train_from_iterator(
        corpus, BpeTrainer(vocab_size=1500, special_tokens=specials, show_progress=False)
    )
    model = json.loads(backend.to_str())["model"]
    tokenizer = transformers.Siglip2Tokenizer(
        vocab=model["vocab"], merges=[tuple(pair) for pair in model["merges"]]
    )
    eos = tokenizer.eos_token_id
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="$A <eos>", special_tokens=[("<eos>", eos)]
    )
    tokenizer.padding_side = "right"
    return tokenizer


def _bert(corpus: Texts) -> Any:
    backend = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=True)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = WordPieceTrainer(vocab_size=1500, special_tokens=specials, show_progress=False)
    backend.train_from_iterator(corpus, trainer)
    return transformers.BertTokenizer(vocab=backend.get_vocab(), model_max_length=CONTEXT)


def _xlm_roberta(corpus: Texts) -> Any:
    backend = Tokenizer(models.Unigram())
    backend.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = UnigramTrainer(
        vocab_size=1500,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        unk_token="<unk>",
        show_progress=False,
    )
    backend.train_from_iterator(corpus, trainer)
    backend.decoder = decoders.Metaspace()
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
        cls_token="<s>",
        sep_token="</s>",
        model_max_length=CONTEXT,
    )


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


# --- writing the layouts ---


def _save(folder: Path, tokenizer: Any, processor: Any, config: dict[str, Any]) -> None:
    (folder / "onnx").mkdir(parents=True)
    tokenizer.save_pretrained(folder)
    settings = json.loads(processor.to_json_string())
    _json(folder / "preprocessor_config.json", settings)
    _json(folder / "config.json", config)
    keep = {"tokenizer.json", "tokenizer_config.json", "preprocessor_config.json", "config.json"}
    for path in folder.iterdir():
        if path.is_file() and path.name not in keep:
            path.unlink()


def _save_immich(
    folder: Path, model: Any, tokenizer: Any, config: dict[str, Any], preprocess: dict[str, Any]
) -> None:
    (folder / "visual").mkdir(parents=True)
    tokenizer.save_pretrained(folder / "textual")
    for path in (folder / "textual").iterdir():
        if path.name not in {"tokenizer.json", "tokenizer_config.json"}:
            path.unlink()
    _json(folder / "config.json", config)
    _json(folder / "visual/preprocess_cfg.json", preprocess)
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


def _export_vision(model: Any, method: str, path: Path, output: str) -> None:
    def run(pixel_values: Any) -> Any:
        value = getattr(model, method)(pixel_values)
        return value if isinstance(value, torch.Tensor) else value.pooler_output

    _export(
        _Call(run, model), (torch.rand(2, 3, IMAGE, IMAGE),), path, ["pixel_values"], output, True
    )


def _export_text(model: Any, path: Path, output: str) -> None:
    def run(input_ids: Any) -> Any:
        value = model.get_text_features(input_ids)
        return value if isinstance(value, torch.Tensor) else value.pooler_output

    ids = torch.randint(3, 20, (2, CONTEXT))
    _export(_Call(run, model), (ids,), path, ["input_ids"], output, True)


def _export_combined(model: Any, tokenizer: Any, path: Path) -> None:
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


def _json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", "utf-8")
