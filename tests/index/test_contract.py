"""Every engine does what `VectorIndex` promises, with the exact numpy one as the oracle."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from index_engines import (
    DIM,
    ENGINES,
    fill,
    ids_of,
    opened,
    payload_of,
    unit_vectors,
)

from soutu.errors import InputError, ModelError, QueryError
from soutu.index.base import FIELDS, MAX_ID, Found, VectorIndex
from soutu.index.memory import MemoryIndex
from soutu.types import All, AnyOf, Filter, HasId, Match, Not, Payload, Range

# qdrant-client's local mode says that it has neither payload indexes nor search parameters.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture
def fresh(engine: str, tmp_path: Path) -> Iterator[VectorIndex]:
    """Open an index of its own for one test."""
    with opened(engine, tmp_path) as index:
        yield index


@pytest.fixture(params=ENGINES, scope="module")
def engine(request: pytest.FixtureRequest) -> str:
    """Name each engine in turn."""
    return str(request.param)


@pytest.fixture(scope="module")
def kept(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VectorIndex]:
    """Keep one index of each engine open: creating a folder takes longer than most tests."""
    with (
        warnings.catch_warnings(action="ignore", category=UserWarning),
        opened(engine, tmp_path_factory.mktemp("index")) as index,
    ):
        yield index


@pytest.fixture
def index(kept: VectorIndex) -> VectorIndex:
    """Empty the index that is kept open."""
    kept.delete(kept.ids())
    return kept


@pytest.fixture(scope="module")
def texts(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VectorIndex]:
    """Keep an index of TEXTS that no test changes."""
    with (
        warnings.catch_warnings(action="ignore", category=UserWarning),
        opened(engine, tmp_path_factory.mktemp("texts")) as index,
    ):
        fill_words(index)
        yield index


def oracle_of(n: int) -> MemoryIndex:
    oracle = MemoryIndex(DIM)
    fill(oracle, n)
    return oracle


def assert_same(actual: Found, expected: Found, tolerance: float = 1e-5) -> None:
    assert actual.ids.dtype == np.int64
    assert actual.scores.dtype == np.float32
    assert actual.ids.tolist() == expected.ids.tolist()
    np.testing.assert_allclose(actual.scores, expected.scores, atol=tolerance)


# --- Searching. ---


def test_an_empty_index_answers_everything_with_nothing(index: VectorIndex) -> None:
    """Nothing stored: nothing found, counted or sampled, and no error."""
    found = index.search(unit_vectors(2), k=5)

    assert [f.ids.tolist() for f in found] == [[], []]
    assert index.search_words("cat", k=5).ids.tolist() == []
    assert index.count() == 0
    assert index.ids().tolist() == []
    assert index.sample(10).shape == (0, DIM)
    assert index.get(ids_of(1, 2))[1].shape == (0, DIM)
    assert index.facet("format") == {}
    index.delete(ids_of(1))
    index.optimize()


@pytest.mark.parametrize("exact", [True, False])
def test_search_leaves_out_scores_below_a_bound(index: VectorIndex, exact: bool) -> None:
    """Hits come as without the bound, up to the first one below it."""
    fill(index, 200)
    query = unit_vectors(1, seed=5)
    whole = index.search(query, k=200, exact=exact)[0]
    bound = float(whole.scores[40]) - 1e-4
    found = index.search(query, k=200, exact=exact, min_score=bound)[0]
    kept = whole.scores >= bound
    assert found.ids.tolist() == whole.ids[kept].tolist()
    assert 40 < len(found.ids) < 200


@pytest.mark.parametrize("exact", [True, False])
def test_search_equals_the_oracle(index: VectorIndex, exact: bool) -> None:
    """A batch of queries gets the oracle's ids and scores, query by query."""
    fill(index, 300)
    index.optimize()
    queries = unit_vectors(20, seed=1)

    found = index.search(queries, k=10, exact=exact)

    expected = oracle_of(300).search(queries, k=10)
    assert len(found) == 20
    for actual, wanted in zip(found, expected, strict=True):
        assert_same(actual, wanted)


@pytest.mark.parametrize("k", [0, 1, 7, 50])
def test_k_may_exceed_what_is_stored(index: VectorIndex, k: int) -> None:
    """K bounds the answer; more than there is gives all there is."""
    fill(index, 7)
    query = unit_vectors(1, seed=1)

    (found,) = index.search(query, k=k)

    assert_same(found, oracle_of(7).search(query, k=k)[0])
    assert len(found.ids) == min(k, 7)


def test_no_queries_give_no_answers(index: VectorIndex) -> None:
    """An empty batch is an empty list."""
    fill(index, 5)
    assert index.search(unit_vectors(0), k=3) == []


def test_equal_scores_are_ordered_by_id(index: VectorIndex) -> None:
    """Copies of one picture come in the order of their ids."""
    copies = np.repeat(unit_vectors(1), 6, axis=0)
    index.upsert(ids_of(9, 3, 12, 1, 7, 5), copies, [{}] * 6)

    (found,) = index.search(unit_vectors(1), k=6)

    assert found.ids.tolist() == [1, 3, 5, 7, 9, 12]


def test_a_filtered_search_equals_the_oracle(index: VectorIndex) -> None:
    """A filter applies before the k best are taken, whatever part it lets through."""
    fill(index, 300)
    index.optimize()
    oracle = oracle_of(300)
    queries = unit_vectors(5, seed=2)
    for where in (
        Match("folder", ("/photos/2021",)),
        Match("folder", ("/photos",)),
        Range(field="width", lt=2000),
        All((Match("format", ("jpeg",)), Range(field="taken", gte=1.7e9 + 200))),
        HasId((3, 5, 7)),
        Match("camera", ("none such",)),
    ):
        found = index.search(queries, k=10, where=where)
        for actual, wanted in zip(found, oracle.search(queries, k=10, where=where), strict=True):
            assert_same(actual, wanted)


# --- Writing. ---


def test_upsert_replaces_vector_payload_and_words(index: VectorIndex) -> None:
    """The second version of a picture is the only one left."""
    first, second = unit_vectors(2)
    index.upsert(ids_of(1), first[None], [{"format": "jpeg"}], ["old cat"])

    index.upsert(ids_of(1), second[None], [{"camera": "X"}], ["new dog"])

    assert index.count() == 1
    np.testing.assert_allclose(index.get(ids_of(1))[1], second[None], atol=1e-6)
    assert index.count(Match("format", ("jpeg",))) == 0
    assert index.count(Match("camera", ("X",))) == 1
    assert index.search_words("cat", k=5).ids.tolist() == []
    assert index.search_words("dog", k=5).ids.tolist() == [1]


def test_upsert_without_words_drops_the_old_ones(index: VectorIndex) -> None:
    """A replaced picture is not found by the words of its predecessor."""
    index.upsert(ids_of(1, 2), unit_vectors(2), [{}, {}], ["old cat", "cat"])

    index.upsert(ids_of(1), unit_vectors(1), [{}])

    assert index.search_words("cat", k=5).ids.tolist() == [2]


def test_the_last_of_equal_ids_counts(index: VectorIndex) -> None:
    """An id that comes twice in one call keeps what came last."""
    vectors = unit_vectors(2)

    index.upsert(ids_of(4, 4), vectors, [{"camera": "A"}, {"camera": "B"}])

    assert index.count() == 1
    np.testing.assert_allclose(index.get(ids_of(4))[1], vectors[1:], atol=1e-6)
    assert index.facet("camera") == {"B": 1}


def test_set_payload_keeps_vectors_and_words(index: VectorIndex) -> None:
    """New payloads replace the old ones whole; vectors, words and other pictures stay."""
    vectors = unit_vectors(3)
    index.upsert(ids_of(1, 2, 3), vectors, [{"width": 1, "camera": "A"}] * 3, ["a cat"] * 3)

    index.set_payload(ids_of(1, 3), [{"width": 10}, {"width": 30}])

    assert index.ids(Match("camera", ("A",))).tolist() == [2]
    assert index.ids(Match("width", (10, 30))).tolist() == [1, 3]
    np.testing.assert_allclose(index.get(ids_of(1, 2, 3))[1], vectors, atol=1e-6)
    assert index.search_words("cat", k=5).ids.tolist() == [1, 2, 3]


def test_set_payload_replaces_words_when_given(index: VectorIndex) -> None:
    """New words are found, old ones are not; a text without words removes them."""
    index.upsert(ids_of(1, 2, 3), unit_vectors(3), [{}] * 3, ["a cat"] * 3)

    index.set_payload(ids_of(1, 2), [{}, {}], ["a dog", "--"])

    assert index.search_words("dog", k=5).ids.tolist() == [1]
    assert index.search_words("cat", k=5).ids.tolist() == [3]


def test_set_payload_ignores_unknown_ids(index: VectorIndex) -> None:
    """A picture that is not there does not appear by describing it."""
    index.upsert(ids_of(1), unit_vectors(1), [{}])

    index.set_payload(ids_of(2, 1), [{"camera": "B"}, {"camera": "A"}], ["two", "one"])

    assert index.ids().tolist() == [1]
    assert index.facet("camera") == {"A": 1}


def test_deleted_pictures_are_gone(index: VectorIndex) -> None:
    """Deleted ids are not found, counted, sampled or returned; unknown ones do not matter."""
    vectors = fill(index, 20)

    index.delete(np.array([*range(1, 11), 999], np.int64))

    assert index.ids().tolist() == list(range(11, 21))
    assert index.get(ids_of(3, 12))[0].tolist() == [12]
    (found,) = index.search(vectors[:1], k=20)
    assert sorted(found.ids.tolist()) == list(range(11, 21))


def test_writes_after_optimize_are_searched(index: VectorIndex) -> None:
    """What was added, replaced or deleted since the last optimize counts at once."""
    fill(index, 300)
    index.optimize()
    oracle = oracle_of(300)
    new = unit_vectors(4, seed=3)
    for each in (index, oracle):
        each.upsert(ids_of(1001, 7), new[:2], [payload_of(1), payload_of(2)])
        each.delete(ids_of(8, 9))

    for actual, wanted in zip(index.search(new, k=10), oracle.search(new, k=10), strict=True):
        assert_same(actual, wanted)
    assert index.search(new[:1], k=1)[0].ids.tolist() == [1001]


def test_optimize_twice_changes_nothing(index: VectorIndex) -> None:
    """Optimizing is safe at any time and answers stay the same."""
    vectors = fill(index, 100)
    before = index.search(vectors[:3], k=5)
    index.optimize()
    index.optimize()

    after = index.search(vectors[:3], k=5)

    assert [f.ids.tolist() for f in after] == [f.ids.tolist() for f in before]


# --- Reading. ---


def test_get_keeps_the_order_asked_for(index: VectorIndex) -> None:
    """Ids come back as asked, repeats included and missing ones left out."""
    vectors = fill(index, 10)

    ids, found = index.get(ids_of(7, 99, 2, 7, 5))

    assert ids.tolist() == [7, 2, 7, 5]
    np.testing.assert_allclose(found, vectors[[6, 1, 6, 4]], atol=1e-6)
    assert found.dtype == np.float32


@pytest.mark.parametrize("n", [0, 1, 5, 99, 500])
def test_sample_is_spread_evenly_and_repeatable(index: VectorIndex, n: int) -> None:
    """A sample takes evenly spaced ids and is the same each time, and in every engine."""
    fill(index, 100)

    sample = index.sample(n)

    assert sample.shape == (min(n, 100), DIM)
    np.testing.assert_allclose(sample, oracle_of(100).sample(n), atol=1e-6)
    np.testing.assert_array_equal(sample, index.sample(n))


def test_large_ids_stay_exact(index: VectorIndex) -> None:
    """Ids up to 2**53 - 1 come back bit by bit."""
    ids = ids_of(MAX_ID, MAX_ID - 1, 2**40 + 1, 1)
    vectors = unit_vectors(4)
    index.upsert(ids, vectors, [{}] * 4, ["cat"] * 4)

    assert index.ids().tolist() == sorted(ids.tolist())
    assert index.get(ids)[0].tolist() == ids.tolist()
    assert [f.ids[0] for f in index.search(vectors, k=1)] == ids.tolist()
    assert index.ids(HasId((MAX_ID,))).tolist() == [MAX_ID]
    assert index.search_words("cat", k=4).ids.tolist() == sorted(ids.tolist())


def test_facets_count_values(index: VectorIndex) -> None:
    """Values are counted, most frequent first, then by name; list fields count each value."""
    fill(index, 100)
    oracle = oracle_of(100)

    for field in ("format", "camera", "folder"):
        actual = index.facet(field)
        assert list(actual.items()) == list(oracle.facet(field).items())
    where = Range(field="width", gte=5000)
    assert index.facet("format", where) == oracle.facet("format", where)
    assert index.facet("folder")["/photos"] == 100


# --- Filters. ---

_TEXTS = st.sampled_from(["/a", "/a/b", "猫", "jpeg", "bad\udcff", ""])
_NUMBERS = st.sampled_from([-1.5, 0, 1, 1.0, 3000, 3000.0, 2.5e9])
_KEYWORD = st.sampled_from([f for f, kind in FIELDS.items() if kind == "keyword"])
_NUMBER = st.sampled_from([f for f, kind in FIELDS.items() if kind == "number"][:3])
_BOUND = st.none() | _NUMBERS

_PAYLOADS: st.SearchStrategy[Payload] = st.builds(
    lambda texts, numbers: {**texts, **numbers},
    st.dictionaries(_KEYWORD, _TEXTS | st.lists(_TEXTS, max_size=3), max_size=3),
    st.dictionaries(_NUMBER, _NUMBERS, max_size=3),
)
_LEAVES: st.SearchStrategy[Filter] = st.one_of(
    st.builds(
        Match,
        _KEYWORD | _NUMBER,
        st.lists(_TEXTS | _NUMBERS | st.booleans(), max_size=3).map(tuple),
    ),
    st.builds(Range, field=_KEYWORD | _NUMBER, gte=_BOUND, gt=_BOUND, lte=_BOUND, lt=_BOUND),
    st.builds(HasId, st.lists(st.integers(1, 12), max_size=4).map(tuple)),
)
_FILTERS: st.SearchStrategy[Filter] = st.recursive(
    _LEAVES,
    lambda parts: st.one_of(
        st.builds(All, st.lists(parts, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(parts, max_size=3).map(tuple)),
        st.builds(Not, parts),
    ),
    max_leaves=6,
)


@settings(
    max_examples=60,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    payloads=st.lists(_PAYLOADS, min_size=8, max_size=8),
    filters=st.lists(_FILTERS, min_size=1, max_size=5),
)
def test_any_filter_passes_the_same_pictures_everywhere(
    kept: VectorIndex, payloads: list[Payload], filters: list[Filter]
) -> None:
    """Whatever the payloads and the filter, every engine agrees with the oracle."""
    kept.delete(kept.ids())
    ids = np.arange(1, len(payloads) + 1, dtype=np.int64)
    vectors = unit_vectors(len(payloads))
    oracle = MemoryIndex(DIM)
    for each in (kept, oracle):
        each.upsert(ids, vectors, payloads)

    for where in filters:
        expected = oracle.ids(where).tolist()
        assert kept.ids(where).tolist() == expected
        assert kept.count(where) == len(expected)
        (found,) = kept.search(vectors[:1], k=5, where=where)
        assert_same(found, oracle.search(vectors[:1], k=5, where=where)[0])
        assert kept.facet("camera", where) == oracle.facet("camera", where)


@pytest.mark.parametrize(
    ("where", "passing"),
    [
        (All(()), [1, 2, 3]),
        (AnyOf(()), []),
        (Not(AnyOf(())), [1, 2, 3]),
        (HasId(()), []),
        (Match("camera", ()), []),
        (Match("width", (3000,)), [1, 2]),
        (Range(field="width"), [1, 2]),
        (Not(Range(field="width")), [3]),
        (Range(field="width", lte=2000, lt=4000), []),
        (Range(field="width", lte=4000, lt=3000), []),
        (Range(field="width", gte=4000, gt=2000), []),
        (Range(field="width", gte=2000, gt=3000), []),
        (Range(field="width", gte=3000, gt=2000, lte=3000, lt=4000), [1, 2]),
        (Not(Match("camera", ("A",))), [2, 3]),
        (Match("camera", (True,)), []),
    ],
)
def test_what_a_filter_means_at_its_edges(
    index: VectorIndex, where: Filter, passing: list[int]
) -> None:
    """Empty parts, missing fields and numbers of either type mean the same everywhere."""
    payloads: list[Payload] = [{"width": 3000, "camera": "A"}, {"width": 3000.0}, {}]
    index.upsert(ids_of(1, 2, 3), unit_vectors(3), payloads)

    assert index.ids(where).tolist() == passing


def test_names_that_are_not_utf8_match_themselves(index: VectorIndex) -> None:
    """A file name with stray bytes is stored, and found under itself alone."""
    names = ["caf\udce9.jpg", "caf\udce8.jpg", "café.jpg"]
    index.upsert(ids_of(1, 2, 3), unit_vectors(3), [{"name": n} for n in names], names)

    assert [index.ids(Match("name", (n,))).tolist() for n in names] == [[1], [2], [3]]
    assert index.facet("name")["caf\\udce9.jpg"] == 1


@pytest.mark.parametrize(
    "where", [Match("colour", ("red",)), Not(All((Range(field="age", gt=1),)))]
)
def test_unknown_fields_are_refused(index: VectorIndex, where: Filter) -> None:
    """A filter on a field that does not exist is an error, not an empty answer."""
    for ask in (
        lambda: index.search(unit_vectors(1), k=1, where=where),
        lambda: index.search_words("cat", k=1, where=where),
        lambda: index.ids(where),
        lambda: index.count(where),
        lambda: index.facet("camera", where),
    ):
        with pytest.raises(QueryError, match=r"no payload field '(colour|age)'.*folder"):
            ask()


@pytest.mark.parametrize("field", ["width", "colour"])
def test_only_keyword_fields_have_facets(index: VectorIndex, field: str) -> None:
    """Facets of numbers or of unknown fields are refused by name."""
    with pytest.raises(QueryError, match=f"no keyword field '{field}'"):
        index.facet(field)


# --- Words. ---

TEXTS = {
    1: "IMG_2024_猫.jpg",
    2: "red-dress_v2.JPG",
    3: "a black cat on a red sofa",
    4: "红色连衣裙 red dress",
    5: "猫和狗 cat and dog, cat again",
    6: "holiday 2024 beach.png",
    7: "东京タワーの夜景.jpeg",
    8: "",
    9: "--- !!!",
}


def fill_words(index: VectorIndex) -> None:
    ids = np.array(list(TEXTS), np.int64)
    payloads: list[Payload] = [{"width": int(i)} for i in ids]
    index.upsert(ids, unit_vectors(len(ids)), payloads, list(TEXTS.values()))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("cat", [5, 3]),
        ("猫", [1, 5]),
        ("连衣裙", [4]),
        ("red dress", [2, 4, 3]),
        ("RED_DRESS_V2", [2, 4, 3]),
        ("夜景", [7]),
        ("ﾀﾜｰ", [7]),
        ("2024", [1, 6]),
        ("2024 beach", [6, 1]),
        ("elephant", []),
        ("", []),
        ("?!", []),
    ],
)
def test_words_find_pictures_in_order(texts: VectorIndex, words: str, expected: list[int]) -> None:
    """English, Chinese, Japanese and file names are found; the best match comes first."""
    oracle = MemoryIndex(DIM)
    fill_words(oracle)

    found = texts.search_words(words, k=10)

    assert sorted(found.ids.tolist()) == sorted(expected)
    assert found.ids[:1].tolist() == expected[:1]
    assert_same(found, oracle.search_words(words, k=10), tolerance=1e-4)


def test_words_obey_k_and_filters(texts: VectorIndex) -> None:
    """The k best of those that pass the filter."""
    assert texts.search_words("red dress", k=1).ids.tolist() == [2]
    assert texts.search_words("red dress", k=5, where=Range(field="width", gte=3)).ids.tolist() == [
        4,
        3,
    ]
    assert texts.search_words("red", k=0).ids.tolist() == []


def test_deleted_pictures_are_not_found_by_words(fresh: VectorIndex) -> None:
    """A deleted picture's words are gone, and those of the others still work."""
    fill_words(fresh)
    fresh.optimize()

    fresh.delete(ids_of(4, 5))

    assert fresh.search_words("red dress cat", k=9).ids.tolist() in ([2, 3], [3, 2])


# --- Refusals. ---


@pytest.mark.parametrize("shape", [(1, DIM + 1), (1, DIM - 1), (DIM,)])
def test_vectors_of_another_length_are_refused(index: VectorIndex, shape: tuple[int, ...]) -> None:
    """Neither stored nor searched for: the message names both lengths."""
    vectors = np.ones(shape, np.float32)
    with pytest.raises(ModelError, match=f"{DIM}-d vectors"):
        index.upsert(ids_of(1), vectors, [{}])
    with pytest.raises(ModelError, match=f"{DIM}-d vectors"):
        index.search(vectors, k=1)
    assert index.count() == 0


def test_vectors_with_nan_are_refused(index: VectorIndex) -> None:
    """A broken model's output never gets in."""
    vectors = np.full((1, DIM), np.nan, np.float32)
    with pytest.raises(ModelError, match="NaN"):
        index.upsert(ids_of(1), vectors, [{}])
    with pytest.raises(ModelError, match="NaN"):
        index.search(vectors, k=1)


@pytest.mark.parametrize("bad", [0, -1, 2**53])
def test_ids_out_of_range_are_refused(index: VectorIndex, bad: int) -> None:
    """Ids that a JSON reader could garble are refused."""
    with pytest.raises(InputError, match="ids must lie in"):
        index.upsert(ids_of(bad), unit_vectors(1), [{}])


def test_rows_that_do_not_match_are_refused(index: VectorIndex) -> None:
    """Every id needs its vector, payload and text."""
    with pytest.raises(InputError, match="payload"):
        index.upsert(ids_of(1, 2), unit_vectors(2), [{}])
    with pytest.raises(InputError, match="vector"):
        index.upsert(ids_of(1, 2), unit_vectors(1), [{}, {}])
    with pytest.raises(InputError, match="text"):
        index.set_payload(ids_of(1), [{}], ["a", "b"])


def test_closing_twice_is_safe(fresh: VectorIndex) -> None:
    """The second close does nothing."""
    fill(fresh, 3)
    fresh.close()
    fresh.close()
