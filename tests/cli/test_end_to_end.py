"""The real program on real photos: index, search, switch models, forget."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from soutu.cli.app import app
from soutu.library.owner import hold
from soutu.models.card import MINI_FOLDER

DEMO = Path(__file__).parents[2] / "demo"


@dataclass(frozen=True)
class Program:
    """The `soutu` command with a home of its own."""

    home: Path

    def __call__(self, *args: str | Path) -> Result:
        """Run a command in this process, as the console script would."""
        result = CliRunner().invoke(app, [*map(str, args)], env=self._env, prog_name="soutu")
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    def process(self, *args: str | Path) -> subprocess.Popen[bytes]:
        """Start the console script in a process of its own."""
        soutu = Path(sys.executable).with_name("soutu")
        env = {**os.environ, **{k: v for k, v in self._env.items() if v is not None}}
        return subprocess.Popen(
            [soutu, *args], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    @property
    def _env(self) -> dict[str, str | None]:
        return {"SOUTU_HOME": str(self.home), "HF_HUB_OFFLINE": "1", "SOUTU_LIBRARY": None}

    def json(self, *args: str | Path) -> Any:
        """Run a command, and read the JSON that it prints."""
        done = self(*args)
        assert (done.exit_code, done.stderr) == (0, "")
        return json.loads(done.stdout)

    def found(self, *words: str) -> list[str]:
        """Search, and return the names of what matches."""
        return [Path(hit["path"]).name for hit in self.json("search", *words, "--format", "json")]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Collect the demo's photos."""
    spec = importlib.util.spec_from_file_location("photos", DEMO / "photos.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = tmp_path_factory.mktemp("demo") / "photos"
    assert len(module.collect(folder)) == 20
    return folder


@pytest.fixture(scope="module")
def indexed(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Index the demo's photos once for all tests that only search."""
    program = Program(tmp_path_factory.mktemp("home"))
    report = program.json("index", photos, "--json")
    assert (report["added"], report["failed"]) == (20, [])
    return program


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Give a program that has no library yet."""
    return Program(tmp_path / "home")


@pytest.fixture
def few(photos: Path, tmp_path: Path) -> Path:
    """Copy three of the photos to a folder that a test may change."""
    folder = tmp_path / "few"
    folder.mkdir()
    for name in ("chelsea.png", "coffee.png", "rocket.jpg"):
        shutil.copy(photos / name, folder)
    return folder


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("a cat", "chelsea.png"),
        ("猫", "chelsea.png"),
        ("咖啡", "coffee.png"),
        ("a rocket launch", "rocket.jpg"),
        ("摩托车", "motorcycle_left.png motorcycle_right.png"),
        ("brick wall", "brick.png"),
        ("text on a page", "page.png text.png"),
    ],
)
def test_the_right_photo_comes_first(indexed: Program, words: str, expected: str) -> None:
    """English and Chinese words find what they mean."""
    assert indexed.found(words)[0] in expected.split()


def test_nothing_matches(indexed: Program) -> None:
    """For what is not there, nothing passes the default cut-off, and the table says so."""
    assert indexed.found("a zebra") == []
    table = indexed("search", "a", "zebra")
    assert table.exit_code == 0
    assert table.stdout.startswith("Nothing here matches a zebra. The nearest:\n")


def test_a_picture_finds_its_like(indexed: Program, photos: Path, tmp_path: Path) -> None:
    """A part of a photo, as another file, leads to the photo."""
    with Image.open(photos / "chelsea.png") as cat:
        cat.crop((60, 20, 400, 290)).save(tmp_path / "part.jpg")
    assert indexed.found("--image", str(tmp_path / "part.jpg"))[0] == "chelsea.png"


def test_minus_moves_away(indexed: Program) -> None:
    """What is taken away no longer comes first."""
    plain = indexed.json("search", "a cat", "--all", "--format", "json")
    away = indexed.json("search", "food", "--minus", "2:coffee", "--all", "--format", "json")
    assert Path(plain[0]["path"]).name == "chelsea.png"
    assert Path(away[0]["path"]).name != "coffee.png"


def test_filter(indexed: Program) -> None:
    """Only pictures that pass are looked at; a bad filter is bad input."""
    hits = indexed.json("search", "a cat", "--where", "width > 1000", "--all", "--format", "json")
    assert [Path(hit["path"]).name for hit in hits] == ["retina.jpg"]
    bad = indexed("search", "a cat", "--where", "width >")
    assert (bad.exit_code, bad.stderr.count("\n")) == (2, 1)


@pytest.mark.parametrize(
    "content", [None, b"", b"no picture at all"], ids=["missing", "empty", "text"]
)
def test_a_query_picture_that_is_none(
    indexed: Program, tmp_path: Path, content: bytes | None
) -> None:
    """One line says why, with the code for bad input."""
    path = tmp_path / "query.jpg"
    if content is not None:
        path.write_bytes(content)
    done = indexed("search", "--image", path)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("soutu: ")
    assert done.stderr.count("\n") == 1
    assert "query.jpg" in done.stderr


def test_unchanged_pictures_cost_nothing(indexed: Program, photos: Path) -> None:
    """The second run finds everything up to date."""
    report = indexed.json("index", photos, "--json")
    assert (report["added"], report["updated"], report["skipped"]) == (0, 0, 20)


def test_commands_without_a_library(program: Program, tmp_path: Path) -> None:
    """They say so, and make none."""
    for args in (["search", "a cat"], ["status"], ["remove", "x"], ["models", "use", "mini"]):
        done = program(*args)
        assert done.exit_code == 1
        assert done.stderr.startswith("soutu: ")
        assert "soutu index" in done.stderr
    assert not (tmp_path / "home").exists()


def test_a_path_that_is_not_there(program: Program, tmp_path: Path) -> None:
    """A typing mistake is bad input; the message repeats it."""
    done = program("index", tmp_path / "no such folder")
    assert done.exit_code == 2
    assert "no such folder" in done.stderr
    assert done.stderr.count("\n") == 1


def test_strange_names_and_bad_files(program: Program, few: Path) -> None:
    """Any name is indexed and comes back byte by byte; bad files are listed and skipped."""
    names = [b"\xff\xfe bytes.png", "猫 🐈.png".encode(), b"new\nline.png", b" spaces .png"]
    for name in names:
        shutil.copy(few / "chelsea.png", few / os.fsdecode(name))
    (few / "empty.jpg").touch()
    (few / "text.png").write_text("no picture")
    (few / "cut.jpg").write_bytes((few / "rocket.jpg").read_bytes()[:20_000])
    report = program.json("index", few, "--json")
    assert sorted(Path(failure["path"]).name for failure in report["failed"]) == [
        "cut.jpg", "empty.jpg", "text.png",
    ]  # fmt: skip
    assert report["added"] == 7
    with program.process("search", "a cat", "-0", "--all") as search:
        found, _ = search.communicate(timeout=60)
    paths = found.split(b"\0")
    assert {path.rpartition(b"/")[2] for path in paths[:5]} == {*names, b"chelsea.png"}
    table = program("search", "a cat", "--all").stdout
    assert r"\xff\xfe bytes.png" in table
    assert r"new\nline.png" in table
    listed = program("status", "--failed").stdout
    assert listed.count("\n") == 3


def test_only_bad_files(program: Program, tmp_path: Path) -> None:
    """When nothing could be indexed the run has failed."""
    (tmp_path / "empty.jpg").touch()
    done = program("index", tmp_path / "empty.jpg")
    assert done.exit_code == 1
    assert "1 file could not be indexed" in done.stderr


def test_removed_pictures_are_forgotten_and_stay(
    program: Program, few: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`remove` touches the library only; paths may be relative."""
    program("index", few)
    monkeypatch.chdir(few)
    done = program("remove", "chelsea.png")
    assert done.stdout == "Forgot 1 picture. The files themselves are untouched.\n"
    assert (few / "chelsea.png").is_file()
    assert "chelsea.png" not in program.found("a cat", "--all")


def test_models_switch_and_go(program: Program, few: Path, tmp_path: Path) -> None:
    """Another model's vectors are filled in, used, and the old ones dropped."""
    program("index", few)
    mine = shutil.copytree(MINI_FOLDER, tmp_path / "mine")
    wrong = program("index", few, "--model", mine)
    assert wrong.exit_code == 2
    assert "soutu models use" in wrong.stderr
    assert program("models", "add", mine).exit_code == 0
    used = program("models", "use", "mine")
    assert used.exit_code == 0
    assert "3 pictures encoded with mine" in used.stdout
    spaces = program.json("status", "--json")["spaces"]
    assert {space["model"]: space["current"] for space in spaces} == {"mini": False, "mine": True}
    assert program.found("a cat")[0] == "chelsea.png"
    assert program("models", "rm", "mine").exit_code == 2
    assert program("models", "rm", "mini").exit_code == 0
    assert len(program.json("status", "--json")["spaces"]) == 1


def test_a_second_process_is_told_to_wait(program: Program, few: Path, tmp_path: Path) -> None:
    """The message names the process that holds the library, and the code is its own."""
    program("index", few)
    held = hold(tmp_path / "home" / "library", "write", task="index")
    try:
        with program.process("index", few) as second:
            _, stderr = second.communicate(timeout=60)
    finally:
        held.release()
    assert second.returncode == 3
    assert str(os.getpid()) in stderr.decode()
    assert program("index", few).exit_code == 0


@pytest.fixture
def many(tmp_path: Path) -> Iterator[Path]:
    """Draw 600 small pictures."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(600):
        Image.new("RGB", (320, 240), (number % 256, number // 3, 7)).save(folder / f"{number}.jpg")
    yield folder
    shutil.rmtree(folder)


def test_ctrl_c_and_on_again(program: Program, many: Path) -> None:
    """A run that was stopped says so, keeps what it did, and the next one finishes it."""
    catalog = program.home / "library" / "catalog.db"
    with program.process("index", many, "--json") as process:
        end = time.monotonic() + 60
        while not catalog.exists() and process.poll() is None:
            assert time.monotonic() < end
            time.sleep(0.01)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        stdout, _ = process.communicate(timeout=60)
    assert process.returncode in {0, 130}  # it may have been done already
    first = json.loads(stdout)
    assert first["interrupted"] is (process.returncode == 130)
    second = program.json("index", many, "--json")
    assert first["added"] + second["added"] == 600
    assert program.json("status", "--json")["images"] == 600
