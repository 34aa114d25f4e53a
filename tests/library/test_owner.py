"""Locks end with their process, and refusals say who holds them."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from soutu.errors import LibraryBusy, StorageError
from soutu.library.owner import hold

CHILD = """
import sys, time
from pathlib import Path
from soutu.library.owner import hold
held = hold(Path(sys.argv[1]), "write", task=sys.argv[2])
print("held", flush=True)
time.sleep(60)
"""


StartHolder = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def start_holder(tmp_path: Path) -> Iterator[StartHolder]:
    """Start processes that hold the lock `write`; all are killed at the end."""
    children: list[subprocess.Popen[str]] = []

    def start(task: str) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(tmp_path), task], stdout=subprocess.PIPE, text=True
        )
        children.append(child)
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        return child

    yield start
    for child in children:
        child.kill()
        child.communicate()


def test_a_long_task_is_not_waited_for(tmp_path: Path, start_holder: StartHolder) -> None:
    """The refusal comes at once and names pid and task."""
    child = start_holder("index")
    started = time.monotonic()
    with pytest.raises(
        LibraryBusy, match=rf"process {child.pid} \(soutu index\).*kill {child.pid}"
    ):
        hold(tmp_path, "write", task="index", wait=30)
    assert time.monotonic() - started < 10


def test_a_killed_holder_leaves_no_lock(tmp_path: Path, start_holder: StartHolder) -> None:
    """The note of a dead process means nothing."""
    child = start_holder("index")
    child.kill()
    child.wait()
    assert (tmp_path / "write.owner.json").exists()
    hold(tmp_path, "write", task="index").release()
    assert not (tmp_path / "write.owner.json").exists()


def test_a_short_task_is_waited_for(tmp_path: Path) -> None:
    """Two searches at once both succeed, one after the other."""
    first = hold(tmp_path, "space", task="search")
    threading.Timer(0.2, first.release).start()
    second = hold(tmp_path, "space", task="search", wait=30)
    assert json.loads((tmp_path / "space.owner.json").read_text())["task"] == "search"
    second.release()
    second.release()


def test_a_short_task_that_does_not_end_is_named(tmp_path: Path) -> None:
    """Waiting has an end."""
    first = hold(tmp_path, "space", task="search")
    with pytest.raises(LibraryBusy, match=r"\(soutu search\)"):
        hold(tmp_path, "space", task="search", wait=0.1)
    first.release()


def test_a_damaged_note_does_not_matter(tmp_path: Path) -> None:
    """The lock counts, not the note."""
    first = hold(tmp_path, "space", task="search")
    (tmp_path / "space.owner.json").write_text("{")
    with pytest.raises(LibraryBusy, match="process unknown"):
        hold(tmp_path, "space", task="search", wait=0.0)
    first.release()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """A place that takes no lock is a storage error, not a crash."""
    (tmp_path / "none").write_text("")
    with pytest.raises(StorageError, match="cannot write in the library"):
        hold(tmp_path / "none", "write", task="index")
