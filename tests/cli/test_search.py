"""What `soutu search` asks the library for, and how it writes the answer."""

from __future__ import annotations

import dataclasses
import json
import os
from datetime import datetime
from pathlib import Path

import pytest

from cli.fake import FakeLibrary, Soutu, hit
from soutu.cli.terms import Asked, split_weight, written
from soutu.errors import QueryError
from soutu.types import Query, Term


def test_words_are_one_phrase(soutu_command: Soutu, library: FakeLibrary) -> None:
    """Words need no quotes."""
    soutu_command("search", "a", "red", "car")
    assert library.asked == [("search", (Query(terms=(Term(text="a red car"),)), None, 20))]


def test_every_kind_of_term_takes_a_weight(soutu_command: Soutu, library: FakeLibrary) -> None:
    """Words, plus, minus and pictures come together in one query; minus weighs negative."""
    soutu_command(
        "search", "2:red", "car", "--plus", "at night", "--minus", "0.5:people", "--image",
        "3:photo.jpg", "--image", "https://pictures.test/a.jpg", "--minus-image", "b.png",
        "--where", "width > 100", "-k", "7",
    )  # fmt: skip
    terms = (
        Term(text="red car", weight=2.0),
        Term(text="at night"),
        Term(image=Path("photo.jpg"), weight=3.0),
        Term(image="https://pictures.test/a.jpg"),
        Term(text="people", weight=-0.5),
        Term(image=Path("b.png"), weight=-1.0),
    )
    assert library.asked == [("search", (Query(terms=terms), "width > 100", 7))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cat", (1.0, "cat")),
        ("2:cat", (2.0, "cat")),
        (".5:cat", (0.5, "cat")),
        ("0.25: a cat", (0.25, "a cat")),
        ("1:16:9", (1.0, "16:9")),
        ("猫：狗", (1.0, "猫：狗")),
        ("-2:cat", (1.0, "-2:cat")),
        ("a:b", (1.0, "a:b")),
    ],
)
def test_weight_prefix(text: str, expected: tuple[float, str]) -> None:
    """A plain number and a colon in front are a weight; anything else is text."""
    assert split_weight(text) == expected


@pytest.mark.parametrize("text", ["2:", " ", "0:cat", "0.0:cat", "3:  "])
def test_terms_that_say_nothing_are_refused(text: str) -> None:
    """An empty term and a weight of zero are mistakes, not queries."""
    with pytest.raises(QueryError):
        split_weight(text)


def test_only_http_urls(soutu_command: Soutu, library: FakeLibrary) -> None:
    """Other schemes are refused before anything is opened."""
    result = soutu_command("search", "--image", "ftp://pictures.test/a.jpg")
    assert result.exit_code == 2
    assert "http and https only" in result.stderr
    assert library.opened_with == {}


def test_query_in_words() -> None:
    """Messages repeat a query as it was meant."""
    asked = Asked(words=["red", "car"], images=["2:a.jpg"], minus=["people"])
    assert written(asked.terms()) == "red car + 2:a.jpg − people"


def test_json_has_the_documented_fields(soutu_command: Soutu, library: FakeLibrary) -> None:
    """JSON lists matches only, with everything that is known of each."""
    taken = datetime(2024, 5, 1, 12, 30)
    library.hits = [
        hit("/p/猫.jpg", 0.9, taken_at=taken, camera="X100", latitude=1.5, longitude=-2.5),
        hit("/p/b.jpg", 0.01, number=2),
    ]
    result = soutu_command("search", "cat", "--format", "json")
    assert json.loads(result.stdout) == [
        {
            "id": 1,
            "path": "/p/猫.jpg",
            "score": 0.3,
            "relevance": 0.9,
            "by_name": False,
            "width": 640,
            "height": 427,
            "format": "JPEG",
            "taken_at": "2024-05-01T12:30:00",
            "camera": "X100",
            "latitude": 1.5,
            "longitude": -2.5,
        }
    ]


def test_json_keeps_names_that_are_no_utf8(soutu_command: Soutu, library: FakeLibrary) -> None:
    """The bytes of such a name come back through os.fsencode."""
    library.hits = [hit(os.fsdecode(b"/p/\xff\xfe.jpg"), 0.9)]
    result = soutu_command("search", "cat", "--format", "json")
    assert result.stdout.isascii()
    assert os.fsencode(json.loads(result.stdout)[0]["path"]) == b"/p/\xff\xfe.jpg"


def test_nothing_matches_is_an_answer(soutu_command: Soutu, library: FakeLibrary) -> None:
    """Then the nearest pictures are shown, JSON is an empty list, and the code is 0."""
    library.hits = [hit(f"/p/{number}.jpg", 0.1) for number in range(9)]
    table = soutu_command("search", "a", "zebra")
    assert table.exit_code == 0
    assert table.stdout.splitlines()[0] == "Nothing here matches a zebra. The nearest:"
    assert len(table.stdout.splitlines()) == 6
    in_json = soutu_command("search", "a", "zebra", "--format", "json")
    assert (in_json.exit_code, json.loads(in_json.stdout)) == (0, [])
    paths = soutu_command("search", "a", "zebra", "--format", "paths")
    assert (paths.exit_code, paths.stdout) == (0, "")
    assert paths.stderr == "Nothing here matches a zebra\n"


def test_all_shows_near_misses(soutu_command: Soutu, library: FakeLibrary) -> None:
    """With --all what is below the cut-off is listed too."""
    library.hits = [hit("/p/a.jpg", 0.9), hit("/p/b.jpg", 0.0)]
    result = soutu_command("search", "cat", "--all", "--format", "paths")
    assert result.stdout == "/p/a.jpg\n/p/b.jpg\n"


def test_min_relevance_moves_the_cut_off(soutu_command: Soutu, library: FakeLibrary) -> None:
    """A hit at the cut-off passes."""
    library.hits = [hit("/p/a.jpg", 0.9), hit("/p/b.jpg", 0.5), hit("/p/c.jpg", 0.4)]
    result = soutu_command("search", "cat", "--min-relevance", "0.5", "--format", "paths")
    assert result.stdout == "/p/a.jpg\n/p/b.jpg\n"


def test_keywords_and_diversity(soutu_command: Soutu, library: FakeLibrary) -> None:
    """Both are part of the query; a picture found by its name needs no relevance."""
    library.hits = [hit("/p/a.jpg", 0.9), dataclasses.replace(hit("/p/b.jpg", 0.1), by_name=True)]
    both = soutu_command(
        "search", "cat", "--keywords", "paris", "--diversity", "0.3", "--format", "paths"
    )
    assert both.stdout == "/p/a.jpg\n/p/b.jpg\n"
    library.hits = []
    alone = soutu_command("search", "--keywords", "paris", "--format", "paths")
    assert alone.stderr == "Nothing here matches paris\n"
    asked = Query(terms=(Term(text="cat"),), keywords="paris", diversity=0.3)
    assert library.asked == [
        ("search", (asked, None, 20)),
        ("search", (Query(keywords="paris"), None, 20)),
    ]


def test_paths_are_raw_bytes_in_a_pipe(soutu_command: Soutu, library: FakeLibrary) -> None:
    """Any name passes through unchanged; -0 is for those that hold a newline."""
    name = b"/p/a\n\xff\x1b[31m.jpg"
    library.hits = [hit(os.fsdecode(name), 0.9), hit("/p/b.jpg", 0.9)]
    lines = soutu_command("search", "cat", "--format", "paths")
    assert lines.stdout_bytes == name + b"\n/p/b.jpg\n"
    nul = soutu_command("search", "cat", "-0")
    assert nul.stdout_bytes == name + b"\0/p/b.jpg\0"


def test_control_characters_never_reach_the_table(
    soutu_command: Soutu, library: FakeLibrary
) -> None:
    """Names, queries and thumbnails' captions are escaped."""
    library.hits = [hit(os.fsdecode(b"/p/\x1b]0;x\x07\xff\n.jpg"), 0.9)]
    for extra in ([], ["--thumbnails", "always"]):
        stdout = soutu_command("search", "cat", *extra).stdout
        assert r"\x1b]0;x\x07\xff\n.jpg" in stdout
        assert "\x1b]" not in stdout
        assert "\x07" not in stdout
    library.hits = []
    library.held = {Path("/p/a.jpg"): 1.0}
    assert soutu_command("search", "\x1b[31mcat").stdout == ("Nothing here matches \\x1b[31mcat.\n")


def test_paths_below_the_current_folder_are_short(
    soutu_command: Soutu, library: FakeLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table says `photos/a.jpg` there, and whole paths elsewhere."""
    monkeypatch.chdir(tmp_path)
    library.hits = [hit(tmp_path / "photos" / "a.jpg", 0.9), hit("/elsewhere/b.jpg", 0.8)]
    names = [line.split()[-1] for line in soutu_command("search", "cat").stdout.splitlines()]
    assert names == ["photos/a.jpg", "/elsewhere/b.jpg"]


def test_empty_library_says_what_to_do(soutu_command: Soutu, library: FakeLibrary) -> None:
    """An empty library is no "nothing matches"."""
    result = soutu_command("search", "cat")
    assert (result.exit_code, result.stdout) == (
        0,
        "The library holds no pictures yet. Run: soutu index FOLDER\n",
    )


@pytest.mark.parametrize(
    "args",
    [
        [""],
        ["--where", ""],
        ["-k", "0", "cat"],
        ["--min-relevance", "1.5", "cat"],
        ["--format", "xml", "cat"],
        ["--all", "--min-relevance", "0.2", "cat"],
        ["--nonsense", "cat"],
        ["2:"],
    ],
)
def test_bad_arguments_exit_with_2(
    soutu_command: Soutu, library: FakeLibrary, args: list[str]
) -> None:
    """What cannot be meant is refused before the library is opened."""
    result = soutu_command("search", *args)
    assert result.exit_code == 2
    assert library.opened_with == {}
