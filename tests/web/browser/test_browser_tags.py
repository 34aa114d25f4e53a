"""Keeping tags, and the threshold of one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from .grid import MOTORCYCLES, count_of, expect_first

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from .conftest import Open


def act(page: Page, tag: str, action: str) -> None:
    """Choose from the menu of a tag in the list."""
    page.get_by_role("button", name=f"Actions for {tag}", exact=True).click()
    page.get_by_role("menuitem", name=action).click()


def find(page: Page, text: str) -> Locator:
    """Filter the list, and return the row of the first tag."""
    page.get_by_role("searchbox", name="Filter by any name").fill(text)
    return page.locator("so-tag-list .tag-row").first


def test_a_tag_from_its_making_to_its_end(open_page: Open) -> None:
    """Add, rename, remove, undo; a grid that is open elsewhere follows."""
    page, grid = open_page("/tags"), open_page("/")
    page.get_by_role("button", name="Add tag").click()
    form = page.get_by_role("dialog", name="Add a tag")
    form.get_by_label("Name", exact=True).fill("two wheels")
    form.get_by_role("textbox", name="Descriptions for the model").fill("a photo of a motorcycle")
    form.get_by_role("button", name="Add tag").click()
    expect(page.get_by_text("two wheels was added")).to_be_visible()
    grid.goto("/?tag=two+wheels")
    expect_first(grid, *MOTORCYCLES)
    expect(count_of(grid)).to_have_text("2 matches")

    row = find(page, "two wheels")
    expect(row.get_by_role("link", name="2 pictures")).to_be_visible()
    act(page, "two wheels", "Edit…")
    page.get_by_label("Threshold in per cent").fill("0")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("two wheels was saved")).to_be_visible()
    expect(row.get_by_role("link", name="20 pictures")).to_be_visible()

    act(page, "two wheels", "Rename…")
    page.get_by_label("New name").fill("motors")
    page.get_by_role("button", name="Rename", exact=True).click()
    expect(page.get_by_text("two wheels is now motors")).to_be_visible()
    expect(find(page, "motors")).to_contain_text("two wheels")
    expect_first(grid, *MOTORCYCLES)
    page.get_by_role("button", name="Undo", exact=True).last.click()
    expect(page.get_by_text("Taken back – Renamed: two wheels to motors")).to_be_visible()

    grid.goto("about:blank")
    row = find(page, "two wheels")
    act(page, "two wheels", "Remove")
    expect(page.get_by_text("two wheels was removed")).to_be_visible()
    expect(page.get_by_text("No tag has this name")).to_be_visible()
    page.get_by_role("button", name="Undo", exact=True).last.click()
    expect(row).to_contain_text("two wheels")


def test_the_grid_follows(open_page: Open) -> None:
    """What is said of a picture in one window changes the pictures of a tag in another one."""
    grid, page = open_page("/?tag=motorcycle"), open_page("/tags?name=motorcycle")
    expect(count_of(grid)).to_have_text("2 matches")
    above = page.get_by_role("region", name="Just above")
    no = above.get_by_role("button", name="motorcycle_left.png does not show motorcycle")
    no.click()
    expect(no).to_have_attribute("aria-pressed", "true")
    expect(count_of(grid)).to_have_text("1 match")
    expect_first(grid, "motorcycle_right.png")
    no.click()
    expect(no).to_have_attribute("aria-pressed", "false")
    expect(count_of(grid)).to_have_text("2 matches")


def test_history(open_page: Open) -> None:
    """Changes are listed; the last one can be taken back there."""
    page = open_page("/tags?show=history")
    expect(page.get_by_role("listitem").filter(has_text="Imported").first).to_be_visible()


def test_dragging_the_threshold(open_page: Open) -> None:
    """Pictures and counts follow the handle; letting it go keeps the threshold."""
    page = open_page("/tags?name=motorcycle")
    slider = page.get_by_role("slider", name="Threshold")
    above = page.get_by_role("region", name="Just above")
    expect(above.get_by_text("2 pictures", exact=True)).to_be_visible()
    place = slider.bounding_box()
    plot = page.locator("so-tag-spread .plot").bounding_box()
    assert place is not None
    assert plot is not None
    page.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    page.mouse.down()
    page.mouse.move(plot["x"], place["y"] + 20, steps=8)
    expect(above.get_by_text("20 pictures")).to_be_visible()
    expect(above.locator("so-tag-card")).to_have_count(12)
    page.mouse.up()
    expect(page.get_by_text("The threshold was saved")).to_be_visible()
    expect(page.get_by_role("link", name="Browse 20 pictures")).to_be_visible()
    page.get_by_role("button", name="Let it find itself").click()
    expect(page.get_by_role("link", name="Browse 2 pictures")).to_be_visible()


def test_the_threshold_by_keys(open_page: Open) -> None:
    page = open_page("/tags?name=dog")
    slider = page.get_by_role("slider", name="Threshold")
    expect(slider).to_have_attribute("aria-valuetext", re.compile("pictures?$"))
    slider.press("Home")
    expect(slider).to_have_attribute("aria-valuenow", "0")
    expect(slider).to_have_attribute("aria-valuetext", "0%, 20 pictures")
    slider.press("PageUp")
    slider.press("ArrowRight")
    expect(slider).not_to_have_attribute("aria-valuenow", "0")
    slider.press("End")
    expect(slider).to_have_attribute("aria-valuetext", "100%, 0 pictures")
    expect(page.get_by_text("The threshold was saved")).to_be_visible()
    expect(page.get_by_role("link", name="Browse 0 pictures")).to_be_visible()
