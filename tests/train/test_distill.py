"""A whole distillation from a teacher that knows colours: it learns, resumes, exports."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from distill_teacher import SMALL, WORDS, cache_in, paint_folder, write_captions
from painting import paint

from soutu.data.captions import load_captions
from soutu.errors import InputError, ModelError, Stopped
from soutu.images.decode import decode
from soutu.models import ModelStore, layout
from soutu.train.distill import export
from soutu.train.distill.checkpoints import Training
from soutu.train.distill.corpus import open_corpus
from soutu.train.distill.loop import train
from soutu.train.distill.running import Distilled, corpus_tokenizer, distill
from soutu.train.distill.settings import Settings
from soutu.train.distill.teaching import read_words
from soutu.types import Progress


def run(
    tmp_path: Path,
    settings: Settings = SMALL,
    *,
    captions: bool = False,
    out: str = "student",
    stop: Callable[[], bool] | None = None,
    seen: list[Progress] | None = None,
) -> Distilled:
    """Distil the colour teacher in a folder of the test's own."""
    folder = tmp_path / "pictures"
    if not folder.exists():
        paint_folder(folder)
    paths = sorted(folder.glob("*.png"))
    (tmp_path / "words.txt").write_text(WORDS, "utf-8")
    captioned = load_captions(write_captions(folder)) if captions else None
    return distill(
        cache_in(tmp_path), paths, read_words(tmp_path / "words.txt"), tmp_path / out,
        tmp_path / f"{out}.training", settings, captioned=captioned, languages=("en",),
        on_progress=None if seen is None else seen.append, should_stop=stop,
    )  # fmt: skip


def test_a_student_learns_its_teachers_colours(tmp_path: Path) -> None:
    """It agrees on held-out pictures, in the teacher's language and in translations."""
    settings = replace(
        SMALL, steps=150, text_steps=200, batch=16, widths=(8, 16, 24, 32), last=48,
        learning_rate=1e-2,
    )  # fmt: skip
    done = run(tmp_path, settings, captions=True)
    assert done.figures["cosine"] > 0.9
    assert done.figures["top1"] > 80
    assert {"R@10 en", "R@10 zh"} <= done.figures.keys()
    student = ModelStore(tmp_path / "home").load(tmp_path / "student")
    texts = student.encode_texts(["red", "green", "blue", "红色", "绿色", "蓝色"])
    spec = student.facts.preprocess
    for row, colour in enumerate(("red", "green", "blue")):
        path = paint(tmp_path / f"new-{colour}.png", colour, size=80, seed=99)
        [vector] = student.encode_images(decode(path, spec).pixels[None])
        scores = texts @ vector
        assert int(scores[:3].argmax()) == row
        assert int(scores[3:].argmax()) == row


def test_the_export_is_a_model_folder(tmp_path: Path) -> None:
    """The bundled model's layout, verified against torch, with what is known of it."""
    done = run(tmp_path)
    made = done.exported
    assert made.error <= 1e-4
    assert made.text_min > 0.99
    names = {path.name for path in made.folder.iterdir()}
    assert names == {"image.onnx", "text.onnx", "tokenizer.json", "config.json"}
    config = json.loads((made.folder / "config.json").read_text("utf-8"))
    assert config["distilled"]["steps"] == SMALL.steps
    assert config["teacher"].startswith("colour (fp32, r1)")
    files = layout.read(made.folder)
    assert (files.layout, files.dim, files.preprocess.height) == ("soutu", 8, 64)
    assert files.precisions() == (made.precision,)
    store = ModelStore(tmp_path / "home")
    entry = store.add(made.folder)
    assert store.load(entry.name).facts.scale.scale >= 1


def test_int8_that_loses_too_much_stays_fp32(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder then says fp32, and works."""
    monkeypatch.setattr(export, "INT8_COSINE", 1.1)
    done = run(tmp_path)
    assert done.exported.precision == "fp32"
    encoder = ModelStore(tmp_path / "home").load(done.exported.folder)
    assert encoder.facts.precision == "fp32"
    assert np.isfinite(encoder.encode_texts(["red"])).all()


def test_an_export_that_differs_from_torch_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written that does not do what was trained."""
    monkeypatch.setattr(export, "TOLERANCE", -1.0)
    with pytest.raises(ModelError, match="away from torch"):
        run(tmp_path)
    assert not (tmp_path / "student").exists()


def test_a_stopped_run_ends_where_it_would_have(tmp_path: Path) -> None:
    """Stopped in the middle and resumed, every file is the same to the byte."""
    whole = run(tmp_path, captions=True, out="whole")
    seen: list[Progress] = []

    def stop() -> bool:
        return any(progress.stage == "train" and progress.done == 5 for progress in seen)

    with pytest.raises(Stopped, match="at step 5 of 8, which is kept"):
        run(tmp_path, captions=True, out="halves", stop=stop, seen=seen)
    state = json.loads((tmp_path / "halves.training/training/state.json").read_text())
    assert state["step"] == 5
    halves = run(tmp_path, captions=True, out="halves")
    assert halves.figures == whole.figures
    for name in ("image.onnx", "text.onnx", "tokenizer.json"):
        first, second = (tmp_path / out / name for out in ("whole", "halves"))
        assert first.read_bytes() == second.read_bytes(), name


def test_progress_is_told(tmp_path: Path) -> None:
    """Teacher, reading, words and training: each stage ends at its total."""
    seen: list[Progress] = []
    run(tmp_path, seen=seen)
    last = {progress.stage: progress for progress in seen}
    assert {"check", "fill", "texts", "train"} <= last.keys()
    for progress in last.values():
        assert progress.done == progress.total


def test_a_run_with_other_data_is_refused(tmp_path: Path) -> None:
    """What was begun on other pictures or with other settings does not go on."""
    run(tmp_path)
    with pytest.raises(InputError, match=r"other settings: steps 8 \(now 9\)"):
        run(tmp_path, replace(SMALL, steps=9))
    paint(tmp_path / "pictures" / "more.png", "red", size=64)
    with pytest.raises(InputError, match="on other data"):
        run(tmp_path)


def test_a_checkpoint_of_another_corpus_is_refused(tmp_path: Path) -> None:
    """The loop itself looks too, for those who call it."""
    run(tmp_path)
    corpus, _ = open_corpus(tmp_path / "student.training/corpus")
    tokenizer = corpus_tokenizer(corpus, SMALL)
    folder = tmp_path / "student.training/training"
    with pytest.raises(InputError, match="on other data"):
        train(corpus, tokenizer, SMALL, folder, digest="another")


def test_a_broken_checkpoint_says_what_to_do(tmp_path: Path) -> None:
    """The message names the file and the folder to remove."""
    run(tmp_path)
    [file] = (tmp_path / "student.training/training").glob("*.safetensors")
    file.write_bytes(b"no tensors")
    with pytest.raises(InputError, match=r"cannot be read.*Remove"):
        run(tmp_path)


def test_too_few_pictures_are_refused(tmp_path: Path) -> None:
    """Before anything is trained."""
    paint_folder(tmp_path / "pictures", each=2)
    with pytest.raises(InputError, match="only 8 pictures can be read"):
        run(tmp_path)


def test_bad_pictures_are_listed(tmp_path: Path) -> None:
    """They are left out, and told of."""
    paint_folder(tmp_path / "pictures")
    (tmp_path / "pictures/bad.png").write_bytes(b"no picture")
    done = run(tmp_path)
    assert [failure.path.name for failure in done.failures] == ["bad.png"]
    assert done.pictures + 8 == 48


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    """`--out` never writes over what is no model."""
    (tmp_path / "student").mkdir()
    (tmp_path / "student/thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="holds something else"):
        run(tmp_path)
    assert (tmp_path / "student/thesis.txt").is_file()


def test_the_average_of_the_weights_is_exported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The moving average, not the last step's weights."""
    kept: list[Training] = []
    real = train

    def keep(*arguments: object, **options: object) -> Training:
        kept.append(real(*arguments, **options))  # type: ignore[arg-type]
        return kept[-1]

    monkeypatch.setattr("soutu.train.distill.running.train", keep)
    run(tmp_path)
    [training] = kept
    assert not torch.equal(training.student.table, training.average.table)
    text = layout.read(tmp_path / "student").text.graphs
    assert text
