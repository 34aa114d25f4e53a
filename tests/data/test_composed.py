"""FashionIQ's layout is read as it is published, and its gaps are told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from soutu.data.composed import Change, is_composed, load_composed
from soutu.errors import InputError


@pytest.fixture
def fashion(tmp_path: Path) -> Path:
    """A category with three pictures and two queries."""
    (tmp_path / "images").mkdir()
    for name in ("A", "B", "C"):
        Image.new("RGB", (8, 8), "red").save(tmp_path / "images" / f"{name}.png")
    write(
        tmp_path / "captions/cap.dress.val.json",
        [
            {"candidate": "A", "target": "B", "captions": ["is red", "has sleeves. "]},
            {"candidate": "B", "target": "A", "captions": ["is longer"]},
        ],
    )
    write(tmp_path / "image_splits/split.dress.val.json", ["C", "A", "B"])
    return tmp_path


def write(path: Path, data: object) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(data))


def test_queries_are_rows_of_the_gallery(fashion: Path) -> None:
    """The gallery is the split's list; the captions of a query are joined."""
    assert is_composed(fashion)
    (category,) = load_composed(fashion).categories
    assert [path.stem for path in category.images] == ["C", "A", "B"]
    assert category.queries == (Change(1, "is red and has sleeves", 2), Change(2, "is longer", 1))


def test_missing_pictures(fashion: Path) -> None:
    """An error, or left out with the queries that need them."""
    (fashion / "images" / "C.png").unlink()
    with pytest.raises(InputError, match=r"pictures of dress: 1 of 3 \(C\)"):
        load_composed(fashion)
    data = load_composed(fashion, allow_missing=True)
    assert len(data.categories[0].queries) == 2
    (fashion / "images" / "B.png").unlink()
    with pytest.raises(InputError, match="no query whose pictures are there"):
        load_composed(fashion, allow_missing=True)


def test_unknown_split_and_bad_entries(fashion: Path) -> None:
    """The splits that are there are named."""
    with pytest.raises(InputError, match="it has the splits val"):
        load_composed(fashion, split="test")
    write(fashion / "captions/cap.dress.val.json", [{"candidate": "A", "target": "B"}])
    with pytest.raises(InputError, match="entry 1: candidate, target and captions"):
        load_composed(fashion)
    write(
        fashion / "captions/cap.dress.val.json",
        [{"candidate": "A", "target": "B", "captions": [" "]}],
    )
    with pytest.raises(InputError, match="captions are empty"):
        load_composed(fashion)
