"""Tags that are missing are found and named; tags that say the same are found and paired."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from soutu.library.tagging.clusters import centre, find_clusters
from soutu.library.tagging.similar import similar_tags
from soutu.library.tagging.suggest import suggest_tags
from soutu.models.store import ModelStore
from soutu.types import MergeIdea

DEMO = Path(__file__).parents[2] / "demo"
DIM = 64
Floats = NDArray[np.floating[Any]]
Vectors = NDArray[np.float32]


def unit(rows: Floats) -> Vectors:
    unit_rows: Floats = rows / np.linalg.norm(rows, axis=-1, keepdims=True)
    return unit_rows.astype(np.float32)


def directions(n: int, seed: int = 0) -> Vectors:
    return unit(np.random.default_rng(seed).normal(size=(n, DIM)))


def around(centres: Vectors, counts: list[int], noise: float = 0.7, seed: int = 1) -> Vectors:
    """Pictures around centres, in a narrow cone as those of a real model."""
    rng = np.random.default_rng(seed)
    cone = unit(np.random.default_rng(99).normal(size=DIM))
    kinds = np.repeat(centres, counts, axis=0)
    return unit(kinds + cone + noise * rng.normal(size=kinds.shape) / np.sqrt(DIM))


def nowhere() -> Vectors:
    return np.zeros((0, DIM), dtype=np.float32)


@pytest.mark.parametrize("kinds", [2, 5, 20])
def test_the_number_of_clusters_is_found(kinds: int) -> None:
    """Groups of unequal size in noise: as many clusters, each of one kind, largest first."""
    counts = [20 + 5 * i for i in range(kinds)]
    vectors = np.concatenate(
        [around(directions(kinds), counts), around(directions(60, 5), [1] * 60)]
    )
    truth = np.concatenate([np.repeat(np.arange(kinds), counts), np.full(60, -1)])
    centred = centre(vectors, vectors)
    found = find_clusters(centred, centred, min_count=10)
    assert [len(cluster.members) for cluster in found] == sorted(counts, reverse=True)
    assert all(len(set(truth[cluster.members].tolist())) == 1 for cluster in found)


def test_noise_has_no_clusters() -> None:
    """Pictures of which no two belong together make no group."""
    vectors = directions(1000)
    assert find_clusters(vectors, vectors, min_count=5) == []


def test_few_and_identical_pictures() -> None:
    """No pictures, one, and copies of one, which have no kind of their own among themselves."""
    for n in (0, 1, 50):
        vectors = np.repeat(directions(1), n, axis=0)
        centred = centre(vectors, vectors) if n else vectors
        assert find_clusters(centred, centred, min_count=3) == []


WORDS = ["cat", "dog", "car", "tree", "bridge", "rose", "hub"]


def word_vectors() -> Vectors:
    """Words near to pictures of their kind; "hub" is nearer to every picture than any of them."""
    cone = unit(np.random.default_rng(99).normal(size=DIM))
    return unit(np.concatenate([directions(6) * 0.7 + 0.2 * directions(6, 3), [3 * cone]]))


def test_uncovered_kinds_are_named_by_frequency() -> None:
    """The frequent uncovered kinds are named, the covered kind is not, nor is anything a hub."""
    counts = [50, 40, 30, 200]
    vectors = around(directions(6)[:4], counts)
    kind = np.repeat(np.arange(4), counts)
    ideas = suggest_tags(vectors, kind == 3, WORDS, word_vectors(), nowhere(), limit=9)
    assert [(idea.name, idea.count) for idea in ideas] == [("cat", 50), ("dog", 40), ("car", 30)]
    assert all(0 < idea.score <= 1 for idea in ideas)
    assert [set(kind[idea.members].tolist()) for idea in ideas] == [{0}, {1}, {2}]
    first = suggest_tags(vectors, kind == 3, WORDS, word_vectors(), nowhere(), limit=1)
    assert [idea.name for idea in first] == ["cat"]


def test_a_kind_that_a_tag_means_already_is_no_idea() -> None:
    """Cats that the tag cat missed, under any near-synonym, are not suggested again."""
    vectors = around(directions(6)[:2], [50, 40])
    known = unit(word_vectors()[:1] + 0.1 * directions(1, 8))
    ideas = suggest_tags(vectors, np.zeros(90, bool), WORDS, word_vectors(), known, limit=9)
    assert [idea.name for idea in ideas] == ["dog"]


def test_nothing_to_suggest() -> None:
    """No pictures, all covered, no words, no limit: no ideas."""
    vectors = around(directions(2), [20, 20])
    none, words = np.zeros(40, bool), word_vectors()
    assert suggest_tags(nowhere(), none[:0], WORDS, words, nowhere(), limit=5) == []
    assert suggest_tags(vectors, ~none, WORDS, words, nowhere(), limit=5) == []
    assert suggest_tags(vectors, none, [], nowhere(), nowhere(), limit=5) == []
    assert suggest_tags(vectors, none, WORDS, words, nowhere(), limit=0) == []
    assert suggest_tags(vectors[:1], none[:1], WORDS, words, nowhere(), limit=5) == []


def test_real_photos_get_names_that_make_sense(tmp_path: Path) -> None:
    """Views of the demo's photos, through the bundled model: kinds are kept apart and named."""
    spec = importlib.util.spec_from_file_location("photos", DEMO / "photos.py")
    assert spec is not None
    assert spec.loader is not None
    photos = importlib.util.module_from_spec(spec)
    sys.modules["photos"] = photos
    spec.loader.exec_module(photos)
    encoder = ModelStore(tmp_path / "home").load("mini")
    size = encoder.facts.preprocess.width
    views, names = [], []
    for path in photos.collect(tmp_path / "photos"):
        for view in _views(path, size):
            views.append(view)
            names.append(path.stem.removesuffix("_left").removesuffix("_right"))
    vectors = encoder.encode_images(np.stack(views))
    words = ["cat", "coffee", "motorcycle", "flower", "brick", "rocket", "photographer"]
    words += ["elephant", "pizza", "banana", "beach", "train"]
    texts = encoder.encode_texts([f"a photo of a {word}" for word in words])
    covered = np.array([name == "rocket" for name in names])
    ideas = suggest_tags(vectors, covered, words, texts, texts[:0], limit=30)
    shown = {idea.name: {names[i] for i in idea.members} for idea in ideas}
    assert ideas[0].count == max(idea.count for idea in ideas)
    assert shown["cat"] == {"chelsea"}
    assert shown["motorcycle"] == {"motorcycle"}
    assert shown["photographer"] == {"camera"}
    assert all("rocket" not in kinds for kinds in shown.values())  # a tag covers it


def _views(path: Path, size: int) -> list[NDArray[np.uint8]]:
    """Cut eight views of a photo: the corners of its middle square at two sizes."""
    with Image.open(path) as image:
        picture = image.convert("RGB")
    views = []
    for share in (0.8, 0.95):
        side = int(min(picture.size) * share)
        for right in (0, picture.width - side):
            for down in (0, picture.height - side):
                box = (right, down, right + side, down + side)
                view = picture.crop(box).resize((size, size), Image.Resampling.BICUBIC)
                views.append(np.asarray(view).transpose(2, 0, 1))
    return views


def ids(*spans: range) -> NDArray[np.int64]:
    return np.array([i for span in spans for i in span], dtype=np.int64)


def merges(ideas: list[MergeIdea]) -> list[tuple[str, str]]:
    return [(idea.keep, idea.merge) for idea in ideas]


NAMES = [f"tag {i}" for i in range(40)]


def texts_with_synonyms(*pairs: tuple[int, int]) -> Vectors:
    texts = directions(40)
    for a, b in pairs:
        texts[b] = unit(texts[a] + 0.3 * directions(1, 77)[0])
    return texts


def test_near_synonyms_are_paired_and_the_more_used_one_is_kept() -> None:
    """Of a pair of near texts the more used tag stays, of equals the earlier."""
    empty, uses = [ids()] * 40, [0] * 40
    texts = texts_with_synonyms((3, 9), (20, 11))
    uses[9] = 5
    found = similar_tags(NAMES, texts, empty, uses, limit=9)
    assert sorted(merges(found)) == [("tag 11", "tag 20"), ("tag 9", "tag 3")]
    assert all(idea.similarity > 0.9 and idea.overlap == 0 for idea in found)


def test_near_equal_results_are_paired() -> None:
    """Tags of other words that hold for the same pictures; unsorted ids with repeats are fine."""
    members = [ids(range(1000 * i, 1000 * i + 50)) for i in range(40)]
    members[7] = ids(range(4044, 3999, -1), range(4000, 4003))  # 45 of the 50 of tag 4
    members[8] = ids(range(5000, 5020))  # 20 of the 50 of tag 5
    [idea] = similar_tags(NAMES, directions(40), members, [1] * 40, limit=9)
    assert (idea.keep, idea.merge) == ("tag 4", "tag 7")
    assert idea.overlap == pytest.approx(0.9)


def test_words_that_hold_for_other_pictures_are_no_synonyms() -> None:
    """Near texts with disjoint results, of pictures enough to tell, are two tags."""
    members = [ids(range(1000 * i, 1000 * i + 50)) for i in range(40)]
    assert similar_tags(NAMES, texts_with_synonyms((3, 9)), members, [1] * 40, limit=9) == []


def test_parents_and_tags_that_exclude_each_other_stay() -> None:
    """A pair of a tag and its parent, in either order, and of one group, is not suggested."""
    texts = texts_with_synonyms((3, 9), (20, 11), (5, 6))
    groups: list[str | None] = [None] * 40
    groups[5] = groups[6] = "light"
    found = similar_tags(
        NAMES, texts, [ids()] * 40, [1] * 40, limit=9, related={(9, 3)}, groups=groups
    )
    assert merges(found) == [("tag 11", "tag 20")]


def test_a_tag_is_merged_once() -> None:
    """Of three equal tags two go into the one that is used most."""
    texts = directions(40)
    texts[[4, 5]] = texts[6]
    uses = [0] * 40
    uses[5] = 3
    found = similar_tags(NAMES, texts, [ids()] * 40, uses, limit=9)
    assert sorted(merges(found)) == [("tag 5", "tag 4"), ("tag 5", "tag 6")]
    assert len(similar_tags(NAMES, texts, [ids()] * 40, uses, limit=1)) == 1


@pytest.mark.parametrize("count", [0, 1, 2])
def test_small_vocabularies_have_no_similar_tags(count: int) -> None:
    """None, one, or two tags that differ."""
    found = similar_tags(NAMES[:count], directions(count), [ids()] * count, [0] * count, limit=9)
    assert found == []


def test_pairs_are_found_across_tiles() -> None:
    """In a vocabulary larger than one tile, the planted pairs come first."""
    texts = directions(4500)
    texts[4400] = unit(texts[10] + 0.02 * texts[11])
    texts[3000] = unit(texts[2999] + 0.03 * texts[11])
    names = [str(i) for i in range(4500)]
    found = similar_tags(names, texts, [ids()] * 4500, [0] * 4500, limit=2)
    assert merges(found) == [("10", "4400"), ("2999", "3000")]
