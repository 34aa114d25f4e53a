"""Fixtures: the commands on a library in memory, and the real program in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import soutu.library
from cli.fake import FakeLibrary, Soutu
from cli.tagging import TaggingLibrary
from soutu.cli.app import app


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeLibrary:
    """Put a library in memory in the place of the one on disk."""
    fake = FakeLibrary(tmp_path / "library")
    monkeypatch.setattr(soutu.library, "open_library", fake.open)
    return fake


@pytest.fixture
def soutu_command(library: FakeLibrary) -> Soutu:
    """Run a command as the console script would; ordinary strings are its arguments."""

    def run(*args: str, stdin: str | None = None) -> Result:
        result = CliRunner().invoke(app, list(args), input=stdin, prog_name="soutu")
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return run


@pytest.fixture
def tagging(
    library: FakeLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TaggingLibrary]:
    """Put a library with a real vocabulary and two pictures, tom.jpg and rex.jpg, in its place."""
    made = TaggingLibrary(library.path, [tmp_path / "tom.jpg", tmp_path / "rex.jpg"])
    monkeypatch.setattr(soutu.library, "open_library", made.open)
    monkeypatch.chdir(tmp_path)
    yield made
    made.let_go()
