"""What people said is read as columns, and again only where it changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import OpenFolder
from painting import paint

from soutu.catalog import labelled
from soutu.images.sidecar import write_sidecar
from soutu.library.folder import FolderLibrary
from soutu.library.tagging import fitting
from soutu.library.tagging.spoken import Listener, Spoken, TagLabels
from soutu.types import Query


@pytest.fixture
def library(open_folder: OpenFolder, photos: Path) -> FolderLibrary:
    """A red, a green and a blue picture, and three tags."""
    opened = open_folder()
    opened.add([photos])
    for name in ("warm", "cold", "wet"):
        opened.tags.add(name, group=None if name == "wet" else "heat")
    return opened


def plain(heard: Spoken) -> dict[str, object]:
    """Return what can be compared of it."""
    return {
        heard.vocabulary.name(tag): [
            list(zip(each.images.tolist(), each.values.tolist(), strict=True)),
            [ids.tolist() for ids in heard.said(tag)],
            each.sources.tolist(),
            each.versions.tolist(),
        ]
        for tag, each in sorted(heard.labels.items())
        if len(each.images)
    } | {"": tuple(heard.vocabulary)}


CHANGES: list[Callable[[FolderLibrary, Path], object]] = [
    lambda x, p: x.labels.set(p / "red.png", yes=["warm"], no=["wet"]),
    lambda x, p: x.labels.set(p / "red.png", yes=["warm"]),  # changes nothing
    lambda x, p: x.labels.set(p / "green.png", yes=["cold"]),
    lambda x, p: x.labels.set(p / "red.png", clear=["warm"], yes=["cold"]),
    lambda x, p: x.tags.edit("cold", group=None),
    lambda x, p: x.labels.set(p / "red.png", no=["cold"]),
    lambda x, p: x.tags.edit("cold", group="Heat", aliases=["icy"]),
    lambda x, p: x.labels.undo() if x.tags.history()[0].action == "label" else x.tags.undo(),
    lambda x, p: x.tags.rename("wet", "damp"),
    lambda x, p: write_sidecar(p / "sub" / "blue.png", [("cold",), ("new",)]) and x.add([p]),
    lambda x, p: x.tags.add("new"),
    lambda x, p: x.remove([p / "green.png"]),
    lambda x, p: x.tags.merge(["new"], "damp"),
    lambda x, p: x.tags.undo(),
    lambda x, p: x.add([p]),
    lambda x, p: x.tags.remove(["cold"]),
    lambda x, p: paint(p / "red.png", "white", seed=9) and x.add([p]),
]


def test_what_is_followed_equals_what_is_read_anew(library: FolderLibrary, photos: Path) -> None:
    """After every kind of change, one by one and two at once."""
    each, second = Listener(library._catalog), Listener(library._catalog)
    each.now(), second.now()
    for number, change in enumerate(CHANGES):
        change(library, photos)
        now = plain(Spoken.of(library._catalog))
        assert plain(each.now()) == now, number
        if number % 2:
            assert plain(second.now()) == now, number


def test_one_label_makes_only_its_group_read_again(
    library: FolderLibrary, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing is read while nothing changed."""
    read: list[object] = []
    labels = labelled.labels

    def noted(connection, tags=None):  # type: ignore[no-untyped-def]
        read.append(tags)
        return labels(connection, tags)

    monkeypatch.setattr(labelled, "labels", noted)
    listener = Listener(library._catalog)
    first = listener.now()
    library.labels.set(photos / "red.png", yes=["wet"])
    assert listener.now().vocabulary is first.vocabulary
    library.labels.set(photos / "red.png", yes=["warm"])
    assert listener.now() is listener.now()
    library._catalog.set_setting("another", "thing")
    assert listener.now() is listener.now()
    assert read == [None, [3], [1, 2]]


# --- what is learned from ---


def labels_of(n: int, source: int, *, first: int = 0) -> TagLabels:
    ids = np.arange(first, first + n, dtype=np.int64)
    return TagLabels(ids, ids % 2 == 0, np.full(n, source), np.zeros(n, np.int64))


def test_all_that_persons_said_and_a_sample_of_the_rest_is_learned() -> None:
    """So that a keyword that every other file has can be learned in time."""
    person, file = labels_of(9000, labelled.PERSON), labels_of(9000, labelled.FILE, first=9000)
    both = TagLabels(
        *(
            np.concatenate([getattr(person, name), getattr(file, name)])
            for name in ("images", "values", "sources", "versions")
        )
    )
    taught = both.taught
    assert (taught.sources == labelled.PERSON).sum() == 9000
    of_files = taught.values[taught.sources == labelled.FILE]
    assert (of_files.sum(), (~of_files).sum()) == (2000, 2000)
    assert person.taught is person


def test_a_new_label_changes_the_sample_by_one_at_most() -> None:
    """Mostly by none, and then nothing is learned again."""
    before, after = (labels_of(n, labelled.FILE) for n in (20_000, 20_001))
    assert len(np.setxor1d(before.taught.images, after.taught.images)) in (0, 2)
    keys = {labels_of(20_000 + i, labelled.FILE).taught_key for i in range(10)}
    assert len(keys) < 6


def test_heads_follow_the_pictures_behind_their_labels(
    library: FolderLibrary, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks first, and also where the distribution stays as it is; rivals follow too."""
    monkeypatch.setattr(fitting, "_SMALL", 0)
    monkeypatch.setattr(fitting, "_DRIFT", 100)
    blue = photos / "sub" / "blue.png"
    library.labels.set(photos / "red.png", yes=["warm", "wet"])
    library.labels.set(photos / "green.png", no=["warm", "wet"])
    before = library.tags.counts()

    def scores() -> dict[str, float]:
        (found,) = library.tag([blue], mode="top")
        return {score.tag: score.probability for score in found.tags}

    then = scores()
    paint(photos / "red.png", "blue", seed=3)
    library.add([photos])
    now = scores()
    assert all(now[tag] != then[tag] for tag in ("warm", "cold", "wet"))
    assert sum(each.count for each in before) > 0
    for tag in ("warm", "cold", "wet"):
        held = {
            found.path.name for found in library.tag() for each in found.tags if each.tag == tag
        }
        assert {hit.path.name for hit in library.search(Query(tags=(tag,)))} == held
    assert scores() == now


def test_replaced_pictures_outdate_the_distribution(
    library: FolderLibrary, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though there are as many as before."""
    monkeypatch.setattr(fitting, "_SMALL", 0)
    mark = f"{library._catalog.count()}/{library._catalog.version()}"
    assert not fitting._outdated(mark, library._catalog)
    for colour in ("red", "green"):
        paint(photos / f"{colour}.png", "white", seed=len(colour))
    library.add([photos])
    assert fitting._outdated(mark, library._catalog)


def test_resolving_again_computes_nothing(
    library: FolderLibrary, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every page of a browse asks; a change of anything that counts makes it anew."""
    tagger = library._tagging.tagger()
    first = tagger.resolve(["warm"], expand=True)
    with monkeypatch.context() as patch:
        patch.setattr(tagger, "holding", None)
        assert tagger.resolve(["warm"], expand=True) is first
    library.labels.set(photos / "red.png", yes=["warm"])
    second = tagger.resolve(["warm"], expand=True)
    assert library.picture(photos / "red.png").id in second
    library.remove([photos / "red.png"])
    assert len(tagger.resolve(["warm"], expand=True)) < 3


def test_counts_take_narrower_tags_as_searches_do(library: FolderLibrary, photos: Path) -> None:
    """Unless told not to; what is shown of a tag tells both."""
    library.tags.add("feeling", threshold=1.0)
    for name in ("warm", "cold"):
        library.tags.edit(name, parent="feeling")

    def count(*, expand: bool = True) -> int:
        counts = library.tags.counts(expand=expand)
        return next(each.count for each in counts if each.tag == "feeling")

    found = library.search(Query(tags=("feeling",)), k=100)
    assert (count(), count(expand=False), len(found)) == (3, 0, 3)
    facts = library.tags.show("feeling")
    assert (facts.count, facts.count_with_narrower) == (0, 3)
