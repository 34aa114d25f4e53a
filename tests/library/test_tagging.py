"""Tags on pictures: live, cached, corrected by people, the same whichever way they are asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import OpenFolder
from painting import FakeStore, paint

from soutu.errors import InputError, LibraryError, QueryError
from soutu.library.folder import FolderLibrary
from soutu.library.tagging import membership
from soutu.library.tagging.membership import log_odds
from soutu.types import ImageTags, Query, TagCount


def paint_many(folder: Path, n: int = 60, start: int = 0) -> None:
    """Paint pictures of all shades, named by their number."""
    for i in range(start, start + n):
        shade = np.random.default_rng(i).integers(0, 256, 3)
        paint(folder / f"{i:03}.png", (int(shade[0]), int(shade[1]), int(shade[2])), seed=i)


@pytest.fixture
def library(open_folder: OpenFolder, photos: Path) -> FolderLibrary:
    """Sixty shades besides a red, a green and a blue picture, and tags for these colours."""
    paint_many(photos)
    opened = open_folder()
    opened.add([photos])
    for name in ("red", "green", "blue"):
        opened.tags.add(name)
    return opened


def holding(library: FolderLibrary, tag: str) -> list[str]:
    """Return the pictures that hold a tag, as `tag` says picture by picture."""
    return sorted(
        found.path.name
        for found in library.tag(tags=[tag])
        if any(score.tag == tag for score in found.tags)
    )


def browsed(library: FolderLibrary, *tags: str, expand: bool = True) -> list[str]:
    hits = library.search(Query(tags=tags, expand=expand), k=1000)
    return sorted(hit.path.name for hit in hits)


def counted(library: FolderLibrary) -> dict[str, int]:
    return {each.tag: each.count for each in library.tags.counts()}


def test_a_new_tag_holds_at_once_and_encodes_no_picture(
    library: FolderLibrary, store: FakeStore
) -> None:
    """Counts, browsing, filters and single pictures agree, and no picture is looked at again."""
    before = store.encoders["colour"].calls
    library.tags.add("white")
    found = holding(library, "white")
    assert 0 < len(found) < 63
    assert browsed(library, "white") == found
    assert counted(library)["white"] == len(found)
    assert library.tags.show("white").count == len(found)
    by_filter = library.search("red", where="tag = 'white'", k=1000)
    assert sorted(hit.path.name for hit in by_filter) == found
    assert store.encoders["colour"].calls == before


def test_pictures_are_tagged_with_probability_threshold_and_source(
    library: FolderLibrary, photos: Path
) -> None:
    """Most probable first; each tag that holds lies above its threshold."""
    (found,) = library.tag([photos / "red.png"])
    first = found.tags[0]
    assert (first.tag, first.source, first.holds) == ("red", "zero-shot", True)
    assert first.probability >= first.threshold
    assert 0.9 < first.score <= 1.0001
    assert found.id == library.search("red", k=1)[0].id
    ranked = [score.probability for score in found.tags]
    assert ranked == sorted(ranked, reverse=True)


def test_pictures_outside_the_library_are_tagged_too(
    library: FolderLibrary, photos: Path, tmp_path: Path
) -> None:
    """By path or as bytes, the same as the library's own."""
    copy = tmp_path / "elsewhere.png"
    copy.write_bytes((photos / "sub" / "blue.png").read_bytes())
    own, path, data = library.tag([photos / "sub" / "blue.png", copy, copy.read_bytes()])

    def plain(found: ImageTags) -> list[tuple[str, float]]:
        return [(score.tag, round(score.probability, 4)) for score in found.tags]

    assert plain(path) == plain(data) == plain(own)
    assert (own.id is None, path.id, data.id) == (False, None, None)
    assert path.path == copy


def test_modes_choose_how_many_tags_a_picture_gets(library: FolderLibrary, photos: Path) -> None:
    """`top` gives the k most probable; `softmax` makes their probabilities one whole."""
    red = photos / "red.png"
    (top,) = library.tag([red], mode="top", k=2)
    assert (len(top.tags), top.tags[0].tag) == (2, "red")
    (whole,) = library.tag([red], mode="softmax")
    assert whole.tags[0].tag == "red"
    assert sum(score.probability for score in whole.tags) == pytest.approx(1)
    assert [score.holds for score in whole.tags] == [True, False, False]
    (none,) = library.tag([red], tags=["blue"])
    assert none.tags == ()


def test_a_threshold_set_by_hand_rules(library: FolderLibrary) -> None:
    """0 lets everything in, 1 nothing; taken away, it finds itself again."""
    found = counted(library)["red"]
    library.tags.edit("red", threshold=0.0)
    assert counted(library)["red"] == 63
    library.tags.edit("red", threshold=1.0)
    assert counted(library)["red"] == 0
    assert library.tags.show("red").threshold == 1.0
    library.tags.edit("red", threshold=None)
    assert counted(library)["red"] == found


def test_what_is_kept_equals_what_is_computed_afresh(
    library: FolderLibrary, open_folder: OpenFolder, photos: Path, tmp_path: Path
) -> None:
    """After pictures come, change, move and go, tags change, and labels are given."""
    counted(library)
    paint_many(photos, 30, start=60)
    paint(photos / "000.png", "red", seed=77)
    (photos / "001.png").rename(photos / "moved.png")
    (photos / "002.png").unlink()
    library.add([photos])
    counted(library)
    library.tags.edit("red", prompts=["green"])
    library.tags.add("white")
    kept = {tag: holding(library, tag) for tag in ("red", "green", "blue", "white")}
    assert kept == {tag: browsed(library, tag) for tag in kept}
    library.close()
    (cache,) = (tmp_path / "library").glob("spaces/*/tags.db")
    cache.write_bytes(b"not a database at all" * 100)
    again = open_folder()
    assert {tag: browsed(again, tag) for tag in kept} == kept


def test_only_what_changed_is_computed_again(
    library: FolderLibrary, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new tag scores one tag; new pictures are the only ones scored; nothing new, nothing."""
    for i in range(10):
        library.tags.add(f"shade {i}")
    scored: list[tuple[int, int]] = []
    whole = membership.score_block

    def noted(spoken, fitter, wanted, ids, vectors):  # type: ignore[no-untyped-def]
        scored.append((len(wanted), len(ids)))
        return whole(spoken, fitter, wanted, ids, vectors)

    monkeypatch.setattr(membership, "score_block", noted)
    monkeypatch.setattr("soutu.library.tagging.fitting._SMALL", 0)  # as in a large library
    counted(library)
    assert scored == [(13, 63)]
    counted(library)
    library.tags.add("white")
    counted(library)
    assert scored == [(13, 63)]
    paint_many(photos, 3, start=60)
    library.add([photos])
    counted(library)
    assert scored == [(13, 63), (14, 3)]


# --- labels ---


def test_people_overrule_the_machine(library: FolderLibrary, photos: Path) -> None:
    """A yes puts a tag on, a no takes it off, everywhere, and says that a person did."""
    blue, red = photos / "sub" / "blue.png", photos / "red.png"
    library.labels.set(blue, yes=["red"])
    library.labels.set(red, no=["red"])
    assert "blue.png" in browsed(library, "red")
    assert "red.png" not in browsed(library, "red")
    assert "red.png" in browsed(library, "!red")
    (found,) = library.tag([blue], tags=["red"])
    assert [(s.source, s.probability, s.holds) for s in found.tags] == [("person", 1.0, True)]
    assert next(library.tag([red], tags=["red"])).tags == ()
    count = next(each for each in library.tags.counts() if each.tag == "red")
    assert (count.yes, count.no) == (1, 1)
    assert library.search(Query(tags=("red",)), k=1)[0].path == blue


def test_labels_teach_a_tag(library: FolderLibrary, photos: Path) -> None:
    """Taught that "red" means white here, it finds other whites; without labels it forgets."""
    for i in range(6):
        paint(photos / f"white{i}.png", (250 - i, 250, 250 - 2 * i), seed=200 + i)
    library.add([photos])
    before = browsed(library, "red")
    assert "white5.png" not in before
    for i in range(4):
        library.labels.set(photos / f"white{i}.png", yes=["red"])
    library.labels.set(photos / "red.png", no=["red"])
    facts = library.tags.show("red")
    assert (facts.source, facts.yes, facts.no) == ("learned", 4, 1)
    (found,) = library.tag([photos / "white5.png"], mode="top", tags=["red"])
    library.labels.set(photos / "red.png", clear=["red"])
    for i in range(4):
        library.labels.set(photos / f"white{i}.png", clear=["red"])
    (untaught,) = library.tag([photos / "white5.png"], mode="top", tags=["red"])
    assert found.tags[0].probability > 2 * untaught.tags[0].probability
    assert library.tags.show("red").source == "zero-shot"
    assert browsed(library, "red") == before


def test_labels_refit_their_tag_in_the_background(library: FolderLibrary, photos: Path) -> None:
    """Once a tag is known, nobody who asks has to wait for it to learn."""
    counted(library)
    tagger = library._tagging.tagger()
    (red,) = (row.id for row in tagger.spoken().vocabulary.rows.values() if "red" in row.names[0])
    before, _ = tagger._cache.heads([red])[red]
    library.labels.set(photos / "red.png", yes=["red"])
    assert tagger._background is not None
    tagger._background.submit(lambda: None).result()  # after all that was submitted before
    after, head = tagger._cache.heads([red])[red]
    assert after != before
    assert head.source == "learned"


def test_another_model_keeps_labels_and_refits_heads(
    library: FolderLibrary, open_folder: OpenFolder, photos: Path
) -> None:
    """Text vectors and heads are made anew in the new space."""
    library.labels.set(photos / "sub" / "blue.png", yes=["red"])
    library.close()
    library = open_folder(model=None)
    library.use_model("other")
    assert library.tags.show("red").source == "learned"
    assert "blue.png" in browsed(library, "red")
    assert holding(library, "green") == browsed(library, "green")
    assert len(library.tags.history()) == 4


# --- groups ---


def test_exactly_one_tag_of_a_group_holds(library: FolderLibrary, photos: Path) -> None:
    """Every picture gets the one that fits best, and the probabilities add up."""
    for name in ("red", "green", "blue"):
        library.tags.edit(name, group="colour")
    for found in library.tag():
        assert len(found.tags) == 1
    assert sum(counted(library).values()) == 63
    for path, tag in (("red.png", "red"), ("green.png", "green"), ("sub/blue.png", "blue")):
        (found,) = library.tag([photos / path])
        assert [score.tag for score in found.tags] == [tag]
    (whole,) = library.tag([photos / "red.png"], mode="top")
    assert sum(score.probability for score in whole.tags) == pytest.approx(1, abs=1e-5)
    (alone,) = library.tag([photos / "red.png"], tags=["red"], mode="top")
    assert alone.tags[0].probability == pytest.approx(whole.tags[0].probability)


def test_a_yes_in_a_group_is_a_no_to_the_others(library: FolderLibrary, photos: Path) -> None:
    """Also where tags are counted and browsed."""
    for name in ("red", "green", "blue"):
        library.tags.edit(name, group="colour")
    library.labels.set(photos / "red.png", yes=["blue"])
    (found,) = library.tag([photos / "red.png"])
    assert [score.tag for score in found.tags] == ["blue"]
    assert "red.png" not in browsed(library, "red")
    assert "red.png" in browsed(library, "blue")
    assert sum(counted(library).values()) == 63


def test_log_odds_of_a_softmax_do_not_overflow() -> None:
    """They agree with the plain formula where that can be computed."""
    logits = np.array([[1.0, 2.0, 0.5], [200.0, -200.0, 0.0]], np.float32)
    powers = np.exp(logits[0].astype(float))
    share = powers / powers.sum()
    assert log_odds(logits)[0] == pytest.approx(np.log(share / (1 - share)), abs=1e-5)
    assert log_odds(logits)[1].argmax() == 0


def test_a_page_from_the_graph_equals_one_from_all_members(
    library: FolderLibrary, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a large library the first page of a tag comes without looking at every picture."""
    red, blue = photos / "red.png", photos / "sub" / "blue.png"
    library.labels.set(blue, yes=["red"])
    library.labels.set(red, no=["red"])
    library.tags.edit("green", threshold=0.001)
    monkeypatch.setattr("soutu.library.tagging.querying._LARGE", 10)
    pages = {tag: library.search(Query(tags=(tag,)), k=7) for tag in ("red", "green")}
    assert not library._tagging.tagger()._cache.member_keys()
    assert (pages["red"][0].path, len(pages["green"])) == (blue, 7)
    assert red not in {hit.path for hit in pages["red"]}
    counted(library)
    monkeypatch.undo()
    library.tags.add("anything")  # so that no answer is remembered
    for tag, page in pages.items():
        assert [(hit.id, round(hit.relevance, 5)) for hit in page] == [
            (hit.id, round(hit.relevance, 5)) for hit in library.search(Query(tags=(tag,)), k=7)
        ]


# --- searching ---


def test_tags_filter_a_search(library: FolderLibrary) -> None:
    """Wanted and unwanted tags, with words and without, agree with set arithmetic."""
    library.tags.edit("green", threshold=0.02)
    red, green = set(browsed(library, "red")), set(browsed(library, "green"))
    assert green - red
    assert set(browsed(library, "green", "!red")) == green - red
    hits = library.search(Query(tags=("green", "!red")), k=1000, where="name != 'x'")
    assert {hit.path.name for hit in hits} == green - red
    asked = Query(terms=(), keywords="green", tags=("!red",))
    assert [hit.path.name for hit in library.search(asked)] == ["green.png"]
    hits = library.search("blue", where="tag = 'green' AND NOT tag = 'red'", k=1000)
    assert {hit.path.name for hit in hits} == green - red


def test_a_broader_tag_covers_narrower_ones_unless_told_otherwise(library: FolderLibrary) -> None:
    """With `expand` off, only the tag itself counts."""
    library.tags.add("colour", threshold=1.0)
    library.tags.edit("red", parent="colour")
    library.tags.edit("blue", parent="colour")
    both = sorted(set(browsed(library, "red")) | set(browsed(library, "blue")))
    assert browsed(library, "colour") == both
    assert browsed(library, "colour", expand=False) == []
    assert len(library.search("red", where="tag = 'colour'", k=1000)) == len(both)


def test_words_that_name_a_tag_stand_for_it(library: FolderLibrary, photos: Path) -> None:
    """Its prompts answer in place of the bare word; with `expand` off, the word does."""
    library.tags.add("sky", aliases=["天"], prompts=["blue"])
    assert library.search("天", k=1)[0].path == photos / "sub" / "blue.png"
    bare = library.search(Query(terms=(_text("天"),), expand=False), k=63)
    assert [hit.score for hit in bare] != [hit.score for hit in library.search("天", k=63)]


def test_a_taught_tag_is_a_sharper_query(library: FolderLibrary, photos: Path) -> None:
    """What people said reorders the search for the tag's name; the relevance is its probability."""
    library.labels.set(photos / "green.png", yes=["red"])
    library.labels.set(photos / "red.png", no=["red"])
    plain = library.search(Query(terms=(_text("red"),), expand=False), k=63)
    hits = library.search("red", k=63)
    assert [hit.path for hit in hits] != [hit.path for hit in plain]
    (found,) = library.tag([hits[5].path], mode="top", tags=["red"])
    if found.tags[0].source == "learned":
        assert hits[5].relevance == pytest.approx(found.tags[0].probability, abs=1e-4)


def test_answers_follow_tags_and_labels(library: FolderLibrary, photos: Path) -> None:
    """A cached answer is not given once a label has changed it."""
    asked = Query(tags=("red",))
    blue = photos / "sub" / "blue.png"
    assert blue not in {hit.path for hit in library.search(asked, k=100)}
    library.labels.set(blue, yes=["red"])
    assert library.search(asked, k=100)[0].path == blue


def _text(text: str):  # type: ignore[no-untyped-def]
    from soutu.types import Term

    return Term(text=text)


# --- bad input ---


def test_unknown_and_empty_tags_are_refused(library: FolderLibrary, tmp_path: Path) -> None:
    """In every place that takes one, by InputError."""
    for query in (Query(tags=("purple",)), Query(tags=("!purple",))):
        with pytest.raises(InputError, match="no tag 'purple'"):
            library.search(query)
    with pytest.raises(QueryError, match="'!' names no tag"):
        library.search(Query(tags=("!",)))
    with pytest.raises(InputError, match="no tag 'purple'"):
        library.search("red", where="tag = 'purple'")
    with pytest.raises(InputError, match="no tag 'purple'"):
        list(library.tag(tags=["purple"]))
    with pytest.raises(InputError, match="no tag 'purple'"):
        library.review(tag="purple")
    with pytest.raises(InputError, match=r"cannot tag .*nothing\.png"):
        list(library.tag([tmp_path / "nothing.png"]))
    with pytest.raises(InputError, match="1 or more"):
        list(library.tag(mode="top", k=0))


def test_without_tags_or_pictures_one_is_told_what_to_do(open_folder: OpenFolder) -> None:
    """An empty library says to index, an empty vocabulary to add."""
    library = open_folder()
    library.tags.add("red")
    with pytest.raises(LibraryError, match="soutu index"):
        library.tags.suggest()
    assert library.tags.counts() == [TagCount(tag="red", count=0)]
    with pytest.raises(InputError):
        library.tags.counts("colour = ")


def test_an_empty_vocabulary_says_how_to_fill_it(open_folder: OpenFolder, photos: Path) -> None:
    """With the commands to run."""
    library = open_folder()
    library.add([photos])
    with pytest.raises(InputError, match="soutu tags import everyday"):
        list(library.tag())
    assert library.tags.counts() == []


# --- review and suggestions ---


def test_review_asks_about_what_nobody_labelled(library: FolderLibrary, photos: Path) -> None:
    """Of one tag or all; each answer takes its question out."""
    first = library.review(tag="red", k=5)
    assert len({question.id for question in first}) == 5
    assert {question.tag for question in first} == {"red"}
    library.labels.set(first[0].id, yes=["red"])
    again = library.review(tag="red", k=63)
    assert first[0].id not in {question.id for question in again}
    assert len(again) == 62
    mixed = library.review(k=9)
    assert len(mixed) == 9
    pictures = library.review(by="picture", k=6)
    assert len({question.id for question in pictures}) < 6
    with pytest.raises(InputError, match="1 or more"):
        library.review(k=0)


def test_suggestions_of_tags_to_merge(library: FolderLibrary) -> None:
    """Two names for one thing are found; a parent and its child are not."""
    library.tags.add("rouge", prompts=["red"])
    assert {(idea.keep, idea.merge) for idea in library.tags.similar()} == {("red", "rouge")}
    library.tags.edit("rouge", parent="red")
    assert library.tags.similar() == []
