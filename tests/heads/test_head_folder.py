"""Heads in folders: what is saved is what is opened, and what is damaged is told."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from soutu.errors import InputError
from soutu.heads import (
    REGIONS,
    ChainHead,
    HeadData,
    HeadEncoder,
    HeadFacts,
    LinearHead,
    OnnxGraph,
    PixelGraph,
    open_head,
    read_facts,
    save_head,
)
from soutu.heads.folder import HeadParts
from soutu.heads.seen import marks
from soutu.types import Box

DIM = 5
FACTS = HeadFacts(
    classes=("cat", "狗", "sea side"),
    aliases={"cat": ("猫",)},
    thresholds=(0.5, 0.25, 0.1),
    encoder=HeadEncoder(name="colour", revision="abc", dim=DIM, precision="fp32", source="colour"),
    method="logistic",
    loss="bce",
    parameters={"c": 1.0, "seed": 3, "order": [2, 0, 1], "balanced": True, "note": None},
    data=HeadData(name="zoo", digest="0123", pictures=12, seen=marks([b"0123456789abcdef"])),
    metrics={"map": 0.5, "nothing": float("nan")},
    versions={"scikit-learn": "1.9"},
    made="2026-01-02T03:04:05+00:00",
)


def linear(features: int = DIM, seed: int = 0) -> LinearHead:
    rng = np.random.default_rng(seed)
    return LinearHead(
        weights=rng.normal(size=(3, features)).astype(np.float32),
        bias=rng.normal(size=3).astype(np.float32),
    )


def chain(features: int = DIM) -> ChainHead:
    rng = np.random.default_rng(1)
    order = np.array([[2, 0, 1], [0, 1, 2]])
    place = np.argsort(order, axis=1)
    earlier = place[:, None, :] < place[:, :, None]
    return ChainHead(
        weights=rng.normal(size=(2, 3, features)).astype(np.float32),
        links=(rng.normal(size=(2, 3, 3)) * earlier).astype(np.float32),
        bias=rng.normal(size=(2, 3)).astype(np.float32),
        order=order,
    )


def graph(features: int = DIM, *, output: str = "probabilities", labels: int = 3) -> OnnxGraph:
    """Make the graph of `sigmoid(vectors @ weights)`."""
    weights = np.random.default_rng(2).normal(size=(features, labels)).astype(np.float32)
    made = helper.make_graph(
        [
            helper.make_node("MatMul", ["vectors", "weights"], ["logits"]),
            helper.make_node("Sigmoid", ["logits"], [output]),
        ],
        "head",
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["n", features])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["n", labels])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return OnnxGraph(graph=model.SerializeToString(), labels=labels, dim=features)


def vectors(rows: int = 7, features: int = DIM) -> Any:
    found = np.random.default_rng(3).normal(size=(rows, features)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


@pytest.mark.parametrize("parts", [linear(), chain(), graph()], ids=["linear", "chain", "onnx"])
def test_a_head_comes_back_as_it_was_saved(parts: HeadParts, tmp_path: Path) -> None:
    written = save_head(tmp_path / "head", parts, FACTS)
    opened = open_head(tmp_path / "head")
    assert opened.facts == read_facts(tmp_path / "head")
    assert opened.facts == replace(written, metrics={"map": 0.5, "nothing": None})
    assert opened.classes_ == FACTS.classes
    assert opened.thresholds_.tolist() == np.array(FACTS.thresholds, np.float32).tolist()
    assert opened.facts.versions.keys() == {"soutu", "numpy", "scikit-learn"}
    assert opened.kind == parts.kind
    found = opened.predict_proba(vectors())
    assert found.shape == (7, 3)
    assert found.dtype == np.float32
    if not isinstance(parts, OnnxGraph | PixelGraph):
        assert (found == parts.predict_proba(vectors())).all()
    again = save_head(tmp_path / "again", parts, FACTS)
    assert again == written
    assert open_head(tmp_path / "again").digest == opened.digest
    assert (open_head(tmp_path / "again").predict_proba(vectors()) == found).all()
    assert opened.predict_proba(vectors(0)).shape == (0, 3)


def test_nothing_in_a_folder_is_pickled(tmp_path: Path) -> None:
    several: list[HeadParts] = [linear(), chain(), graph()]
    for parts in several:
        save_head(tmp_path / parts.kind, parts, FACTS)
    kept = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert kept == {"head.json", "weights.safetensors", "head.onnx"}


def test_a_linear_head_is_the_sigmoid_of_a_product() -> None:
    head, rows = linear(), vectors()
    wanted = 1 / (1 + np.exp(-(rows.astype(float) @ head.weights.T + head.bias)))
    assert np.allclose(head.predict_proba(rows), wanted, atol=1e-6)


@pytest.mark.parametrize("passes", ["probabilities", "decisions"])
def test_a_chain_hands_on_what_it_found(passes: Any) -> None:
    head, rows = replace(chain(), passes=passes), vectors()
    wanted = np.zeros((7, 3))
    for weights, links, bias, order in zip(
        head.weights, head.links, head.bias, head.order, strict=True
    ):
        seen = np.zeros((7, 3))
        for label in order:
            odds = rows @ weights[label] + bias[label] + seen @ links[label]
            found = 1 / (1 + np.exp(-odds))
            wanted[:, label] += found / 2
            seen[:, label] = found >= 0.5 if passes == "decisions" else found
    assert np.allclose(head.predict_proba(rows), wanted, atol=1e-6)


@pytest.mark.parametrize("make", [linear, chain], ids=["linear", "chain"])
def test_regions_stand_one_after_the_other(
    make: Callable[[int], HeadParts], tmp_path: Path
) -> None:
    regions = len(REGIONS["whole+crops"])
    save_head(tmp_path / "h", make(DIM * regions), replace(FACTS, regions="whole+crops"))
    head, rows = open_head(tmp_path / "h"), vectors(4, DIM * regions)
    given = head.predict_proba(rows.reshape(4, regions, DIM))
    assert (given == head.predict_proba(rows)).all()
    told = json.loads((tmp_path / "h" / "head.json").read_text("utf-8"))["regions"]
    assert told["layout"] == "whole+crops"
    assert [Box(*box) for box in told["boxes"]] == list(REGIONS["whole+crops"])
    with pytest.raises(InputError, match="30 numbers a picture"):
        head.predict_proba(vectors())


# --- what does not fit ---


def test_arrays_that_do_not_fit_each_other_are_refused() -> None:
    head = linear()
    with pytest.raises(InputError, match="bias"):
        LinearHead(weights=head.weights, bias=head.bias[:2])
    with pytest.raises(InputError, match="weights"):
        LinearHead(weights=head.bias, bias=head.bias)
    with pytest.raises(InputError, match="NaN"):
        LinearHead(weights=head.weights * np.float32("nan"), bias=head.bias)
    many = chain()
    with pytest.raises(InputError, match="each of its 3 classes once"):
        replace(many, order=np.array([[0, 0, 1], [0, 1, 2]]))
    with pytest.raises(InputError, match="comes later"):
        replace(many, order=many.order[::-1])
    with pytest.raises(InputError, match="links"):
        replace(many, links=many.links[:, :2])
    with pytest.raises(InputError, match="three axes"):
        replace(many, weights=many.weights[0])
    with pytest.raises(InputError, match="pass on 'all'"):
        replace(many, passes="all")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"classes": ()}, "there are none"),
        ({"classes": ("a", "b", "a")}, "'a' is there twice"),
        ({"classes": ("a", " ", "b")}, "no name"),
        ({"thresholds": (0.5,)}, "1 thresholds for 3 classes"),
        ({"thresholds": (0.5, 0.5, 2.0)}, "'sea side' is 2.0"),
        ({"thresholds": (0.5, float("nan"), 0.5)}, "'狗' is nan"),
        ({"aliases": {"cow": ("kuh",)}}, "'cow' has aliases"),
        ({"encoder": HeadEncoder(name="x", revision="y", dim=0)}, "0 dimensions"),
    ],
)
def test_facts_that_cannot_be_are_refused(change: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        replace(FACTS, **change)


def test_a_head_is_not_saved_where_it_does_not_fit(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="scores 3 classes; 1 are named"):
        save_head(tmp_path / "h", linear(), replace(FACTS, classes=("a",), thresholds=(0.5,),
                                                    aliases={}))  # fmt: skip
    with pytest.raises(InputError, match="reads 4 numbers"):
        save_head(tmp_path / "h", linear(4), FACTS)
    with pytest.raises(InputError, match="reads 5 numbers"):
        save_head(tmp_path / "h", graph(), replace(FACTS, regions="whole+crops"))
    assert not (tmp_path / "h").exists()


def test_a_head_replaces_a_head_and_nothing_else(tmp_path: Path) -> None:
    save_head(tmp_path / "h", graph(), FACTS)
    save_head(tmp_path / "h", linear(), FACTS)
    assert sorted(path.name for path in (tmp_path / "h").iterdir()) == [
        "head.json",
        "weights.safetensors",
    ]
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").touch()
    with pytest.raises(InputError, match="holds something that is no head"):
        save_head(tmp_path / "photos", linear(), FACTS)
    with pytest.raises(InputError, match="is a file"):
        save_head(tmp_path / "photos" / "a.jpg", linear(), FACTS)
    assert (tmp_path / "photos" / "a.jpg").exists()


# --- damage ---


def _without_facts(folder: Path) -> None:
    (folder / "head.json").unlink()


def _half_facts(folder: Path) -> None:
    text = (folder / "head.json").read_bytes()
    (folder / "head.json").write_bytes(text[: len(text) // 2])


def _half_weights(folder: Path) -> None:
    data = (folder / "weights.safetensors").read_bytes()
    (folder / "weights.safetensors").write_bytes(data[:-4])


def _other_weights(folder: Path) -> None:
    save_head(folder.parent / "other", linear(seed=9), FACTS)
    shutil.copy(folder.parent / "other" / "weights.safetensors", folder)


def _edited(**changes: Any) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        found = json.loads((folder / "head.json").read_text("utf-8"))
        for name, value in changes.items():
            found.pop(name) if value is None else found.update({name: value})
        (folder / "head.json").write_text(json.dumps(found), "utf-8")

    return edit


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (shutil.rmtree, "no such folder"),
        (_without_facts, "has no head.json"),
        (_half_facts, "is no JSON"),
        (lambda f: (f / "head.json").write_text("[]"), "no JSON object"),
        (lambda f: (f / "weights.safetensors").unlink(), "cannot be read"),
        (_half_weights, "damaged"),
        (_other_weights, "damaged"),
        (_edited(files={}), "damaged"),
        (_edited(files=3), "damaged"),
        (_edited(format=2), "reads up to 1. Run: pip install"),
        (_edited(format=None), "format None"),
        (_edited(kind="tree"), "known are linear, chain, onnx"),
        (_edited(kind=None), "the kind None; known"),
        (_edited(kind="onnx"), "head.onnx cannot be read"),
        (_edited(kind="chain"), "'links' is missing"),
        (_edited(classes=None), "'classes' is missing"),
        (_edited(classes="abc"), "no list of names"),
        (_edited(classes=["a"], thresholds=[0.5], aliases={}), "scores 3 classes; 1 are named"),
        (_edited(thresholds=[1, 2, 3]), "must be 0 to 1"),
        (_edited(thresholds=None), "'thresholds' is missing"),
        (_edited(encoder={"name": "x"}), "cannot be understood"),
        (_edited(encoder={"name": "x", "revision": "y", "dim": 9}), "reads 5 numbers"),
        (_edited(regions={"layout": "corners"}), "'corners'"),
        (_edited(aliases=[1]), "cannot be understood"),
    ],
)  # fmt: skip
def test_a_damaged_folder_is_told(harm: Callable[[Path], None], told: str, tmp_path: Path) -> None:
    folder = tmp_path / "head"
    save_head(folder, linear(), FACTS)
    harm(folder)
    with pytest.raises(InputError, match=told):
        open_head(folder)


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        (OnnxGraph(graph=b"no graph", labels=3, dim=DIM), "cannot be opened as an ONNX model"),
        (replace(graph(output="found"), labels=3), "gives 'probabilities'"),
        (replace(graph(labels=2), labels=3), "gives 2 probabilities a picture for 3 classes"),
        (replace(graph(4), dim=DIM), "its head says"),
    ],
    ids=["bytes", "output", "labels", "dim"],
)
def test_a_graph_that_is_no_head_is_told(parts: OnnxGraph, told: str, tmp_path: Path) -> None:
    save_head(tmp_path / "head", parts, FACTS)
    with pytest.raises(InputError, match=told):
        open_head(tmp_path / "head")


def test_a_graph_scores_many_pictures_as_it_scores_each(tmp_path: Path) -> None:
    save_head(tmp_path / "head", graph(), FACTS)
    head, rows = open_head(tmp_path / "head"), vectors(3000)
    found = head.predict_proba(rows)
    assert np.allclose(found[2000:2003], head.predict_proba(rows[2000:2003]), atol=1e-6)
    assert (found == head.predict_proba(rows[:, None])).all()
    with pytest.raises(InputError, match="1 of 5 numbers"):
        head.predict_proba(vectors(3, 4))
