"""Static int8 and fp16: a convolutional tower in either form, measured and judged like dynamic."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_models import DIM, SIZE, pictures, transformers_folder

from soutu.errors import InputError, ModelError
from soutu.models import ModelStore, forms
from soutu.models.base import Encoder, Precision
from soutu.models.quantize import measuring

CHANNELS = 16


@pytest.fixture(autouse=True)
def int8_is_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    """Graphs this small run no faster in int8; what is tested here is their accuracy."""
    speeds: dict[Precision, float] = {"fp32": 1.0, "fp16": 1.0, "int8": 2.0}
    monkeypatch.setattr(measuring, "_speed", lambda encoder, _: speeds[encoder.facts.precision])
    monkeypatch.setattr(forms, "LARGE", 0)


@pytest.fixture
def models(tmp_path: Path) -> ModelStore:
    """Open an empty store."""
    return ModelStore(tmp_path / "home")


def write_convolutions(path: Path, outlier: float = 1.0) -> None:
    """Write a small residual net; `outlier` scales one channel up and back down again."""
    rng = np.random.default_rng(7)
    gain = np.ones((CHANNELS, 1, 1, 1), np.float32)
    gain[0] = outlier
    first = rng.normal(0, 0.3, (CHANNELS, 3, 3, 3)).astype(np.float32) * gain
    second = rng.normal(0, 0.1, (CHANNELS, CHANNELS, 3, 3)).astype(np.float32)
    second /= gain.reshape(1, CHANNELS, 1, 1)
    last = rng.normal(0, 0.3, (CHANNELS, DIM)).astype(np.float32)
    pads = [1, 1, 1, 1]
    nodes = [
        helper.make_node("Conv", ["pixel_values", "w1"], ["a"], name="conv1", pads=pads),
        helper.make_node("Relu", ["a"], ["b"], name="relu1"),
        helper.make_node("Conv", ["b", "w2"], ["c"], name="conv2", pads=pads),
        helper.make_node("Add", ["b", "c"], ["d"], name="join"),
        helper.make_node("Relu", ["d"], ["e"], name="relu2"),
        helper.make_node("GlobalAveragePool", ["e"], ["f"], name="pool"),
        helper.make_node("Flatten", ["f"], ["g"], name="flat"),
        helper.make_node("Gemm", ["g", "w3"], ["image_embeds"], name="project"),
    ]
    weights = [
        numpy_helper.from_array(value, name)
        for name, value in (("w1", first), ("w2", second), ("w3", last))
    ]
    graph = helper.make_graph(
        nodes,
        "convolutions",
        [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["n", 3, SIZE, SIZE])],
        [helper.make_tensor_value_info("image_embeds", TensorProto.FLOAT, ["n", DIM])],
        initializer=weights,
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), path)


def model_folder(tmp_path: Path, outlier: float = 1.0) -> Path:
    """Write a model whose image tower is convolutional."""
    folder = transformers_folder(tmp_path / "m")
    write_convolutions(folder / "onnx/vision_model.onnx", outlier)
    return folder


def operators(path: Path) -> set[str]:
    """Name the kinds of nodes of a graph."""
    return {node.op_type for node in onnx.load(path).graph.node}


def test_static_int8_is_calibrated_and_accepted(models: ModelStore, tmp_path: Path) -> None:
    """Convolutions stand between QDQ nodes, and `auto` takes the form."""
    folder = model_folder(tmp_path)
    report = models.quantize(folder, method="static", samples=pictures(32))
    assert (report.method, report.precision, report.accepted) == ("static", "int8", True)
    assert report.cosine_min >= 0.99
    assert (report.samples, report.drawn) == (16, False)  # the other half calibrated
    [image] = (tmp_path / "home/quantized").rglob("image.onnx")
    assert {"QuantizeLinear", "DequantizeLinear", "Conv"} <= operators(image)
    assert models.load(folder).facts.precision == "int8"


def test_static_int8_keeps_what_it_cannot_hold_in_fp32(models: ModelStore, tmp_path: Path) -> None:
    """An activation with one huge channel costs accuracy; the report says what came of it."""
    plain = models.quantize(model_folder(tmp_path), method="static", samples=pictures(32))
    (tmp_path / "other").mkdir()
    hard = models.quantize(
        model_folder(tmp_path / "other", 3000), method="static", samples=pictures(32)
    )
    assert hard.cosine_min < plain.cosine_min or hard.kept_fp32 > 0


@pytest.mark.parametrize("given", [None, 15])
def test_static_int8_needs_pictures(models: ModelStore, tmp_path: Path, given: int | None) -> None:
    """Scales are not guessed: without enough pictures of the user's it says what to give."""
    samples = None if given is None else pictures(given)
    with pytest.raises(InputError, match=r"static int8 (is calibrated on your|needs 16) pictures"):
        models.quantize(model_folder(tmp_path), method="static", samples=samples)
    assert not list((tmp_path / "home").rglob("*.onnx"))


def test_one_graph_with_both_towers_stays_dynamic(models: ModelStore, tmp_path: Path) -> None:
    """Its texts would have to be calibrated too; the error names the other method."""
    folder = model_folder(tmp_path)
    image = onnx.load(folder / "onnx/vision_model.onnx")
    text = onnx.load(folder / "onnx/text_model.onnx")
    both = onnx.compose.merge_graphs(image.graph, text.graph, io_map=[], prefix2="text/")
    for port in (*both.input, *both.output):
        port.name = port.name.removeprefix("text/")
    for node in both.node:
        for names in (node.input, node.output):
            for at, name in enumerate(names):
                if name in {"text/input_ids", "text/text_embeds"}:
                    names[at] = name.removeprefix("text/")
    model = helper.make_model(both, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, folder / "onnx/model.onnx")
    for name in ("vision_model.onnx", "text_model.onnx"):
        (folder / "onnx" / name).unlink()
    with pytest.raises(ModelError, match=r"both towers in one graph.*Use the dynamic method"):
        models.quantize(folder, method="static", samples=pictures(32))


def test_fp16_halves_the_file_and_keeps_the_vectors(models: ModelStore, tmp_path: Path) -> None:
    """Weights are stored as halves; asked for by name, never taken by `auto`."""
    folder = model_folder(tmp_path)
    report = models.quantize(folder, method="fp16")
    assert report.precision == "fp16"
    assert report.cosine_min > 0.99999
    assert report.bytes < 0.75 * report.bytes_fp32  # of a graph so small that names count
    assert not report.accepted  # it is no faster
    assert models.load(folder, precision="fp16").facts.precision == "fp16"
    samples = pictures(4)
    expected = models.load(folder, precision="fp32").encode_images(samples)
    found = models.load(folder, precision="fp16").encode_images(samples)
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_fp16_is_made_when_it_is_asked_for(models: ModelStore, tmp_path: Path) -> None:
    """Loading in fp16 makes the form the first time; it is a space of its own."""
    folder = model_folder(tmp_path)
    precisions: tuple[Precision, ...] = ("fp32", "fp16")
    revisions = {models.load(folder, precision=each).facts.revision for each in precisions}
    assert len(revisions) == 2
    assert [report.method for report in models.measured(folder)] == ["fp16"]


def test_weights_beyond_fp16_stay(models: ModelStore, tmp_path: Path) -> None:
    """A value that fp16 cannot hold would become infinite."""
    folder = model_folder(tmp_path, 1e6)
    assert models.quantize(folder, method="fp16").cosine_min > 0.999


def test_a_rejected_form_does_not_replace_an_accepted_one(
    models: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `auto` uses stays, whatever else was tried."""
    folder = model_folder(tmp_path)
    assert models.quantize(folder).accepted
    monkeypatch.setattr(measuring, "_speed", lambda *_: 1.0)
    assert not models.quantize(folder, method="static", samples=pictures(32)).accepted
    [kept] = models.measured(folder)
    assert (kept.method, kept.accepted) == ("dynamic", True)
    assert models.load(folder).facts.precision == "int8"


def test_quality_is_measured_on_both(models: ModelStore, tmp_path: Path) -> None:
    """Figures on the user's data stand beside each other, and are remembered with the model."""
    seen: list[Precision] = []

    def judge(encoder: Encoder) -> Mapping[str, float]:
        seen.append(encoder.facts.precision)
        return {"mAP": 60.0 if encoder.facts.precision == "fp32" else 59.5}

    folder = model_folder(tmp_path)
    report = models.quantize(folder, quality=judge)
    assert seen == ["fp32", "int8"]
    assert (report.quality_fp32, report.quality) == ({"mAP": 60.0}, {"mAP": 59.5})
    assert models.measured(folder) == (report,)


def test_removing_a_model_removes_all_its_forms(models: ModelStore, tmp_path: Path) -> None:
    """Nothing of it stays in the store."""
    models.add(model_folder(tmp_path))
    models.quantize("m")
    models.quantize("m", method="fp16")
    models.remove("m")
    assert list((tmp_path / "home").rglob("*.onnx")) == []
