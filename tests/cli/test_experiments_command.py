"""`soutu experiments`, on a library on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from painting import ColourEncoder, FakeStore, paint

import soutu.library
from soutu.cli.app import app
from soutu.library.folder import FolderLibrary


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a library of three colours in the place of the user's."""
    for colour in ("red", "green", "blue"):
        paint(tmp_path / "photos" / f"{colour}.png", colour)
    place = tmp_path / "library"

    def opened(_where: object = None, **_options: object) -> FolderLibrary:
        return FolderLibrary(place, store=FakeStore(ColourEncoder()), model="colour", create=True)

    with opened() as made:
        made.add([tmp_path / "photos"])
    monkeypatch.setattr(soutu.library, "open_library", opened)
    return place


def run(*args: str) -> Result:
    return CliRunner().invoke(app, ["experiments", *args], prog_name="soutu")


def test_an_experiment_from_start_to_end(library: Path, tmp_path: Path) -> None:
    """Start, list, report, stop, delete; each says what it did."""
    assert "There are no experiments" in run("list").stdout
    done = run("start", "varied", "--kind", "split", "--diversity", "40%", "--share", "20%")
    assert done.stdout == "Started varied: B answers 20% of the people: diversity 0.4.\n"
    assert "varied" in run("list").stdout
    (listed,) = json.loads(run("list", "--json").stdout)
    assert listed["variant"]["diversity"] == 0.4
    text = run("report", "varied").stdout
    assert text.startswith("# varied: too few to tell\n")
    found = json.loads(run("report", "varied", "--json", "--effect", "2%").stdout)
    assert (found["verdict"], found["effect"]) == ("too few to tell", 0.02)
    assert run("report", "varied", "--out", str(tmp_path / "r.md")).stdout == ""
    assert (tmp_path / "r.md").read_text("utf-8") == text
    assert run("rm", "varied").exit_code != 0
    assert run("stop", "varied").stdout == "Ended varied. Everybody is answered by A again.\n"
    assert run("rm", "varied").stdout == "Deleted varied and its log.\n"


def test_what_goes_wrong(library: Path, tmp_path: Path) -> None:
    """One line on stderr that says what to do."""
    done = run("start", "x")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Say what it does otherwise" in done.stderr
    assert "there are: none" in run("report", "x").stderr
    run("start", "x", "--keywords")
    done = run("report", "x", "--out", str(tmp_path / "no" / "r.md"))
    assert done.exit_code != 0
    assert "cannot write" in done.stderr
