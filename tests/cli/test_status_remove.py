"""`soutu status` and `soutu remove`."""

from __future__ import annotations

import json
from pathlib import Path

from cli.fake import FakeLibrary, Soutu, space
from soutu.errors import LibraryBusy
from soutu.types import Failure


def test_status_for_a_person(soutu_command: Soutu, library: FakeLibrary) -> None:
    """One look tells where the library is, what it holds and what failed."""
    library.held = {Path("/photos/a.jpg"): 1.0, Path("/photos/b.jpg"): 1.0}
    library.failures = (Failure(path=Path("/photos/bad.jpg"), reason="truncated"),)
    library.spaces.append(space("clip", current=False, vectors=1))
    assert soutu_command("status").stdout.splitlines() == [
        f"Library   {library.path} (1.2 MB)",
        "Pictures  2",
        "Failed    1 (soutu status --failed lists them)",
        "Models    mini (in use): int8, 256 dimensions, 2 vectors",
        "          clip: int8, 256 dimensions, 1 vector",
        "Folders   /photos  2 pictures",
    ]


def test_many_folders_are_folded(soutu_command: Soutu, library: FakeLibrary) -> None:
    """Ten folders are named, the others counted."""
    library.held = {Path(f"/photos/{number}/a.jpg"): 1.0 for number in range(12)}
    assert soutu_command("status").stdout.splitlines()[-1].strip() == "… and 2 more folders"


def test_status_failed(soutu_command: Soutu, library: FakeLibrary) -> None:
    """Every failure is listed with its reason, as lines or as JSON."""
    assert soutu_command("status", "--failed").stdout == "Nothing failed.\n"
    library.failures = (Failure(path=Path("/photos/a\n.jpg"), reason="truncated"),)
    assert soutu_command("status", "--failed").stdout == "/photos/a\\n.jpg: truncated\n"
    in_json = json.loads(soutu_command("status", "--failed", "--json").stdout)
    assert in_json == [{"path": "/photos/a\n.jpg", "reason": "truncated"}]


def test_status_json(soutu_command: Soutu, library: FakeLibrary) -> None:
    """Scripts get the same facts as plain data."""
    library.held = {Path("/photos/a.jpg"): 1.0}
    facts = json.loads(soutu_command("status", "--json").stdout)
    assert facts == {
        "path": str(library.path),
        "images": 1,
        "failed": 0,
        "bytes_on_disk": 1_234_567,
        "spaces": [
            {
                "model": "mini",
                "revision": "r1",
                "precision": "int8",
                "dim": 256,
                "vectors": 2,
                "current": True,
            }
        ],
        "folders": {"/photos": 1},
    }


def test_missing_library(soutu_command: Soutu, library: FakeLibrary) -> None:
    """Only `index` makes a library; the others say that there is none."""
    library.exists = False
    for command in (["status"], ["search", "cat"], ["remove", "x"]):
        result = soutu_command(*command, "--library", "lib")
        assert (result.exit_code, result.stderr) == (
            1,
            "soutu: there is no library at lib. Run: soutu index FOLDER\n",
        )


def test_busy_library_exits_with_3(soutu_command: Soutu, library: FakeLibrary) -> None:
    """A script can tell "come back later" from "it failed"."""
    library.error = LibraryBusy("the library is in use by process 12")
    result = soutu_command("remove", "x")
    assert (result.exit_code, result.stderr) == (3, "soutu: the library is in use by process 12\n")


def test_remove_forgets_and_says_that_files_stay(
    soutu_command: Soutu, library: FakeLibrary
) -> None:
    """Folders and files can be forgotten; others remain."""
    library.held = dict.fromkeys(map(Path, ["/p/a.jpg", "/p/q/b.jpg", "/r/c.jpg"]), 1.0)
    result = soutu_command("remove", "/p")
    assert result.stdout == "Forgot 2 pictures. The files themselves are untouched.\n"
    assert list(library.held) == [Path("/r/c.jpg")]
    again = soutu_command("remove", "/p")
    assert again.stdout == "The library held none of these; nothing to forget.\n"


def test_remove_asks_before_many(soutu_command: Soutu, library: FakeLibrary) -> None:
    """More than 100 need --yes where nobody can be asked; nothing is forgotten without it."""
    library.held = {Path(f"/p/{number}.jpg"): 1.0 for number in range(101)}
    result = soutu_command("remove", "/p")
    assert result.exit_code == 2
    assert "forget 101 pictures" in result.stderr
    assert len(library.held) == 101
    assert soutu_command("remove", "/p", "--yes").exit_code == 0
    assert library.held == {}
