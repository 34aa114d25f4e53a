"""The pictures of the search, as somebody sees them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


def picture(page: Page, place: int) -> Locator:
    """Return the link of the picture at a place, 1 for the first one."""
    return page.locator(f'so-results so-cell[aria-posinset="{place}"] > a')


def expect_first(page: Page, *names: str) -> None:
    """Wait until the first picture is one of these."""
    some = "|".join(map(re.escape, names))
    expect(picture(page, 1)).to_have_attribute("aria-label", re.compile(rf"^(?:{some})(?:,|$)"))


def count_of(page: Page) -> Locator:
    """Return the line that says how many there are."""
    return page.locator("so-results").get_by_role("status")


def search(page: Page, words: str) -> None:
    """Type words into the box."""
    page.get_by_role("searchbox", name="Search").fill(words)
