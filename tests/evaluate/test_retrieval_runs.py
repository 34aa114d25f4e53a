"""Retrieval figures are those that can be worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from evaluated import captions_csv, painted, setup
from painting import paint

from soutu.data import load
from soutu.errors import InputError, Stopped
from soutu.evaluate.found import guess_kind, open_found, run_found
from soutu.evaluate.measures import estimate
from soutu.evaluate.ranking import Ranking, _graded_few, searching
from soutu.evaluate.retrieval import Retrieved, run_captions, run_pictures
from soutu.evaluate.retrieval_report import AnyRetrieved
from soutu.evaluate.setup import Setup, System
from soutu.metrics import ndcgs_at_k, query_average_precisions

COLOUR = System(model="colour")


def ranking_of(found: AnyRetrieved, title: str) -> Ranking:
    return next(ranking for ranking in found.rankings if ranking.title == title)


def figures(ranking: Ranking, measure_setup: Setup) -> dict[str, float]:
    found = estimate(ranking.measures, ranking.groups, measure_setup)
    return {name: value.estimate for name, value in found.items()}


def test_captions_and_pictures_by_hand(tmp_path: Path) -> None:
    """Three captions name their picture; of the fourth, another picture's is nearer.

    Text to image: ranks 1, 1, 1 and, for green called blue, its own place by colour.
    """
    lines = ["red.png,red", "blue.png,blue", "white.png,white", "green.png,blue sky"]
    measuring = setup(tmp_path)
    data = open_found(captions_csv(tmp_path, lines))
    found = run_found(data, COLOUR, measuring)
    ranking = ranking_of(found, "text to image")
    assert ranking.ranks[:3].tolist() == [1, 1, 1]
    wrong = float(ranking.ranks[3])
    assert wrong > 1
    values = figures(ranking, measuring)
    assert values["R@1"] == 0.75
    assert values["R@5"] == 1.0
    assert values["mean rank"] == (3 + wrong) / 4
    assert values["median rank"] == 1.0
    assert values["mAP"] == pytest.approx((3 + 1 / wrong) / 4)
    assert values["nDCG@10"] == pytest.approx((3 + 1 / np.log2(wrong + 1)) / 4)
    # The blue picture's own caption and "blue sky" are the same to this encoder: a tie is lost.
    back = ranking_of(found, "image to text")
    assert back.ranks.tolist()[:3] == [1, 2, 1]


def test_languages_are_apart(tmp_path: Path) -> None:
    """A language that the model cannot read does not spoil the figures of another."""
    lines = [f"{colour}.png,{colour},en" for colour in ("red", "green", "blue", "white")]
    lines += [f"{colour}.png,{word},de" for colour, word in (("red", "blue"), ("blue", "red"))]
    data = open_found(captions_csv(tmp_path, lines, "image,caption,language"))
    found = run_found(data, COLOUR, setup(tmp_path))
    assert (ranking_of(found, "text to image, en").ranks == 1).all()
    german = ranking_of(found, "text to image, de")
    assert (german.ranks > 1).all()
    assert (len(german.ranks), german.items, german.groups) == (2, 4, 2)
    assert ranking_of(found, "image to text, de").items == 2


def test_pictures_of_a_class_find_each_other(tmp_path: Path) -> None:
    """With three pictures of each of four colours: two right ones lead, ten cannot all be right."""
    painted(tmp_path / "data", copies=3)
    measuring = setup(tmp_path)
    found = run_pictures(load(tmp_path / "data"), COLOUR, measuring)
    values = figures(found.rankings[0], measuring)
    assert values["R@1"] == values["mAP"] == values["precision@1"] == 1.0
    assert values["precision@5"] == pytest.approx(2 / 5)
    assert values["precision@10"] == pytest.approx(2 / 10)


def test_unknown_labels_are_neither_right_nor_wrong(tmp_path: Path) -> None:
    """A picture that may share a class is left out of the ranking."""
    for name, colour in (("a", "red"), ("b", "red"), ("c", "blue"), ("d", "blue")):
        paint(tmp_path / f"{name}.png", colour, seed=ord(name))
    table = tmp_path / "labels.csv"
    table.write_text("path,warm\na.png,1\nb.png,\nc.png,1\nd.png,0\n")
    data = load(table, partial=True)
    assert data.labels[:, 0].tolist() == [1, -1, 1, 0]
    found = run_pictures(data, COLOUR, setup(tmp_path))
    # From a: c is right, d is wrong and just as far, b is left out. From c: d is nearer than a.
    assert found.rankings[0].ranks.tolist() == [2, 2]


def test_nothing_shared_is_an_error(tmp_path: Path) -> None:
    """One picture a class cannot find another."""
    painted(tmp_path / "data")
    with pytest.raises(InputError, match="no two pictures share a class"):
        run_pictures(load(tmp_path / "data"), COLOUR, setup(tmp_path))


def test_a_picture_and_words_lead_to_another(tmp_path: Path) -> None:
    """Half red, half words "green": the mix finds the picture of both; neither does alone."""
    folder = tmp_path / "fashion"
    colours = {"R": (255, 0, 0), "G": (0, 255, 0), "B": (0, 0, 255), "W": (255, 255, 255),
               "mix": (255, 255, 0)}  # fmt: skip
    for name, colour in colours.items():
        paint(folder / "images" / f"{name}.png", colour)
    (folder / "captions").mkdir()
    query = {"candidate": "R", "target": "mix", "captions": ["green"]}
    (folder / "captions" / "cap.colour.val.json").write_text(json.dumps([query]))
    (folder / "image_splits").mkdir()
    (folder / "image_splits" / "split.colour.val.json").write_text(json.dumps(list(colours)))
    assert guess_kind(folder) == "composed"
    found = run_found(open_found(folder), COLOUR, setup(tmp_path))
    ranks = {ranking.language: float(ranking.ranks[0]) for ranking in found.rankings}
    assert ranks["colour"] == 1
    assert min(ranks["colour, words only"], ranks["colour, picture only"]) > 1


def test_pictures_that_cannot_be_read_are_left_out_and_told(tmp_path: Path) -> None:
    """Their captions go with them."""
    file = captions_csv(tmp_path, ["red.png,red", "blue.png,blue"])
    (tmp_path / "red.png").write_bytes(b"no picture")
    found = run_found(open_found(file), COLOUR, setup(tmp_path))
    assert isinstance(found, Retrieved)
    assert [failure.path.name for failure in found.failures] == ["red.png"]
    assert len(ranking_of(found, "text to image").ranks) == 1
    (tmp_path / "blue.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match="none of 2 pictures can be read"):
        run_found(open_found(file), COLOUR, setup(tmp_path))


@pytest.mark.parametrize("index", ["library", "binary"])
def test_an_index_finds_what_is_there(tmp_path: Path, index: str) -> None:
    """Scores of what it finds are exact, as it looks at the full vectors last."""
    rng = np.random.default_rng(0)
    items = rng.standard_normal((300, 16)).astype(np.float32)
    items /= np.linalg.norm(items, axis=1, keepdims=True)
    with searching(items, index) as search:  # type: ignore[arg-type]
        scores = search(items[:5])
    assert np.isfinite(scores).sum(axis=1).min() == 200
    assert scores.argmax(axis=1).tolist() == list(range(5))
    exact = items[:5] @ items.T
    np.testing.assert_allclose(np.where(np.isfinite(scores), scores, exact), exact, atol=1e-5)


def test_counting_gives_what_sorting_gives() -> None:
    """Average precision and nDCG, also with ties, without a right answer, with few items."""
    rng = np.random.default_rng(3)
    for items in (1, 4, 60):
        scores = rng.integers(0, 9, (40, items)).astype(np.float32)
        relevant = rng.random((40, items)) < 0.08
        counted = _graded_few(scores, relevant)
        np.testing.assert_allclose(counted[0], query_average_precisions(scores, relevant))
        np.testing.assert_allclose(counted[1], ndcgs_at_k(scores, relevant, 10))


def test_a_stop_while_measuring(tmp_path: Path) -> None:
    """What was encoded is kept."""
    data = open_found(captions_csv(tmp_path, ["red.png,red", "blue.png,blue"]))
    calls = iter([False] * 3)
    measuring = setup(tmp_path)
    stopping = Setup(
        source=measuring.source,
        vectors=measuring.vectors,
        should_stop=lambda: next(calls, True),
    )
    with pytest.raises(Stopped, match="Run the same command again"):
        run_captions(data, COLOUR, stopping)  # type: ignore[arg-type]
