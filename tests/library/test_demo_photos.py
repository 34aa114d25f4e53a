"""The bundled model on the real photos of the demo: what comes first, and what nothing matches."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from soutu.library import DEFAULT_MIN_RELEVANCE, Library, open_library

DEMO = Path(__file__).parents[2] / "demo"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    folder = tmp_path_factory.mktemp("demo")
    spec = importlib.util.spec_from_file_location("photos", DEMO / "photos.py")
    assert spec is not None
    assert spec.loader is not None
    photos = importlib.util.module_from_spec(spec)
    sys.modules["photos"] = photos
    spec.loader.exec_module(photos)
    photos.collect(folder / "photos")
    with open_library(folder / "library", create=True, home=folder / "home") as library:
        assert library.add([folder / "photos"]).added == 20
        yield library


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("a cat", "chelsea.png"),
        ("猫", "chelsea.png"),
        ("咖啡", "coffee.png"),
        ("a cup of coffee", "coffee.png"),
        ("a rocket launch", "rocket.jpg"),
        ("摩托车", "motorcycle_left.png"),
        ("a motorcycle", "motorcycle_left.png"),
        ("brick wall", "brick.png"),
        ("text on a page", "page.png"),
        ("flower", "flower.jpg"),
        ("photographer", "camera.png"),
    ],
)
def test_the_right_photo_comes_first_and_passes_the_cut_off(
    library: Library, words: str, expected: str
) -> None:
    """English and Chinese words find their photo."""
    [hit] = library.search(words, k=1, min_relevance=DEFAULT_MIN_RELEVANCE)
    assert hit.path.name == expected


@pytest.mark.parametrize(
    "words",
    [
        "a zebra", "斑马", "a submarine", "潜水艇", "pizza", "披萨", "banana", "香蕉", "sushi",
        "寿司", "a bus", "a train", "火车", "swimming pool", "a beach with palm trees", "海滩",
        "soccer match", "足球比赛", "wedding", "婚礼", "kitchen", "厨房", "baby", "婴儿",
        "toothbrush", "strawberries", "airplane", "an elephant", "企鹅", "asdf qwer",
    ],
)  # fmt: skip
def test_what_is_not_there_matches_nothing(library: Library, words: str) -> None:
    """Words for things that no photo shows leave nothing above the default cut-off."""
    assert library.search(words, min_relevance=DEFAULT_MIN_RELEVANCE) == []


def test_the_other_photo_of_the_pair_is_found_by_picture(library: Library) -> None:
    """More like this: the stereo partner, far ahead of everything else."""
    left = library.search("a motorcycle", k=1)[0].path
    first, second = library.search(image=left, k=2)
    assert first.path.name == "motorcycle_right.png"
    assert first.relevance > 0.95 > 0.5 > second.relevance
