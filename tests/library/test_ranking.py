"""Second stages reorder hits as their papers say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from painting import paint

from soutu.errors import QueryError
from soutu.library.folder import FolderLibrary
from soutu.library.ranking import diversify, fuse
from soutu.types import Query, Term

OpenFolder = Callable[..., FolderLibrary]


def ids(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def test_fusion_prefers_what_both_lists_rank_high() -> None:
    """1/61 + 1/62 beats 1/61 alone; ties keep the first list's order."""
    assert fuse([ids(1, 2, 3), ids(2, 9)]).tolist() == [2, 1, 9, 3]
    assert fuse([ids(5, 6), ids(6, 5)]).tolist() == [5, 6]
    assert fuse([ids(), ids(4)]).tolist() == [4]


def test_no_diversity_keeps_the_order_and_much_of_it_skips_doubles() -> None:
    """Of two equal pictures the second gives way to a different one."""
    vectors = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    scores = np.array([0.9, 0.8, 0.1], dtype=np.float32)
    assert diversify(scores, vectors, k=3, diversity=0.0).tolist() == [0, 1, 2]
    assert diversify(scores, vectors, k=2, diversity=0.6).tolist() == [0, 2]
    assert diversify(scores, vectors, k=9, diversity=1.0).tolist()[:1] == [0]


def test_keywords_find_by_name_and_fuse_with_meaning(
    open_folder: OpenFolder, tmp_path: Path
) -> None:
    """A name that holds the keyword lifts its picture, and is found by the keyword alone."""
    for number in range(8):
        paint(tmp_path / "photos" / f"IMG_{number}.png", (255, number * 20, 0), seed=number)
    paint(tmp_path / "photos" / "海边 holiday.png", (230, 60, 60))
    library = open_folder()
    library.add([tmp_path / "photos"])
    plain = library.search("red")
    assert plain[0].path.name == "IMG_0.png"
    assert not any(hit.by_name for hit in plain)
    fused = library.search(Query(terms=(Term(text="red"),), keywords="holiday"))
    assert (fused[0].path.name, fused[0].by_name) == ("海边 holiday.png", True)
    assert len(fused) == 9
    alone = library.search(Query(keywords="海边"), min_relevance=0.9)
    assert [(hit.path.name, hit.relevance) for hit in alone] == [("海边 holiday.png", 1.0)]
    assert library.search(Query(keywords="nothing")) == []


def test_diversity_brings_other_pictures_forward(open_folder: OpenFolder, tmp_path: Path) -> None:
    """With diversity, the second hit is not one more of the same."""
    for number in range(5):
        paint(tmp_path / "photos" / f"red{number}.png", "red", seed=number)
    paint(tmp_path / "photos" / "green.png", "green")
    library = open_folder()
    library.add([tmp_path / "photos"])
    same = library.search("red", k=2)
    assert [hit.path.stem[:3] for hit in same] == ["red", "red"]
    other = library.search(Query(terms=(Term(text="red"),), diversity=0.7), k=2)
    assert [hit.path.stem[:3] for hit in other] == ["red", "gre"]
    with pytest.raises(QueryError, match=r"diversity 2.0 lies outside 0\.\.1"):
        library.search(Query(terms=(Term(text="red"),), diversity=2.0))
