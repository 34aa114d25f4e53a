"""`soutu eval index` on a library of painted pictures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from painting import ColourEncoder, FakeStore, paint

import soutu.library
from soutu.cli.app import app
from soutu.library.folder import FolderLibrary

PICTURES = 24


@pytest.fixture
def painted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FolderLibrary]:
    """A library of pictures of many colours, which the commands open."""
    for number in range(PICTURES):
        colour = (number * 10, 255 - number * 7, number * 37 % 256)
        paint(tmp_path / "photos" / f"{number:02}.png", colour, seed=number)
    place, store = tmp_path / "library", FakeStore(ColourEncoder())

    def opened(_where: str | None = None) -> FolderLibrary:
        return FolderLibrary(place, store=store, model="colour", create=True)

    monkeypatch.setattr(soutu.library, "open_library", opened)
    with opened() as library:
        library.add([tmp_path / "photos"])
        yield library


def run(*args: str) -> Result:
    result = CliRunner().invoke(app, ["eval", "index", *args], prog_name="soutu")
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def test_prints_tables_and_a_recommendation(painted: FolderLibrary) -> None:
    """One table a kind of query, a line on the library's own setting, and the cheapest one."""
    painted.close()
    done = run("--recommend", "--codes", "turbo4", "--codes", "fp32")
    assert done.exit_code == 0, done.output
    assert f"{PICTURES} pictures, 130 text queries, {PICTURES} picture queries" in done.output
    assert "Text queries" in done.output
    assert "Picture queries" in done.output
    assert "The library's own setting, turbo4 2x, " in done.output
    assert "Recommended: " in done.output


def test_json_holds_every_figure(painted: FolderLibrary) -> None:
    """Recall with its interval, ms and bytes for each setting, and how it was made."""
    painted.close()
    done = run("--json", "--recommend", "--by", "memory", "--pictures", "5", "--seed", "3")
    found = json.loads(done.stdout)
    figures = found["figures"]
    assert figures["pictures"] == PICTURES
    assert figures["library_setting"] == "turbo4 2x"
    names = [each["setting"] for each in figures["settings"]]
    assert figures["recommended"] in names
    exact = figures["settings"][0]
    assert exact["exact"] is True
    recall = exact["queries"]["picture"]["recall"]["10"]
    assert recall == {"estimate": 1.0, "low": 1.0, "high": 1.0}
    assert exact["memory_bytes"] > 0
    assert found["made"]["seed"] == 3
    assert found["made"]["models"][0]["name"] == "colour"
    assert found["made"]["data"]["counts"]["picture queries"] == 5


def test_queries_come_from_tags_or_a_file(painted: FolderLibrary, tmp_path: Path) -> None:
    """The names of the tags, or the lines of a file, each once."""
    painted.tags.add("red")
    painted.tags.add("green")
    painted.close()
    done = run("--queries", "tags", "--codes", "fp32")
    assert "2 text queries" in done.output
    asked = tmp_path / "asked.txt"
    asked.write_text("red\n\n a blue thing \nwhite\nred\n", "utf-8")
    done = run("--queries", str(asked), "--codes", "fp32")
    assert "3 text queries" in done.output


def test_a_report_is_written(painted: FolderLibrary, tmp_path: Path) -> None:
    """As Markdown, HTML or JSON, with the command and the explanation of its figures."""
    painted.close()
    target = tmp_path / "index.md"
    done = run("--codes", "fp32", "--report", str(target), "--quiet")
    assert (done.exit_code, done.stdout) == (0, "")
    text = target.read_text("utf-8")
    assert text.startswith(f"# Index settings for {PICTURES} pictures")
    assert "Recall@k is the share" in text
    assert "| fp32 |" in text


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--queries", "nowhere.txt"], "nowhere.txt cannot be read"),
        (["--queries", "one.txt"], "one.txt holds 1 queries"),
        (["--queries", "tags"], "the library has no tags"),
        (["--report", "index.pdf"], "names no format"),
    ],
)
def test_bad_input_is_refused(
    painted: FolderLibrary,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    args: list[str],
    said: str,
) -> None:
    """Before anything is measured, in a line that says what to do."""
    painted.close()
    monkeypatch.chdir(tmp_path)
    Path("one.txt").write_text("red\n", "utf-8")
    done = run(*args)
    assert done.exit_code == 2, done.output
    assert said in done.stderr


def test_small_and_empty_libraries_are_refused(painted: FolderLibrary) -> None:
    """Ten pictures have no recall@10 worth the name, and none have no vectors at all."""
    listed = painted.pictures(k=PICTURES)
    painted.remove([picture.path for picture in listed[10:]])
    painted.close()
    assert "there are 10 pictures" in run().stderr
    with soutu.library.open_library() as library:
        library.remove([picture.path for picture in listed[:10]])
    done = run()
    assert done.exit_code != 0
    assert "is empty. Run: soutu index FOLDER" in done.stderr
