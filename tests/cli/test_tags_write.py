"""`soutu tags write`: what it asks the library for, what it says, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.fake import Soutu
from cli.tagging import TaggingLibrary
from soutu.cli.interrupts import StopRequest
from soutu.cli.progress import STAGES, ProgressLines
from soutu.types import Failure, Progress, WriteReport


def test_write(soutu_command: Soutu, tagging: TaggingLibrary) -> None:
    """Paths and options reach the library; the report tells what was done."""
    tagging.written = WriteReport(written=2, unchanged=1)
    options = ["a", "b", "--tag", "cat", "--in-place"]
    assert soutu_command("tags", "write", *options).stdout == "2 written, 1 up to date\n"
    assert soutu_command("tags", "write", "--dry-run").stdout == "2 to write, 1 up to date\n"
    assert tagging.asked == [
        ("write", (("a", "b"), ("cat",), True, False)),
        ("write", (None, None, False, True)),
    ]
    in_json = json.loads(soutu_command("tags", "write", "--json").stdout)
    assert in_json == {"written": 2, "unchanged": 1, "failed": [], "interrupted": False}
    tagging.written = WriteReport()
    assert soutu_command("tags", "write").stdout == "No pictures there\n"


def test_write_exit_codes(soutu_command: Soutu, tagging: TaggingLibrary) -> None:
    """0 when some files failed, 1 when all did, 130 when stopped; failures are always told."""
    failed = (Failure(path=Path("/p/a.jpg"), reason="the folder is read-only"),)
    tagging.written = WriteReport(written=1, failures=failed)
    some = soutu_command("tags", "write", "-q")
    assert (some.exit_code, some.stdout) == (0, "")
    assert some.stderr == ("1 file could not be written:\n  /p/a.jpg: the folder is read-only\n")
    tagging.written = WriteReport(failures=failed)
    assert soutu_command("tags", "write").exit_code == 1
    tagging.written = WriteReport(written=1, interrupted=True)
    stopped = soutu_command("tags", "write")
    assert stopped.exit_code == 130
    assert "Run the same command again" in stopped.stderr


def test_new_stages_have_words(capsys: pytest.CaptureFixture[str]) -> None:
    """Tagging and writing show their progress like all long work."""
    lines = ProgressLines(StopRequest(), every=0.0)
    for stage in ("tag", "write"):
        lines(Progress(stage=stage, done=0, total=9))
        lines(Progress(stage=stage, done=3, total=9))
    told = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in told] == [STAGES["tag"], STAGES["write"]]
