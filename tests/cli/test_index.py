"""What `soutu index` asks the library for, what it says, and its exit codes."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from cli.fake import FakeLibrary, Soutu
from soutu.cli.interrupts import StopRequest
from soutu.cli.progress import ProgressLines, describe
from soutu.cli.report import report_failures
from soutu.errors import InputError, StorageError
from soutu.types import Failure, IndexReport, Progress


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Make a folder with two pictures and a bad one."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a.jpg", "b.jpg", "bad.jpg"):
        (folder / name).touch()
    return folder


def test_options_reach_the_library(
    soutu_command: Soutu, library: FakeLibrary, photos: Path
) -> None:
    """Paths, globs, model and precision are passed on, and the library is made if missing."""
    library.exists = False
    result = soutu_command(
        "index", str(photos), "--library", "lib", "--model", "clip", "--precision", "int8",
        "--include", "*.jpg", "--exclude", "raw/**", "--exclude", "*.tmp",
    )  # fmt: skip
    assert result.exit_code == 0
    expected = {"where": "lib", "model": "clip", "precision": "int8", "create": True}
    assert library.opened_with == expected
    assert library.asked == [("add", ((str(photos),), ("*.jpg",), ("raw/**", "*.tmp")))]
    assert library.closed == 1


def test_summary_and_failures(soutu_command: Soutu, library: FakeLibrary, photos: Path) -> None:
    """The summary goes to stdout, what failed to stderr, and some failures are no failure."""
    result = soutu_command("index", str(photos))
    assert result.exit_code == 0
    assert result.stdout == "2 added, 1 failed (0.5 s, 4 pictures/s)\n"
    assert result.stderr == f"1 file could not be indexed:\n  {photos}/bad.jpg: truncated\n"


def test_json_report(soutu_command: Soutu, library: FakeLibrary, photos: Path) -> None:
    """JSON holds the whole report, and stderr stays empty but for the failures."""
    result = soutu_command("index", str(photos), "--json")
    assert json.loads(result.stdout) == {
        "added": 2,
        "updated": 0,
        "moved": 0,
        "removed": 0,
        "skipped": 0,
        "failed": [{"path": f"{photos}/bad.jpg", "reason": "truncated"}],
        "seconds": 0.5,
        "interrupted": False,
    }
    assert result.stderr == ""


def test_quiet_tells_only_failures(
    soutu_command: Soutu, library: FakeLibrary, photos: Path
) -> None:
    """Nothing at all when all is well."""
    assert "could not be indexed" in soutu_command("index", "-q", str(photos)).stderr
    (photos / "bad.jpg").unlink()
    result = soutu_command("index", "-q", str(photos))
    assert (result.exit_code, result.output) == (0, "")


def test_all_failed_exits_with_1(soutu_command: Soutu, library: FakeLibrary, photos: Path) -> None:
    """When nothing could be indexed the run has failed."""
    (photos / "a.jpg").unlink()
    (photos / "b.jpg").unlink()
    assert soutu_command("index", str(photos)).exit_code == 1


def test_an_empty_folder_is_no_failure(
    soutu_command: Soutu, library: FakeLibrary, tmp_path: Path
) -> None:
    """There was nothing to do, and it says so."""
    (tmp_path / "empty").mkdir()
    result = soutu_command("index", str(tmp_path / "empty"))
    assert (result.exit_code, result.stdout) == (0, "No pictures there (0.5 s)\n")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("no such path: x"), 2),
        (StorageError("the disk is full"), 1),
        (OSError(28, "No space left on device", "/x"), 1),
        (KeyboardInterrupt(), 130),
        (RuntimeError("boom"), 70),
    ],
)
def test_errors_become_one_line(
    soutu_command: Soutu, library: FakeLibrary, error: BaseException, code: int
) -> None:
    """Whatever is raised ends as one line on stderr with its exit code."""
    library.error = error
    result = soutu_command("index", "x")
    assert result.exit_code == code
    assert result.stderr.startswith("soutu: ")
    assert result.stderr.count("\n") == 1


def test_ctrl_c_stops_cleanly(
    soutu_command: Soutu, library: FakeLibrary, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first Ctrl-C ends after the batch with what was done, and says how to go on."""
    library.progress = [Progress(stage="index", done=1, total=3)]
    monkeypatch.setattr(ProgressLines, "__call__", lambda *_: os.kill(os.getpid(), signal.SIGINT))
    result = soutu_command("index", str(photos))
    assert result.exit_code == 130
    assert result.stdout.startswith("1 added")
    assert result.stderr == "Stopped. Run the same command again to go on.\n"


def test_ctrl_c_that_an_import_turned_into_another_error(
    soutu_command: Soutu, library: FakeLibrary
) -> None:
    """An import that Ctrl-C broke (numpy raises ImportError) is a stop, not a bug."""
    library.error = ImportError("initialization failed")
    library.error.__cause__ = KeyboardInterrupt()
    result = soutu_command("search", "a cat")
    assert (result.exit_code, result.stderr) == (130, "soutu: stopped\n")


def test_second_ctrl_c_ends_at_once() -> None:
    """Who presses again does not want to wait for the batch; the old handlers come back."""
    before = signal.getsignal(signal.SIGINT)
    stop = StopRequest()
    with stop.listening():
        os.kill(os.getpid(), signal.SIGINT)
        assert stop()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) == before


def test_sigterm_has_its_own_exit_code() -> None:
    """`docker stop` and `kill` stop as cleanly as Ctrl-C."""
    stop = StopRequest()
    with stop.listening():
        os.kill(os.getpid(), signal.SIGTERM)
    assert (stop(), stop.exit_code) == (True, 143)


def test_many_failures_are_folded() -> None:
    """The first twenty are listed, the rest counted by reason."""
    failures = tuple(
        Failure(path=Path(f"/p/{number}.jpg"), reason="truncated" if number < 40 else "empty")
        for number in range(45)
    )
    lines = report_failures(IndexReport(failures=failures))
    assert len(lines) == 23
    assert lines[0] == "45 files could not be indexed:"
    assert lines[-2:] == [
        "  … and 25 more: 20 × truncated; 5 × empty",
        "  All of them: soutu status --failed",
    ]


@pytest.mark.parametrize(
    ("progress", "expected"),
    [
        (
            Progress(stage="index", done=1100, total=2000, failed=2),
            "indexing: 1,100/2,000, 100.0/s, 9.0 s left, 2 failed",
        ),
        (Progress(stage="scan", done=1100, total=None), "looking through folders: 1,100, 100.0/s"),
        (
            Progress(stage="download", done=50_000_100, total=100_000_000),
            "downloading: 50/100 MB, 5.0 MB/s, 10.0 s left",
        ),
    ],
)
def test_progress_line(progress: Progress, expected: str) -> None:
    """A line tells the stage, how far it is, how fast, and how long it will take."""
    assert describe(progress, 100, 10.0, stopping=False) == expected


def test_progress_lines_are_rare(capsys: pytest.CaptureFixture[str]) -> None:
    """A stage that is over at once prints nothing; a long one prints now and then."""
    rare = ProgressLines(StopRequest(), every=3600)
    often = ProgressLines(StopRequest(), every=0)
    for done in range(4):
        rare(Progress(stage="index", done=done, total=4))
    assert capsys.readouterr().err == ""
    for done in range(4):
        often(Progress(stage="index", done=done, total=4))
    assert capsys.readouterr().err.count("indexing: ") == 3
