"""A picture looked at closely."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from .grid import expect_first, picture, search

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


@pytest.fixture
def cat(page: Page) -> Locator:
    """Open the picture of the cat among the answers to "a cat"."""
    search(page, "a cat")
    expect_first(page, "chelsea.png")
    picture(page, 1).click()
    dialog = page.get_by_role("dialog", name="chelsea.png")
    expect(dialog.get_by_role("heading", name="File")).to_be_visible()
    return dialog


def test_what_is_known(cat: Locator) -> None:
    """The picture in full, its facts, its tags, pictures like it."""
    shown = cat.get_by_role("img", name="chelsea.png")
    expect(shown).to_have_js_property("naturalWidth", 451)
    expect(cat.get_by_text("451 × 300")).to_be_visible()
    expect(cat.get_by_text(re.compile(r"chelsea\.png$")).last).to_be_visible()
    expect(cat.get_by_role("link", name="Download")).to_have_attribute("download", "chelsea.png")
    expect(cat.get_by_role("link", name="indoor", exact=True)).to_be_visible()
    expect(cat.locator("so-similar a").first).to_be_visible()


def test_why(page: Page, cat: Locator) -> None:
    """What fits how well in words and bars, and where, drawn over the picture."""
    cat.get_by_role("button", name="Why this picture?").click()
    expect(cat.get_by_text("The bright parts of the picture fit best.")).to_be_visible()
    expect(cat.locator(".why-line").first).to_contain_text(re.compile(r"\d+%"))
    expect(cat.locator("so-stage canvas")).to_be_visible()
    page.keyboard.press("w")
    expect(cat.locator("so-stage canvas")).to_have_count(0)


def test_yes_and_no(page: Page, cat: Locator) -> None:
    """What a person says of a tag is kept, and can be taken back."""
    right = cat.get_by_role("button", name="indoor is right", exact=True)
    wrong = cat.get_by_role("button", name="indoor is wrong", exact=True)
    right.click()
    expect(right).to_have_attribute("aria-pressed", "true")
    expect(right).to_be_focused()
    wrong.click()
    expect(wrong).to_have_attribute("aria-pressed", "true")
    expect(right).to_have_attribute("aria-pressed", "false")
    page.reload()
    expect(wrong).to_have_attribute("aria-pressed", "true")
    wrong.click()
    expect(wrong).to_have_attribute("aria-pressed", "false")


def test_a_tag_more(page: Page, cat: Locator) -> None:
    """A tag is put on a picture by its name; one that nobody made yet is made."""
    cat.get_by_role("button", name="Add").click()
    page.get_by_role("combobox", name="Find a tag").fill("ginger tom")
    page.get_by_role("option", name="New tag “ginger tom”").click()
    expect(page.get_by_text("Tagged as ginger tom.")).to_be_visible()
    cat.get_by_role("link", name="ginger tom").click()
    expect(page).to_have_url(re.compile(r"\?tag=ginger"))
    expect_first(page, "chelsea.png")


def test_walking(page: Page, cat: Locator) -> None:
    """The arrow keys lead through the answers, Escape back to where one was."""
    page.keyboard.press("ArrowRight")
    expect(cat).to_be_hidden()
    expect(page.get_by_role("button", name="The picture before")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(cat).to_be_visible()
    page.keyboard.press("Escape")
    expect(cat).to_be_hidden()
    expect(picture(page, 1)).to_be_focused()
    expect(page).to_have_url(re.compile(r"\?q=a[+ ]cat$"))


def test_similar_pictures(page: Page, cat: Locator) -> None:
    """A similar picture opens in place; Escape leads out at once."""
    cat.locator("so-similar a").first.click()
    expect(cat).to_be_hidden()
    expect(page.get_by_role("dialog").get_by_role("heading", name="File")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_more_and_less_like_it(page: Page, cat: Locator) -> None:
    """The picture becomes a part of the question."""
    cat.get_by_role("button", name="Less like this").click()
    expect(page).to_have_url(re.compile(r"like=-1[+ ]\d+$"))
    expect(cat).to_be_hidden()
    page.get_by_role("button", name="Remove Picture").click()
    expect_first(page, "chelsea.png")
    picture(page, 1).click()
    cat.get_by_role("button", name="More like this").click()
    expect(page).to_have_url(re.compile(r"like=1[+ ]\d+$"))


def test_a_part_of_it(page: Page, cat: Locator) -> None:
    """A part of the picture is searched by."""
    cat.get_by_role("button", name="Search by a part").click()
    frame = page.get_by_role("dialog", name="Search by a part")
    frame.get_by_role("group", name=re.compile("^Frame")).press("ArrowLeft")
    frame.get_by_role("button", name="Search", exact=True).click()
    expect(page).to_have_url(re.compile(r"like=1[+ ]\d+[+ ]0\.\d+%2C"))
    expect(cat).to_be_hidden()
