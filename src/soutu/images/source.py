"""Find the picture files below some folders."""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from soutu.errors import InputError
from soutu.types import Failure

# fmt: off
SUFFIXES = frozenset({
    "jpg", "jpeg", "jpe", "jfif", "mpo", "png", "apng", "webp", "gif", "tif", "tiff", "bmp",
    "avif", "heic", "heif", "hif", "jp2", "j2k", "jpx", "pbm", "pgm", "ppm", "pnm",
})
"""Endings, in lower case, of the files taken as pictures. What a file is, its content decides."""

SKIPPED_FOLDERS = frozenset({
    "$recycle.bin", "#recycle", ".appledouble", ".dtrash", ".git", ".hg", ".svn", ".thumbnails",
    ".trash", ".trashes", "@eadir", "__macosx", "__pycache__", "node_modules",
    "system volume information",
})
"""Names, in lower case, of folders below a root that hold no photos of the user's."""
# fmt: on

SIDECAR_SUFFIXES = (".xmp", ".XMP")

Key: TypeAlias = tuple[int, int]
"""Device and inode: what a folder is, whichever way leads to it."""
Matcher: TypeAlias = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A picture file: `path` is absolute and normalised, with its links left unresolved.

    `root` is the folder asked for that it was found below (for a file asked for by name, the
    folder it is in), `size` is in bytes and `mtime_ns` in nanoseconds since 1970. `sidecar_ns` is
    when its XMP sidecar was last changed (the later one of two), 0 without any.
    """

    path: Path
    root: Path
    size: int
    mtime_ns: int
    sidecar_ns: int = 0


@dataclass(frozen=True, slots=True)
class _Folder:
    path: str
    root: Path
    depth: int  # length of the root with its separator: where the relative path starts


def scan(
    paths: Iterable[Path | str],
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    skip: Iterable[Path | str] = (),
) -> Iterator[FileEntry | Failure]:
    """Find the pictures among and below the paths, in the same order each time.

    A file named in `paths` is taken whatever its name; below folders the name must end in one of
    SUFFIXES, pass `include` where that is given, and not match `exclude` (gitignore-style globs
    on the path below its root). Linked files and folders are followed; no folder is visited
    twice, and a folder's own place comes before any link to it. Folders in `skip`, trash and
    version control are left out. What cannot be read is yielded as a Failure.
    Raises InputError, before anything is yielded, for a path that does not exist and a bad glob.
    """
    files: list[FileEntry] = []
    folders: list[_Folder] = []
    for path in dict.fromkeys(os.path.abspath(p) for p in paths):  # noqa: PTH100 - keep links
        found = examine(path)
        if stat.S_ISDIR(found.st_mode):
            folders.append(_Folder(path, Path(path), len(path.rstrip(os.sep)) + 1))
        else:
            root = Path(os.path.dirname(path))  # noqa: PTH120 - `path` is a string
            beside = sidecar_ns(path)
            files.append(FileEntry(Path(path), root, found.st_size, found.st_mtime_ns, beside))
    walk = _Walk(
        included=_matcher(include),
        excluded=_matcher(exclude),
        visited={key for path in skip if (key := _key(path))},
        named={str(entry.path) for entry in files},
    )
    return walk.run(files, folders)


class _Walk:
    """One scan: what it has seen so far and what is still to be visited."""

    def __init__(
        self,
        *,
        included: Matcher | None,
        excluded: Matcher | None,
        visited: set[Key],
        named: set[str],
    ) -> None:
        self._included, self._excluded = included, excluded
        self._visited, self._named = visited, named
        self._linked: deque[_Folder] = deque()  # visited last, so that real places come first

    def run(self, files: list[FileEntry], folders: list[_Folder]) -> Iterator[FileEntry | Failure]:
        yield from files
        for folder in folders:
            yield from self._tree(folder)
        while self._linked:
            yield from self._tree(self._linked.popleft())

    def _tree(self, top: _Folder) -> Iterator[FileEntry | Failure]:
        """Walk without recursion: folders can be nested deeper than Python's stack."""
        pending = [top]
        while pending:
            folder = pending.pop()
            try:
                if not self._enter(folder.path):
                    continue
                with os.scandir(folder.path) as listing:
                    entries = sorted(listing, key=_name)
            except OSError as error:
                yield Failure(path=Path(folder.path), reason=f"cannot be listed: {_why(error)}")
                continue
            below: list[_Folder] = []
            parent = Path(folder.path)
            sidecars = {e.name: e.path for e in entries if e.name.endswith(SIDECAR_SUFFIXES)}
            for entry in entries:
                found = self._look(entry, parent, folder, below)
                if sidecars and isinstance(found, FileEntry):
                    found = replace(found, sidecar_ns=_sidecar_ns(entry.name, sidecars))
                if found is not None:
                    yield found
            pending.extend(reversed(below))

    def _enter(self, path: str) -> bool:
        found = os.stat(path)  # noqa: PTH116 - one of these for each folder; Path is slower
        key = (found.st_dev, found.st_ino)
        if key in self._visited:
            return False
        self._visited.add(key)
        return True

    def _look(
        self, entry: os.DirEntry[str], parent: Path, folder: _Folder, below: list[_Folder]
    ) -> FileEntry | Failure | None:
        """Return what an entry yields; put a folder among those to visit next."""
        name = entry.name
        _, dot, suffix = name.rpartition(".")
        picture = bool(dot) and suffix.lower() in SUFFIXES and not name.startswith("._")
        try:
            linked = entry.is_symlink()
            if entry.is_dir():
                if self._wanted_folder(entry, folder):
                    after = self._linked if linked else below
                    after.append(_Folder(entry.path, folder.root, folder.depth))
                return None
            if not picture or not self._wanted_file(entry.path, folder.depth):
                return None
            found = entry.stat()
        except OSError as error:
            reason = _entry_failure(entry, error) if picture else None
            return Failure(path=parent / name, reason=reason) if reason else None
        if not stat.S_ISREG(found.st_mode):
            return None
        return FileEntry(parent / name, folder.root, found.st_size, found.st_mtime_ns)

    def _wanted_folder(self, entry: os.DirEntry[str], folder: _Folder) -> bool:
        name = entry.name.lower()
        if name in SKIPPED_FOLDERS or name.startswith(".trash-"):
            return False
        return self._excluded is None or not self._excluded(entry.path[folder.depth :] + os.sep)

    def _wanted_file(self, path: str, depth: int) -> bool:
        if path in self._named:
            return False
        relative = path[depth:]
        if self._excluded is not None and self._excluded(relative):
            return False
        return self._included is None or self._included(relative)


def sidecar_ns(path: Path | str) -> int:
    """Return when the sidecars of a picture were last changed; see `FileEntry`."""
    folder, name = os.path.split(path)
    return _sidecar_ns(name, {n: f"{folder}{os.sep}{n}" for n in _sidecar_names(name)})


def _sidecar_names(path: str) -> set[str]:
    """Return the names that the sidecars of a picture may have: photo.jpg.xmp and photo.xmp."""
    name = os.path.basename(path)  # noqa: PTH119 - `path` is a string
    return {base + end for base in (name, name.rpartition(".")[0]) for end in SIDECAR_SUFFIXES}


def _sidecar_ns(path: str, sidecars: Mapping[str, str]) -> int:
    latest = 0
    for name in _sidecar_names(path) & sidecars.keys():
        with suppress(OSError):
            latest = max(latest, os.stat(sidecars[name]).st_mtime_ns)  # noqa: PTH116
    return latest


def examine(path: str) -> os.stat_result:
    """Look at a file or folder to index. Raises InputError for what is neither."""
    try:
        found = os.stat(path)  # noqa: PTH116
    except FileNotFoundError:
        msg = f"there is no file or folder {path!r}. Check the spelling, or mount its disk"
        raise InputError(msg) from None
    except (OSError, ValueError) as error:
        msg = f"{path!r} cannot be read: {_why(error)}"
        raise InputError(msg) from error
    if not stat.S_ISDIR(found.st_mode) and not stat.S_ISREG(found.st_mode):
        msg = f"{path!r} is neither a file nor a folder. Give pictures or folders of pictures"
        raise InputError(msg)
    return found


def _key(path: Path | str) -> Key | None:
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _matcher(globs: Sequence[str]) -> Matcher | None:
    if not globs:
        return None
    from pathspec import GitIgnoreSpec

    for glob in globs:
        try:
            GitIgnoreSpec.from_lines([glob])
        except ValueError as error:
            msg = f"{glob!r} is not a pattern that can be followed. Write it as in .gitignore"
            raise InputError(msg) from error
    match = GitIgnoreSpec.from_lines(globs).match_file
    # "." matches no line break in the patterns' regular expressions, but names can hold one.
    return lambda path: match(path.replace("\n", " "))


def _entry_failure(entry: os.DirEntry[str], error: OSError) -> str | None:
    """Say why a file cannot be looked at; None for one that vanished since the listing."""
    if not isinstance(error, FileNotFoundError):
        return f"cannot be read: {_why(error)}"
    return "a broken link: what it points to does not exist" if entry.is_symlink() else None


def _why(error: OSError | ValueError) -> str:
    return ((isinstance(error, OSError) and error.strerror) or str(error)).lower()


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name
