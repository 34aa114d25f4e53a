"""What index settings find and cost, on vectors that are drawn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from soutu.errors import InputError
from soutu.evaluate.index_recall import (
    CODES,
    Answered,
    Measured,
    Queries,
    Setting,
    library_setting,
    measure,
    recommended,
    sampled,
    settings,
)
from soutu.index.edge_folder import Codes, EdgeSettings
from soutu.metrics import Interval

if TYPE_CHECKING:
    from soutu.types import Progress, Vectors


def drawn(n: int, dim: int = 32, seed: int = 0) -> Vectors:
    rows = np.random.default_rng(seed).standard_normal((n, dim)).astype(np.float32)
    unit: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def setting(codes: Codes, oversampling: float = 2.0, *, exact: bool = False) -> Setting:
    return Setting(codes=codes, ef=None, oversampling=oversampling, exact=exact)


def test_the_exact_search_finds_all_and_coarse_codes_find_less(tmp_path: Path) -> None:
    """Recall falls with the bits of the codes, and rises with the candidates scored again."""
    vectors = drawn(600)
    asked = {"text": Queries(vectors=drawn(40, seed=1)), "picture": sampled(vectors, 40, seed=2)}
    tried = [
        setting("fp32", exact=True),
        setting("fp32"),
        setting("binary", 2.0),
        setting("binary", 60.0),
    ]
    exact, full, coarse, wide = measure(vectors, asked, tried, folder=tmp_path)  # type: ignore[arg-type]
    for kind in ("text", "picture"):
        for k in (1, 10, 100):
            assert exact.kinds[kind].recall[k] == (1.0, 1.0, 1.0)
            assert full.kinds[kind].recall[k].estimate == 1.0
        assert coarse.kinds[kind].recall[10].high < 0.9
        assert wide.kinds[kind].recall[10].estimate > coarse.kinds[kind].recall[10].high
        assert exact.kinds[kind].ms > 0
    assert coarse.memory < full.memory <= coarse.disk
    assert exact.keeps
    assert not coarse.keeps
    assert not list(tmp_path.iterdir())


def test_pictures_are_left_out_of_their_answers_and_copies_are_as_good(tmp_path: Path) -> None:
    """With every picture there twelve times, each finds its copies, whichever they are."""
    vectors = np.repeat(drawn(20), 12, axis=0)
    asked = {"picture": sampled(vectors, 50, seed=0)}
    (found,) = measure(vectors, asked, [setting("fp32", exact=True)], folder=tmp_path)  # type: ignore[arg-type]
    assert found.kinds["picture"].recall[10] == (1.0, 1.0, 1.0)


def test_answers_no_longer_than_the_library(tmp_path: Path) -> None:
    """Recall@k is given for the k that there are pictures for; too few pictures are refused."""
    vectors = drawn(11)
    asked = {"text": Queries(vectors=drawn(3, seed=1)), "picture": sampled(vectors, 99, seed=0)}
    (found,) = measure(vectors, asked, [setting("turbo4")], folder=tmp_path)  # type: ignore[arg-type]
    assert list(found.kinds["text"].recall) == [1, 10]
    assert list(found.kinds["picture"].recall) == [1, 10]
    with pytest.raises(InputError, match="there are 10 pictures"):
        measure(vectors[:10], asked, [setting("turbo4")], folder=tmp_path)  # type: ignore[arg-type]


def test_progress_counts_settings(tmp_path: Path) -> None:
    """From none done to all."""
    told: list[Progress] = []
    tried = [setting("fp32"), setting("int8")]
    asked = {"text": Queries(vectors=drawn(2, seed=1))}
    measure(drawn(20), asked, tried, folder=tmp_path, on_progress=told.append)  # type: ignore[arg-type]
    assert [(each.done, each.total) for each in told] == [(0, 2), (1, 2), (2, 2)]


def test_what_is_tried_depends_on_whether_there_is_a_graph() -> None:
    """Small libraries are scanned, so nothing is walked; the library's own setting is there."""
    border = EdgeSettings().graph_from
    for vectors in (100, border):
        tried = settings(vectors)
        assert tried[0].exact
        assert [each.exact for each in tried].count(True) == 1
        assert library_setting(vectors) in tried
        assert {each.codes for each in tried} == set(CODES)
        assert len({each.name for each in tried}) == len(tried)
    assert all(each.ef is None for each in settings(border - 1))
    assert all(each.ef for each in settings(border)[1:])
    assert {each.codes for each in settings(100, ("binary",))} == {"binary"}


def result(name: Codes, low: float, ms: float, memory: int) -> Measured:
    recall = {10: Interval(low + 0.001, low, low + 0.002)}
    return Measured(
        setting=setting(name),
        kinds={
            "text": Answered(recall=recall, ms=ms),
            "picture": Answered(recall={10: Interval(1, 1, 1)}, ms=ms / 2),
        },
        memory=memory,
        disk=memory,
        build_seconds=1,
    )


def test_the_cheapest_that_keeps_recall_is_recommended() -> None:
    """By time, of those about as fast the smallest; by memory the smallest; or none at all."""
    slow = result("int8", 0.995, 9.0, 10)
    fast = result("fp32", 0.999, 1.0, 400)
    alike = result("turbo4", 0.99, 1.09, 50)
    unsure = result("binary", 0.9899, 0.1, 1)
    assert recommended([slow, fast, alike, unsure]) is alike
    assert recommended([slow, fast, unsure]) is fast
    assert recommended([slow, fast, alike, unsure], by="memory") is slow
    assert recommended([unsure]) is None
