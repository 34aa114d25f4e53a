"""An experiment in the page: what is shown and clicked is logged, and nothing looks different."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect
from small_server import SOUTU, Running, running

from .conftest import Demo
from .grid import expect_first, picture, search


@pytest.fixture
def server(demo: Demo, tmp_path: Path) -> Iterator[Running]:
    """Serve a library in which lists of two ways are shown."""
    library = tmp_path / "library"
    shutil.copytree(demo.library, library)
    command = ["experiments", "start", "varied", "--diversity", "0.5", "--library", str(library)]
    subprocess.run(
        [*SOUTU, *command],
        env={**os.environ, "SOUTU_HOME": str(demo.home)},
        check=True,
        capture_output=True,
    )
    with running("--library", str(library), home=demo.home) as found:
        yield found


def report(server: Running) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(
        f"{server.url}/api/experiments/report", params={"name": "varied"}
    ).json()
    return found


def sent(page: Page, action: str, do: Callable[[], None]) -> None:
    """Do something in the page, and wait until the server has logged it."""
    with page.expect_response(lambda each: each.url.endswith("/api/experiments/events")) as answer:
        do()
    assert answer.value.json() == {"logged": True}
    told: Any = answer.value.request.post_data_json
    assert told["action"] == action


def test_clicks_are_logged(page: Page, server: Running) -> None:
    """Opening a picture, saying something of its tags, and asking for more like it."""
    search(page, "a cat")
    expect_first(page, "chelsea.png")
    sent(page, "open", lambda: picture(page, 1).click())
    dialog = page.get_by_role("dialog", name="chelsea.png")
    right = dialog.get_by_role("button", name="indoor is right", exact=True)
    sent(page, "label", lambda: right.click())
    sent(page, "like", lambda: dialog.get_by_role("button", name="More like this").click())
    expect(dialog).to_be_hidden()
    found = report(server)
    assert found["a"]["sessions"] == 1
    assert found["a"]["clicks"] + found["b"]["clicks"] == 1
    assert found["a"]["labels"] + found["b"]["labels"] == 1
    assert found["units"] == 1


def test_the_same_browser_is_the_same_person(page: Page, server: Running) -> None:
    """A second visit with the same question shows the same list, as one impression."""
    search(page, "a cat")
    expect_first(page, "chelsea.png")
    page.wait_for_url("**/?q=a+cat")
    names = [picture(page, place).get_attribute("aria-label") for place in range(1, 6)]
    before = report(server)["a"]["impressions"]
    page.reload()
    expect_first(page, "chelsea.png")
    assert [picture(page, n).get_attribute("aria-label") for n in range(1, 6)] == names
    assert report(server)["a"]["impressions"] == before
    assert report(server)["a"]["sessions"] == 1
