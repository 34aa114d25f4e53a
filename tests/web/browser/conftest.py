"""A server over the demo's photos, and Chromium to look at it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from photos import collect
from playwright.sync_api import Browser, Page, expect, sync_playwright
from small_server import SOUTU, Running, running

from .watching import Watch

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE = 40_000  # ms, for busy machines; nothing takes that long where all is well

Open = Callable[..., Page]

PROGRAM = next(filter(None, map(shutil.which, CHROMIUM)), None)
if PROGRAM is None:
    collect_ignore_glob = ["test_*.py"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was left out; CI installs Chromium first."""
    if PROGRAM is None:
        said = "The tests of the page were left out. They need Chromium: apt-get install chromium"
        terminalreporter.section("no Chromium")
        terminalreporter.line(said)


@dataclass(frozen=True)
class Demo:
    """A library of the demo's photos with the tags of everyday life; to be copied, not changed."""

    photos: Path
    library: Path
    home: Path


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    folder = tmp_path_factory.mktemp("demo")
    made = Demo(folder / "photos", folder / "library", folder / "home")
    collect(made.photos)
    for command in (["index", str(made.photos)], ["tags", "import", "everyday"]):
        subprocess.run(
            [*SOUTU, *command, "--library", str(made.library)],
            env={**os.environ, "SOUTU_HOME": str(made.home)},
            check=True,
            capture_output=True,
        )
    return made


@pytest.fixture(scope="module")
def server(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Serve a copy of the library, so that no file of tests changes what another one sees."""
    library = tmp_path_factory.mktemp("served") / "library"
    shutil.copytree(demo.library, library)
    with running("--library", str(library), home=demo.home) as found:
        yield found


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE)
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def watch(server: Running) -> Iterator[Watch]:
    """Watch every page; the test fails where one of them has a fault."""
    watch = Watch(urlsplit(server.url).netloc)
    yield watch
    assert watch.faults == []


@pytest.fixture
def open_page(chromium: Browser, server: Running, watch: Watch) -> Iterator[Open]:
    """Return what opens a page: a path, and how the browser is (`locale`, `color_scheme`, …)."""
    contexts = []

    def opened(path: str = "/", **looks: Any) -> Page:
        size = {"width": 1280, "height": 800}
        like = {"viewport": size, "locale": "en-US", "reduced_motion": "reduce", **looks}
        context = chromium.new_context(base_url=server.url, **like)
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        watch.attach(page)
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_page: Open) -> Page:
    """Open the search, and wait until the pictures are there."""
    page = open_page()
    expect(page.locator("so-results").get_by_role("status")).to_have_text("20 pictures")
    return page
