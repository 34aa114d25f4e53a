"""A distillation from an earlier student: it begins with its answers, then learns on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from distill_teacher import SMALL, WORDS, cache_in, paint_folder
from onnx import helper

from soutu.errors import InputError, Stopped
from soutu.models import ModelStore
from soutu.models.card import MINI_FOLDER
from soutu.train.distill import export
from soutu.train.distill.corpus import open_corpus
from soutu.train.distill.lesson import Lesson, lesson_of
from soutu.train.distill.networks import Student
from soutu.train.distill.running import Distilled, distill
from soutu.train.distill.settings import Settings
from soutu.train.distill.start import Start, begin, blend, open_start, settings_from_start, turned
from soutu.train.distill.teaching import read_words
from soutu.types import Progress


def run(
    tmp_path: Path,
    settings: Settings = SMALL,
    *,
    start: Start | None = None,
    out: str = "first",
    stop: Callable[[], bool] | None = None,
    seen: list[Progress] | None = None,
) -> Distilled:
    """Distil the colour teacher, from nothing or from a start."""
    folder = tmp_path / "pictures"
    if not folder.exists():
        paint_folder(folder)
    (tmp_path / "words.txt").write_text(WORDS, "utf-8")
    return distill(
        cache_in(tmp_path), sorted(folder.glob("*.png")), read_words(tmp_path / "words.txt"),
        tmp_path / out, tmp_path / f"{out}.training", settings, languages=("en",), start=start,
        on_progress=None if seen is None else seen.append, should_stop=stop,
    )  # fmt: skip


def begun(tmp_path: Path) -> tuple[Student, Start, Lesson]:
    """Return a student that has begun from the first run's model."""
    start = open_start(tmp_path / "first")
    corpus, _ = open_corpus(tmp_path / "first.training/corpus")
    lesson = lesson_of(corpus, start.tokenizer, torch.device("cpu"))
    torch.manual_seed(1)
    student = Student(SMALL, start.tokenizer.get_vocab_size(), None)
    begin(student, start, lesson, SMALL)
    return student.eval(), start, lesson


@pytest.mark.parametrize(("least_int8", "tolerance"), [(0.99, 0.05), (1.1, 1e-5)])
def test_a_begun_student_answers_as_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, least_int8: float, tolerance: float
) -> None:
    """From int8 files as near as int8 is, from fp32 ones the same; texts the same."""
    monkeypatch.setattr(export, "INT8_COSINE", least_int8)
    run(tmp_path)
    student, start, lesson = begun(tmp_path)
    model = ModelStore(tmp_path / "home").load(tmp_path / "first")
    pixels = np.random.default_rng(0).integers(0, 256, (9, 3, 64, 64), dtype=np.uint8)
    with torch.no_grad():
        found = student.image(torch.from_numpy(pixels).float()).numpy()
        words = student.texts(lesson.bank).numpy()
    np.testing.assert_allclose(found, model.encode_images(pixels), atol=tolerance)
    np.testing.assert_allclose(words, model.encode_texts(["red", "green", "blue", "white"]),
                               atol=1e-6)  # fmt: skip
    np.testing.assert_allclose(start.texts(["red"]), words[:1], atol=1e-6)


def test_a_begun_student_can_be_trained_like_a_fresh_one(tmp_path: Path) -> None:
    """Weights have the size of fresh ones; normalisation over a batch gives about the same."""
    run(tmp_path)
    student, _, _ = begun(tmp_path)
    torch.manual_seed(2)
    fresh = Student(SMALL, len(student.table), None)
    for layer, other in zip(student.image.convolutions(), fresh.image.convolutions(), strict=True):
        convolution, norm = layer.parts()
        expected = other.parts()[0].weight.square().mean().sqrt()
        torch.testing.assert_close(
            convolution.weight.square().mean().sqrt(), expected, rtol=0.25, atol=0
        )
        assert norm.weight.isfinite().all()
        assert norm.get_buffer("running_var").min() >= 0


def test_the_head_for_a_foreign_teacher_is_fitted(tmp_path: Path) -> None:
    """It begins nearer to the teacher's features than one drawn at random."""
    run(tmp_path)
    start = open_start(tmp_path / "first")
    corpus, _ = open_corpus(tmp_path / "first.training/corpus")
    foreign = replace(corpus, projection=None)
    lesson = lesson_of(foreign, start.tokenizer, torch.device("cpu"))
    student = Student(SMALL, start.tokenizer.get_vocab_size(), corpus.shelves[0].features.shape[1])
    assert student.head is not None
    pixels = torch.from_numpy(np.array(corpus.shelves[0].pictures)).permute(0, 3, 1, 2).float()
    goals = lesson.goal(torch.from_numpy(corpus.shelves[0].features.astype(np.float32)))

    def cosine() -> float:
        assert student.head is not None
        with torch.no_grad():
            found = student.head(student.eval().image.features(pixels).mean((2, 3)))
        return float(torch.nn.functional.cosine_similarity(found, goals).mean())

    before = cosine()
    begin(student, start, lesson, SMALL)
    assert cosine() > max(before, 0.5)


def test_a_started_run_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    """And its folder says where it started."""
    run(tmp_path)
    start = open_start(tmp_path / "first")
    run(tmp_path, start=start, out="whole")
    seen: list[Progress] = []

    def stop() -> bool:
        return any(progress.stage == "train" and progress.done == 5 for progress in seen)

    with pytest.raises(Stopped):
        run(tmp_path, start=start, out="halves", stop=stop, seen=seen)
    run(tmp_path, start=open_start(tmp_path / "first"), out="halves")
    for name in ("image.onnx", "text.onnx", "tokenizer.json"):
        first, second = (tmp_path / out / name for out in ("whole", "halves"))
        assert first.read_bytes() == second.read_bytes(), name
    config = json.loads((tmp_path / "whole/config.json").read_text("utf-8"))
    assert config["distilled"]["start"] == f"first ({start.digest})"
    again = open_start(tmp_path / "whole")
    assert again.sharpness == pytest.approx(config["distilled"]["sharpness"])
    assert again.digest != start.digest


def test_another_start_is_another_run(tmp_path: Path) -> None:
    """Neither nothing nor another model takes over what was begun from one."""
    run(tmp_path)
    start = open_start(tmp_path / "first")
    run(tmp_path, start=start, out="second")
    with pytest.raises(InputError, match=f"start {start.digest} "):
        run(tmp_path, out="second")
    with pytest.raises(InputError, match=f"start {start.digest} "):
        run(tmp_path, start=open_start(tmp_path / "second"), out="second")


def test_learning_on_loses_nothing(tmp_path: Path) -> None:
    """Also on other pictures, where the same teacher's space is turned another way."""
    settings = replace(SMALL, steps=100, text_steps=200, batch=16, learning_rate=1e-2)
    first = run(tmp_path, settings)
    for path in sorted((tmp_path / "pictures").glob("*-1*.png")):
        path.unlink()
    few = replace(settings, steps=4, learning_rate=1e-3, warmup=2)
    second = run(tmp_path, few, start=open_start(tmp_path / "first"), out="second")
    third = run(tmp_path, few, out="third")
    assert second.figures["cosine"] > first.figures["cosine"] - 0.02
    assert second.figures["cosine"] > third.figures["cosine"]


def test_a_start_is_turned_to_where_texts_belong(tmp_path: Path) -> None:
    """Pictures and texts turn together, so their cosines stay."""
    run(tmp_path)
    start = open_start(tmp_path / "first")
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(8, 8)))[0].astype(np.float32)
    texts = [f"{one} {two}" for one in ("red", "green", "blue", "white", "a photo")
             for two in ("red", "green", "blue", "white", "picture")]  # fmt: skip
    found = turned(start, texts, start.texts(texts) @ turn)
    np.testing.assert_allclose(found.texts(texts), start.texts(texts) @ turn, atol=1e-3)
    pooled = np.ones(24, np.float32)
    (before, added), (after, also) = start.project, found.project
    np.testing.assert_allclose(
        (after @ pooled + also) @ found.texts(texts).T,
        (before @ pooled + added) @ start.texts(texts).T, atol=1e-3,
    )  # fmt: skip


def test_a_trained_student_is_mixed_with_its_start(tmp_path: Path) -> None:
    """Every weight lies between both ends; statistics are those of the mixture."""
    run(tmp_path)
    student, start, lesson = begun(tmp_path)
    first = {name: value.detach().clone() for name, value in student.named_parameters()}
    with torch.no_grad():
        for value in student.parameters():
            noise = torch.randn(value.shape, generator=torch.Generator().manual_seed(3))
            value.add_(noise, alpha=0.1)
    trained = {name: value.detach().clone() for name, value in student.named_parameters()}
    blend(student, start, lesson, SMALL)
    for name, value in student.named_parameters():
        torch.testing.assert_close(value, trained[name], rtol=0, atol=0)
    blend(student, start, lesson, replace(SMALL, start_share=0.25))
    for name, value in student.named_parameters():
        torch.testing.assert_close(value, 0.75 * trained[name] + 0.25 * first[name])
    assert not student.training
    for layer in student.image.convolutions():
        norm = layer.parts()[1]
        assert norm.get_buffer("num_batches_tracked") > 1
        assert not torch.equal(norm.get_buffer("running_var"), torch.ones(norm.num_features))


def test_a_mixture_needs_some_of_the_student() -> None:
    """All of the start would be the start."""
    with pytest.raises(InputError, match=r"start_share is 1; it must be from 0 to below 1"):
        replace(SMALL, start_share=1)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"widths": (4, 8, 12, 20)}, r"another image tower: \(16, 12, 3, 3\) .* \(20, 12, 3, 3\)"),
        ({"depths": (1, 1, 2)}, "another image tower"),
        ({"last": 20}, r"\(24, 16, 1, 1\)"),
        ({"dim": 6}, "8 numbers, the student of 6"),
    ],
)
def test_other_shapes_are_refused(tmp_path: Path, changed: dict[str, object], message: str) -> None:
    """Before anything is looked at."""
    run(tmp_path)
    start = open_start(tmp_path / "first")
    with pytest.raises(InputError, match=message):
        settings_from_start(replace(SMALL, **changed), start)  # type: ignore[arg-type]


def test_folders_of_other_models_are_refused(tmp_path: Path) -> None:
    """What is missing, or different, is named."""
    with pytest.raises(InputError, match=r"has no image\.onnx"):
        open_start(tmp_path)
    run(tmp_path)
    config = tmp_path / "first/config.json"
    values = json.loads(config.read_text("utf-8"))
    config.write_text(json.dumps({**values, "mean": [0.5, 0.5, 0.5]}), "utf-8")
    with pytest.raises(InputError, match=r"another mean, \[0.5, 0.5, 0.5\]; .* 0.4627"):
        open_start(tmp_path / "first")
    config.write_text(json.dumps(values), "utf-8")
    graph = onnx.load(tmp_path / "first/text.onnx")
    onnx.save(graph, tmp_path / "first/image.onnx")
    with pytest.raises(InputError, match="no image tower that soutu trains"):
        open_start(tmp_path / "first")


def test_computed_weights_are_refused(tmp_path: Path) -> None:
    """A graph that makes its weights as it runs cannot be read."""
    run(tmp_path)
    path = tmp_path / "first/image.onnx"
    model = onnx.load(path)
    convolution = next(node for node in model.graph.node if node.op_type == "Conv")
    maker = helper.make_node("Neg", [convolution.input[1]], ["negative"])
    convolution.input[1] = "negative"
    model.graph.node.insert(0, maker)
    onnx.save(model, path)
    with pytest.raises(InputError, match="computes its weights negative"):
        open_start(tmp_path / "first")
    del convolution.input[2]
    onnx.save(model, path)
    with pytest.raises(InputError, match="adds nothing"):
        open_start(tmp_path / "first")


def test_mini_is_a_start() -> None:
    """The bundled model has the shapes that a distillation has unless told otherwise."""
    start = open_start(MINI_FOLDER)
    assert settings_from_start(Settings(), start).start == start.digest
    assert "beach" in start.words()
    assert np.linalg.norm(start.texts(["a dog on a beach", "狗"]), axis=1) == pytest.approx(1)


def test_a_resumed_run_does_not_begin_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkpoint holds all that the start gave."""
    run(tmp_path)
    start = open_start(tmp_path / "first")
    run(tmp_path, start=start, out="second")
    calls: list[str] = []
    monkeypatch.setattr("soutu.train.distill.loop.begin", lambda *_arguments: calls.append("begun"))
    run(tmp_path, start=start, out="second")
    assert not calls
