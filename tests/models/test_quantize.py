"""Quantising measures itself: benign weights are accepted, outliers rejected or worked around."""

from __future__ import annotations

import builtins
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx_models import DIM, SIZE, pictures, transformers_folder

from soutu.errors import MissingExtra, ModelError, StorageError
from soutu.models import ModelStore, forms, quantize
from soutu.models.base import Precision
from soutu.models.encoder import DualEncoder
from soutu.models.quantize import making, measuring
from soutu.models.samples import SAMPLE_TEXTS, sample_pictures
from soutu.types import Pixels, Preprocess

WIDTH = 3 * SIZE * SIZE


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


def benign(_: int) -> NDArray[np.float32]:
    """Return an all-round weight matrix."""
    return np.random.default_rng(5).normal(0, WIDTH**-0.5, (WIDTH, WIDTH)).astype(np.float32)


def write_chain(path: Path, outliers: set[int], layers: int = 8) -> None:
    """Write layers in a row; those in `outliers` see inputs of which a few dwarf all others.

    The few are blown up before the layer and shrunk back by its weights, as LayerNorm gains and
    the weights after them do in trained transformers.
    """
    nodes = [helper.make_node("Flatten", ["pixel_values"], ["x0"], axis=1)]
    constants = []
    for layer in range(layers):
        gain = np.ones(WIDTH, np.float32)
        if layer in outliers:
            gain[:4] = 3000
        constants.append(numpy_helper.from_array(gain, f"gain{layer}"))
        weights = benign(layer) / gain[:, None]
        constants.append(numpy_helper.from_array(weights, f"weights{layer}"))
        nodes += [
            helper.make_node("Mul", [f"x{layer}", f"gain{layer}"], [f"y{layer}"]),
            helper.make_node(
                "MatMul", [f"y{layer}", f"weights{layer}"], [f"z{layer}"], name=f"layer{layer}"
            ),
            helper.make_node("Tanh", [f"z{layer}"], [f"x{layer + 1}"]),
        ]
    nodes.append(helper.make_node("Slice", [f"x{layers}", "0", "dim", "1"], ["image_embeds"]))
    for name, value in (("0", 0), ("1", 1), ("dim", DIM)):
        constants.append(numpy_helper.from_array(np.array([value], np.int64), name))
    graph = helper.make_graph(
        nodes,
        "chain",
        [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["n", 3, SIZE, SIZE])],
        [helper.make_tensor_value_info("image_embeds", TensorProto.FLOAT, ["n", DIM])],
        initializer=constants,
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), path)


def model_folder(tmp_path: Path, outliers: set[int]) -> Path:
    """Write a model whose image tower is a chain."""
    folder = transformers_folder(tmp_path / "m")
    write_chain(folder / "onnx/vision_model.onnx", outliers)
    return folder


def test_benign_weights_are_accepted(models: ModelStore, tmp_path: Path) -> None:
    """All layers go to int8, the files shrink, and `auto` takes them."""
    folder = model_folder(tmp_path, set())
    report = models.quantize(folder)
    assert report.accepted
    assert report.cosine_min >= 0.99
    assert report.cosine_mean >= report.cosine_min
    assert report.kept_fp32 == 0
    assert report.bytes < 0.4 * report.bytes_fp32
    assert models.load(folder).facts.precision == "int8"
    assert models.load(folder, precision="fp32").facts.precision == "fp32"


def test_outliers_everywhere_are_rejected(models: ModelStore, tmp_path: Path) -> None:
    """Where int8 cannot hold the vectors `auto` stays in fp32, and int8 remains to be had."""
    folder = model_folder(tmp_path, set(range(8)))
    report = models.quantize(folder)
    assert not report.accepted
    assert report.cosine_min < 0.99
    assert models.load(folder).facts.precision == "fp32"
    assert models.load(folder, precision="int8").facts.precision == "int8"


def test_a_few_outlier_layers_stay_in_fp32(models: ModelStore, tmp_path: Path) -> None:
    """The layers that int8 cannot hold are found, and the others still gain."""
    folder = model_folder(tmp_path, {3})
    report = models.quantize(folder)
    assert report.accepted
    assert report.kept_fp32 == 1
    assert report.bytes < 0.6 * report.bytes_fp32


def test_int8_that_is_slower_is_rejected(
    models: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`auto` wants speed; on processors without int8 instructions fp32 can be faster."""
    monkeypatch.setattr(measuring, "_speed", lambda *_: 1.0)
    report = models.quantize(model_folder(tmp_path, set()))
    assert report.cosine_min >= 0.99
    assert not report.accepted


def test_auto_measures_once(
    models: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first load of a large model quantises it; the next ones remember the verdict."""
    folder = model_folder(tmp_path, set())
    first = models.load(folder).facts
    assert first.precision == "int8"
    monkeypatch.setattr(quantize, "make", None)
    monkeypatch.setattr(quantize, "measure", None)
    assert models.load(folder).facts == first


def test_other_weights_are_measured_again(models: ModelStore, tmp_path: Path) -> None:
    """A verdict holds for the weights it was made on."""
    folder = model_folder(tmp_path, set())
    assert models.load(folder).facts.precision == "int8"
    write_chain(folder / "onnx/vision_model.onnx", set(range(8)))
    assert models.load(folder).facts.precision == "fp32"


def test_a_small_model_is_left_in_fp32(
    models: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Below the size where it pays nothing is measured."""
    monkeypatch.setattr(forms, "LARGE", 10**9)
    assert models.load(model_folder(tmp_path, set())).facts.precision == "fp32"


def test_int8_and_fp32_are_different_spaces(models: ModelStore, tmp_path: Path) -> None:
    """Their revisions differ, so that their vectors are never mixed."""
    folder = model_folder(tmp_path, set())
    revisions = {
        models.load(folder, precision=precision).facts.revision for precision in ("fp32", "int8")
    }
    assert len(revisions) == 2


def ship_int8(folder: Path, outliers: set[int]) -> None:
    """Put quantised graphs beside the fp32 ones, as repositories do."""
    onnx_folder = folder / "onnx"
    write_chain(onnx_folder / "vision_model_quantized.onnx", outliers)
    shutil.copy(onnx_folder / "text_model.onnx", onnx_folder / "text_model_quantized.onnx")


@pytest.fixture
def no_onnx(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the `quantize` extra away."""
    real = builtins.__import__

    def refuse(name: str, *rest: object) -> object:
        if name == "onnx" or name.startswith("onnxruntime.quantization"):
            raise ModuleNotFoundError(name)
        return real(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", refuse)
    monkeypatch.setattr(quantize, "available", lambda: False)
    monkeypatch.setattr(making, "available", lambda: False)


@pytest.mark.usefixtures("no_onnx")
def test_shipped_int8_is_measured_without_the_extra(models: ModelStore, tmp_path: Path) -> None:
    """A repository's own quantised graphs are taken if they agree with fp32."""
    folder = model_folder(tmp_path, set())
    ship_int8(folder, set())
    assert models.load(folder).facts.precision == "int8"


@pytest.mark.usefixtures("no_onnx")
def test_shipped_int8_that_disagrees_is_left(models: ModelStore, tmp_path: Path) -> None:
    """Shipped graphs that give other vectors are not taken by `auto`."""
    folder = model_folder(tmp_path, set())
    ship_int8(folder, set())
    model = onnx.load(folder / "onnx/vision_model_quantized.onnx")
    [weights] = [one for one in model.graph.initializer if one.name == "weights7"]
    weights.CopyFrom(numpy_helper.from_array(-benign(7).T, weights.name))
    onnx.save(model, folder / "onnx/vision_model_quantized.onnx")
    assert models.load(folder).facts.precision == "fp32"
    assert models.load(folder, precision="int8").facts.precision == "int8"


@pytest.mark.usefixtures("no_onnx")
def test_without_the_extra_fp32_is_taken(models: ModelStore, tmp_path: Path) -> None:
    """`auto` goes on; asking for int8 names the extra."""
    folder = model_folder(tmp_path, set())
    assert models.load(folder).facts.precision == "fp32"
    with pytest.raises(MissingExtra, match=r"pip install 'soutu\[quantize\]'"):
        models.load(folder, precision="int8")
    with pytest.raises(MissingExtra, match=r"quantising a model needs"):
        models.quantize(folder)


def test_a_folder_with_int8_alone(models: ModelStore, tmp_path: Path) -> None:
    """Where only quantised graphs are here they are used, and fp32 is an error."""
    folder = model_folder(tmp_path, set())
    ship_int8(folder, set())
    for name in ("vision_model.onnx", "text_model.onnx"):
        (folder / "onnx" / name).unlink()
    assert models.load(folder).facts.precision == "int8"
    with pytest.raises(ModelError, match="in int8 only"):
        models.load(folder, precision="fp32")
    with pytest.raises(ModelError, match="nothing to do"):
        models.quantize(folder)


def test_mini_is_quantised_already(models: ModelStore) -> None:
    """There is nothing to quantise."""
    with pytest.raises(ModelError, match="nothing to do"):
        models.quantize("mini")


def test_own_pictures_can_be_measured(models: ModelStore, tmp_path: Path) -> None:
    """The user's samples take the place of the drawn ones."""
    assert models.quantize(model_folder(tmp_path, set()), samples=pictures(3)).accepted


def test_removing_a_model_removes_its_int8(models: ModelStore, tmp_path: Path) -> None:
    """Nothing of it stays in the store."""
    models.add(model_folder(tmp_path, set()))
    models.quantize("m")
    models.remove("m")
    assert list((tmp_path / "home").rglob("*.onnx")) == []


def test_an_interrupted_run_leaves_nothing_to_trust(
    models: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A half-made int8 model is never taken."""
    folder = model_folder(tmp_path, set())

    def stop(self: DualEncoder, pixels: Pixels) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(DualEncoder, "encode_images", stop)
        with pytest.raises(KeyboardInterrupt):
            models.quantize(folder)
    assert list((tmp_path / "home").rglob("*.onnx")) == []
    assert models.load(folder).facts.precision == "int8"


def test_graphs_that_cannot_be_quantised_stay_in_fp32(
    models: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`auto` goes on in fp32 and does not try again; asking for int8 is an error."""
    folder = model_folder(tmp_path, set())

    def fail(*_: object, **__: object) -> None:
        raise IndexError("some node")

    monkeypatch.setattr("onnxruntime.quantization.quantize_dynamic", fail)
    with pytest.raises(ModelError, match=r"vision_model\.onnx cannot be quantised: some node"):
        models.quantize(folder)
    assert models.load(folder).facts.precision == "fp32"
    monkeypatch.undo()
    monkeypatch.setattr(forms, "LARGE", 0)
    assert models.load(folder).facts.precision == "fp32"
    with pytest.raises(ModelError, match=r"cannot be quantised\. Use fp32"):
        models.load(folder, precision="int8")


def test_a_store_that_cannot_be_written_leaves_fp32(tmp_path: Path) -> None:
    """Encoding goes on; only asking for int8 is an error."""
    (tmp_path / "home").write_text("a file, not a folder", "utf-8")
    models = ModelStore(tmp_path / "home")
    folder = model_folder(tmp_path, set())
    assert models.load(folder).facts.precision == "fp32"
    with pytest.raises(StorageError, match="cannot be written"):
        models.load(folder, precision="int8")


def test_samples_are_the_same_every_time() -> None:
    """Verdicts can be compared; pictures have contrast, colour and no clipping all over."""
    spec = Preprocess(height=32, width=48, resize=32)
    first = sample_pictures(spec)
    np.testing.assert_array_equal(first, sample_pictures(spec))
    assert first.shape == (16, 3, 32, 48)
    assert first.std(axis=(1, 2, 3)).min() > 10
    assert ((first == 0) | (first == 255)).mean() < 0.2
    assert len(set(SAMPLE_TEXTS)) == 16
