"""Choosing a folder and watching it being indexed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from painting import paint
from playwright.sync_api import expect

from .grid import count_of

if TYPE_CHECKING:
    from .conftest import Open
    from .watching import Watch


def test_a_new_folder(open_page: Open, tmp_path: Path) -> None:
    """It is chosen, read and there; what could not be read is named with the reason."""
    folder = tmp_path / "holiday"
    for place, colour in enumerate(["red", "green", "blue"] * 8):
        paint(folder / f"{colour}-{place}.png", colour, seed=place)
    (folder / "broken.jpg").write_bytes(b"no picture")
    page, grid = open_page("/indexing"), open_page("/")
    expect(count_of(grid)).to_have_text("20 pictures")
    page.get_by_role("button", name="Add folders").click()
    dialog = page.get_by_role("dialog", name="Choose folders")
    dialog.get_by_label("Path on the server's machine").fill(str(tmp_path))
    dialog.get_by_label("Path on the server's machine").press("Enter")
    dialog.get_by_role("checkbox", name="Take the folder holiday").check()
    dialog.get_by_role("button", name="Index", exact=True).click()
    job = page.locator("so-job-card").first
    expect(job).to_contain_text("Indexing holiday")
    expect(job).to_contain_text(re.compile("24 added.*1 could not be read"))
    expect(page.get_by_text("44 pictures").first).to_be_visible()
    page.get_by_role("heading", name="1 file could not be read").scroll_into_view_if_needed()
    expect(page.get_by_text(re.compile(r"broken\.jpg")).last).to_be_visible()
    expect(count_of(grid)).to_have_text("44 pictures")
    page.reload()  # folders are unfolded at first
    page.get_by_role("button", name=re.compile("^Actions for .*holiday")).click()
    page.get_by_role("menuitem", name="Forget").click()
    page.get_by_role("dialog").get_by_role("button", name="Forget").click()
    expect(page.get_by_text("24 pictures left the library")).to_be_visible()
    expect(count_of(grid)).to_have_text("20 pictures")


def test_a_folder_that_is_not_there(open_page: Open, watch: Watch) -> None:
    """The chooser says so, and stays."""
    watch.expected.append("400")
    page = open_page("/indexing")
    page.get_by_role("button", name="Add folders").click()
    dialog = page.get_by_role("dialog", name="Choose folders")
    dialog.get_by_label("Path on the server's machine").fill("/nowhere/at/all")
    dialog.get_by_label("Path on the server's machine").press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("/nowhere/at/all")
    expect(dialog.get_by_role("button", name="Index", exact=True)).to_be_disabled()


def test_models(open_page: Open) -> None:
    """The model in use is marked; others can be fetched."""
    page = open_page("/models")
    card = page.locator("so-model-card").first
    expect(card).to_contain_text("In use")
    expect(card).to_contain_text("mini")
    expect(page.get_by_role("button", name=re.compile("^Download .+")).first).to_be_enabled()
