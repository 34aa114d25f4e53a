"""Experiments in a library in a folder: who sees what, what is logged, and what stays apart."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from painting import ColourEncoder, FakeStore, paint

from soutu.catalog import schema
from soutu.catalog.catalog import Catalog
from soutu.errors import InputError, LibraryError, ModelError, QueryError
from soutu.library.experiments.drafting import chosen
from soutu.library.folder import FolderLibrary
from soutu.types import Pixels, Query, Served, Term, Vectors

WORDS = "red"


class Warm(ColourEncoder):
    """Rank otherwise: it sees three times as much red as there is, and little green."""

    def encode_images(self, pixels: Pixels) -> Vectors:
        means = pixels.mean(axis=(2, 3)) / 255
        self.calls += len(pixels)
        return self._project(means * (3.0, 0.3, 1.0))


def opened(folder: Path) -> FolderLibrary:
    store = FakeStore(ColourEncoder(), Warm("other", "r2", dim=6))
    return FolderLibrary(folder, store=store, create=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty pictures of many colours, with vectors of two models, `colour` in use."""
    folder = tmp_path_factory.mktemp("made")
    for number in range(40):
        colour = (number * 6, 255 - number * 5, (number * 37) % 256)
        paint(folder / "photos" / f"{number:02}.png", colour)
    with opened(folder / "library") as library:
        library.use_model("colour")
        library.add([folder / "photos"])
        library.use_model("other")
        library.use_model("colour")
    return folder / "library"


@pytest.fixture
def library(made: Path, tmp_path: Path) -> Iterator[FolderLibrary]:
    """Open a copy, to change."""
    shutil.copytree(made, tmp_path / "library")
    with opened(tmp_path / "library") as library:
        yield library


@pytest.fixture
def catalog(library: FolderLibrary, tmp_path: Path) -> Iterator[Catalog]:
    catalog = Catalog.open(tmp_path / "library" / "catalog.db")
    yield catalog
    catalog.close()


def rows(catalog: Catalog, table: sa.Table) -> list[sa.Row[tuple[object, ...]]]:
    with catalog.reading() as c:
        return list(c.execute(sa.select(table)))


def ids(served: Served) -> list[int]:
    return [hit.id for hit in served.hits]


def people(salt: str, share: float, *, of_b: bool, n: int = 3) -> list[str]:
    found = [f"p{number}" for number in range(1000)]
    return [each for each in found if chosen(salt, each, share) is of_b][:n]


def answers_of(library: FolderLibrary, query: str | Query, k: int = 10) -> list[int]:
    return [hit.id for hit in library.search(query, k=k)]


def test_without_an_experiment(library: FolderLibrary, catalog: Catalog) -> None:
    """Searches are answered as ever, and nothing is logged."""
    found = library.experiments.search(WORDS, session="ann", k=10)
    assert found == Served(
        hits=library.search(WORDS, k=10), impression=None, experiment="", more=True
    )
    assert library.experiments.running() is None
    assert rows(catalog, schema.impressions) == []


def test_each_person_of_a_split_sees_one_way(library: FolderLibrary) -> None:
    """B answers its people by the other model's vectors, A the others; both as if alone."""
    a = library.search(WORDS, k=10)
    library.use_model("other")
    b = library.search(WORDS, k=10)
    library.use_model("colour")
    assert [hit.id for hit in a] != [hit.id for hit in b]
    library.experiments.start("models", kind="split", model="other", share=0.3, salt="s")
    for person in people("s", 0.3, of_b=False):
        for _ in range(2):
            assert library.experiments.search(WORDS, session=person, k=10).hits == a
    for person in people("s", 0.3, of_b=True):
        for _ in range(2):
            assert library.experiments.search(WORDS, session=person, k=10).hits == b
    assert library.search(WORDS, k=10) == a


def test_pages_go_on_in_the_same_way(library: FolderLibrary) -> None:
    """Page by page each side gives its own ranking, whole and once."""
    library.experiments.start("variety", kind="split", model="other", share=0.5, salt="s")
    (ann,) = people("s", 0.5, of_b=True, n=1)
    whole = ids(library.experiments.search(WORDS, session=ann, k=40))
    paged: list[int] = []
    for start in range(0, 40, 7):
        page = library.experiments.search(
            WORDS, session=ann, k=7, start=start, experiment="variety" if start else None
        )
        paged += ids(page)
        assert page.more is (start + 7 <= 40)
    assert paged == whole
    assert sorted(whole) == sorted(picture.id for picture in library.pictures())


def test_pages_of_lists_of_both(library: FolderLibrary, catalog: Catalog) -> None:
    """No picture comes twice, none is left out, and the log says whose each one is."""
    library.experiments.start("models", model="other", salt="s")
    paged: list[int] = []
    for start in range(0, 40, 10):
        page = library.experiments.search(WORDS, session="ann", k=10, start=start)
        paged += ids(page)
    assert len(set(paged)) == len(paged) == 40
    whole = library.experiments.search(WORDS, session="ann", k=40)
    assert ids(whole) == paged
    logged = {row.start: row for row in rows(catalog, schema.shown)}
    assert sorted(logged) == [0, 10, 20, 30]
    assert [logged[10].images, logged[20].images] == [paged[10:20], paged[20:30]]
    assert {row.sides.count("a") for row in logged.values() if row.start} == {5}
    (impression,) = rows(catalog, schema.impressions)
    assert impression.side == "ab"


def test_lists_of_both_differ_from_person_to_person(library: FolderLibrary) -> None:
    """The coins are tossed for each person and question, and fall the same way again."""
    library.experiments.start("models", model="other", salt="s")
    drafts = [
        ids(library.experiments.search(WORDS, session=f"p{number}", k=10)) for number in range(12)
    ]
    assert len({tuple(each) for each in drafts}) > 3
    assert drafts[0] == ids(library.experiments.search(WORDS, session="p0", k=10))


def test_hits_carry_the_figures_of_their_side(library: FolderLibrary, catalog: Catalog) -> None:
    """Score and relevance of a hit are those of the way that drafted it."""
    a = {hit.id: hit for hit in library.search(WORDS, k=40)}
    library.use_model("other")
    b = {hit.id: hit for hit in library.search(WORDS, k=40)}
    library.use_model("colour")
    library.experiments.start("models", model="other")
    found = library.experiments.search(WORDS, session="ann", k=12)
    (page,) = rows(catalog, schema.shown)
    assert set(page.sides) == {"a", "b"}
    for hit, side in zip(found.hits, page.sides, strict=True):
        wanted = (a if side == "a" else b)[hit.id]
        assert hit.score == pytest.approx(wanted.score, abs=1e-6)
        assert hit.relevance == pytest.approx(wanted.relevance, abs=1e-6)


@pytest.mark.parametrize(
    ("settings", "as_query"),
    [
        ({"diversity": 0.7}, Query(terms=(Term(text=WORDS),), diversity=0.7)),
        ({"keywords": True}, Query(terms=(Term(text=WORDS),), keywords=WORDS)),
    ],
)
def test_settings_of_b(library: FolderLibrary, settings: dict[str, float], as_query: Query) -> None:
    """B searches as if the query itself said so."""
    library.experiments.start("s", kind="split", share=0.5, salt="s", **settings)  # type: ignore[arg-type]
    (ann,) = people("s", 0.5, of_b=True, n=1)
    found = library.experiments.search(WORDS, session=ann, k=10)
    assert found.hits == library.search(as_query, k=10)
    assert found.impression is not None


def test_what_b_answers_as_a_does_is_in_no_experiment(library: FolderLibrary) -> None:
    """A query that says itself what B would, and those that no vectors answer."""
    library.tags.add("red")
    library.experiments.start("varied", diversity=0.3)
    for query in (
        Query(terms=(Term(text=WORDS),), diversity=0.5),
        Query(keywords="10"),
        Query(tags=("red",)),
    ):
        found = library.experiments.search(query, session="ann", k=5)
        assert (found.impression, found.experiment) == (None, "")
        assert found.hits == library.search(query, k=5)


def test_people_outside_the_share(library: FolderLibrary, catalog: Catalog) -> None:
    """They are answered by A and not logged."""
    library.experiments.start("models", model="other", share=0.2, salt="s")
    for person in people("s", 0.2, of_b=False):
        found = library.experiments.search(WORDS, session=person, k=10)
        assert found == Served(hits=library.search(WORDS, k=10), experiment="", more=True)
    assert rows(catalog, schema.impressions) == []


def test_what_the_log_holds(library: FolderLibrary, catalog: Catalog) -> None:
    """Hashes in the place of people and words; once a question, however often it is asked."""
    library.experiments.start("models", model="other")
    for _ in range(3):
        library.experiments.search("red secret", session="ann@example.org", k=5)
    library.experiments.search("blue", session="ann@example.org", k=5)
    library.experiments.search("blue", session="bo", k=5)
    found = rows(catalog, schema.impressions)
    assert len(found) == 3
    assert len({row.session for row in found}) == 2
    assert len({row.question for row in found}) == 2
    text = repr(found)
    assert "ann" not in text
    assert "secret" not in text
    assert {row.words for row in found} == {None}


def test_words_are_kept_where_that_is_asked_for(library: FolderLibrary, catalog: Catalog) -> None:
    """With what speaks against a picture marked."""
    library.experiments.start("models", model="other", keep_words=True)
    library.experiments.search("red", minus="blue", session="ann", k=5)
    (row,) = rows(catalog, schema.impressions)
    assert row.words == "red; -blue"


def test_clicks_are_credited(library: FolderLibrary, catalog: Catalog) -> None:
    """To the side that drafted the picture, once of each kind, and counted once a picture."""
    experiments = library.experiments
    experiments.start("models", model="other")
    served = experiments.search(WORDS, session="ann", k=10)
    assert served.impression is not None
    picture = served.hits[4].id
    for action in ("open", "open", "like", "label", "unlike"):
        assert experiments.record(served.impression, picture, action)
    (page,) = rows(catalog, schema.shown)
    found = rows(catalog, schema.actions)
    assert {(row.action, row.side, row.place) for row in found} == {
        (action, page.sides[4], 4) for action in ("open", "like", "label", "unlike")
    }
    report = experiments.report("models")
    sides = {"a": report.a, "b": report.b}
    mine, other = sides.pop(page.sides[4]), sides.popitem()[1]
    assert (mine.clicks, mine.clicked, mine.labels) == (1, 1, 1)
    assert (other.clicks, other.clicked, other.labels) == (0, 0, 0)
    assert report.units == 1


def test_events_that_are_refused(library: FolderLibrary) -> None:
    """Of pictures that were not shown, of answers that are unknown, of no known kind."""
    experiments = library.experiments
    experiments.start("models", model="other")
    served = experiments.search(WORDS, session="ann", k=5)
    assert served.impression is not None
    absent = next(each.id for each in library.pictures() if each.id not in ids(served))
    with pytest.raises(InputError, match="in no answer"):
        experiments.record(served.impression, absent, "open")
    with pytest.raises(InputError, match="in no answer"):
        experiments.record("0" * 32, served.hits[0].id, "open")
    with pytest.raises(InputError, match="Choose open, like"):
        experiments.record(served.impression, served.hits[0].id, "buy")  # type: ignore[arg-type]


def test_after_the_end(library: FolderLibrary, catalog: Catalog) -> None:
    """A answers everybody, nothing is logged, and whoever reads on does so in the same list."""
    experiments = library.experiments
    experiments.start("models", model="other")
    first = experiments.search(WORDS, session="ann", k=10)
    assert first.impression is not None
    whole = ids(experiments.search(WORDS, session="ann", k=20))
    assert experiments.stop("models").stopped is not None
    logged = len(rows(catalog, schema.shown))
    second = experiments.search(WORDS, session="ann", k=10, start=10, experiment=first.experiment)
    assert ids(first) + ids(second) == whole
    assert second.impression is None
    assert not experiments.record(first.impression, first.hits[0].id, "open")
    assert experiments.search(WORDS, session="ann", k=10).experiment == ""
    assert len(rows(catalog, schema.shown)) == logged
    assert rows(catalog, schema.actions) == []


def test_a_list_that_began_before_goes_on_as_it_was(library: FolderLibrary) -> None:
    """An experiment that starts while somebody reads does not change the list."""
    whole = answers_of(library, WORDS, 20)
    first = library.experiments.search(WORDS, session="ann", k=10)
    library.experiments.start("models", model="other")
    second = library.experiments.search(
        WORDS, session="ann", k=10, start=10, experiment=first.experiment
    )
    assert ids(first) + ids(second) == whole


def test_logging_is_no_change_of_the_library(library: FolderLibrary) -> None:
    """Answers are kept, and nobody is told of a change."""
    library.experiments.start("models", model="other")
    before = library.changes()
    served = library.experiments.search(WORDS, session="ann", k=10)
    assert served.impression is not None
    library.experiments.record(served.impression, served.hits[0].id, "open")
    assert library.changes() == before
    library.experiments.stop("models")
    assert library.changes() != before


def test_a_search_does_not_wait_for_the_log(library: FolderLibrary, catalog: Catalog) -> None:
    """While somebody else writes for long, hits come without an impression."""
    library.experiments.start("models", model="other")
    with catalog.transaction() as c:
        c.execute(schema.settings.insert().values(key="x", value="y"))
        found: list[Served] = []
        asking = threading.Thread(
            target=lambda: found.append(library.experiments.search(WORDS, session="ann", k=5))
        )
        asking.start()
        asking.join()
    assert len(found[0].hits) == 5
    assert found[0].impression is None


def test_both_sides_learn_of_new_pictures(library: FolderLibrary, tmp_path: Path) -> None:
    """While an experiment runs, indexing and removing keep up the vectors of B."""
    library.experiments.start("models", kind="split", model="other", share=0.5, salt="s")
    (ann,) = people("s", 0.5, of_b=True, n=1)
    paint(tmp_path / "more" / "new.png", (255, 0, 1))
    library.add([tmp_path / "more"])
    found = library.experiments.search(WORDS, session=ann, k=50)
    assert "new.png" in {hit.path.name for hit in found.hits}
    assert len(found.hits) == 41
    library.remove([tmp_path / "more" / "new.png"])
    assert len(library.experiments.search(WORDS, session=ann, k=50).hits) == 40


def test_what_a_running_experiment_forbids(library: FolderLibrary) -> None:
    """The model of A and the vectors of B stay while it runs."""
    library.experiments.start("models", model="other")
    with pytest.raises(LibraryError, match="soutu experiments stop models"):
        library.use_model("other")
    with pytest.raises(LibraryError, match="soutu experiments stop models"):
        library.drop_space("other")
    library.use_model("colour")
    with pytest.raises(LibraryError, match="one runs at a time"):
        library.experiments.start("more", diversity=0.5)
    with pytest.raises(LibraryError, match="is running"):
        library.experiments.remove("models")
    library.experiments.stop("models")
    library.drop_space("other")
    assert [each.name for each in library.experiments] == ["models"]
    found = library.experiments.search(WORDS, session="ann", k=5, start=5, experiment="models")
    assert len(found.hits) == 5  # by A: B is gone


def test_words_that_name_a_tag_mean_it_on_both_sides(library: FolderLibrary) -> None:
    """Each side turns the tag into a vector of its own space; filters are those of A."""
    library.tags.add("crimson", prompts=["red"])
    library.experiments.start("models", kind="split", model="other", share=0.5, salt="s")
    for of_b in (True, False):
        (person,) = people("s", 0.5, of_b=of_b, n=1)
        found = library.experiments.search("crimson", session=person, k=5)
        assert ids(found)[0] == ids(library.experiments.search("red", session=person, k=5))[0]
        held = Query(terms=(Term(text=WORDS),), tags=("crimson",))
        some = library.experiments.search(held, session=person, k=40)
        assert set(ids(some)) == set(answers_of(library, held, 40))


BAD: dict[str, tuple[dict[str, object], type[Exception], str]] = {
    "nothing": ({}, InputError, "B would be the same as A"),
    "no name": ({"name": " ", "diversity": 0.1}, InputError, "cannot name an experiment"),
    "kind": ({"kind": "ab", "diversity": 0.1}, InputError, "Choose split, interleaved"),
    "share": ({"share": 0.0, "diversity": 0.1}, InputError, "without people"),
    "all of a split": (
        {"share": 1.0, "kind": "split", "diversity": 0.1},
        InputError,
        "without people",
    ),
    "diversity": ({"diversity": 2.0}, InputError, "outside 0..1"),
    "unknown model": ({"model": "nope"}, ModelError, "soutu models use nope, then"),
    "own model": ({"model": "colour"}, ModelError, "no other space of colour"),
    "precision": ({"precision": "int8"}, ModelError, "--precision int8"),
}


def test_experiments_that_cannot_be(library: FolderLibrary) -> None:
    """Each is refused with what to do, and nothing has started."""
    for settings, kind, message in BAD.values():
        with pytest.raises(kind, match=message):
            library.experiments.start(**{"name": "x", **settings})  # type: ignore[arg-type]
    assert list(library.experiments) == []


def test_vectors_that_are_missing(library: FolderLibrary, tmp_path: Path) -> None:
    """B must know every picture when it starts."""
    paint(tmp_path / "more" / "new.png", "red")
    library.add([tmp_path / "more"])
    with pytest.raises(ModelError, match=r"lacks 1 vectors of other. Run: soutu models use other"):
        library.experiments.start("models", model="other")


def test_names(library: FolderLibrary) -> None:
    """A name stands for one experiment; one that is deleted can be given again."""
    experiments = library.experiments
    experiments.start("x", diversity=0.5)
    with pytest.raises(InputError, match="Choose another name"):
        experiments.start("x", diversity=0.5)
    experiments.stop("x")
    with pytest.raises(InputError, match="has ended already"):
        experiments.stop("x")
    with pytest.raises(InputError, match="there are: x"):
        experiments.report("y")
    experiments.remove("x")
    assert list(experiments) == []
    assert experiments.start("x", diversity=0.5, who="ana").who == "ana"


def test_deleting_deletes_the_log(library: FolderLibrary, catalog: Catalog) -> None:
    """Nothing that anybody did is left."""
    experiments = library.experiments
    experiments.start("x", diversity=0.5)
    served = experiments.search(WORDS, session="ann", k=5)
    assert served.impression is not None
    experiments.record(served.impression, served.hits[0].id, "open")
    experiments.stop("x")
    experiments.remove("x")
    for table in (schema.experiments, schema.impressions, schema.shown, schema.actions):
        assert rows(catalog, table) == []


def test_searches_that_are_refused(library: FolderLibrary) -> None:
    """As `Library.search` refuses them; and without anybody who asks."""
    with pytest.raises(QueryError, match="empty"):
        library.experiments.search("", session="ann")
    with pytest.raises(QueryError, match="cannot start at -1"):
        library.experiments.search(WORDS, session="ann", start=-1)
    with pytest.raises(InputError, match="cannot tell people apart"):
        library.experiments.search(WORDS, session="")


def test_a_page_of_little_relevance(library: FolderLibrary, catalog: Catalog) -> None:
    """What is not shown is not logged as shown."""
    library.experiments.start("models", model="other")
    whole = library.experiments.search(WORDS, session="ann", k=20)
    least = sorted(hit.relevance for hit in whole.hits)[10]
    found = library.experiments.search(WORDS, session="ann", k=20, min_relevance=least)
    assert found.more
    assert len(found.hits) == 10
    (page,) = rows(catalog, schema.shown)
    assert page.images == ids(found)
