"""Groups of tags that exclude each other: exactly one holds, whatever people say of the others."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from conftest import OpenFolder
from painting import paint

from soutu.catalog import schema
from soutu.library.folder import FolderLibrary
from soutu.types import Query

COLOURS = ("red", "green", "blue")


@pytest.fixture
def library(open_folder: OpenFolder, photos: Path) -> FolderLibrary:
    """Thirty shades, and a group of three colours."""
    for i in range(27):
        paint(photos / f"{i:02}.png", (9 * i, 255 - 9 * i, 7 * i), seed=i)
    opened = open_folder()
    opened.add([photos])
    for name in COLOURS:
        opened.tags.add(name, group="colour")
    return opened


def tags_of(library: FolderLibrary, path: Path) -> list[tuple[str, float]]:
    (found,) = library.tag([path])
    return [(score.tag, round(score.probability, 4)) for score in found.tags]


def browsed(library: FolderLibrary, tag: str) -> set[str]:
    return {hit.path.name for hit in library.search(Query(tags=(tag,)), k=100)}


def check(library: FolderLibrary, pictures: int = 30) -> None:
    """Counts, browsing and tagging agree, and each picture holds one."""
    counts = {each.tag: each.count for each in library.tags.counts()}
    assert sum(counts.values()) == pictures
    held = [(found.path.name, score.tag) for found in library.tag() for score in found.tags]
    assert len(held) == pictures
    for colour in COLOURS:
        assert {name for name, tag in held if tag == colour} == browsed(library, colour)
        assert counts[colour] == len(browsed(library, colour))


def test_a_no_leaves_the_choice_among_the_others(library: FolderLibrary, photos: Path) -> None:
    """The best of them holds, with a probability that leaves the ruled out one aside."""
    red = photos / "red.png"
    check(library)
    library.labels.set(red, no=["red"])
    check(library)
    (whole,) = library.tag([red], mode="top")
    assert sum(score.probability for score in whole.tags) == pytest.approx(1, abs=1e-5)
    assert [(s.probability, s.source) for s in whole.tags if s.tag == "red"] == [(0, "person")]
    ((left, _),) = tags_of(library, red)
    library.labels.set(red, no=[left])
    (other,) = {"green", "blue"} - {left}
    assert tags_of(library, red) == [(other, 1.0)]
    check(library)


def test_a_picture_of_which_all_was_ruled_out_holds_none(
    library: FolderLibrary, photos: Path
) -> None:
    """What people said stands above the rule."""
    library.labels.set(photos / "red.png", no=COLOURS)
    check_counts = sum(each.count for each in library.tags.counts())
    assert (tags_of(library, photos / "red.png"), check_counts) == ([], 29)
    (whole,) = library.tag([photos / "red.png"], mode="top")
    assert [score.probability for score in whole.tags] == [0, 0, 0]


def test_the_newest_of_two_yeses_stands(library: FolderLibrary, photos: Path) -> None:
    """Wherever it is asked; taken back, the older one counts again."""
    red = photos / "red.png"
    library.labels.set(red, yes=["green"])
    library.labels.set(red, yes=["blue"])
    image = library.picture(red).id
    with library._catalog.transaction() as c:  # as older versions left it
        c.execute(schema.labels.delete())
        rows = [
            {"tag": tag, "image": image, "at": at}
            for tag, at in ((2, "2024-01-02"), (3, "2024-01-01"))
        ]
        for row in rows:
            insert = "INSERT INTO labels VALUES (:tag, :image, 1, 'person', 'ann', :at)"
            c.execute(sa.text(insert), {**row, "at": f"{row['at']} 00:00:00.000000"})
        c.execute(sa.text("UPDATE settings SET value = value + 1 WHERE key = 'said'"))
    assert tags_of(library, red) == [("green", 1.0)]
    check(library)
    assert (library.tags.show("green").yes, library.tags.show("blue").yes) == (1, 0)
    library.labels.set(red, clear=["green"])
    assert tags_of(library, red) == [("blue", 1.0)]
    check(library)


def test_review_does_not_ask_what_a_label_of_the_group_settled(
    library: FolderLibrary, photos: Path
) -> None:
    """Neither what another tag's yes says nor what is left after all others were ruled out."""
    library.labels.set(photos / "red.png", yes=["red"])
    library.labels.set(photos / "green.png", no=["red", "blue"])
    for ask in ({"tag": "green"}, {"by": "picture"}, {}):
        asked = {(q.path.name, q.tag) for q in library.review(k=200, **ask)}  # type: ignore[arg-type]
        assert len(asked) > 20
        assert not {name for name, _ in asked} & {"red.png", "green.png"}


def test_groups_are_compared_like_names(library: FolderLibrary, photos: Path) -> None:
    """Case and width make no other group; the first spelling is shown."""
    library.tags.edit("blue", group="Ｃolour")
    assert library.tags.get("blue").group == "colour"
    check(library)


def test_a_group_of_one_tag_excludes_nothing(library: FolderLibrary) -> None:
    """It holds where it would without the group."""
    library.tags.edit("red", group=None)
    alone = browsed(library, "red")
    library.tags.edit("red", group="other")
    assert (browsed(library, "red"), len(alone) < 30) == (alone, True)


def test_softmax_heeds_what_people_said(library: FolderLibrary, photos: Path) -> None:
    """A yes comes first, a no is left out, the others share what is left to the machine."""
    for name in COLOURS:
        library.tags.edit(name, group=None)
    library.tags.add("white")
    red = photos / "red.png"
    library.labels.set(red, yes=["blue"], no=["red"])
    (found,) = library.tag([red], mode="softmax")
    first, *rest = found.tags
    assert (first.tag, first.probability, first.source) == ("blue", 1.0, "person")
    assert {score.tag for score in rest} == {"green", "white"}
    assert sum(score.probability for score in rest) == pytest.approx(1)
    assert [score.holds for score in found.tags] == [True, False, False]
    library.labels.set(red, clear=["blue"])
    (found,) = library.tag([red], mode="softmax")
    assert [score.holds for score in found.tags] == [True, False, False]
    assert "red" not in {score.tag for score in found.tags}
