"""Read the files of a public repository, at one commit, from a git directory or a plain folder."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from soutu.errors import InputError


class Source(Protocol):
    """The files of a data set."""

    def names(self) -> Sequence[str]:
        """List all paths in the repository, sorted."""
        ...

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        ...


class GitSource:
    """Files of a commit, read from the object store: no work tree is needed."""

    def __init__(self, folder: Path, commit: str) -> None:
        listed = _git(folder, "ls-tree", "-r", "-z", commit)
        rows = (row.split("\t", 1) for row in listed.decode("utf-8", "replace").split("\0") if row)
        self._blobs = {name: facts.split()[2] for facts, name in rows}
        self._process = subprocess.Popen(
            ["git", "-C", str(folder), "cat-file", "--batch"],  # noqa: S607 - the user's git
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def names(self) -> Sequence[str]:
        """List all paths in the commit, sorted."""
        return sorted(self._blobs)

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{self._blobs[name]}\n".encode())
        self._process.stdin.flush()
        size = int(self._process.stdout.readline().split()[2])
        content = self._process.stdout.read(size)
        self._process.stdout.read(1)
        return content

    def close(self) -> None:
        """End the process that reads."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


class FolderSource:
    """Files as they lie in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> Sequence[str]:
        """List all paths below the folder, sorted."""
        found = (path for path in self._folder.rglob("*") if path.is_file())
        return sorted(path.relative_to(self._folder).as_posix() for path in found)

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        return (self._folder / name).read_bytes()


@contextmanager
def opened(sources: Path, repository: str, commit: str) -> Iterator[Source]:
    """Open OWNER/NAME below `sources`, where it lies as OWNER+NAME.

    Raises InputError, with the command that fetches it, for one that is not there.
    """
    folder = sources / repository.replace("/", "+")
    if not folder.is_dir():
        raise InputError(
            f"{folder} is not there. Fetch it: "
            f"git clone --mirror https://github.com/{repository} {folder}"
        )
    if not (folder / "HEAD").is_file() and not (folder / ".git").exists():
        yield FolderSource(folder)
        return
    source = GitSource(folder, commit)
    try:
        yield source
    finally:
        source.close()


def _git(folder: Path, *arguments: str) -> bytes:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],  # noqa: S607 - the user's git
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise InputError(f"git cannot read {folder}: {done.stderr.decode().strip()}")
    return done.stdout
