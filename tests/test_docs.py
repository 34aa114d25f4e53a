"""What the README and the docs say is run."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from PIL import Image

from soutu.cli.app import app

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "CONTRIBUTING.md"])


def blocks(language: str) -> list[tuple[str, str]]:
    """Fenced blocks of one language, with the name of their page."""
    fence = re.compile(rf"^```{language}\n(.*?)^```", re.MULTILINE | re.DOTALL)
    return [
        (page.name, found)
        for page in PAGES
        for found in fence.findall(page.read_text(encoding="utf-8"))
    ]


def commands() -> list[tuple[str, str]]:
    """List the soutu commands that the pages tell people to type."""
    lines = [
        (page, line.removeprefix("$ "))
        for page, block in blocks("console")
        for line in block.splitlines()
        if line.startswith("$ soutu ")
    ]
    assert lines
    return lines


@pytest.mark.parametrize(("page", "code"), blocks("python"))
def test_python_blocks_run(page: str, code: str, tmp_path: Path) -> None:
    """Every Python example runs as it stands, in a folder that has some photos."""
    spec = importlib.util.find_spec("skimage")
    assert spec is not None
    assert spec.origin is not None
    data = Path(spec.origin).parent / "data"
    (tmp_path / "photos").mkdir()
    for name in ("chelsea.png", "coffee.png", "rocket.jpg"):
        shutil.copy(data / name, tmp_path / "photos")
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "SOUTU_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, ""), page


@pytest.mark.parametrize(("page", "line"), commands())
def test_commands_parse(
    page: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command shown has arguments that the command line takes."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "Pictures").mkdir()
    words = [str(Path(w).expanduser()) for w in shlex.split(line, comments=True)[1:]]
    context: click.Context = app.make_context("soutu", list(words), resilient_parsing=True)
    command: click.Command = app
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        assert found is not None, f"{page}: {line}"
        command, words = found, words[1:]
    if "--help" not in words:
        command.parse_args(click.Context(command), list(words))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link of a page names a file that is there."""
    links = re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if not (page.parent / link).exists()]
    assert missing == []


def test_every_dependency_has_its_reason() -> None:
    """docs/architecture.md says why each dependency was chosen."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    named = set(
        re.findall(r'^  "([a-z][a-z-]+)>=', project.split("[project.optional")[0], re.MULTILINE)
    )
    reasons = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert {name for name in named if f"| {name}" not in reasons} == set()


def sessions() -> list[tuple[str, list[str]]]:
    """List what docs/tagging.md and the part of docs/cli.md on tags have people type, in order."""
    tagging = [line for page, line in commands() if page == "tagging.md"]
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    block = re.search(r"^## Tags\n\n```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert block is not None
    return [("tagging.md", tagging), ("cli.md", block[1].splitlines())]


@pytest.mark.parametrize(("page", "lines"), sessions(), ids=["tagging.md", "cli.md"])
def test_commands_about_tags_work_in_their_order(
    page: str, lines: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a new library of three photos, each command does what the page says."""
    spec = importlib.util.find_spec("skimage")
    assert spec is not None
    assert spec.origin is not None
    data, pictures = Path(spec.origin).parent / "data", tmp_path / "Pictures"
    pictures.mkdir()
    for name, place in {"chelsea": "tom", "coffee": "beach"}.items():
        Image.open(data / f"{name}.png").convert("RGB").save(pictures / f"{place}.jpg")
    (pictures / "labels.csv").write_text("image,tag,label\nbeach.jpg,coffee,no\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SOUTU_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SOUTU_LIBRARY", raising=False)
    monkeypatch.chdir(pictures)
    for line in ["soutu index ~/Pictures", *lines]:
        words = [re.sub("^(~)", str(tmp_path), word) for word in shlex.split(line, comments=True)]
        words = [word.replace("'~/", f"'{tmp_path}/") for word in words]
        done = CliRunner().invoke(app, words[1:], input="", prog_name="soutu")
        assert (done.exit_code, done.stderr if done.exit_code else "") == (0, ""), line
