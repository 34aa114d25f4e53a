"""The program as a process: in terminals, in pipes, and when it is interrupted."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli.terminal import PROGRAM, Terminal
from soutu.cli.app import COMMANDS

ESCAPE = re.compile(r"\x1b\][^\x1b\x07]*(?:\x07|\x1b\\)|\x1b\[[0-9;?]*[A-Za-z]")


def run(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the program in a pipe."""
    return subprocess.run(
        [sys.executable, PROGRAM, *args],
        capture_output=True,
        encoding=env.get("PYTHONIOENCODING", "utf-8"),
        timeout=60,
        env=env or None,
        check=False,
    )


@pytest.mark.parametrize(
    ("columns", "headers"),
    [
        (100, ["#", "relevance", "score", "picture", "size", "taken"]),
        (70, ["#", "relevance", "score", "picture"]),
        (40, ["#", "relevance", "picture"]),
    ],
)
def test_table_fits_the_terminal(columns: int, headers: list[str]) -> None:
    """Narrow terminals lose columns and fold names; nothing is cut off or runs over."""
    with Terminal(["search", "cat", "--min-relevance", "0"], columns=columns) as terminal:
        assert terminal.wait() == 0
        lines = ESCAPE.sub("", terminal.text).replace("\r", "").splitlines()
    assert lines[0].split() == headers
    assert max(len(line) + line.count("猫") for line in lines) <= columns
    folded = "".join(re.sub(r"[█▏▎▍▌▋▊▉·%0-9.]+ ", "", line).strip() for line in lines)
    assert "on the sofa.jpg" in folded.replace("onthe", "on the").replace("thesofa", "the sofa")


def test_names_are_links_in_a_terminal() -> None:
    """A terminal that knows hyperlinks opens the picture on a click."""
    with Terminal(["search", "cat"], columns=100) as terminal:
        assert terminal.wait() == 0
    assert "file:///photos/holiday/0000%20%E7%8C%AB%20on%20the%20sofa.jpg" in terminal.text


def test_paths_in_a_terminal_are_escaped_and_whole() -> None:
    """One line per path, without colours or a table."""
    with Terminal(["search", "cat", "--format", "paths"], columns=20) as terminal:
        assert terminal.wait() == 0
    assert "/photos/holiday/0000 猫 on the sofa.jpg\r\n" in terminal.text


def test_no_thumbnails_where_nothing_can_show_them() -> None:
    """Only terminals that are known to draw pictures get any."""
    kitty = {"TERM": "xterm-kitty", "KITTY_WINDOW_ID": "1"}
    for env, wanted in (({}, False), (kitty, True), ({**kitty, "TMUX": "/tmp/x"}, False)):
        with Terminal(["search", "cat"], env=env) as terminal:
            assert terminal.wait() == 0
        assert ("\x1b7" in terminal.text) is wanted


@pytest.mark.parametrize("columns", [100, 45])
def test_progress_bar_and_ctrl_c(columns: int) -> None:
    """A bar shows how far it is; Ctrl-C is answered at once and ends cleanly."""
    with Terminal(["index", "x"], columns=columns) as terminal:
        terminal.read_until("2 failed")
        terminal.read_until("/s")
        terminal.process.send_signal(signal.SIGINT)
        terminal.read_until("stopping")
        assert terminal.wait() == 130
    ending = ESCAPE.sub("", terminal.text)
    assert "added" in ending
    assert "Stopped. Run the same command again to go on." in ending
    assert "Traceback" not in terminal.text


def test_sigterm_stops_cleanly() -> None:
    """`kill` gives the same clean end, with its own exit code."""
    with Terminal(["index", "x"]) as terminal:
        terminal.read_until("2 failed")
        terminal.process.terminate()
        assert terminal.wait() == 143
    assert "Stopped." in terminal.text


def test_a_reader_that_goes_away_is_no_error() -> None:
    """`| head -1` ends the program quietly."""
    script = f"{sys.executable} {PROGRAM} search cat -k 5000 --all --format paths"
    for extra in ("", " --format json", " --format table"):
        done = subprocess.run(
            ["bash", "-c", f"{script}{extra} | head -c 10; echo ${{PIPESTATUS[0]}} >&2"],
            capture_output=True,
            text=True,
            env={"SOUTU_TEST_HITS": "5000", "PATH": "/usr/bin:/bin"},
            timeout=60,
            check=False,
        )
        assert done.stderr == "141\n"


def test_a_terminal_that_cannot_show_chinese() -> None:
    """Characters that the encoding lacks are escaped, never a crash."""
    done = run("search", "猫", PYTHONIOENCODING="latin-1", PATH="/usr/bin:/bin")
    assert done.returncode == 0
    assert r"\u732b on the sofa.jpg" in done.stdout


def test_open_hands_pictures_to_the_desktop(tmp_path: Path) -> None:
    """Each hit goes to xdg-open; without one the command says so."""
    viewer = tmp_path / "xdg-open"
    viewer.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/"$(basename "$1")".seen\n')
    viewer.chmod(0o755)
    done = run("search", "cat", "--open", "-k", "1", PATH=f"{tmp_path}:/usr/bin:/bin")
    assert (done.returncode, done.stderr) == (0, "")
    seen = tmp_path / "0000 猫 on the sofa.jpg.seen"
    end = time.monotonic() + 20
    while not (seen.exists() and seen.read_text()):
        assert time.monotonic() < end
        time.sleep(0.02)
    assert seen.read_text() == "/photos/holiday/0000 猫 on the sofa.jpg\n"
    (tmp_path / "empty").mkdir()
    none = run("search", "cat", "--open", "-k", "1", PATH=str(tmp_path / "empty"))
    assert (none.returncode, none.stderr) == (1, "soutu: no viewer: xdg-open is not installed\n")


def test_search_imports_only_what_it_needs() -> None:
    """A search that prints JSON loads no other command, no rich and no watcher."""
    code = (
        "import sys; from soutu.cli.app import app;"
        "app(['search', '-h'], standalone_mode=False);"
        "print(*sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    loaded = set(done.stderr.split())
    others = set(COMMANDS.values()) - {"soutu.cli.search"}
    assert not loaded & {*others, "rich", "watchfiles", "numpy", "PIL", "onnxruntime", "sqlalchemy"}
    assert "soutu.cli.search" in loaded


def test_version_and_short_help() -> None:
    """The two flags that everyone tries first."""
    assert re.fullmatch(r"soutu \d+\.\d+\.\d+\S*\n", run("--version").stdout)
    assert run("-h").stdout == run("--help").stdout
    assert run("search").stdout == ""
    assert run("search").returncode == 2
