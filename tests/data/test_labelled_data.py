"""Labelled data as a value: what it refuses, its parts, its digest."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from data_sets import made

from soutu.data import load
from soutu.errors import InputError


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"classes": (), "labels": np.zeros((2, 0), np.int8)}, "no classes"),
        ({"classes": ("a", "a")}, "have the same name"),
        ({"classes": ("Cat", "ｃａｔ")}, "'Cat' and 'ｃａｔ' have the same name"),
        ({"classes": ("a", " ")}, "a class is called ' '"),
        ({"classes": ("a", "b\n")}, r"a class is called 'b\\n'"),
        ({"labels": np.zeros((2, 2), np.int64)}, "need int8"),
        ({"labels": np.zeros((3, 2), np.int8)}, "2 pictures and 2 classes"),
        ({"labels": np.array([[0, 2], [0, 0]], np.int8)}, "other values"),
        ({"splits": ("train",)}, "1 splits for 2 pictures"),
    ],
)
def test_what_does_not_fit_is_refused(fields: dict[str, object], message: str) -> None:
    """Shapes, values and names are checked once, where the data is made."""
    with pytest.raises(InputError, match=message):
        made([[1, 0], [0, -1]], **fields)


def test_parts_and_choices() -> None:
    """Splits, rows and classes are taken with all that belongs to them."""
    data = made([[1, 0], [0, -1], [1, 1]], splits=("train", "val", "train"))
    part = data.part("train")
    assert [path.name for path in part.paths] == ["0.jpg", "2.jpg"]
    assert part.splits == ("train", "train")
    assert data.only(["c1", "c0"]).labels.tolist() == [[0, 1], [-1, 0], [1, 1]]
    assert data.take(np.array([2, 0])).labels.tolist() == [[1, 1], [1, 0]]
    assert len(data) == 3
    with pytest.raises(InputError, match=r"no split 'test'\. It has: train, val"):
        data.part("test")
    with pytest.raises(InputError, match="has no splits"):
        replace(data, splits=None).part("train")
    with pytest.raises(InputError, match=r"no class 'cc1'\. Did you mean c1"):
        data.only(["cc1"])


def test_digest_knows_the_content_and_not_the_place(tmp_path: Path) -> None:
    """A copy elsewhere has the same digest; another label, class, name or order has not."""
    for name in ("cat/1.jpg", "dog/2.jpg"):
        (tmp_path / "one" / name).parent.mkdir(parents=True)
        (tmp_path / "one" / name).touch()
    shutil.copytree(tmp_path / "one", tmp_path / "deep" / "two")
    data = load(tmp_path / "one")
    assert len(data.digest) == 32
    assert load(tmp_path / "deep" / "two").digest == data.digest
    other = data.labels.copy()
    other[0, 1] = -1
    digests = {
        each.digest
        for each in (
            data,
            replace(data, labels=other),
            replace(data, classes=("cat", "wolf")),
            replace(data, paths=(data.paths[0], data.paths[1].with_name("3.jpg"))),
            data.take(np.array([1, 0])),
        )
    }
    assert len(digests) == 5
    assert data.take(np.array([], np.intp)).digest
