"""Export a ViT-B/32 CLIP at 256 px with random weights, the same ones for every engine.

Run by the benches in the environment that has torch. 256 px is what rclip's model takes. Writes
below the given folder: `soutu/` (transformers.js layout), `rclip/` (rclip's data folder) and
`torch/` (a transformers checkpoint).
"""

from __future__ import annotations

import gzip
import importlib
import importlib.util
import json
import shutil
import sys
import warnings
from pathlib import Path
from typing import Any

SIZE, CONTEXT = 256, 77
RCLIP_MODEL = "ViT-B-32-256-datacomp_s34b_b86k"
MEAN = [0.48145466, 0.4578275, 0.40821073]
STD = [0.26862954, 0.26130258, 0.27577711]


def main() -> None:
    """Write the three folders."""
    warnings.filterwarnings("ignore")
    root = Path(sys.argv[1])
    torch: Any = importlib.import_module("torch")
    transformers: Any = importlib.import_module("transformers")
    torch.manual_seed(0)
    vision = {"image_size": SIZE, "patch_size": 32}
    model = transformers.CLIPModel(transformers.CLIPConfig(vision_config=vision)).eval()
    model.save_pretrained(root / "torch")
    vocabulary = _vocabulary()
    _write_soutu(root / "soutu", model, vocabulary)
    _write_rclip(root / "rclip", model, vocabulary)
    (root / "complete").touch()


def _write_soutu(folder: Path, model: Any, vocabulary: Path) -> None:
    (folder / "onnx").mkdir(parents=True, exist_ok=True)
    _export(model, "image", folder / "onnx" / "vision_model.onnx", "pixel_values", "image_embeds")
    _export(model, "text", folder / "onnx" / "text_model.onnx", "input_ids", "text_embeds")
    config = {"model_type": "clip", "projection_dim": 512}
    settings = {
        "size": {"shortest_edge": SIZE},
        "crop_size": {"height": SIZE, "width": SIZE},
        "do_resize": True,
        "do_center_crop": True,
        "do_normalize": True,
        "do_rescale": True,
        "resample": 3,
        "rescale_factor": 1 / 255,
        "image_mean": MEAN,
        "image_std": STD,
    }
    tokens = {"model_max_length": CONTEXT, "pad_token": "<|endoftext|>"}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    (folder / "tokenizer_config.json").write_text(json.dumps(tokens))
    _tokenizer(vocabulary).save(str(folder / "tokenizer.json"))


def _write_rclip(folder: Path, model: Any, vocabulary: Path) -> None:
    (folder / RCLIP_MODEL).mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer").mkdir(exist_ok=True)
    _export(model, "image", folder / RCLIP_MODEL / "visual.onnx", "input", "output")
    _export(model, "text", folder / RCLIP_MODEL / "textual.onnx", "input", "output")
    shutil.copy(vocabulary, folder / "tokenizer" / "bpe_simple_vocab_16e6.txt.gz")


def _export(model: Any, tower: str, path: Path, name: str, output: str) -> None:
    torch: Any = importlib.import_module("torch")

    class Tower(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, given: Any) -> Any:
            if tower == "image":
                return self.model.get_image_features(pixel_values=given).pooler_output
            return self.model.get_text_features(input_ids=given).pooler_output

    example = torch.zeros(2, 3, SIZE, SIZE)
    if tower == "text":
        example = torch.full((2, CONTEXT), 49407, dtype=torch.int64)
    # Published CLIP exports leave the length of texts free too; rclip always feeds the longest.
    axes = {0: "batch"} if tower == "image" else {0: "batch", 1: "sequence"}
    torch.onnx.export(
        Tower(),
        (example,),
        str(path),
        input_names=[name],
        output_names=[output],
        dynamic_axes={name: axes, output: {0: "batch"}},
        opset_version=17,
        dynamo=False,
    )


def _vocabulary() -> Path:
    """Return CLIP's list of merges, which the open_clip package carries."""
    spec = importlib.util.find_spec("open_clip")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "bpe_simple_vocab_16e6.txt.gz"


def _tokenizer(vocabulary: Path) -> Any:
    """Build CLIP's tokenizer (lower-cased byte-level BPE) from its merges."""
    tokenizers: Any = importlib.import_module("tokenizers")
    lines = gzip.decompress(vocabulary.read_bytes()).decode().split("\n")
    merges = [tuple(line.split()) for line in lines[1 : 49152 - 256 - 2 + 1]]
    letters = _byte_letters()
    names = [*letters, *(f"{letter}</w>" for letter in letters), *("".join(m) for m in merges)]
    names += ["<|startoftext|>", "<|endoftext|>"]
    ids = {name: number for number, name in enumerate(names)}
    found = tokenizers.Tokenizer(
        tokenizers.models.BPE(
            vocab=ids,
            merges=merges,
            end_of_word_suffix="</w>",
            continuing_subword_prefix="",
            unk_token="<|endoftext|>",
        )
    )
    pattern = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
    split, replace = tokenizers.pre_tokenizers, tokenizers.normalizers
    found.normalizer = replace.Sequence(
        [replace.NFC(), replace.Replace(tokenizers.Regex(r"\s+"), " "), replace.Lowercase()]
    )
    found.pre_tokenizer = split.Sequence(
        [
            split.Split(tokenizers.Regex(pattern), "removed", invert=True),
            split.ByteLevel(add_prefix_space=False),
        ]
    )
    found.post_processor = tokenizers.processors.RobertaProcessing(
        ("<|endoftext|>", ids["<|endoftext|>"]),
        ("<|startoftext|>", ids["<|startoftext|>"]),
        trim_offsets=False,
        add_prefix_space=False,
    )
    return found


def _byte_letters() -> list[str]:
    """Return the 256 letters that stand for bytes in CLIP's vocabulary, in its order."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return [*map(chr, printable), *(chr(256 + n) for n in range(len(others)))]


if __name__ == "__main__":
    main()
