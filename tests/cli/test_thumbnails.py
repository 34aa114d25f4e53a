"""Small pictures in terminals that can draw them."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import pytest
from PIL import Image

from cli.fake import FakeLibrary, Soutu, hit
from soutu.cli.thumbnails import (
    Thumbnail,
    draw_iterm,
    draw_kitty,
    graphics_protocol,
    read_thumbnail,
)


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({"TERM": "xterm-256color"}, None),
        ({}, None),
        ({"TERM": "xterm-kitty"}, draw_kitty),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, draw_kitty),
        ({"TERM": "xterm-ghostty"}, draw_kitty),
        ({"TERM_PROGRAM": "ghostty"}, draw_kitty),
        ({"TERM_PROGRAM": "iTerm.app"}, draw_iterm),
        ({"TERM_PROGRAM": "WezTerm"}, draw_iterm),
        ({"TERM_PROGRAM": "mintty"}, draw_iterm),
        ({"LC_TERMINAL": "iTerm2"}, draw_iterm),
        ({"TERM_PROGRAM": "Apple_Terminal"}, None),
        ({"TERM": "tmux-256color", "TERM_PROGRAM": "tmux", "LC_TERMINAL": "iTerm2"}, None),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/tmux-0/default"}, None),
    ],
)
def test_terminals_are_known_by_their_environment(env: dict[str, str], expected: object) -> None:
    """Unknown terminals and multiplexers get no pictures."""
    assert graphics_protocol(env=env) is expected


def test_always_overrules() -> None:
    """Who forces thumbnails gets the protocol of the terminal, or kitty's."""
    assert graphics_protocol(forced=True, env={}) is draw_kitty
    inside = {"TMUX": "x", "LC_TERMINAL": "iTerm2"}
    assert graphics_protocol(forced=True, env=inside) is draw_iterm


@pytest.mark.parametrize(
    ("width", "height", "fit"), [(240, 100, "c=12"), (100, 200, "r=5"), (240, 200, "r=5")]
)
def test_kitty_chunks(width: int, height: int, fit: str) -> None:
    """A picture comes in pieces of 4096 characters that add up to it, kept in proportion."""
    png = bytes(range(256)) * 40
    drawn = draw_kitty(Thumbnail(png=png, width=width, height=height))
    parts = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", drawn)
    assert base64.b64decode("".join(data for _, data in parts)) == png
    assert all(len(data) <= 4096 for _, data in parts)
    more = ["m=1"] * (len(parts) - 1) + ["m=0"]
    assert [keys.rpartition(",")[2] for keys, _ in parts] == more
    assert parts[0][0] == f"a=T,f=100,q=2,{fit},m=1"


def test_iterm_picture() -> None:
    """The whole picture comes in one sequence that tells its size."""
    drawn = draw_iterm(Thumbnail(png=b"png", width=240, height=100))
    keys = "inline=1;size=3;width=12;height=5;preserveAspectRatio=1"
    assert drawn == f"\x1b]1337;File={keys}:cG5n\x07"


def test_thumbnails_are_small_and_upright(tmp_path: Path) -> None:
    """EXIF orientation is applied, proportions are kept."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    Image.new("RGB", (1600, 800), "red").save(tmp_path / "a.jpg", exif=exif)
    thumbnail = read_thumbnail(tmp_path / "a.jpg")
    assert thumbnail is not None
    assert (thumbnail.width, thumbnail.height) == (100, 200)
    with Image.open(io.BytesIO(thumbnail.png)) as picture:
        assert (picture.format, picture.size) == ("PNG", (100, 200))


def test_a_picture_that_is_gone_still_shows_its_facts(
    soutu_command: Soutu, library: FakeLibrary, tmp_path: Path
) -> None:
    """The list is whole even where a thumbnail cannot be made."""
    Image.new("L", (64, 64)).save(tmp_path / "here.png")
    library.hits = [hit(tmp_path / "here.png", 0.9), hit(tmp_path / "gone.png", 0.8)]
    stdout = soutu_command("search", "cat", "--thumbnails", "always").stdout
    assert stdout.count("\x1b_G") == 1
    assert "1. here.png" in stdout
    assert "2. gone.png" in stdout
