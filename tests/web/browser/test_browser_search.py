"""Searching by words, by pictures and parts of them, and filtering."""

from __future__ import annotations

import base64
import io
import re
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from playwright.sync_api import expect

from .grid import count_of, expect_first, picture, search

if TYPE_CHECKING:
    from playwright.sync_api import JSHandle, Page

    from .conftest import Demo, Open
    from .watching import Watch

MOTORCYCLES = ("motorcycle_left.png", "motorcycle_right.png")
TRANSFER = """([name, content]) => {
  const transfer = new DataTransfer();
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  transfer.items.add(new File([bytes], name, { type: "image/jpeg" }));
  return transfer;
}"""
PASTE = """(transfer) => document.activeElement.dispatchEvent(
  new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true }))"""


@pytest.fixture(scope="module")
def cat(demo: Demo) -> bytes:
    """Another picture of the cat: mirrored, smaller, JPEG."""
    with Image.open(demo.photos / "chelsea.png") as photo:
        other = photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT).resize((300, 200))
    file = io.BytesIO()
    other.save(file, "JPEG")
    return file.getvalue()


def transfer(page: Page, content: bytes) -> JSHandle:
    return page.evaluate_handle(TRANSFER, ["tom.jpg", base64.b64encode(content).decode()])


def test_everything_is_there_at_first(page: Page) -> None:
    """Without a question all pictures are shown, and the box waits for words."""
    expect(count_of(page)).to_have_text("20 pictures")
    expect(page.get_by_role("searchbox", name="Search")).to_be_focused()
    picture(page, 1).focus()
    page.keyboard.press("End")
    expect(picture(page, 20)).to_be_focused()


def test_words(page: Page) -> None:
    """The question is in the address, which goes back and forward and can be shared."""
    search(page, "a cat")
    expect_first(page, "chelsea.png")
    expect(page).to_have_url(re.compile(r"\?q=a[+ ]cat$"))
    expect(page).to_have_title("a cat · soutu")
    page.keyboard.press("Enter")  # ends what is one entry of the history
    search(page, "咖啡")
    expect_first(page, "coffee.png")
    page.go_back()
    expect_first(page, "chelsea.png")
    expect(page.get_by_role("searchbox", name="Search")).to_have_value("a cat")
    page.go_forward()
    expect_first(page, "coffee.png")
    page.reload()
    expect_first(page, "coffee.png")


def test_words_to_go_away_from(page: Page) -> None:
    """A dash leaves out what follows; further words come with a weight."""
    search(page, "a motorcycle")
    expect_first(page, *MOTORCYCLES)
    search(page, "a motorcycle -motorcycle")
    expect(page.get_by_text("Nothing here matches")).to_be_visible()
    page.get_by_role("button", name="Add words or pictures").click()
    page.get_by_label("More words").fill("a cat")
    page.get_by_label("More words").press("Enter")
    expect_first(page, "chelsea.png")
    page.get_by_role("button", name="Raise its weight").click()
    expect(page).to_have_url(re.compile(r"also=2[+ ]a[+ ]cat"))
    expect_first(page, "chelsea.png")


def test_a_dropped_file(page: Page, cat: bytes) -> None:
    search(page, "a rocket launch")
    expect_first(page, "rocket.jpg")
    dragged = {"dataTransfer": transfer(page, cat)}
    page.dispatch_event("body", "dragenter", dragged)
    expect(page.get_by_text("Drop it to search by it")).to_be_visible()
    page.dispatch_event("body", "drop", dragged)
    expect(page.get_by_text("Drop it to search by it")).to_be_hidden()
    expect(page.get_by_role("group", name="tom.jpg")).to_be_visible()
    search(page, "")
    expect_first(page, "chelsea.png")
    page.get_by_role("button", name="Remove tom.jpg").click()
    expect(count_of(page)).to_have_text("20 pictures")


def test_a_pasted_file(page: Page, cat: bytes) -> None:
    page.evaluate(PASTE, transfer(page, cat))
    expect_first(page, "chelsea.png")
    expect(page.get_by_role("group", name="tom.jpg")).to_be_visible()


def test_a_chosen_file_is_forgotten_with_the_page(page: Page, cat: bytes) -> None:
    """Files live as long as the page; a page loaded anew says what it lacks."""
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a picture").click()
    chooser.value.set_files([{"name": "tom.jpg", "mimeType": "image/jpeg", "buffer": cat}])
    expect_first(page, "chelsea.png")
    page.reload()
    expect(page.get_by_text("Drop it again.")).to_be_visible()
    expect(count_of(page)).to_have_text("20 pictures")


def test_a_file_that_is_no_picture(page: Page, watch: Watch) -> None:
    """The server says why, and the page shows it."""
    watch.expected.append("400")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a picture").click()
    chooser.value.set_files([{"name": "a.txt", "mimeType": "text/plain", "buffer": b"no"}])
    expect(page.get_by_text("The search did not work")).to_be_visible()


def test_a_part_of_a_picture(page: Page, cat: bytes) -> None:
    """A frame is drawn with the pointer and moved with the keys; the answer is by that part."""
    page.evaluate(PASTE, transfer(page, cat))
    expect_first(page, "chelsea.png")
    page.get_by_role("button", name="Search by a part of it").click()
    dialog = page.get_by_role("dialog", name="Search by a part")
    shown = dialog.get_by_role("img", name="The picture").bounding_box()
    assert shown is not None
    page.mouse.move(shown["x"] + shown["width"] * 0.1, shown["y"] + shown["height"] * 0.1)
    page.mouse.down()
    page.mouse.move(shown["x"] + shown["width"] * 0.7, shown["y"] + shown["height"] * 0.9, steps=3)
    page.mouse.up()
    dialog.get_by_role("button", name="Right edge").press("Shift+ArrowRight")
    dialog.get_by_role("button", name="Search", exact=True).click()
    expect(page).to_have_url(re.compile(r"upload=1[+ ]u1[+ ]0\.1\d*%2C0\.1\d*%2C0\.8\d*%2C0\.9"))
    expect_first(page, "chelsea.png")


def test_filters(page: Page) -> None:
    """Tags and fields become chips, which can be turned round and taken away."""
    page.get_by_role("button", name="Tag", exact=True).click()
    page.get_by_role("combobox", name="Find a tag").fill("摩托")
    expect(page.get_by_role("option", name=re.compile("^motorcycle"))).to_be_visible()
    page.get_by_role("combobox", name="Find a tag").press("Enter")
    expect_first(page, *MOTORCYCLES)
    expect(page).to_have_url(re.compile("tag=motorcycle"))
    page.get_by_title("Click to leave this tag out").click()
    expect(page).to_have_url(re.compile("tag=%21motorcycle"))
    expect(picture(page, 1)).not_to_have_attribute("aria-label", re.compile("motorcycle"))
    page.get_by_role("button", name="Remove motorcycle").click()
    page.get_by_role("button", name="Format", exact=True).click()
    page.get_by_role("checkbox", name="JPEG").check()
    page.keyboard.press("Escape")
    expect(count_of(page)).to_have_text("5 pictures")
    search(page, "a flower")
    expect_first(page, "flower.jpg")
    page.get_by_role("button", name="Remove JPEG").click()
    expect(page.locator("so-filters so-chip")).to_have_count(0)


def test_a_filter_that_nothing_passes(open_page: Open) -> None:
    page = open_page("/?where=width+%3E+100000")
    expect(page.get_by_text("No picture passes these filters")).to_be_visible()
    page.get_by_role("button", name="Remove width > 100000").click()
    expect(count_of(page)).to_have_text("20 pictures")


def test_a_filter_that_nobody_understands(page: Page, watch: Watch) -> None:
    """What is wrong with it is said where it was written."""
    watch.expected.append("400")
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_label("Filter expression").fill("colour = 'red'")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text(re.compile("colour"))).to_be_visible()


def test_nothing_matches(page: Page) -> None:
    """An honest answer, with the near misses folded away."""
    search(page, "a zebra")
    expect(page.get_by_text("Nothing here matches")).to_be_visible()
    expect(picture(page, 1)).to_be_hidden()
    page.get_by_role("button", name=re.compile("^Show .* near misses$")).click()
    expect(picture(page, 1)).to_be_focused()


def test_more_and_less_like_a_picture(page: Page) -> None:
    """A picture of the grid becomes a part of the question, for it or against it."""
    search(page, "a cat")
    expect_first(page, "chelsea.png")
    search(page, "")
    expect(count_of(page)).to_have_text("20 pictures")
    link = page.get_by_role("link", name=re.compile("^motorcycle_left"))
    link.hover()
    cell = page.locator("so-cell", has=link)
    cell.get_by_role("button", name="More like this").click()
    expect_first(page, *MOTORCYCLES)
    picture(page, 1).focus()
    page.keyboard.press("-")
    expect(page).to_have_url(re.compile(r"like=-1[+ ]\d+"))
    expect(page.get_by_text("Nothing here matches")).to_be_visible()


def test_keys(page: Page) -> None:
    """The grid and the box are reached without a mouse."""
    search(page, "a cat")
    expect_first(page, "chelsea.png")
    page.keyboard.press("ArrowDown")
    expect(picture(page, 1)).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(picture(page, 2)).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search")).to_be_focused()
    page.keyboard.press("Escape")
    expect(count_of(page)).to_have_text("20 pictures")
