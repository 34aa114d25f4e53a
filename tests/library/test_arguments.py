"""What callers in Python give by mistake: one text for a list, a word for another, too late."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from conftest import OpenFolder

from soutu.errors import InputError, LibraryError
from soutu.library.folder import FolderLibrary
from soutu.types import Query

Use = Callable[[FolderLibrary], object]


@pytest.fixture
def library(open_folder: OpenFolder, photos: Path) -> FolderLibrary:
    """A library with three pictures and a tag."""
    opened = open_folder()
    opened.add([photos])
    opened.tags.add("red")
    return opened


SINGLE: dict[str, tuple[Use, str]] = {
    "add": (lambda x: x.add("photos"), "paths takes a list, and 'photos' is a single one"),
    "add a path": (lambda x: x.add(cast("Any", Path("photos"))), "paths takes a list, and "),
    "remove": (lambda x: x.remove("photos"), "paths takes a list"),
    "tag": (lambda x: list(x.tag("red.png")), "images takes a list, and 'red.png' is a single one"),
    "tag bytes": (lambda x: list(x.tag(cast("Any", b"\xff\xd8"))), "images takes a list"),
    "tag tags": (lambda x: list(x.tag(tags="red")), "tags takes a list, and 'red' is a single"),
    "write": (lambda x: x.write_tags("photos"), "paths takes a list"),
    "write tags": (lambda x: x.write_tags(tags="red"), "tags takes a list"),
    "search": (lambda x: x.search(Query(tags=cast("Any", "red"))), "tags takes a list"),
    "label": (lambda x: x.labels.set(1, yes="red"), "yes takes a list, and 'red' is a single one"),
    "mode": (lambda x: list(x.tag(mode=cast("Any", "banana"))), "mode is 'banana'. Choose thres"),
    "by": (lambda x: x.review(by=cast("Any", "colour")), "by is 'colour'. Choose tag, picture"),
    "no list": (lambda x: x.add(cast("Any", 5)), "paths takes a list, not 5"),
}


@pytest.mark.parametrize("case", SINGLE)
def test_what_is_taken_for_something_else_is_refused(library: FolderLibrary, case: str) -> None:
    """The message names the argument, and how to write it."""
    use, message = SINGLE[case]
    with pytest.raises(InputError, match=re.escape(message)):
        use(library)


CLOSED: list[Use] = [
    lambda x: x.tags.add("blue"),
    lambda x: list(x.tags),
    lambda x: x.search("red"),
    lambda x: x.labels.set(1, yes=["red"]),
    lambda x: x.add([]),
    lambda x: list(x.tag()),
    lambda x: x.pictures(),
    lambda x: x.status(),
]


@pytest.mark.parametrize("use", CLOSED)
def test_a_closed_library_is_of_no_more_use(library: FolderLibrary, use: Use) -> None:
    """It says so, and nothing is written."""
    library.search("red")  # an answer that is remembered is of no use either
    library.close()
    library.close()
    with pytest.raises(LibraryError, match=r"the library .*library is closed\. Open it again"):
        use(library)
