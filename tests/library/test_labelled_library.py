"""The labels of a library as a labelled data set."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from soutu import open_library
from soutu.errors import InputError
from soutu.library.labelled import labelled
from soutu.types import Label


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Draw three pictures."""
    places = [tmp_path / "pics" / f"{name}.png" for name in "abc"]
    places[0].parent.mkdir()
    for number, place in enumerate(places):
        Image.new("RGB", (32, 32), (80 * number, 40, 90)).save(place)
    return places


def test_what_nobody_said_is_unknown(tmp_path: Path, pictures: list[Path]) -> None:
    """Classes are the labelled tags in the vocabulary's order, rows the pictures by path."""
    with open_library(tmp_path / "lib", create=True) as library:
        library.add([tmp_path / "pics"])
        for name in ("dog", "cat", "sofa"):
            library.tags.add(name, aliases=[f"{name}s"])
        with pytest.raises(InputError, match="no such labels"):
            labelled(library)
        library.labels.set(pictures[0], yes=["cat"], no=["dog"])
        library.labels.set(pictures[1], yes=["dog"])
        library.labels.set_many([Label(path=pictures[2], tag="cat", value=False)])
        data = labelled(library)
        order = [tag.name for tag in library.tags if tag.name != "sofa"]
        assert data.name == "lib"
        assert data.paths == tuple(pictures)
        assert data.classes == tuple(order)
        assert data.only(["cat", "dog"]).labels.tolist() == [[1, 0], [-1, 1], [0, -1]]
        assert data.splits is None
        some = labelled(library, tags=["dogs"])
        assert (some.classes, len(some)) == (("dog",), 2)
        said = labelled(library, sources=["person"])
        assert len(said) == 2
        with pytest.raises(InputError, match="no such labels"):
            labelled(library, tags=["sofa"])
        with pytest.raises(InputError, match="wolf"):
            labelled(library, tags=["wolf"])
        with pytest.raises(InputError, match="source"):
            labelled(library, sources=["machine"])  # type: ignore[list-item]
        pictures[1].unlink()
        library.add([tmp_path / "pics"])
        assert [path.name for path in labelled(library).paths] == ["a.png", "c.png"]
