"""What a check finds: bad files, copies and leaks, conflicts, classes that cannot be learnt."""

from __future__ import annotations

import shutil
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from data_sets import made, paint
from PIL import Image

from soutu.data import LabelledData, load
from soutu.data.check import Problem, check
from soutu.data.matrices import SHOWN, write_matrices
from soutu.data.pictures import look_at
from soutu.data.statistics import statistics
from soutu.errors import StorageError
from soutu.types import Progress


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a data set of three classes and two splits with one of each problem."""
    root = tmp_path / "set"
    for number, name in enumerate(
        ("train/cat/1", "train/cat/2", "train/dog/3", "val/cat/4", "val/dog/5", "train/owl/6")
    ):
        paint(root / f"{name}.jpg", number)
    shutil.copy(root / "train/cat/1.jpg", root / "val/dog/copy.jpg")
    shutil.copy(root / "train/dog/3.jpg", root / "train/dog/3b.jpg")
    Image.open(root / "val/cat/4.jpg").resize((60, 40)).save(root / "train/cat/4s.jpg", quality=50)
    Image.open(root / "val/dog/5.jpg").rotate(1).save(root / "val/dog/turned.jpg", quality=50)
    (root / "val/cat/bad.jpg").write_bytes(b"no picture")
    (root / "val/dog/gone.jpg").symlink_to(root / "nowhere.jpg")
    for name, colour in (("a", "white"), ("b", "#fefefe")):
        Image.new("RGB", (40, 40), colour).save(root / f"train/cat/plain-{name}.png")
    return root


def found(data: LabelledData, **options: object) -> dict[str, Problem]:
    report = check(data, look_at(data.paths), **options)  # type: ignore[arg-type]
    assert report.ok == all(problem.severity == "warning" for problem in report.problems)
    assert [p.severity for p in report.problems] == sorted(p.severity for p in report.problems)
    return {problem.kind: problem for problem in report.problems}


def names(problem: Problem) -> list[set[str]]:
    return [{path.name for path in group} for group in problem.groups]


def test_each_problem_is_found(folder: Path) -> None:
    """Errors are what makes figures wrong; two plain pictures are no copies of each other."""
    problems = found(load(folder))
    assert names(problems["missing"]) == [{"gone.jpg"}]
    assert names(problems["unreadable"]) == [{"bad.jpg"}]
    assert names(problems["leak"]) == [{"1.jpg", "copy.jpg"}]
    assert problems["leak"].notes == ("train, val",)
    assert names(problems["conflict"]) == [{"1.jpg", "copy.jpg"}]
    assert problems["conflict"].notes == ("cat, dog",)
    assert names(problems["duplicate"]) == [{"3.jpg", "3b.jpg"}]
    assert names(problems["near-leak"]) == [{"4.jpg", "4s.jpg"}]
    assert names(problems["near-duplicate"]) == [{"5.jpg", "turned.jpg"}]
    assert problems["split-lacks"].notes == ("owl in val",)
    errors = {kind for kind, problem in problems.items() if problem.severity == "error"}
    assert errors == {"missing", "unreadable", "leak", "conflict"}
    assert len(problems) == 8


def test_clean_data_has_no_problems(tmp_path: Path) -> None:
    """Different pictures with both classes give nothing to tell."""
    for number in range(4):
        paint(tmp_path / f"{'cat' if number % 2 else 'dog'}/{number}.jpg", number)
    assert found(load(tmp_path)) == {}


def test_unknown_labels_are_no_conflict(tmp_path: Path) -> None:
    """What one copy says and the other leaves open is no contradiction."""
    paths = [paint(tmp_path / "a.jpg", 1), tmp_path / "b.jpg", paint(tmp_path / "c.jpg", 2)]
    shutil.copy(paths[0], paths[1])
    data = made([[1, 0], [-1, 0], [0, 1]], paths=tuple(paths))
    assert set(found(data)) == {"duplicate"}


def test_classes_that_cannot_be_learnt() -> None:
    """A class without a yes, one without a no, pictures of which nothing is known."""
    data = made([[1, 0, 1, -1], [1, 0, 0, -1], [-1, -1, -1, -1]])
    problems = {problem.kind: problem for problem in check(data).problems}
    assert problems["no-yes"].notes == ("c1", "c3")
    assert problems["no-no"].notes == ("c0",)
    assert names(problems["unlabelled"]) == [{"2.jpg"}]
    assert problems["missing"].count == 3
    assert not check(data).looked


def test_vectors_find_what_fingerprints_miss(tmp_path: Path) -> None:
    """Rows of zeros stand for pictures that a model could not read."""
    paths = tuple(paint(tmp_path / f"{number}.jpg", number) for number in range(4))
    data = made([[1, 0], [0, 1], [1, 0], [0, 1]], paths=paths)
    vectors = np.array([[1, 0, 0], [0.999, 0.0447, 0], [0, 0, 0], [0, 0, 0]], np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    problems = found(data, vectors=vectors, least_cosine=0.99)
    assert names(problems["near-duplicate"]) == [{"0.jpg", "1.jpg"}]
    assert names(problems["near-conflict"]) == [{"0.jpg", "1.jpg"}]
    assert found(data, vectors=vectors, least_cosine=0.9999) == {}


def test_looking_tells_how_far_it_is_and_stops(folder: Path) -> None:
    """Progress counts every file and the failed ones; a stop gives nothing half done."""
    seen: list[Progress] = []
    paths = load(folder).paths
    looks = look_at(paths, on_progress=seen.append)
    assert looks is not None
    assert [(each.done, each.total) for each in seen] == [(n + 1, 14) for n in range(14)]
    assert (seen[-1].stage, seen[-1].failed) == ("check", 2)
    assert list(looks.unreadable.values()) == ["not a picture soutu can read"]
    assert look_at(paths, should_stop=lambda: len(seen) > 0) is None
    assert look_at([]) is not None


def test_matrices_are_written(tmp_path: Path) -> None:
    """CSV has all classes, SVG is well-formed and shows the most frequent ones."""
    rng = np.random.default_rng(0)
    classes = (*(f"class {n}" for n in range(SHOWN)), 'a "<&>" b', "never")
    labels = (rng.random((200, len(classes))) < 0.3).astype(np.int8)
    labels[:, -1] = 0
    figures = statistics(made(labels, classes=classes))
    files = write_matrices(figures, tmp_path / "new" / "out")
    assert [file.name for file in files] == [
        "cooccurrence.csv", "cooccurrence.svg", "conditional.csv", "conditional.svg",
    ]  # fmt: skip
    lines = files[0].read_text("utf-8").splitlines()
    assert len(lines) == len(classes) + 1
    assert lines[1].startswith(f"class 0,{figures.together[0, 0]},{figures.together[0, 1]},")
    assert files[2].read_text("utf-8").splitlines()[-1] == "never" + "," * len(classes)
    for file in (files[1], files[3]):
        drawing = ElementTree.parse(file).getroot()
        cells = drawing.findall(".//{*}rect/{*}title")
        assert 0 < len(cells) <= SHOWN**2
    assert f"the {SHOWN} most frequent of {len(classes)}" in files[1].read_text("utf-8")
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be made"):
        write_matrices(figures, tmp_path / "file" / "out")
