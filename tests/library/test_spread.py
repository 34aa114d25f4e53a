"""How a tag's probabilities are spread, and the pictures on both sides of a threshold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import OpenFolder
from painting import FakeStore, paint

from soutu.errors import InputError, LibraryError
from soutu.library.folder import FolderLibrary
from soutu.library.tagging import spread
from soutu.types import TagBorder

PICTURES = 90


@pytest.fixture
def library(open_folder: OpenFolder, photos: Path) -> FolderLibrary:
    """Ninety pictures of all shades, and tags for colours."""
    for i in range(PICTURES - 3):
        shade = np.random.default_rng(i).integers(0, 256, 3)
        paint(photos / f"{i:03}.png", (int(shade[0]), int(shade[1]), int(shade[2])), seed=i)
    opened = open_folder()
    opened.add([photos])
    for name in ("red", "green", "blue"):
        opened.tags.add(name)
    return opened


def probabilities(library: FolderLibrary, tag: str) -> dict[Path, float]:
    """Return what `tag` says picture by picture."""
    found = library.tag(mode="top", k=100, tags=[tag])
    return {each.path: each.tags[0].probability for each in found}


def sides(found: TagBorder) -> tuple[list[float], list[float]]:
    return [each.probability for each in found.above], [each.probability for each in found.below]


# --- spread ---


def test_every_picture_lies_in_the_bin_of_its_probability(library: FolderLibrary) -> None:
    """Alone, and in a group whose tags exclude each other."""
    for group in (None, "colour"):
        for name in ("red", "green", "blue"):
            library.tags.edit(name, group=group)
        found = library.tags.spread("red", bins=20)
        expected = np.histogram(list(probabilities(library, "red").values()), 20, (0, 1))[0]
        assert found.counts == tuple(expected.tolist())
        assert found.edges == pytest.approx(np.linspace(0, 1, 21))
        assert found.threshold == library.tags.show("red").threshold
        assert found.yes == found.no == (0,) * 20


def test_a_large_library_is_scaled_up_from_a_sample(
    library: FolderLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The surest pictures are counted one by one, so that no rare tag is lost."""
    exact = library.tags.spread("red", bins=30)
    monkeypatch.setattr(spread, "_SURE", 10)
    monkeypatch.setattr(spread, "_SAMPLE", 20)
    library.tags.add("crimson", prompts=["red"])
    found = library.tags.spread("crimson", bins=30)
    assert sum(found.counts) == PICTURES
    assert found.counts != exact.counts
    assert found.counts[10:] == exact.counts[10:]
    library.tags.edit("crimson", group="colour")
    library.tags.edit("blue", group="colour")
    assert sum(library.tags.spread("crimson").counts) == PICTURES


def test_labels_are_counted_by_what_the_head_says(library: FolderLibrary, photos: Path) -> None:
    """They move no picture to 0 or 1, and follow every change."""
    library.tags.spread("red")
    library.labels.set(photos / "red.png", yes=["red"])
    library.labels.set(photos / "green.png", no=["red"])
    found = library.tags.spread("red", bins=100)
    assert (sum(found.yes), sum(found.no), sum(found.counts)) == (1, 1, PICTURES)
    assert found.counts[-1] == 0
    assert max(np.flatnonzero(found.yes)) > max(np.flatnonzero(found.no))
    library.labels.set(photos / "red.png", clear=["red"])
    assert sum(library.tags.spread("red").yes) == 0


# --- border ---


@pytest.mark.parametrize("threshold", [None, 0.0, 0.003, 0.01, 0.2, 1.0])
def test_the_nearest_of_both_sides_are_shown(
    library: FolderLibrary, threshold: float | None
) -> None:
    """Nearest first, each on its side; the count is that of the tag with that threshold."""
    known = probabilities(library, "red")
    found = library.tags.border("red", threshold=threshold, k=7)
    at = library.tags.show("red").threshold if threshold is None else threshold
    assert at is not None
    assert (found.tag, found.threshold) == ("red", at)
    over = sorted(p for p in known.values() if p >= at)
    under = sorted((p for p in known.values() if p < at), reverse=True)
    above, below = sides(found)
    assert above == pytest.approx(over[:7], abs=1e-5)
    assert below == pytest.approx(under[:7], abs=1e-5)
    assert found.count == len(over)
    for each in (*found.above, *found.below):
        assert each.probability == pytest.approx(known[each.path], abs=1e-5)
        assert (each.tag, each.threshold) == ("red", at)
    library.tags.edit("red", threshold=threshold)
    assert library.tags.show("red").count == found.count


def test_dragging_a_threshold_only_moves_the_cut(library: FolderLibrary) -> None:
    """Up and down again, the counts fall and rise; everything is found however low it goes."""
    ways = [0.9, 0.1, 0.01, 0.001, 0.0, 0.01, 0.9]
    counts = [library.tags.border("red", threshold=at).count for at in ways]
    assert counts == [*sorted(counts[:5]), *counts[2:1:-1], counts[0]]
    assert counts[4] == PICTURES


def test_beyond_the_surest_pictures_a_sample_tells(
    library: FolderLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """High thresholds stay exact; for low ones the count is an estimate."""
    exact = {at: library.tags.border("red", threshold=at, k=5) for at in (0.05, 0.002, 0.0)}
    monkeypatch.setattr(spread, "_SURE", 20)
    monkeypatch.setattr(spread, "_SAMPLE", 30)
    library.tags.add("crimson", prompts=["red"])
    high, low, all_ = (library.tags.border("crimson", threshold=at, k=5) for at in exact)
    assert (high.count, sides(high)) == (exact[0.05].count, sides(exact[0.05]))
    assert low.count == pytest.approx(exact[0.002].count, abs=8)
    assert min(sides(low)[0]) >= 0.002 > max(sides(low)[1])
    assert all_.count == PICTURES


def test_labelled_pictures_count_and_are_not_asked_about(
    library: FolderLibrary, photos: Path
) -> None:
    """A yes counts below the threshold, a no does not above it."""
    red, green = photos / "red.png", photos / "green.png"
    library.labels.set(red, no=["red"])
    library.labels.set(green, yes=["red"])
    for threshold, count in ((0.0, PICTURES - 1), (1.0, 1)):
        found = library.tags.border("red", threshold=threshold, k=PICTURES)
        assert found.count == count
        asked = {each.path for each in (*found.above, *found.below)}
        assert len(asked) == PICTURES - 2
        assert not asked & {red, green}


def test_in_a_group_the_most_probable_tag_is_above(library: FolderLibrary, photos: Path) -> None:
    """The least sure of those it holds for, and the surest of those of which another one holds."""
    for name in ("red", "green", "blue"):
        library.tags.edit(name, group="colour")
    known = probabilities(library, "red")
    held = {each.path for each in library.tag(tags=["red"]) if each.tags}
    found = library.tags.border("red", k=5)
    above, below = sides(found)
    assert (found.threshold, found.count) == (0.0, len(held))
    assert above == pytest.approx(sorted(p for path, p in known.items() if path in held)[:5])
    rest = sorted((p for path, p in known.items() if path not in held), reverse=True)
    assert below == pytest.approx(rest[:5])
    high = library.tags.border("red", threshold=0.6, k=5)
    assert min(sides(high)[0]) >= 0.6 > max(sides(high)[1])
    library.labels.set(high.above[0].path, yes=["blue"])
    assert high.above[0] not in library.tags.border("red", threshold=0.6, k=5).above


def test_a_tag_that_the_model_cannot_read_holds_nowhere(
    library: FolderLibrary, store: FakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All pictures are below whatever threshold, with probability 0."""
    nothing = np.zeros((1, store.encoders["colour"].facts.dim), np.float32)
    encoder = store.encoders["colour"]
    monkeypatch.setattr(encoder, "encode_texts", lambda texts: nothing.repeat(len(texts), axis=0))
    library.tags.add("unheard of")
    found = library.tags.border("unheard of", threshold=0.0, k=3)
    assert (found.count, len(found.above), len(found.below)) == (0, 0, 3)
    assert library.tags.spread("unheard of", bins=2).counts == (PICTURES, 0)


def test_pictures_that_come_and_go_are_followed(library: FolderLibrary, photos: Path) -> None:
    """What was kept does not outlive the pictures it came from."""
    before = library.tags.border("red", threshold=0.0).count
    paint(photos / "new.png", "red", seed=5)
    library.add([photos])
    assert library.tags.border("red", threshold=0.0).count == before + 1
    library.remove([photos / "sub", photos / "new.png"])
    found = library.tags.border("red", threshold=0.0, k=200)
    assert (found.count, len(found.above)) == (before - 1, before - 1)
    assert sum(library.tags.spread("red").counts) == before - 1
    library.remove([photos])
    assert library.tags.border("red", threshold=0.0).count == 0
    assert sum(library.tags.spread("red").counts) == 0


def test_what_cannot_be_answered_is_refused(
    library: FolderLibrary, open_folder: OpenFolder, tmp_path: Path
) -> None:
    """Unknown tags, thresholds that are no probabilities, no bins, no pictures."""
    for threshold in (-0.1, 1.1, float("nan")):
        with pytest.raises(InputError, match="no number from 0 to 1"):
            library.tags.border("red", threshold=threshold)
    with pytest.raises(InputError, match="0 pictures a side"):
        library.tags.border("red", k=0)
    with pytest.raises(InputError, match="0 bins"):
        library.tags.spread("red", bins=0)
    with pytest.raises(InputError, match="no tag 'rd'"):
        library.tags.spread("rd")
    with pytest.raises(InputError, match="no tag 'rd'"):
        library.tags.border("rd")
    empty = open_folder(tmp_path / "empty")
    empty.tags.add("red")
    for ask in (empty.tags.spread, empty.tags.border):
        with pytest.raises(LibraryError, match="no pictures yet"):
            ask("red")
