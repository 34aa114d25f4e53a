"""Estimators: known answers, what they refuse, and what is kept of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]  # it ships no types
import pytest
import torch
from train_data import Made, made, unit

from soutu.errors import InputError
from soutu.heads import HeadEncoder, HeadFacts, LinearHead, OnnxGraph, open_head, save_head
from soutu.metrics import average_precision, mean_average_precision
from soutu.train.classifier import VectorClassifier
from soutu.train.estimators import (
    GCNClassifier,
    LinearClassifier,
    MLDecoderClassifier,
    MLPClassifier,
)
from soutu.train.examples import thresholds_of
from soutu.train.gcn import GCNNetwork, adjacency
from soutu.train.networks import LinearNetwork
from soutu.train.settings import Settings

QUICK = Settings(epochs=8, batch_size=64, learning_rate=5e-3)
HEADS: list[VectorClassifier] = [
    LinearClassifier(settings=QUICK),
    LinearClassifier(settings=QUICK, pooling="max", loss="asl"),
    MLPClassifier(settings=QUICK, hidden=32, loss="focal"),
    GCNClassifier(settings=QUICK, hidden=(32,), loss="weighted-bce"),
    MLDecoderClassifier(settings=QUICK, width=32, groups=3),
    MLDecoderClassifier(settings=QUICK, width=32, queries="text"),
]
REGIONS = 4


def in_regions(data: Made) -> Made:
    """Hide each picture's vector in one of its regions."""
    rng = np.random.default_rng(5)
    n, dim = data.vectors.shape
    regions = 0.3 * unit(rng.normal(size=(n, REGIONS, dim)))
    regions[np.arange(n), rng.integers(0, REGIONS, n)] = data.vectors
    return data._replace(vectors=regions)


def fitted(head: VectorClassifier, data: Made, held_out: Made) -> VectorClassifier:
    return replace(head).fit(
        data.vectors,
        data.labels,
        classes=data.classes,
        text=data.text,
        validation=(held_out.vectors, held_out.labels),
    )


@pytest.mark.parametrize("head", HEADS, ids=repr)
@pytest.mark.parametrize("regions", [False, True])
def test_heads_learn_and_are_kept(head: VectorClassifier, regions: bool, tmp_path: Path) -> None:
    """Every head beats chance, on vectors and on regions, and its folder scores as torch does."""
    data, held_out = made(500, unknown=0.1), made(200, seed=1)
    if regions:
        data, held_out = in_regions(data), in_regions(held_out)
    trained = fitted(head, data, held_out)
    scores = trained.predict_proba(held_out.vectors)
    assert scores.dtype == np.float32
    chance = mean_average_precision(np.zeros_like(scores), held_out.labels)
    assert mean_average_precision(scores, held_out.labels) > chance + 0.25
    np.testing.assert_array_equal(trained.thresholds_, thresholds_of(scores, held_out.labels))
    parts = trained.to_head()
    network = trained.fitted()
    with torch.inference_mode():
        expected = torch.sigmoid(network(torch.from_numpy(held_out.vectors))).numpy()
    if not regions:
        facts = HeadFacts(
            classes=trained.classes_,
            thresholds=tuple(trained.thresholds_.tolist()),
            encoder=HeadEncoder(name="made", revision="1", dim=16),
            method="test",
            parameters=trained.parameters(),
        )
        save_head(tmp_path / "head", parts, facts)
        found = open_head(tmp_path / "head").predict_proba(held_out.vectors)
    elif isinstance(parts, LinearHead):
        found = parts.predict_proba(held_out.vectors)
    else:
        session = ort.InferenceSession(parts.graph)
        found = session.run(None, {"vectors": held_out.vectors})[0]
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_identity_graph_is_the_linear_head() -> None:
    """A GCN with identity adjacency, identity nodes and one layer answers as the linear head."""
    data = made()
    linear = LinearNetwork(16, 5)
    torch.nn.init.normal_(linear.weight, generator=torch.Generator().manual_seed(0))
    eye = np.eye(5, dtype=np.float32)
    graph = GCNNetwork(16, eye, eye, hidden=())
    graph.layers[0].data = linear.weight.data.clone()
    inputs = torch.from_numpy(data.vectors)
    torch.testing.assert_close(graph(inputs), linear(inputs))


def test_identity_graph_trains_as_the_linear_head() -> None:
    """Trained from the same start with the same settings, both end at the same weights."""
    data = made()
    settings = Settings(epochs=3, batch_size=64, learning_rate=5e-3)
    linear = LinearClassifier(settings=settings)
    linear.fit(data.vectors, data.labels, classes=data.classes)
    torch_zeros = torch.nn.init.zeros_
    graph = GCNClassifier(settings=settings, hidden=(), adjacency=np.eye(5).tolist())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.nn.init, "xavier_uniform_", torch_zeros)
        graph.fit(data.vectors, data.labels, classes=data.classes)
    np.testing.assert_allclose(
        graph.predict_proba(data.vectors), linear.predict_proba(data.vectors), atol=1e-6
    )


def test_adjacency_follows_the_paper() -> None:
    """Neighbours share their weight, a label alone keeps all, and unknown labels do not count."""
    labels = np.array([[1, 1, 0], [1, 1, 0], [1, -1, 0], [0, 1, 1], [0, 1, 0], [0, 1, 0]], np.int8)
    # P(1|0) = 2/2, of the rows that know both; P(0|1) = 2/5 and P(1|2) = 1 pass 0.4, P(2|1) not.
    graph = np.array([[0.8, 0.2, 0.0], [0.2, 0.8, 0.0], [0.0, 0.2, 0.8]])
    np.testing.assert_allclose(adjacency(labels), graph, atol=1e-6)


def test_graph_reads_labels_that_go_together() -> None:
    """With few examples of one label, its neighbour in the graph lends it weight."""
    labels = np.zeros((50, 2), np.int8)
    labels[:20] = 1
    graph = adjacency(labels)
    assert graph[0, 1] == pytest.approx(0.2)


def test_unseen_labels_are_scored_above_chance() -> None:
    """With text queries, an ML-Decoder ranks pictures for labels it was never trained on."""
    rng = np.random.default_rng(0)
    # Text and pictures live in spaces that differ by a rotation, so cosines alone say nothing.
    dim, seen, unseen = 16, 40, 15
    turn = np.linalg.qr(rng.normal(size=(dim, dim)))[0]
    text = unit(rng.normal(size=(seen + unseen, dim)))
    labels = (rng.random((3000, seen + unseen)) < 0.04).astype(np.int8)
    vectors = unit(labels @ text @ turn + 0.05 * rng.normal(size=(3000, dim)))
    head = MLDecoderClassifier(
        queries="text", width=32, feed_forward=64, dropout=0.0,
        settings=Settings(epochs=12, batch_size=128, learning_rate=3e-3),
    )  # fmt: skip
    head.fit(
        vectors[:2000], labels[:2000, :seen], classes=[str(n) for n in range(seen)],
        text=text[:seen],
    )  # fmt: skip
    truth = labels[2000:, seen:]
    scores = head.predict_unseen(vectors[2000:], text[seen:])
    cosines = vectors[2000:] @ text[seen:].T
    found = np.mean([average_precision(scores[:, j], truth[:, j]) for j in range(unseen)])
    zero_shot = np.mean([average_precision(cosines[:, j], truth[:, j]) for j in range(unseen)])
    assert found > 2 * truth.mean()
    assert found > zero_shot


def test_unseen_labels_need_text_queries() -> None:
    """Group queries stand for the labels of training alone."""
    data = made(100)
    head = MLDecoderClassifier(width=32, settings=Settings(epochs=1))
    head.fit(data.vectors, data.labels, classes=data.classes)
    with pytest.raises(InputError, match="only an ML-Decoder with text queries"):
        head.predict_unseen(data.vectors, data.text)


def test_linear_head_is_stored_as_weights() -> None:
    """Linear and graph heads fold into weights; regions are averaged there too."""
    data = made(200)
    for head in (LinearClassifier(settings=QUICK), GCNClassifier(settings=QUICK)):
        assert isinstance(fitted(head, data, data).to_head(), LinearHead)
    pooled = fitted(LinearClassifier(settings=QUICK, pooling="max"), *[in_regions(data)] * 2)
    assert isinstance(pooled.to_head(), OnnxGraph)


def test_graph_names_no_path_of_this_machine() -> None:
    """A stored graph says nothing of where it was made."""
    data = made(100)
    parts = fitted(MLPClassifier(settings=Settings(epochs=1)), data, data).to_head()
    assert isinstance(parts, OnnxGraph)
    assert b".py" not in parts.graph
    assert str(Path.home()).encode() not in parts.graph


def test_estimators_follow_scikit_learn(tmp_path: Path) -> None:
    """Constructor settings can be read, scikit-learn can clone, `fit` returns the head."""
    from sklearn.base import clone

    head = MLPClassifier(hidden=64)
    assert head.get_params()["hidden"] == 64
    assert clone(head) == head
    data = made(60)
    assert head.fit(data.vectors, data.labels, classes=data.classes) is head
    assert head.classes_ == data.classes
    np.testing.assert_array_equal(head.thresholds_, np.full(5, 0.5, np.float32))


def test_resume_refuses_another_head_or_loss(tmp_path: Path) -> None:
    """The loss, the head's own settings and the classes belong to the run."""
    data = made(60)
    once = Settings(epochs=1)
    MLPClassifier(settings=once).fit(
        data.vectors, data.labels, classes=data.classes, checkpoint=tmp_path
    )
    for other, said in (
        (MLPClassifier(settings=once, loss="asl"), "loss was bce and is asl"),
        (MLPClassifier(settings=once, dropout=0.5), "dropout was 0.3 and is 0.5"),
    ):
        with pytest.raises(InputError, match=said):
            other.fit(data.vectors, data.labels, classes=data.classes, checkpoint=tmp_path)
    with pytest.raises(InputError, match="classes was"):
        MLPClassifier(settings=once).fit(
            data.vectors, data.labels, classes=list("abcde"), checkpoint=tmp_path
        )


def refused(match: str, **changed: object) -> None:
    data = made(40)
    given: dict[str, object] = {"X": data.vectors, "Y": data.labels, "classes": data.classes}
    with pytest.raises(InputError, match=match):
        LinearClassifier().fit(**{**given, **changed})  # type: ignore[arg-type]


def test_examples_that_teach_nothing_are_refused() -> None:
    """What cannot be trained on is said before training, with the row or the class."""
    data = made(40)
    broken = data.vectors.copy()
    broken[7, 3] = np.nan
    refused("row 7 .*NaN", X=broken)
    refused("labels of 40", X=data.vectors[:10])
    refused("no training examples", X=data.vectors[:0], Y=data.labels[:0])
    refused("other values than", Y=data.labels * 2)
    refused("labels have the shape", classes=["one"])
    refused("'a' stand there twice", classes=["a", "a", "b", "c", "d"])
    refused("no classes", classes=[], Y=data.labels[:, :0])
    never, always = data.labels.copy(), data.labels.copy()
    never[:, 2] = 0
    always[:, 1] = 1
    refused("says yes to 'class 2'", Y=never)
    refused("says no to 'class 1'", Y=always)
    refused("float32 vectors", X=np.zeros((40, 3, 4, 4), np.float32))


def test_validation_that_measures_nothing_is_refused() -> None:
    """Too small a split, and one of another encoder, are refused."""
    data = made(40)
    empty = np.zeros((3, 5), np.int8)
    refused("both a yes and a no among the 3", validation=(data.vectors[:3], empty))
    other = made(20, dim=8)
    refused(r"\(16,\).*\(8,\)", validation=(other.vectors, other.labels))


def test_scoring_refuses_other_vectors() -> None:
    """A head says which vectors it was trained on, and that it was not."""
    data = made(60)
    head = LinearClassifier(settings=Settings(epochs=1))
    with pytest.raises(InputError, match="learned nothing yet"):
        head.predict_proba(data.vectors)
    head.fit(data.vectors, data.labels, classes=data.classes)
    with pytest.raises(InputError, match=r"\(16,\).*\(8,\)"):
        head.predict_proba(data.vectors[:, :8])


def test_text_vectors_are_checked() -> None:
    """Text queries without text, with too few and with NaN are refused."""
    data = made(60)
    head = MLDecoderClassifier(queries="text")
    for text, said in (
        (None, "needs the text vectors"),
        (data.text[:2], "for 5 classes"),
        (np.full_like(data.text, np.nan), "'class 0'"),
    ):
        with pytest.raises(InputError, match=said):
            head.fit(data.vectors, data.labels, classes=data.classes, text=text)


def test_memory_mapped_vectors_train_alike(tmp_path: Path) -> None:
    """Vectors mapped from a file give what vectors in memory give."""
    data = made(100)
    np.save(tmp_path / "vectors.npy", data.vectors)
    mapped = np.load(tmp_path / "vectors.npy", mmap_mode="r")
    scores = [
        LinearClassifier(settings=QUICK)
        .fit(vectors, data.labels, classes=data.classes)
        .predict_proba(data.vectors)
        for vectors in (data.vectors, mapped)
    ]
    np.testing.assert_array_equal(scores[0], scores[1])
