"""Answering questions with one key each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from small_server import Running

    from .conftest import Open


def asked(page: Page) -> str:
    """Return the name of the picture in question."""
    shown = page.get_by_role("img", name=re.compile("^The picture in question"))
    expect(shown).to_be_visible()
    return shown.get_attribute("alt") or ""


def test_keys(open_page: Open, server: Running) -> None:
    """Y, N, S and U; the server has what was said, and no more."""
    page = open_page("/review?tag=motorcycle")
    expect(page.get_by_role("heading", name=re.compile("^Is this motorcycle"))).to_be_visible()
    first = asked(page)
    page.keyboard.press("y")
    expect(page.get_by_text("1 answer in this visit")).to_be_visible()
    second = asked(page)
    page.keyboard.press("n")
    expect(page.get_by_text("2 answers in this visit")).to_be_visible()
    page.keyboard.press("s")
    third = asked(page)
    assert len({first, second, third}) == 3
    page.keyboard.press("u")
    page.keyboard.press("u")
    expect(page.get_by_role("img", name=second)).to_be_visible()
    expect(page.get_by_text("1 answer in this visit")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile("/tags.name=motorcycle"))
    expect(page.get_by_text("Labelled by people: 1 yes, 0 no")).to_be_visible()
    labels = httpx.get(f"{server.url}/api/labels", params={"tag": "motorcycle"}).json()
    assert [label["value"] for label in labels] == [True]


def test_to_the_end(open_page: Open) -> None:
    """When nothing is left to ask the page says so."""
    page = open_page("/review?tag=moon")
    for n in range(1, 21):
        asked(page)
        page.keyboard.press("n")
        expect(page.get_by_text(re.compile(rf"^{n} answers? in this visit"))).to_be_visible()
        if page.get_by_text("All done").is_visible():
            break
    expect(page.get_by_text("All done")).to_be_visible()
