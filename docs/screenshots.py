"""Take the pictures of the page that the documentation shows, into docs/img/.

Run it with `make screenshots`. It serves the demo's photos and needs Chromium.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "img"
SOUTU = [sys.executable, "-c", "from soutu.cli import main; main()"]
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
WIDE = {"width": 1280, "height": 800}
NARROW = {"width": 400, "height": 800}

sys.path.insert(0, str(ROOT / "demo"))
from photos import collect  # noqa: E402 - the demo is no package


def main() -> None:
    """Take all pictures."""
    IMAGES.mkdir(exist_ok=True)
    with served() as url, sync_playwright() as playwright:
        program = next(filter(None, map(shutil.which, CHROMIUM)), None)
        if program is None:
            sys.exit("Screenshots need Chromium. Run: apt-get install chromium fonts-noto-cjk")
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        search(browser, url)
        picture(browser, url)
        tag(browser, url)
        review(browser, url)
        narrow(browser, url)
        browser.close()


def search(browser: Browser, url: str) -> None:
    """Show everything, in dark colours, and the answer to some words."""
    page = opened(browser, f"{url}/", color_scheme="dark")
    settled(page, "so-cell img.there")
    keep(page, "dark")
    page = opened(browser, f"{url}/?q=a+motorcycle")
    settled(page, "so-cell img.there")  # loads the model; from then on the time shown is usual
    page.get_by_role("searchbox").fill("a motorcycle in a garage")
    page.get_by_role("searchbox").press("Tab")
    settled(page, "so-cell img.there")
    page.locator("so-cell").first.hover()
    keep(page, "search")


def picture(browser: Browser, url: str) -> None:
    """Show a picture, with what in it fits the words."""
    page = opened(browser, f"{url}/?q=a+rocket+launch")
    settled(page, "so-cell img.there")
    page.locator("so-cell a").first.click()
    page.get_by_role("button", name="Why this picture?").click()
    settled(page, "so-stage canvas")
    keep(page, "picture")


def tag(browser: Browser, url: str) -> None:
    """Show a tag, its threshold, and the pictures on both sides of it."""
    page = opened(browser, f"{url}/tags?name=motorcycle")
    settled(page, "so-tag-card img")
    keep(page, "tag")


def review(browser: Browser, url: str) -> None:
    """Show a question about a picture."""
    page = opened(browser, f"{url}/review?tag=motorcycle")
    settled(page, "so-review-stage img")
    keep(page, "review")


def narrow(browser: Browser, url: str) -> None:
    """Show the search on a telephone, in Chinese."""
    looks = {"viewport": NARROW, "device_scale_factor": 1.5, "has_touch": True, "locale": "zh-CN"}
    page = opened(browser, f"{url}/", **looks)
    settled(page, "so-cell img.there")
    keep(page, "narrow")


def opened(browser: Browser, address: str, **looks: Any) -> Page:
    """Open a page in a window of its own."""
    like = {"viewport": WIDE, "locale": "en-US", "reduced_motion": "reduce", **looks}
    page = browser.new_context(**like).new_page()
    page.goto(address)
    return page


def settled(page: Page, sign: str) -> None:
    """Wait until something is there, and all pictures have come and stopped fading in."""
    page.locator(sign).first.wait_for()
    page.wait_for_timeout(600)
    page.wait_for_function("[...document.images].every((image) => image.complete)")
    page.wait_for_timeout(600)


def keep(page: Page, name: str) -> None:
    """Write what is seen as WebP, and close the page."""
    shot = page.screenshot()
    page.context.close()
    file = IMAGES / f"{name}.webp"
    with Image.open(io.BytesIO(shot)) as image:
        image.save(file, "WEBP", quality=82, method=6)
    sys.stdout.write(f"{file.relative_to(ROOT)}  {file.stat().st_size // 1000} kB\n")


@contextmanager
def served() -> Iterator[str]:
    """Serve the demo's photos with the tags of everyday life, and return the address."""
    folder = Path(tempfile.gettempdir()) / "soutu-screenshots"  # seen in the pictures
    shutil.rmtree(folder, ignore_errors=True)
    photos = folder / "Pictures"
    try:
        collect(photos)
        where = {"SOUTU_LIBRARY": f"{folder}/library", "SOUTU_HOME": f"{folder}/home"}
        env = {**os.environ, **where, "PYTHONUNBUFFERED": "1"}
        for command in (["index", str(photos)], ["tags", "import", "everyday"]):
            subprocess.run([*SOUTU, *command], env=env, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own program
        server = subprocess.Popen(  # noqa: S603 - our own program
            [*SOUTU, "serve", "--port", "0"], env=env, stdout=subprocess.PIPE, text=True
        )
        try:
            said = server.stdout.readline() if server.stdout else ""
            yield said.partition(" at ")[2].split()[0]
        finally:
            server.terminate()
            server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
