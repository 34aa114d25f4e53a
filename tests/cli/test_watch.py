"""`soutu index --watch`: what changes in the folders is indexed while it runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.fake import FakeLibrary
from soutu.cli import watching
from soutu.cli.indexing import Indexing
from soutu.cli.interrupts import StopRequest
from soutu.errors import LibraryBusy
from soutu.types import IndexReport


@pytest.fixture
def indexing(library: FakeLibrary, tmp_path: Path) -> Indexing:
    """Prepare indexing into a library that lies inside the watched folder."""
    library.path = tmp_path / "photos" / ".soutu"
    library.path.mkdir(parents=True)
    made = Indexing(
        library=None, model=None, precision="auto", include=(), exclude=("*.soutu*",),
        show_progress=False,
    )  # fmt: skip
    made.run([tmp_path / "photos"], StopRequest())
    library.asked.clear()
    return made


def watch_while(
    indexing: Indexing, root: Path, act: Callable[[list[IndexReport]], None]
) -> list[IndexReport]:
    """Watch a folder in a thread while `act` changes it, and return the reports."""
    stop, reports = StopRequest(), list[IndexReport]()

    def watch() -> None:
        reports.extend(watching.watch_for_changes(indexing, [root], stop))

    thread = threading.Thread(target=watch)
    thread.start()
    time.sleep(0.5)
    try:
        act(reports)
    finally:
        stop.event.set()
        thread.join(timeout=20)
    assert not thread.is_alive()
    return reports


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something holds; fail after a while."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_changes_are_indexed_and_the_library_is_free_between(
    indexing: Indexing, library: FakeLibrary, tmp_path: Path
) -> None:
    """A new picture leads to one run over its root, after which the library is closed."""
    photos = tmp_path / "photos"

    def act(reports: list[IndexReport]) -> None:
        for number in range(3):
            (photos / f"{number}.jpg").touch()
        wait_for(lambda: len(library.held) == 3)

    reports = watch_while(indexing, photos, act)
    assert sum(report.added for report in reports) == 3
    assert library.asked[0] == ("add", ((str(photos),), (), ("*.soutu*",)))
    assert library.closed == 1 + len(library.asked)


def test_the_librarys_own_files_are_not_watched(
    indexing: Indexing, library: FakeLibrary, tmp_path: Path
) -> None:
    """A library inside the watched folder does not wake its own indexing again and again."""

    def act(reports: list[IndexReport]) -> None:
        (library.path / "catalog.db").touch()
        time.sleep(1.5)

    assert watch_while(indexing, tmp_path / "photos", act) == []
    assert library.asked == []


def test_waits_while_another_process_holds_the_library(
    indexing: Indexing,
    library: FakeLibrary,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Changes made meanwhile are not lost."""
    monkeypatch.setattr(watching, "SECONDS_BETWEEN_TRIES", 0.05)
    library.error = LibraryBusy("in use by process 12")

    def act(reports: list[IndexReport]) -> None:
        (tmp_path / "photos" / "a.jpg").touch()
        wait_for(lambda: len(library.asked) >= 2)
        library.error = None
        wait_for(lambda: len(library.held) == 1)

    watch_while(indexing, tmp_path / "photos", act)
    assert capsys.readouterr().err == "Waiting: in use by process 12\n"
