"""Read a model folder, in whichever published ONNX layout, into one description.

Three layouts are known: `transformers` (transformers.js: `onnx/vision_model.onnx`,
`onnx/text_model.onnx` or one `onnx/model.onnx`, `preprocessor_config.json`, `tokenizer.json`),
`immich` (`visual/`, `textual/`, `config.json`) and `soutu` (the bundled one).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from soutu.errors import ModelError
from soutu.models.base import Precision, Scale
from soutu.models.card import CLIP_SCALE, Clean, Layout, ModelCard
from soutu.models.preprocess import from_open_clip, from_transformers
from soutu.types import Preprocess

CLIP_CONTEXT = 77
CONTEXTS = {"clip": CLIP_CONTEXT, "siglip": 64, "siglip2": 64}
"""Trained text lengths by `model_type`, for folders that do not say theirs."""
CAUSAL = frozenset({"clip"})
"""Model types whose text tower never looks past the end token: padding cannot change them."""
UNSET_LENGTH = 100_000
"""tokenizer_config.json writes a huge number where it means 'no limit'."""
INT8_SUFFIXES = ("_quantized", "_int8", "_uint8")


@dataclass(frozen=True, kw_only=True)
class TextSpec:
    """Describe how a model wants its texts.

    `context_length` is None for towers that take any length. With `pad_to_context` every text is
    padded to it, otherwise only to the longest of its batch. `pad_token` is looked up in the
    tokenizer; None leaves the choice to the tokenizer file.
    """

    context_length: int | None = None
    pad_token: str | None = None
    pad_left: bool = False
    pad_to_context: bool = True
    clean: Clean = "none"


@dataclass(frozen=True, kw_only=True)
class TowerFiles:
    """The graphs of one tower by precision, and the names its output may have, best first."""

    graphs: Mapping[Precision, Path]
    outputs: tuple[str, ...]

    def weights(self, precision: Precision) -> tuple[Path, ...]:
        """List the graph of a precision with its external data files, sorted by name."""
        graph = self.graphs[precision]
        beside = [path for path in graph.parent.iterdir() if _is_data_of(path, graph)]
        return (graph, *sorted(beside))


@dataclass(frozen=True, kw_only=True)
class ModelFiles:
    """What a model folder holds: graphs, tokenizer, and how pictures and texts are prepared.

    `dim` is 0 where no file says it; the graphs then do.
    """

    folder: Path
    layout: Layout
    image: TowerFiles
    text: TowerFiles
    tokenizer: Path
    preprocess: Preprocess
    text_spec: TextSpec
    dim: int = 0
    scale: Scale = CLIP_SCALE

    def precisions(self) -> tuple[Precision, ...]:
        """List the precisions in which both towers are here."""
        both: tuple[Precision, ...] = ("fp32", "fp16", "int8")
        return tuple(p for p in both if p in self.image.graphs and p in self.text.graphs)


def read(folder: Path, card: ModelCard | None = None) -> ModelFiles:
    """Read a model folder; what `card` knows better than the files wins.

    Raises ModelError, listing what was looked for and what is there, for a folder in no known
    layout, one that lacks files, or one whose settings cannot be understood.
    """
    if not folder.is_dir():
        raise ModelError(f"there is no model folder {folder}. Give a folder that exists")
    try:
        files = _reader(folder)(folder)
    except (TypeError, ValueError) as error:
        raise ModelError(
            f"the settings in {folder} cannot be understood: {error}. Fetch the model's files again"
        ) from error
    if not files.precisions():
        raise _incomplete(folder, "graphs of both towers in the same precision")
    if card is None:
        return files
    text = files.text_spec
    if card.text.context_length is not None:
        text = replace(text, context_length=card.text.context_length)
    if card.text.clean is not None:
        text = replace(text, clean=card.text.clean)
    return replace(files, text_spec=text, dim=card.dim or files.dim, scale=card.scale)


def detect(folder: Path) -> Layout | None:
    """Name the layout of a folder by its tell-tale files, or None."""
    if (folder / "visual").is_dir() or (folder / "textual").is_dir():
        return "immich"
    if (folder / "image.onnx").is_file() or (folder / "text.onnx").is_file():
        return "soutu"
    if any(_graphs_folder(folder).glob("*model*.onnx")):
        return "transformers"
    return None


def _reader(folder: Path) -> Callable[[Path], ModelFiles]:
    readers = {"immich": _read_immich, "soutu": _read_soutu, "transformers": _read_transformers}
    layout = detect(folder)
    if layout is None:
        raise _incomplete(
            folder,
            "onnx/vision_model.onnx with onnx/text_model.onnx (or onnx/model.onnx), "
            "or visual/model.onnx with textual/model.onnx",
        )
    return readers[layout]


def _read_transformers(folder: Path) -> ModelFiles:
    graphs = _graphs_folder(folder)
    combined = _variants(graphs, "model")
    image = _variants(graphs, "vision_model") or combined
    text = _variants(graphs, "text_model") or combined
    if not image or not text:
        raise _incomplete(
            folder, "onnx/vision_model.onnx and onnx/text_model.onnx, or onnx/model.onnx"
        )
    config = _json(folder / "config.json", needed=False)
    kind = str(config.get("model_type", "clip"))
    tokenizer_config = _json(folder / "tokenizer_config.json", needed=False)
    return ModelFiles(
        folder=folder,
        layout="transformers",
        image=TowerFiles(graphs=image, outputs=("image_embeds", "pooler_output")),
        text=TowerFiles(graphs=text, outputs=("text_embeds", "pooler_output")),
        tokenizer=_existing(folder / "tokenizer.json"),
        preprocess=from_transformers(
            _json(folder / "preprocessor_config.json"), folder / "preprocessor_config.json"
        ),
        text_spec=TextSpec(
            context_length=_context_length(config, tokenizer_config, kind),
            pad_token=_token(tokenizer_config.get("pad_token")),
            pad_left=tokenizer_config.get("padding_side") == "left",
            pad_to_context=kind not in CAUSAL,
            clean=_clean(tokenizer_config),
        ),
        dim=_int(config.get("projection_dim")),
    )


def _read_immich(folder: Path) -> ModelFiles:
    image, text = folder / "visual" / "model.onnx", folder / "textual" / "model.onnx"
    config = _json(folder / "config.json")
    text_config = _mapping(config.get("text_cfg"))
    tokenizer_config = _json(folder / "textual" / "tokenizer_config.json", needed=False)
    settings = folder / "visual" / "preprocess_cfg.json"
    return ModelFiles(
        folder=folder,
        layout="immich",
        image=TowerFiles(
            graphs=_variants(image.parent, "model") or {"fp32": _existing(image)}, outputs=()
        ),
        text=TowerFiles(
            graphs=_variants(text.parent, "model") or {"fp32": _existing(text)}, outputs=()
        ),
        tokenizer=_existing(folder / "textual" / "tokenizer.json"),
        preprocess=from_open_clip(_json(settings), settings),
        text_spec=TextSpec(
            context_length=_int(text_config.get("context_length")) or CLIP_CONTEXT,
            pad_token=_token(tokenizer_config.get("pad_token")),
            pad_left=False,
            clean=_open_clip_clean(text_config, settings.parent.parent / "config.json"),
        ),
        dim=_int(config.get("embed_dim")),
    )


def _read_soutu(folder: Path) -> ModelFiles:
    config = _json(folder / "config.json")
    size = _int(config.get("image_size"))
    if not size:
        raise ModelError(f"{folder / 'config.json'} gives no image_size. Add the model again")
    scale = CLIP_SCALE
    if "logit_scale" in config:
        scale = Scale(scale=float(config["logit_scale"]), bias=config.get("logit_bias"))
    precision = cast("Precision", config.get("precision", "int8"))
    return ModelFiles(
        folder=folder,
        layout="soutu",
        image=TowerFiles(graphs={precision: _existing(folder / "image.onnx")}, outputs=()),
        text=TowerFiles(graphs={precision: _existing(folder / "text.onnx")}, outputs=()),
        tokenizer=_existing(folder / "tokenizer.json"),
        preprocess=Preprocess(height=size, width=size, resize=size),
        text_spec=TextSpec(pad_to_context=False),
        dim=_int(config.get("dim")),
        scale=scale,
    )


def _graphs_folder(folder: Path) -> Path:
    return folder / "onnx" if (folder / "onnx").is_dir() else folder


def _variants(folder: Path, stem: str) -> dict[Precision, Path]:
    found: dict[Precision, Path] = {}
    for name in (stem, f"{stem}_fp16"):
        if (folder / f"{name}.onnx").is_file():
            found.setdefault("fp32", folder / f"{name}.onnx")
    for suffix in INT8_SUFFIXES:
        if (folder / f"{stem}{suffix}.onnx").is_file():
            found.setdefault("int8", folder / f"{stem}{suffix}.onnx")
    return found


def _is_data_of(path: Path, graph: Path) -> bool:
    """Tell external data from its name: `model.onnx_data`, or Immich's nameless blobs."""
    if path.name.startswith((f"{graph.name}_data", f"{graph.name}.data", f"{graph.stem}.data")):
        return path.is_file()
    other = {".onnx", ".json", ".txt", ".armnn", ".rknn", ".md", ".model"}
    immich = graph.parent.name in {"visual", "textual"}
    return (
        immich
        and graph.stem == "model"
        and path.is_file()
        and path.suffix not in other
        and not path.name.startswith(".")
    )


def _context_length(
    config: Mapping[str, Any], tokenizer_config: Mapping[str, Any], kind: str
) -> int:
    positions = _int(_mapping(config.get("text_config")).get("max_position_embeddings"))
    stated = _int(tokenizer_config.get("model_max_length"))
    limits = [n for n in (positions, stated) if 0 < n < UNSET_LENGTH]
    return min(limits) if limits else CONTEXTS.get(kind, CLIP_CONTEXT)


def _clean(tokenizer_config: Mapping[str, Any]) -> Clean:
    # Siglip2Tokenizer lower-cases in code; older tokenizer files lack that step.
    return "lowercase" if tokenizer_config.get("tokenizer_class") == "Siglip2Tokenizer" else "none"


def _open_clip_clean(text_config: Mapping[str, Any], path: Path) -> Clean:
    clean = _mapping(text_config.get("tokenizer_kwargs")).get("clean", "whitespace")
    if clean not in {"whitespace", "lower", "canonicalize"}:
        raise ModelError(
            f"{path} wants texts cleaned with {clean!r}; known are whitespace, lower, canonicalize"
        )
    return cast("Clean", clean)


def _token(value: object) -> str | None:
    if isinstance(value, Mapping):
        value = value.get("content")
    return value if isinstance(value, str) else None


def _int(value: object) -> int:
    return int(value) if isinstance(value, int | float) else 0


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _existing(path: Path) -> Path:
    if not path.is_file():
        folder = path.parent.parent if path.parent.name in {"visual", "textual"} else path.parent
        raise _incomplete(folder, str(path.relative_to(folder)))
    return path


def _json(path: Path, *, needed: bool = True) -> Mapping[str, Any]:
    if not needed and not path.is_file():
        return {}
    try:
        data = json.loads(_existing(path).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{path} cannot be read ({error}). Fetch the model's files again"
        ) from error
    if not isinstance(data, dict):
        raise ModelError(f"{path} holds no JSON object. Fetch the model's files again")
    return data


def _incomplete(folder: Path, wanted: str) -> ModelError:
    held = sorted(
        str(path.relative_to(folder))
        for pattern in ("*", "*/*")
        for path in folder.glob(pattern)
        if path.is_file() and not path.name.startswith(".")
    )
    listed = ", ".join(held[:12]) + (f" and {len(held) - 12} more" if len(held) > 12 else "")
    return ModelError(
        f"the model folder {folder} is incomplete: looked for {wanted}; found {listed or 'nothing'}"
    )
