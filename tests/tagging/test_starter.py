"""The starter vocabularies are whole, and can be imported one after the other."""

from __future__ import annotations

from collections import Counter

import pytest

from soutu.errors import InputError
from soutu.library.tagging.files import read_starter, starter_vocabularies
from soutu.library.tagging.names import name_key
from soutu.types import Tag

SIZES = {
    "commerce": (80, 110),
    "documents": (50, 60),
    "driving": (60, 80),
    "everyday": (280, 340),
}


def test_each_says_what_it_is_for() -> None:
    """The starters are listed by name with a line each."""
    found = starter_vocabularies()
    assert list(found) == sorted(SIZES)
    assert [name for name, line in found.items() if not 20 < len(line) < 120] == []


def test_an_unknown_one_is_refused() -> None:
    """The message lists those there are."""
    with pytest.raises(InputError, match=r"'cars'.*commerce, documents, driving, everyday"):
        read_starter("cars")


@pytest.mark.parametrize("name", SIZES)
def test_sizes(name: str) -> None:
    """Each is large enough to be of use, and small enough to be scored at once."""
    least, most = SIZES[name]
    assert least <= len(read_starter(name)) <= most


@pytest.mark.parametrize("name", SIZES)
def test_parents_are_in_the_set(name: str) -> None:
    """Each parent is the name of another tag of the set; `read_starter` refuses cycles."""
    tags = read_starter(name)
    known = {tag.name for tag in tags}
    assert [tag.name for tag in tags if tag.parent is not None and tag.parent not in known] == []


@pytest.mark.parametrize("name", SIZES)
def test_every_tag_has_a_chinese_name(name: str) -> None:
    """Each tag is found in English and in Chinese."""

    def chinese(tag: Tag) -> bool:
        return any("\u4e00" <= letter <= "\u9fff" for alias in tag.aliases for letter in alias)

    assert [tag.name for tag in read_starter(name) if not chinese(tag)] == []


@pytest.mark.parametrize("name", SIZES)
def test_groups_exclude_something(name: str) -> None:
    """A group has at least two tags (but for one that another set completes), none a parent."""
    tags = read_starter(name)
    groups = Counter(tag.group for tag in tags if tag.group is not None)
    assert len(groups) <= 4
    assert [group for group, n in groups.items() if n < 2] == []
    grouped = {tag.name for tag in tags if tag.group is not None}
    children = [tag.name for tag in tags if tag.group is not None and tag.parent in grouped]
    assert children == []


def test_sets_agree() -> None:
    """A tag of two sets is the same in both, and no name means two tags."""
    owners: dict[str, Tag] = {}
    conflicts: list[tuple[str, str]] = []
    for starter in SIZES:
        for tag in read_starter(starter):
            conflicts += [
                (starter, name)
                for name in (tag.name, *tag.aliases)
                if owners.setdefault(name_key(name), tag) != tag
            ]
    assert conflicts == []
