"""Every view in every look: languages, colours, widths, and for those who cannot see it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from .grid import expect_first, picture, search

if TYPE_CHECKING:
    from .conftest import Open

VIEWS = {
    "everything": ("/", "so-cell img.there"),
    "matches": ("/?q=a+cat&tag=!dog&format=PNG&also=-1+snow", "so-cell img.there"),
    "no match": ("/?q=a+zebra", "so-empty"),
    "picture": ("/?q=a+cat", "so-tag-picker, .facts"),
    "tags": ("/tags", "a.tag-count"),
    "tag": ("/tags?name=cat", "so-tag-card img"),
    "suggestions": ("/tags?show=ideas", "so-tag-ideas"),
    "history": ("/tags?show=history", "so-tag-history li"),
    "review": ("/review?tag=cat", "so-review-stage img"),
    "indexing": ("/indexing", "so-folder-list, section"),
    "models": ("/models", "so-model-card"),
}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SETTLED = """() => !document.querySelector("[waiting]") &&
  !document.getAnimations().some((each) => each instanceof CSSTransition)"""
"""What waits is dimmed."""
ALL = pytest.mark.parametrize("view", VIEWS)


def look(page: Page, view: str) -> None:
    """Open a view, and wait until it is there."""
    path, sign = VIEWS[view]
    page.goto(path)
    if view == "picture":
        picture(page, 1).click()
    expect(page.locator(sign).first).to_be_visible()
    page.wait_for_function(SETTLED)


@ALL
def test_everybody_can_use_it(open_page: Open, view: str) -> None:
    """axe-core finds nothing serious, neither in light nor in dark colours."""
    page = open_page("about:blank")
    look(page, view)
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found = Axe().run(page).response["violations"]
        bad = [
            (each["id"], node["target"], node["failureSummary"])
            for each in found
            if each["impact"] in {"serious", "critical"}
            for node in each["nodes"]
        ]
        assert bad == [], f"{view}, {scheme}"


@ALL
def test_narrow(open_page: Open, view: str) -> None:
    """On a telephone nothing sticks out to the side, and everything can be reached."""
    page = open_page("about:blank", viewport={"width": 400, "height": 800}, has_touch=True)
    look(page, view)
    wide = page.evaluate("document.scrollingElement.scrollWidth")
    assert wide <= 400
    out = page.evaluate("""[...document.querySelectorAll("button, a, input, select")]
      .filter((node) => node.checkVisibility({ visibilityProperty: true }))
      .filter((node) => !node.closest(".similar, .choice-list, so-filters"))
      .map((node) => [node.outerHTML.slice(0, 90), node.getBoundingClientRect()])
      .filter(([_, box]) => box.width > 1 && (box.right > 401 || box.left < -1))
      .map(([text]) => text)""")
    assert out == []


@ALL
def test_chinese(open_page: Open, view: str) -> None:
    """A Chinese browser gets Chinese words; no English ones of the page are left."""
    page = open_page("about:blank", locale="zh-CN")
    look(page, view)
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    labels = page.evaluate("""[...document.querySelectorAll("button, h1, h2, h3, label")]
      .map((node) => node.getAttribute("aria-label") ?? node.innerText)""")
    english = [
        each for each in labels if re.search(r"\b(the|tags?|search|add|more|all)\b", each, re.I)
    ]
    assert english == []


def test_the_language_is_switched(page: Page) -> None:
    """By the menu, at once, and for the next visit; the question stays."""
    search(page, "猫")
    expect_first(page, "chelsea.png")
    page.get_by_role("button", name="Language and colours").click()
    page.get_by_role("menuitemradio", name="中文").click()
    box = page.get_by_role("searchbox", name="搜索")
    expect(box).to_have_value("猫")
    expect(page.get_by_role("link", name="标签")).to_be_visible()
    page.reload()
    expect(page.get_by_role("searchbox", name="搜索")).to_have_value("猫")


def test_dark(page: Page) -> None:
    """The colours are chosen in the menu and kept."""
    ground = (
        "getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/g).map(Number)[0]"
    )
    assert page.evaluate(ground) > 200
    page.get_by_role("button", name="Language and colours").click()
    page.get_by_role("menuitemradio", name="Dark").click()
    assert page.evaluate(ground) < 60
    page.reload()
    assert page.evaluate(ground) < 60


def test_an_unknown_address(open_page: Open) -> None:
    """An address that never was shows the search."""
    page = open_page("/nowhere")
    expect(page.get_by_role("searchbox", name="Search")).to_be_visible()
