"""Relevance is a probability that means the same for every query."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from soutu.library.relevance import (
    DEFAULT_MIN_RELEVANCE,
    Calibration,
    concepts,
)

DIM = 64


def calibration(**changes: object) -> Calibration:
    rng = np.random.default_rng(0)
    sample = rng.standard_normal((500, DIM)).astype(np.float32)
    sample /= np.linalg.norm(sample, axis=1, keepdims=True)
    values = {
        "sample": sample,
        "text": (0.0, 0.1),
        "image": (0.4, 0.1),
        "separation": 2.5,
        **changes,
    }
    return Calibration(**values)  # type: ignore[arg-type]


def query(seed: int = 1) -> np.ndarray:
    vector = np.random.default_rng(seed).standard_normal(DIM).astype(np.float32)
    unit: np.ndarray = vector / np.linalg.norm(vector)
    return unit


def test_higher_scores_are_more_relevant_and_all_lie_between_0_and_1() -> None:
    """The order of hits never changes; extremes do not overflow."""
    scores = np.array([1.0, 0.5, 0.2, 0.0, -1.0], dtype=np.float32)
    found = calibration().relevance(scores, query=query(), kind="text")
    assert sorted(found, reverse=True) == list(found)
    assert found.min() >= 0
    assert found.max() <= 1
    assert found[0] > 0.99
    assert found[-1] < 1e-6


def test_what_an_average_picture_scores_is_irrelevant() -> None:
    """The level itself is far below the default cut-off, for each kind of query."""
    cal = calibration()
    for kind, level in (("text", 0.0), ("image", 0.4), ("mixed", 0.0)):
        found = cal.relevance(np.array([level], dtype=np.float32), query=query(), kind=kind)  # type: ignore[arg-type]
        assert found[0] < DEFAULT_MIN_RELEVANCE / 10


def test_a_library_of_one_kind_still_has_matches() -> None:
    """What all pictures show is relevant for all of them: the level is not the query's own."""
    cal = calibration()
    everywhere = cal.sample.mean(axis=0)
    everywhere /= np.linalg.norm(everywhere)
    scores = np.array([0.5], dtype=np.float32)
    ordinary = cal.relevance(scores, query=-everywhere, kind="text")
    common = cal.relevance(scores, query=everywhere, kind="text")
    assert common[0] == ordinary[0] > 0.9


def test_a_near_copy_is_relevant_among_pictures_that_all_look_alike() -> None:
    """A burst of nearly equal shots leaves no spread to stand out from."""
    cal = calibration(image=(0.95, 0.02))
    found = cal.relevance(np.array([0.99, 0.7], dtype=np.float32), query=query(), kind="image")
    assert found[0] > 0.9
    assert found[1] < 0.01


def test_save_and_load(tmp_path: Path) -> None:
    """A saved calibration gives the same figures to the precision of half floats."""
    cal = calibration()
    cal.save(tmp_path / "c.npz")
    again = Calibration.load(tmp_path / "c.npz")
    assert again is not None
    scores = np.linspace(0, 0.5, 5, dtype=np.float32)
    assert again.relevance(scores, query=query(), kind="mixed") == pytest.approx(
        cal.relevance(scores, query=query(), kind="mixed"), abs=1e-3
    )


@pytest.mark.parametrize("content", [None, b"", b"garbage", b"PK\x03\x04 not a zip"])
def test_a_missing_or_damaged_file_is_measured_anew(tmp_path: Path, content: bytes | None) -> None:
    """Calibration is derived data; losing it is no error."""
    if content is not None:
        (tmp_path / "c.npz").write_bytes(content)
    assert Calibration.load(tmp_path / "c.npz") is None


def test_concepts_are_many_and_different() -> None:
    """The list that stands for what people ask has no repeats."""
    assert len(concepts()) >= 128
    assert len(set(concepts())) == len(concepts())
