"""The whole program on a library with tags, for tests that need a process or a terminal.

`python tagging_program.py ARGS…` does what `soutu ARGS…` does. The library is kept in the current
folder and holds tom.jpg, rex.jpg and `the cat 猫.jpg` there, and the tags cat and dog.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # as pytest does for the tests

import soutu.library
from cli.tagging import TaggingLibrary
from soutu.cli import main

PICTURES = ("tom.jpg", "rex.jpg", "the cat 猫.jpg")

if __name__ == "__main__":
    library = TaggingLibrary(
        Path("library").absolute(), [Path(name).absolute() for name in PICTURES]
    )
    for tag in ("cat", "dog"):
        if tag not in library.tags:
            library.tags.add(tag)
    soutu.library.open_library = library.open  # type: ignore[assignment]
    main()
