"""Reading model folders in each layout, whole and broken."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from onnx_models import (
    CONTEXT,
    DIM,
    MEAN,
    SIZE,
    STD,
    immich_folder,
    transformers_folder,
    write_json,
)

from soutu.errors import ModelError
from soutu.models.card import MINI_FOLDER, ModelCard, TextOverrides, catalogue
from soutu.models.layout import detect, read
from soutu.types import Preprocess


def test_transformers_settings_are_read(tmp_path: Path) -> None:
    """Sizes, filter, mean, std, context length and padding come from the files."""
    files = read(transformers_folder(tmp_path / "m"))
    assert files.layout == "transformers"
    assert files.preprocess == Preprocess(
        height=SIZE, width=SIZE, resize=SIZE, mean=MEAN, std=STD, margin="down"
    )
    assert files.text_spec.context_length == CONTEXT
    assert files.text_spec.pad_token == "[PAD]"
    assert not files.text_spec.pad_to_context
    assert files.precisions() == ("fp32",)


def test_immich_settings_are_read(tmp_path: Path) -> None:
    """Sizes, mean, std, context length, padding and cleaning come from the files."""
    folder = immich_folder(tmp_path / "m")
    config = {"context_length": 12, "tokenizer_kwargs": {"clean": "canonicalize"}}
    write_json(folder / "config.json", {"embed_dim": DIM, "text_cfg": config})
    files = read(folder)
    assert files.layout == "immich"
    assert files.dim == DIM
    assert files.preprocess == Preprocess(
        height=SIZE, width=SIZE, resize=SIZE, mean=MEAN, std=STD, margin="even"
    )
    assert files.text_spec.context_length == 12
    assert files.text_spec.clean == "canonicalize"
    assert files.text_spec.pad_to_context


def test_mini_is_read_as_data() -> None:
    """The bundled model needs no code of its own: bytes in, no fixed text length, its own scale."""
    files = read(MINI_FOLDER)
    assert files.layout == "soutu"
    assert files.dim == 256
    assert files.precisions() == ("int8",)
    assert files.preprocess == Preprocess(height=160, width=160, resize=160)
    assert files.text_spec.context_length is None
    assert (files.scale.scale, files.scale.bias) == (14.358, -6.581)


def test_graphs_may_stand_without_a_folder(tmp_path: Path) -> None:
    """The graphs of the transformers layout are found beside the settings too."""
    folder = transformers_folder(tmp_path / "m")
    for graph in (folder / "onnx").iterdir():
        graph.rename(folder / graph.name)
    (folder / "onnx").rmdir()
    assert read(folder).precisions() == ("fp32",)


@pytest.mark.parametrize("suffix", ["_quantized", "_int8", "_uint8"])
def test_quantised_variants_are_found(tmp_path: Path, suffix: str) -> None:
    """Quantised graphs beside the fp32 ones count once both towers have them."""
    onnx = transformers_folder(tmp_path / "m") / "onnx"
    shutil.copy(onnx / "vision_model.onnx", onnx / f"vision_model{suffix}.onnx")
    assert read(tmp_path / "m").precisions() == ("fp32",)
    shutil.copy(onnx / "text_model.onnx", onnx / f"text_model{suffix}.onnx")
    assert read(tmp_path / "m").precisions() == ("fp32", "int8")


def test_fp16_stands_in_for_fp32(tmp_path: Path) -> None:
    """A folder with half-precision graphs alone can be used."""
    onnx = transformers_folder(tmp_path / "m") / "onnx"
    for stem in ("vision_model", "text_model"):
        (onnx / f"{stem}.onnx").rename(onnx / f"{stem}_fp16.onnx")
    assert read(tmp_path / "m").image.graphs["fp32"].name == "vision_model_fp16.onnx"


def test_external_data_belongs_to_the_weights(tmp_path: Path) -> None:
    """Weights beside a graph are known by its name, or in Immich folders by having none."""
    first = transformers_folder(tmp_path / "a")
    (first / "onnx/vision_model.onnx_data").write_bytes(b"x")
    (first / "onnx/text_model.onnx_data").write_bytes(b"x")
    names = [path.name for path in read(first).image.weights("fp32")]
    assert names == ["vision_model.onnx", "vision_model.onnx_data"]
    second = immich_folder(tmp_path / "b")
    (second / "visual/3b719d32-4886-11ef-a2ee-00155d655292").write_bytes(b"x")
    (second / "visual/model.armnn").write_bytes(b"x")
    names = [path.name for path in read(second).image.weights("fp32")]
    assert names == ["model.onnx", "3b719d32-4886-11ef-a2ee-00155d655292"]


@pytest.mark.parametrize(
    ("kind", "stated", "positions", "expected"),
    [
        ("clip", None, None, 77),
        ("siglip", None, None, 64),
        ("siglip", 10**30, None, 64),
        ("clip", 77, 64, 64),
        ("clip", 32, None, 32),
        ("clip", None, 40, 40),
    ],
)
def test_the_context_length_is_the_least_that_is_stated(
    tmp_path: Path, kind: str, stated: int | None, positions: int | None, expected: int
) -> None:
    """Stated lengths win over what the kind of model is trained with; no limit is none."""
    folder = transformers_folder(tmp_path / "m", kind=kind)
    config: dict[str, Any] = {"model_type": kind}
    if positions:
        config["text_config"] = {"max_position_embeddings": positions}
    write_json(folder / "config.json", config)
    write_json(folder / "tokenizer_config.json", {"model_max_length": stated} if stated else {})
    assert read(folder).text_spec.context_length == expected


def test_a_card_knows_better_than_the_files(tmp_path: Path) -> None:
    """Context length, cleaning and dimension of the catalogue win."""
    card = ModelCard(
        name="m",
        title="m",
        layout="transformers",
        dim=99,
        text=TextOverrides(context_length=7, clean="lowercase"),
    )
    files = read(transformers_folder(tmp_path / "m"), card)
    assert (files.text_spec.context_length, files.text_spec.clean, files.dim) == (
        7,
        "lowercase",
        99,
    )


def test_siglip_2_texts_are_lower_cased(tmp_path: Path) -> None:
    """Its tokenizer class lower-cases in code, which its file does not say."""
    folder = transformers_folder(tmp_path / "m", kind="siglip")
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "Siglip2Tokenizer"})
    assert read(folder).text_spec.clean == "lowercase"
    assert catalogue()["siglip2-b-16"].text.clean == "lowercase"


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        ("onnx/vision_model.onnx", r"onnx/vision_model.onnx and onnx/text_model.onnx"),
        ("tokenizer.json", "looked for tokenizer.json; found config.json, onnx/text_model.onnx"),
        ("preprocessor_config.json", "looked for preprocessor_config.json"),
    ],
)
def test_a_missing_file_is_named_beside_what_is_there(
    tmp_path: Path, missing: str, named: str
) -> None:
    """The error lists what was looked for and what was found."""
    folder = transformers_folder(tmp_path / "m")
    (folder / missing).unlink()
    with pytest.raises(ModelError, match=named):
        read(folder)


@pytest.mark.parametrize(
    "missing",
    [
        "visual/model.onnx",
        "textual/model.onnx",
        "textual/tokenizer.json",
        "visual/preprocess_cfg.json",
        "config.json",
    ],
)
def test_a_missing_immich_file_is_named(tmp_path: Path, missing: str) -> None:
    """The error names the file by its place in the folder."""
    folder = immich_folder(tmp_path / "m")
    (folder / missing).unlink()
    with pytest.raises(ModelError, match=f"looked for {missing}; found "):
        read(folder)


def test_an_empty_folder_says_what_was_looked_for(tmp_path: Path) -> None:
    """Both layouts are named."""
    with pytest.raises(ModelError, match=r"vision_model\.onnx.*visual/model\.onnx.*found nothing"):
        read(tmp_path)
    assert detect(tmp_path) is None


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """The path is named."""
    with pytest.raises(ModelError, match="there is no model folder"):
        read(tmp_path / "gone")


def test_towers_in_different_precisions_are_incomplete(tmp_path: Path) -> None:
    """A quantised image tower does not go with an fp32 text tower."""
    onnx = transformers_folder(tmp_path / "m") / "onnx"
    (onnx / "vision_model.onnx").rename(onnx / "vision_model_int8.onnx")
    with pytest.raises(ModelError, match="both towers in the same precision"):
        read(tmp_path / "m")


@pytest.mark.parametrize("content", ["{", "[]", "\x00"])
def test_broken_settings_are_named(tmp_path: Path, content: str) -> None:
    """A settings file that is no JSON object is named."""
    folder = transformers_folder(tmp_path / "m")
    (folder / "preprocessor_config.json").write_text(content, "utf-8")
    with pytest.raises(ModelError, match=r"preprocessor_config\.json"):
        read(folder)


@pytest.mark.parametrize(
    "settings",
    [
        {"size": {"height": None, "width": 8}},
        {"size": {"shortest_edge": "big"}},
        {"image_mean": ["a", "b", "c"]},
        {"rescale_factor": [1]},
    ],
)
def test_settings_of_the_wrong_type_are_an_error(tmp_path: Path, settings: dict[str, Any]) -> None:
    """Values that are no numbers never end in a traceback."""
    folder = transformers_folder(tmp_path / "m")
    write_json(folder / "preprocessor_config.json", settings)
    with pytest.raises(ModelError, match=r"settings in .* cannot be understood"):
        read(folder)


def test_an_unknown_cleaning_is_an_error(tmp_path: Path) -> None:
    """What cannot be followed is said, not ignored."""
    folder = immich_folder(tmp_path / "m")
    write_json(folder / "config.json", {"text_cfg": {"tokenizer_kwargs": {"clean": "scrub"}}})
    with pytest.raises(ModelError, match="cleaned with 'scrub'"):
        read(folder)
