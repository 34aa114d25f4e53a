"""Why a picture answers a query: the figures of a search, term by term, and where in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from conftest import OpenFolder
from painting import COLOURS, paint
from PIL import Image

from soutu.errors import InputError, QueryError
from soutu.library import Library, open_library
from soutu.library.explain import found_words
from soutu.library.folder import FolderLibrary
from soutu.library.windows import grid, heat, windows
from soutu.types import Explanation, Match, Query, Term


def halves(path: Path, left: str, right: str) -> Path:
    """Paint a picture of two colours side by side, twice as wide as high."""
    pixels = np.zeros((32, 64, 3), np.uint8)
    pixels[:, :32], pixels[:, 32:] = COLOURS[left], COLOURS[right]
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def library(open_folder: OpenFolder, photos: Path) -> FolderLibrary:
    """Forty shades besides red, green, blue and half red, half blue; tags for the colours."""
    for i in range(40):
        shade = np.random.default_rng(i).integers(0, 256, 3)
        paint(photos / f"{i:03}.png", (int(shade[0]), int(shade[1]), int(shade[2])), seed=i)
    halves(photos / "halves.png", "red", "blue")
    opened = open_folder()
    opened.add([photos])
    for name in ("red", "green", "blue"):
        opened.tags.add(name)
    opened.tags.add("colourful")
    opened.tags.edit("blue", parent="colourful")
    return opened


RED = Term(text="something red")


@pytest.mark.parametrize(
    "query",
    [
        Query(terms=(RED,)),
        Query(terms=(Term(text="blue"),), expand=False),
        Query(terms=(RED, Term(text="green", weight=-0.5))),
        Query(terms=(Term(text="red", weight=-1.0),)),
        Query(terms=(Term(image=b""),)),
        Query(terms=(RED, Term(image=b"", weight=2.0))),
        Query(terms=(RED,), keywords="blue"),
        Query(terms=(RED,), tags=("!green",)),
        Query(terms=(RED,), where=Match("folder", ("sub",))),
        Query(terms=(RED,), diversity=0.5),
        Query(keywords="photos 003"),
        Query(keywords="blue", tags=("blue",)),
        Query(tags=("red",)),
        Query(tags=("red", "!green")),
        Query(tags=("!green",)),
        Query(tags=("colourful",)),
    ],
)
def test_score_and_relevance_are_those_of_a_search(
    library: FolderLibrary, photos: Path, query: Query
) -> None:
    """Whatever the query is made of, for each of its hits."""
    given = (photos / "007.png").read_bytes()
    terms = tuple(
        term if term.image is None else Term(image=given, weight=term.weight)
        for term in query.terms
    )
    where = None if query.where is None else Match("folder", (str(photos / "sub"),))
    asked = Query(
        terms=terms,
        where=where,
        keywords=query.keywords,
        tags=query.tags,
        diversity=query.diversity,
        expand=query.expand,
    )
    hits = library.search(asked, k=100)
    assert hits
    for hit in hits:
        found = library.explain(asked, hit.id)
        assert (found.id, found.path) == (hit.id, hit.path)
        assert found.score == pytest.approx(hit.score, abs=1e-5)
        assert found.relevance == pytest.approx(hit.relevance, abs=1e-4)


def test_words_that_name_a_taught_tag_keep_its_relevance(
    library: FolderLibrary, photos: Path
) -> None:
    """The head that people taught decides, as in a search."""
    library.labels.set(photos / "red.png", yes=["red"])
    library.labels.set(photos / "sub" / "blue.png", no=["red"])
    for hit in library.search("red", k=100):
        found = library.explain("red", hit.path)
        assert found.score == pytest.approx(hit.score, abs=1e-5)
        assert found.relevance == pytest.approx(hit.relevance, abs=1e-4)
        assert found.terms[0].relevance == pytest.approx(found.relevance, abs=1e-5)


def test_each_term_is_judged_alone(library: FolderLibrary, photos: Path) -> None:
    """Score and relevance of a term are those of a search for it, unwanted ones too."""
    picture = photos / "003.png"
    query = Query(
        terms=(RED, Term(text="a green thing", weight=-0.5), Term(image=photos / "red.png"))
    )
    found = library.explain(query, picture)
    assert [(term.text, term.weight) for term in found.terms] == [
        ("something red", 1.0),
        ("a green thing", -0.5),
        (None, 1.0),
    ]
    image = Query(terms=(Term(image=photos / "red.png"),))
    alone: list[str | Query] = ["something red", "a green thing", image]
    for term, words in zip(found.terms, alone, strict=True):
        (hit,) = (hit for hit in library.search(words, k=100) if hit.path == picture)
        assert term.score == pytest.approx(hit.score, abs=1e-5)
        assert term.relevance == pytest.approx(hit.relevance, abs=1e-4)


def hottest(found: Explanation) -> tuple[float, float]:
    """Return the middle of the hottest cell, as fractions of width and height."""
    cells = np.array(found.heat)
    row, column = np.unravel_index(cells.argmax(), cells.shape)
    return (float(column) + 0.5) / cells.shape[1], (float(row) + 0.5) / cells.shape[0]


def test_the_best_part_of_the_picture_is_told(library: FolderLibrary, photos: Path) -> None:
    """Red is on the left, blue on the right; red without blue is hottest on the left."""
    terms = (Term(text="red"), Term(text="blue", weight=-1.0))
    found = library.explain(Query(terms=terms), photos / "halves.png")
    red, blue = (term.box for term in found.terms)
    assert red is not None
    assert blue is not None
    assert red.right <= 0.5 <= blue.left
    assert hottest(found)[0] < 0.5
    assert np.array(found.heat).shape == (4, 9)
    assert (np.min(found.heat), np.max(found.heat)) == (0.0, 1.0)
    assert hottest(library.explain("blue", photos / "halves.png"))[0] > 0.5


def test_a_picture_that_is_the_same_all_over_has_no_best_part(
    library: FolderLibrary, photos: Path
) -> None:
    """No heat anywhere, and no part that fits better than the whole."""
    even = Image.new("RGB", (20, 20), (0, 255, 0))
    even.save(photos / "even.png")
    library.add([photos])
    found = library.explain("green", photos / "even.png")
    assert found.heat == ((0.0,) * 7,) * 7
    assert found.terms[0].box is None


def test_a_file_that_is_gone_is_explained_from_its_vector(
    library: FolderLibrary, photos: Path
) -> None:
    """Without its pixels there is no heat and no part; the figures stay."""
    before = library.explain("red", photos / "halves.png")
    (photos / "halves.png").unlink()
    found = library.explain("red", photos / "halves.png")
    assert (found.score, found.heat, found.terms[0].box) == (before.score, (), None)
    (photos / "halves.png").write_bytes(b"no picture any more")
    assert library.explain("red", photos / "halves.png").heat == ()


def test_what_keeps_a_picture_out_does_not_change_its_figures(
    library: FolderLibrary, photos: Path
) -> None:
    """A filter or an unwanted tag: score and relevance as without it, and the tag is told."""
    red = photos / "red.png"
    free = library.explain("something red", red)
    for query in (
        Query(terms=(RED,), where=Match("folder", (str(photos / "sub"),))),
        Query(terms=(RED,), tags=("!red",)),
    ):
        assert red not in [hit.path for hit in library.search(query, k=100)]
        found = library.explain(query, red)
        assert (found.score, found.relevance) == (free.score, free.relevance)
    assert [(each.tag, each.holds) for each in found.tags] == [("red", True)]
    named = library.explain(Query(keywords="red", tags=("blue",)), red)
    assert named.score == library.search(Query(keywords="red"), k=1)[0].score
    assert library.explain(Query(keywords="rocket"), red).relevance == 0


def test_tags_that_do_not_hold_are_explained_by_their_probability(
    library: FolderLibrary, photos: Path
) -> None:
    """The least of the wanted ones, as for a hit; 0 where there is none."""
    found = library.explain(Query(tags=("green", "red")), photos / "red.png")
    assert [(each.tag, each.holds) for each in found.tags] == [("red", True), ("green", False)]
    assert found.score == found.relevance == found.tags[1].probability < found.tags[1].threshold
    assert library.explain(Query(tags=("!red",)), photos / "red.png").relevance == 0


def test_narrower_tags_that_hold_are_told(library: FolderLibrary, photos: Path) -> None:
    """A blue picture is colourful because it is blue, unless the query does not expand."""
    blue = photos / "sub" / "blue.png"
    found = library.explain(Query(tags=("colourful",)), blue)
    assert {each.tag for each in found.tags} == {"blue", "colourful"}
    narrow = library.explain(Query(tags=("colourful",), expand=False), blue)
    assert [each.tag for each in narrow.tags] == ["colourful"]


def test_tags_of_filters_are_told_once(library: FolderLibrary, photos: Path) -> None:
    """Wherever the query names them."""
    query = Query(terms=(RED,), where=Match("tag", ("green", "blue")), tags=("!green",))
    found = library.explain(query, photos / "red.png")
    assert sorted(each.tag for each in found.tags) == ["blue", "green"]


def test_without_terms_nothing_is_encoded(library: FolderLibrary, photos: Path) -> None:
    """Keywords and tags have no place in the picture."""
    found = library.explain(Query(keywords="Blue SUB cat", tags=("blue",)), photos / "sub/blue.png")
    assert (found.terms, found.heat, found.words) == ((), (), ("blue", "sub"))


@pytest.mark.parametrize(
    ("keywords", "text", "found"),
    [
        ("red dress", "photos red", ("red",)),
        ("redDress2", "reddress2", ("reddress2",)),
        ("redDress2", "photos red", ("red",)),
        ("海滩日落", "2024 海滩", ("海滩",)),
        ("cat, CAT dog", "My Cat", ("cat",)),
        ("", "anything", ()),
    ],
)
def test_keywords_are_found_as_the_index_finds_them(
    keywords: str, text: str, found: tuple[str, ...]
) -> None:
    """Folded, in parts, without doubles; of overlapping parts the longest."""
    assert found_words(keywords, text) == found


def test_what_cannot_be_explained_is_refused(
    library: FolderLibrary, photos: Path, open_folder: OpenFolder, tmp_path: Path
) -> None:
    """An empty query, an unreadable one, an unknown tag or field, a picture of another library."""
    red = photos / "red.png"
    for query in ("", Query(), Query(tags=("!",)), Query(terms=(Term(image=b"none"),))):
        with pytest.raises(QueryError):
            library.explain(query, red)
    with pytest.raises(QueryError, match="colour"):
        library.explain(Query(terms=(RED,), where=Match("colour", ("red",))), red)
    with pytest.raises(InputError, match="no tag 'rd'"):
        library.explain(Query(terms=(RED,), tags=("rd",)), red)
    with pytest.raises(InputError, match="does not hold"):
        library.explain("red", photos / "none.png")
    with pytest.raises(InputError, match="id 7"):
        library.explain("red", 7)
    with pytest.raises(InputError, match="does not hold"):
        open_folder(tmp_path / "empty").explain("red", red)


# --- windows ---


@pytest.mark.parametrize("size", [(100, 100), (300, 200), (1080, 1920), (3, 2), (9000, 900)])
def test_windows_of_each_size_cover_a_picture(size: tuple[int, int]) -> None:
    """At most 60 squares, to whose average each size and each cell contributes."""
    found, (rows, columns) = windows(*size), grid(*size)
    assert 15 <= len(found.edges) <= 60
    sides = (found.edges[:, 2:] - found.edges[:, :2]) * size
    assert sides[:, 0] == pytest.approx(sides[:, 1])
    for number in np.unique(found.size):
        edges = found.edges[found.size == number]
        assert (edges[:, :2].min(), edges[:, 2:].max()) == (pytest.approx(0), pytest.approx(1))
    assert max(rows, columns) <= 9
    alike = heat(found, np.ones(len(found.edges), np.float32), rows, columns)
    assert (alike == np.zeros((rows, columns))).all()


def test_cells_are_about_square() -> None:
    """Seven a side for a square, nine at most, at least one."""
    assert grid(500, 500) == (7, 7)
    assert grid(300, 200) == (6, 9)
    assert grid(1080, 1920) == (9, 5)
    assert grid(10_000, 10) == (1, 9)


def test_one_good_window_heats_what_it_covers() -> None:
    """Most where it lies, nothing far from it; very long pictures too."""
    for width in (100, 100_000):
        found = windows(width, 100)
        scores = np.zeros(len(found.edges), np.float32)
        scores[0] = 1
        cells = heat(found, scores, *grid(width, 100))
        assert (cells[0, 0], cells[-1, -1]) == (1, pytest.approx(0))


# --- the bundled model ---


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Library, Path]]:
    """Photos of a cat, an astronaut and a cup, and the cat beside the cup."""
    folder = tmp_path_factory.mktemp("explained")
    photos = folder / "photos"
    photos.mkdir()
    data = Path(skimage.data.__file__).parent
    for name in ("chelsea.png", "astronaut.png", "coffee.png", "rocket.jpg", "brick.png"):
        (photos / name).write_bytes((data / name).read_bytes())
    both = Image.new("RGB", (800, 400))
    both.paste(Image.open(data / "chelsea.png").resize((400, 400)), (0, 0))
    both.paste(Image.open(data / "coffee.png").resize((400, 400)), (400, 0))
    both.save(photos / "both.jpg", quality=90)
    with open_library(folder / "library", create=True, home=folder / "home") as library:
        library.add([photos])
        yield library, photos


@pytest.mark.parametrize(
    ("name", "words", "left", "top", "right", "bottom"),
    [
        ("chelsea.png", "a cat", 0.1, 0.0, 0.82, 1.0),
        ("astronaut.png", "a woman's face", 0.3, 0.05, 0.6, 0.4),
        ("coffee.png", "a cup", 0.2, 0.1, 0.65, 0.85),
    ],
)
def test_heat_lies_where_the_words_are(
    real: tuple[Library, Path],
    name: str,
    words: str,
    left: float,
    top: float,
    right: float,
    bottom: float,
) -> None:
    """The hottest cell is on the cat's face, the woman's face, the cup."""
    library, photos = real
    x, y = hottest(library.explain(words, photos / name))
    assert left < x < right
    assert top < y < bottom


def test_terms_find_their_halves_of_a_collage(real: tuple[Library, Path]) -> None:
    """The cat is in the left half, the coffee in the right one."""
    library, photos = real
    query = Query(terms=(Term(text="a cat"), Term(text="a cup of coffee")))
    cat, coffee = library.explain(query, photos / "both.jpg").terms
    assert cat.box is not None
    assert coffee.box is not None
    assert (cat.box.left + cat.box.right) / 2 < 0.5 < (coffee.box.left + coffee.box.right) / 2
    assert hottest(library.explain("a cat", photos / "both.jpg"))[0] < 0.5
    assert hottest(library.explain("a cup of coffee", photos / "both.jpg"))[0] > 0.5
