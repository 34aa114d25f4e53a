"""Small model folders, built with the onnx library, in every published shape."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers, processors

SIZE = 8
DIM = 6
CONTEXT = 10
WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "cat", "dog", "on", "the", "mat", "猫", "狗")
MEAN = (0.5, 0.4, 0.3)
STD = (0.2, 0.25, 0.3)


@dataclass(frozen=True, kw_only=True)
class ImageGraph:
    """What an image graph looks like from outside."""

    input: str = "pixel_values"
    output: str = "image_embeds"
    type: int = TensorProto.FLOAT
    batch: int | None = None
    normalised: bool = False
    channels_last: bool = False
    size: int | None = SIZE
    extra_outputs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TextGraph:
    """What a text graph looks like from outside."""

    ids: str = "input_ids"
    output: str = "text_embeds"
    type: int = TensorProto.INT64
    batch: int | None = None
    length: int | None = None
    mask: bool = False
    types: bool = False


def write_image_graph(
    path: Path, graph: ImageGraph | None = None, weights: NDArray[Any] | None = None
) -> None:
    """Write a graph whose vector is a linear map of the pixels."""
    graph = graph or ImageGraph()
    channels = (3, graph.size, graph.size)
    shape = (channels[1], channels[2], 3) if graph.channels_last else channels
    source = helper.make_tensor_value_info(graph.input, graph.type, [graph.batch or "n", *shape])
    nodes, name = [], graph.input
    if graph.type != TensorProto.FLOAT:
        nodes.append(helper.make_node("Cast", [name], ["real"], to=TensorProto.FLOAT))
        name = "real"
    if graph.channels_last:
        nodes.append(helper.make_node("Transpose", [name], ["planes"], perm=[0, 3, 1, 2]))
        name = "planes"
    nodes.append(helper.make_node("Flatten", [name], ["flat"], axis=1))
    nodes.append(helper.make_node("MatMul", ["flat", "weights"], ["product"], name="project"))
    values = image_weights() if weights is None else weights
    _finish(path, nodes, graph, [source], [numpy_helper.from_array(values, "weights")])


def write_text_graph(path: Path, graph: TextGraph | None = None) -> None:
    """Write a graph whose vector is the mean of token vectors, masked where there is a mask."""
    graph = graph or TextGraph()
    shape = [graph.batch or "n", graph.length or "length"]
    inputs = [helper.make_tensor_value_info(graph.ids, graph.type, shape)]
    nodes = [helper.make_node("Gather", ["table", graph.ids], ["rows"])]
    name = "rows"
    if graph.types:
        inputs.append(helper.make_tensor_value_info("token_type_ids", graph.type, shape))
        nodes.append(_casted("token_type_ids", "kinds"))
        nodes.append(helper.make_node("Unsqueeze", ["kinds", "last"], ["kinds_wide"]))
        nodes.append(helper.make_node("Add", [name, "kinds_wide"], ["typed"]))
        name = "typed"
    if graph.mask:
        inputs.append(helper.make_tensor_value_info("attention_mask", graph.type, shape))
        nodes.append(_casted("attention_mask", "weight"))
        nodes.append(helper.make_node("Unsqueeze", ["weight", "last"], ["wide"]))
        nodes.append(helper.make_node("Mul", [name, "wide"], ["kept"]))
        name = "kept"
    nodes.append(helper.make_node("ReduceSum", [name, "middle"], ["product"], keepdims=0))
    constants = [
        numpy_helper.from_array(text_table(), "table"),
        numpy_helper.from_array(np.array([2], np.int64), "last"),
        numpy_helper.from_array(np.array([1], np.int64), "middle"),
    ]
    _finish(path, nodes, graph, inputs, constants)


def image_weights(dim: int = DIM) -> NDArray[np.float32]:
    """Return the weights of the image graphs, [3 * size * size, dim]."""
    rng = np.random.default_rng(1)
    return rng.normal(size=(3 * SIZE * SIZE, dim)).astype(np.float32)


def text_table() -> NDArray[np.float32]:
    """Return the token vectors of the text graphs, [words, dim]."""
    return np.random.default_rng(2).normal(size=(len(WORDS), DIM)).astype(np.float32)


def write_tokenizer(path: Path) -> None:
    """Write a word-level tokenizer that puts [CLS] before and [SEP] after."""
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(path))


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a settings file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), "utf-8")


def transformers_folder(
    folder: Path,
    image: ImageGraph | None = None,
    text: TextGraph | None = None,
    *,
    kind: str = "clip",
    weights: NDArray[Any] | None = None,
) -> Path:
    """Write a model in the transformers.js layout."""
    (folder / "onnx").mkdir(parents=True)
    write_image_graph(folder / "onnx/vision_model.onnx", image, weights)
    write_text_graph(folder / "onnx/text_model.onnx", text)
    transformers_settings(folder, kind=kind)
    return folder


def transformers_settings(folder: Path, *, kind: str = "clip") -> None:
    """Write the tokenizer and settings of the transformers.js layout."""
    write_tokenizer(folder / "tokenizer.json")
    write_json(
        folder / "tokenizer_config.json", {"model_max_length": CONTEXT, "pad_token": "[PAD]"}
    )
    write_json(folder / "config.json", {"model_type": kind})
    preprocess = {
        "size": {"shortest_edge": SIZE},
        "crop_size": {"height": SIZE, "width": SIZE},
        "image_mean": MEAN,
        "image_std": STD,
        "resample": 3,
    }
    write_json(folder / "preprocessor_config.json", preprocess)


def immich_folder(
    folder: Path, image: ImageGraph | None = None, text: TextGraph | None = None
) -> Path:
    """Write a model in the Immich layout; one picture and one text a run unless said otherwise."""
    (folder / "visual").mkdir(parents=True)
    (folder / "textual").mkdir()
    write_image_graph(
        folder / "visual/model.onnx",
        image or ImageGraph(input="image", output="embedding", batch=1, normalised=True),
    )
    write_text_graph(
        folder / "textual/model.onnx",
        text
        or TextGraph(
            ids="text", output="embedding", type=TensorProto.INT32, batch=1, length=CONTEXT
        ),
    )
    write_tokenizer(folder / "textual/tokenizer.json")
    write_json(folder / "textual/tokenizer_config.json", {"pad_token": "[PAD]"})
    write_json(folder / "config.json", {"embed_dim": DIM, "text_cfg": {"context_length": CONTEXT}})
    preprocess = {"size": [SIZE, SIZE], "mean": MEAN, "std": STD, "interpolation": "bicubic"}
    write_json(folder / "visual/preprocess_cfg.json", preprocess)
    return folder


def pictures(n: int, size: int = SIZE) -> NDArray[np.uint8]:
    """Return n random uint8 pictures."""
    return np.random.default_rng(3).integers(0, 256, (n, 3, size, size), dtype=np.uint8)


def expected_images(pixels: NDArray[np.uint8], *, raw: bool = False) -> NDArray[np.float64]:
    """Compute the unit vectors that the image graphs must give."""
    values = pixels.astype(np.float64)
    if not raw:
        values = (values / 255 - np.reshape(MEAN, (3, 1, 1))) / np.reshape(STD, (3, 1, 1))
    return unit(np.asarray(values.reshape(len(pixels), -1) @ image_weights()))


def expected_text(ids: Sequence[int]) -> NDArray[np.float64]:
    """Compute the unit vector that the text graphs must give for these tokens."""
    vectors: NDArray[np.float64] = unit(text_table()[list(ids)].sum(axis=0)[None])
    return vectors.reshape(-1)


def unit(vectors: NDArray[Any]) -> NDArray[np.float64]:
    """Scale rows to length one."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float64)


def _casted(name: str, to: str) -> onnx.NodeProto:
    return helper.make_node("Cast", [name], [to], to=TensorProto.FLOAT)


def _finish(
    path: Path,
    nodes: list[onnx.NodeProto],
    graph: ImageGraph | TextGraph,
    inputs: list[onnx.ValueInfoProto],
    constants: list[onnx.TensorProto],
) -> None:
    """End a graph at `product`, normalised or not, and save it."""
    if isinstance(graph, ImageGraph) and graph.normalised:
        nodes.append(helper.make_node("LpNormalization", ["product"], [graph.output], axis=1, p=2))
    else:
        nodes.append(helper.make_node("Identity", ["product"], [graph.output]))
    names = [graph.output]
    if isinstance(graph, ImageGraph):
        for extra in graph.extra_outputs:
            nodes.append(helper.make_node("Neg", ["product"], [extra]))
            names.append(extra)
    dim = constants[0].dims[-1]
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [graph.batch or "n", dim])
        for name in names
    ]
    made = helper.make_graph(nodes, "graph", inputs, outputs, initializer=constants)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)
