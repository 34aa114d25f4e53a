"""Reading labelled sets for the benches: three forms, and clear ends for broken input."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BENCH = Path(__file__).parents[2] / "bench"


@pytest.fixture
def labelled(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(BENCH))
    yield importlib.import_module("labelled")
    for name in ("labelled", "harness"):
        sys.modules.pop(name, None)


def pictures(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"not looked at")


def said(found: Any, root: Path) -> dict[str, set[str]]:
    return {
        str(path.relative_to(root)): {
            label for label, holds in zip(found.labels, row, strict=True) if holds
        }
        for path, row in zip(found.paths, found.truth, strict=True)
    }


COCO = {
    "images": [{"id": 7, "file_name": "a.jpg"}, {"id": 9, "file_name": "sub/b.jpg"}],
    "categories": [{"id": 1, "name": "cat"}, {"id": 5, "name": "dog"}],
    "annotations": [
        {"id": 1, "image_id": 7, "category_id": 1},
        {"id": 2, "image_id": 7, "category_id": 1},
        {"id": 3, "image_id": 7, "category_id": 5},
    ],
}


def test_coco_objects_become_labels_of_their_pictures(labelled: ModuleType, tmp_path: Path) -> None:
    """Several objects of a category are one label; a picture without objects has none."""
    pictures(tmp_path, "a.jpg", "sub/b.jpg")
    (tmp_path / "instances.json").write_text(json.dumps(COCO))
    found = labelled.read_labelled(tmp_path / "instances.json", "coco")
    assert said(found, tmp_path) == {"a.jpg": {"cat", "dog"}, "sub/b.jpg": set()}


def test_csv_with_a_column_of_labels(labelled: ModuleType, tmp_path: Path) -> None:
    """Names are separated by |, spaces around them do not count, rows of one picture join."""
    pictures(tmp_path, "a.jpg", "b.jpg")
    table = "image,labels\na.jpg,cat | dog\nb.jpg,\na.jpg,猫\n"
    (tmp_path / "t.csv").write_text("\ufeff" + table, encoding="utf-8")
    found = labelled.read_labelled(tmp_path / "t.csv", "csv")
    assert said(found, tmp_path) == {"a.jpg": {"cat", "dog", "猫"}, "b.jpg": set()}


def test_csv_with_a_column_per_label(labelled: ModuleType, tmp_path: Path) -> None:
    """1 is yes, 0 and nothing are no; pictures may lie elsewhere."""
    pictures(tmp_path / "photos", "a.jpg", "b.jpg")
    (tmp_path / "t.csv").write_text("cat,image,dog\n1,a.jpg,0\n,b.jpg,1\n")
    found = labelled.read_labelled(tmp_path / "t.csv", "csv", tmp_path / "photos")
    assert said(found, tmp_path / "photos") == {"a.jpg": {"cat"}, "b.jpg": {"dog"}}


def test_folders_are_labels_and_splits_are_none(labelled: ModuleType, tmp_path: Path) -> None:
    """Each folder on the way is a label; train and test only say where a picture belongs."""
    pictures(tmp_path, "train/Fruit/Red-Apple/1.jpg", "test/Fruit/2.png", "3.jpg")
    found = labelled.read_labelled(tmp_path, "folder")
    expected = {
        "train/Fruit/Red-Apple/1.jpg": {"Fruit", "Red Apple"},
        "test/Fruit/2.png": {"Fruit"},
        "3.jpg": set(),
    }
    assert said(found, tmp_path) == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "line 1, column 2"),
        ("[]", "no list 'categories'"),
        (json.dumps({**COCO, "images": [{"id": 1}]}), r"images\[0\] has no 'file_name'"),
        (json.dumps({**COCO, "categories": []}), r"annotations\[0\] names 1, not in 'categories'"),
        (json.dumps({**COCO, "images": []}), r"annotations\[0\] names 7, not in 'images'"),
        (json.dumps({**COCO, "annotations": [3]}), r"annotations\[0\] has no 'image_id'"),
        (json.dumps({**COCO, "annotations": []}), "no labelled picture"),
    ],
)
def test_broken_coco_is_told(
    labelled: ModuleType, tmp_path: Path, content: str, message: str
) -> None:
    """The file and the place in it are named."""
    pictures(tmp_path, "a.jpg", "sub/b.jpg")
    (tmp_path / "c.json").write_text(content)
    with pytest.raises(labelled.BrokenData, match=message):
        labelled.read_labelled(tmp_path / "c.json", "coco")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "line 1"),
        ("picture,labels\na.jpg,cat\n", "line 1 is 'picture,labels'"),
        ("image,labels\na.jpg,cat,dog\n", "line 2 has 3 columns, the header 2"),
        ("image,cat\na.jpg,1\na.jpg,yes\n", "line 3, column 'cat': 'yes' is neither 0 nor 1"),
        ("image,labels\na.jpg,cat\ngone.jpg,cat\n", "line 3: there is no picture .*gone.jpg"),
        ("image,labels\na.jpg,\n", "no labelled picture"),
    ],
)
def test_broken_csv_is_told(
    labelled: ModuleType, tmp_path: Path, content: str, message: str
) -> None:
    """The line and the column are named."""
    pictures(tmp_path, "a.jpg")
    (tmp_path / "t.csv").write_text(content)
    with pytest.raises(labelled.BrokenData, match=message):
        labelled.read_labelled(tmp_path / "t.csv", "csv")


def test_what_is_not_there_is_told(labelled: ModuleType, tmp_path: Path) -> None:
    """A missing file, a file instead of a folder, an empty folder, an unknown form."""
    for form in ("coco", "csv"):
        with pytest.raises(labelled.BrokenData, match="cannot be read"):
            labelled.read_labelled(tmp_path / "none", form)
    with pytest.raises(labelled.BrokenData, match="is no folder"):
        labelled.read_labelled(tmp_path / "none", "folder")
    with pytest.raises(labelled.BrokenData, match="no labelled picture"):
        labelled.read_labelled(tmp_path, "folder")
    with pytest.raises(labelled.BrokenData, match="'xml' is no form"):
        labelled.read_labelled(tmp_path, "xml")
    (tmp_path / "latin.csv").write_bytes(b"image,labels\n\xff\xfe,cat\n")
    with pytest.raises(labelled.BrokenData, match="cannot be read"):
        labelled.read_labelled(tmp_path / "latin.csv", "csv")
