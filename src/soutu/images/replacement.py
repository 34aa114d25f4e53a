"""Put a file in the place of another at once: a crash leaves the old one or the new one, whole."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from soutu.errors import StorageError


def replace_file(path: Path, data: bytes, *, before: Callable[[], None] | None = None) -> None:
    """Write a file anew with the mode of the old one, through a temporary file beside it.

    A link stays a link: what it points to is written. `before` is called when the new file is on
    the disk and the old one still in place. Raises StorageError when the disk is full or refuses;
    the old file is then as it was.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{secrets.token_hex(8)}.soutu-new")
    try:
        _write(temporary, data, _mode(target))
        if before:
            before()
        temporary.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        raise refused(target, error) from error
    finally:
        with suppress(OSError):  # there is none, or the disk refuses that too
            temporary.unlink()


def keep_original(path: Path, backup: Path) -> bool:
    """Keep a file under a second name unless that one is taken; tell whether it was not.

    Where the file system allows it, the backup is the very file, which `replace_file` then leaves
    to it: nothing is copied. Raises OSError.
    """
    target = Path(os.path.realpath(path))
    if os.path.lexists(backup):
        return False
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


def _write(path: Path, data: bytes, mode: int | None) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        if mode is not None:
            os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())


def _mode(path: Path) -> int | None:
    """Return the mode of a file; None for one that is not there, whose mode the umask gives."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return None


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
