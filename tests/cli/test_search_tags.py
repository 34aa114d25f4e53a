"""`soutu search` with tags: what it asks the library for, and what it says of the answer."""

from __future__ import annotations

import json

import pytest

from cli.fake import FakeLibrary, Soutu, hit
from soutu.types import Query, Term


def test_tags_are_part_of_the_query(soutu_command: Soutu, library: FakeLibrary) -> None:
    """Wanted and unwanted tags go with words, or alone; --no-expand is passed on."""
    soutu_command("search", "sofa", "--tag", "cat", "--tag", "!indoor", "--no-expand")
    soutu_command("search", "--tag", "猫")
    both = Query(terms=(Term(text="sofa"),), tags=("cat", "!indoor"), expand=False)
    assert library.asked == [
        ("search", (both, None, 20)),
        ("search", (Query(tags=("猫",)), None, 20)),
    ]


def test_by_tags_alone_every_hit_is_a_match(soutu_command: Soutu, library: FakeLibrary) -> None:
    """The tag's own threshold has decided; --min-relevance still cuts."""
    library.hits = [hit("/p/a.jpg", 0.9), hit("/p/b.jpg", 0.05)]
    both = soutu_command("search", "--tag", "cat", "--format", "paths")
    assert both.stdout == "/p/a.jpg\n/p/b.jpg\n"
    with_words = soutu_command("search", "cat", "--tag", "cat", "--format", "paths")
    assert with_words.stdout == "/p/a.jpg\n"
    cut = soutu_command("search", "--tag", "cat", "--min-relevance", "0.5", "--format", "json")
    assert [found["path"] for found in json.loads(cut.stdout)] == ["/p/a.jpg"]


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--tag", "cat"], "tag cat"),
        (["--tag", "!cat", "--tag", "day"], "− tag cat + tag day"),
        (["a", "zebra", "--tag", "cat", "--tag", "!day"], "a zebra + tag cat − tag day"),
        (["--keywords", "paris", "--tag", "cat"], "paris + tag cat"),
    ],
)
def test_nothing_matches_names_the_tags(
    soutu_command: Soutu, library: FakeLibrary, args: list[str], told: str
) -> None:
    """The message repeats the whole query."""
    result = soutu_command("search", *args, "--format", "paths")
    assert (result.exit_code, result.stderr) == (0, f"Nothing here matches {told}\n")


def test_a_search_for_nothing_names_the_ways(soutu_command: Soutu, library: FakeLibrary) -> None:
    """Words, a picture, a tag or keywords: one of them is needed."""
    result = soutu_command("search", "--no-expand")
    assert result.exit_code == 2
    assert "--tag NAME" in result.stderr
    assert library.opened_with == {}
