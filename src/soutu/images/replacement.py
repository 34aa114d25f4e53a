"""Put a file in the place of another at once: a crash leaves the old one or the new one, whole."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from soutu.errors import ImageError, StorageError


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells whether a file was changed: its size in bytes, and when, in ns since 1970."""

    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What a file holds, nothing if it is not there, and what it shall hold."""

    path: Path
    before: bytes | None
    stamp: Stamp | None
    after: bytes

    @property
    def changes(self) -> bool:
        """Whether there is anything to write."""
        return self.after != self.before

    def write(self, *, secure: Callable[[], None] | None = None) -> Stamp:
        """Write it, unless somebody else changed the file since it was read; see `replace_file`.

        `secure` is called right before the old file goes. Raises ImageError for a file that
        changed, StorageError as `replace_file` does.
        """

        def before() -> None:
            self._check()
            if secure:
                secure()

        return replace_file(self.path, self.after, before=before)

    def _check(self) -> None:
        try:
            found = self.path.stat()
        except OSError:
            now = None
        else:
            # Where no file was, a folder of that name is for the system to refuse.
            now = Stamp(found.st_size, found.st_mtime_ns) if self.path.is_file() else None
        if now != self.stamp:
            msg = f"{self.path}: changed while tags were written. Try again"
            raise ImageError(msg)


def replace_file(path: Path, data: bytes, *, before: Callable[[], None] | None = None) -> Stamp:
    """Write a file anew, through a temporary file beside it, and return its stamp.

    It gets the mode, the owner and the extended attributes of the old one, as far as the system
    allows. A link stays a link: what it points to is written. `before` is called when the new
    file is on the disk and the old one still in place. Raises StorageError when the disk is full
    or refuses; the old file is then as it was.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{secrets.token_hex(8)}.soutu-new")
    try:
        stamp = _write(temporary, data, target)
        if before:
            before()
        temporary.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        raise refused(target, error) from error
    finally:
        with suppress(OSError):  # there is none, or the disk refuses that too
            temporary.unlink()
    return stamp


def keep_original(path: Path, backup: Path, *, same: Callable[[Path], bool]) -> Path | None:
    """Keep a file under a second name, `backup` or `backup_2` and so on, and return that name.

    None if `same` says of one that is there that it keeps the file already. Where the file system
    allows it, the backup is the very file, which `replace_file` then leaves to it: nothing is
    copied. Raises OSError.
    """
    target = Path(os.path.realpath(path))
    for number in count(1):
        kept = backup if number == 1 else backup.with_name(f"{backup.name}_{number}")
        if not os.path.lexists(kept) and _linked(target, kept):
            return kept
        if same(kept):
            return None
    raise AssertionError


def _linked(target: Path, backup: Path) -> bool:
    """Give a file a second name, or copy it; tell whether the name was free."""
    try:
        os.link(target, backup)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            raise
        _copy(target, backup)
    return True


def refused(path: Path, error: OSError) -> StorageError:
    """Say that a file cannot be written, and why."""
    reason = (error.strerror or str(error)).lower()
    return StorageError(f"{path} cannot be written: {reason}. It is as it was")


def _write(path: Path, data: bytes, like: Path) -> Stamp:
    """Write a new file with what the system keeps beside the content of another, if it is there."""
    try:
        old = like.stat()
    except FileNotFoundError:
        old = None
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        if old is not None:
            _take_over(file.fileno(), old, like)
        os.fsync(file.fileno())
        new = os.fstat(file.fileno())
    return Stamp(new.st_size, new.st_mtime_ns)


def _take_over(file: int, old: os.stat_result, like: Path) -> None:
    """Give a new file the owner, mode and attributes of an old one, as far as it is allowed."""
    with suppress(OSError):
        os.fchown(file, old.st_uid, old.st_gid)
    os.fchmod(file, stat.S_IMODE(old.st_mode))  # after the owner, whose change takes bits away
    if not hasattr(os, "listxattr"):
        return
    with suppress(OSError):
        for name in os.listxattr(like):
            with suppress(OSError):  # some are for the system alone
                os.setxattr(file, name, os.getxattr(like, name))


def _copy(path: Path, backup: Path) -> None:
    """Copy a file where there are no hard links; it gets its name only when it is whole."""
    temporary = backup.with_name(f".{secrets.token_hex(8)}.soutu-new")
    try:
        shutil.copy2(path, temporary)
        temporary.rename(backup)
    finally:
        with suppress(OSError):  # there is none, or the disk refuses that too
            temporary.unlink()


def _sync_folder(folder: Path) -> None:
    """Have the new name on the disk too, where folders can be synced."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
