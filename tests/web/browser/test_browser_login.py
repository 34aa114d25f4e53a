"""A server that asks for a token."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from small_server import Running, running

from .grid import count_of

if TYPE_CHECKING:
    from .conftest import Demo, Open
    from .watching import Watch

TOKEN = "a long and secret text"


@pytest.fixture(scope="module")
def server(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("guarded")
    shutil.copytree(demo.library, folder / "library")
    (folder / "token").write_text(TOKEN)
    (folder / "token").chmod(0o600)
    arguments = ["--library", str(folder / "library"), "--token-file", str(folder / "token")]
    with running(*arguments, home=demo.home) as found:
        yield found


def test_login(open_page: Open, watch: Watch) -> None:
    """Nothing is shown before the right token; then everything is, also on the next visit."""
    watch.expected.append("401")
    page = open_page("/?q=a+cat")
    dialog = page.get_by_role("dialog", name="A token is needed")
    dialog.get_by_label("Token").fill("a guess")
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog.get_by_text("That is not the token.")).to_be_visible()
    dialog.get_by_label("Token").fill(TOKEN)
    dialog.get_by_label("Token").press("Enter")
    expect(dialog).to_be_hidden()
    expect(count_of(page)).to_have_text("1 match")
    watch.expected.clear()
    watch.found.clear()
    page.reload()
    expect(count_of(page)).to_have_text("1 match")
    expect(dialog).to_be_hidden()
