"""Text files that people hand in and take away: read with clear errors, replaced as a whole."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path

from soutu.errors import InputError, StorageError

_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def require_file(path: Path) -> None:
    """Raise InputError for what is no name of a file: a folder, or - for standard input."""
    if str(path) == "-":
        raise InputError(
            "'-' is no file: standard input and output are not read or written here. Name a file"
        )
    if path.is_dir():
        raise InputError(f"{path} is a folder. Name a file in it")


def read_text(path: Path, *, foreign_bytes: bool = False) -> str:
    """Return the text of a UTF-8 file, with or without a byte order mark; line ends stay.

    `foreign_bytes` keeps bytes that are not UTF-8 as Python keeps them in paths (surrogateescape).
    Raises InputError when there is no such file, it is no file, or it is not UTF-8.
    """
    require_file(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file. Check the path") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise InputError(f"{str(path)!r} cannot be read: {error}") from None
    if data.startswith(_UTF16):
        raise InputError(f"{path}, line 1: the text is UTF-16. Save it as UTF-8 ('CSV UTF-8')")
    try:
        return data.decode("utf-8-sig", "surrogateescape" if foreign_bytes else "strict")
    except UnicodeDecodeError as error:
        before = data[: error.start].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8-sig", "replace")) + 1
        raise InputError(
            f"{path}, line {line}, column {column}: the text is not UTF-8 (byte "
            f"0x{data[error.start]:02X}). Save it as UTF-8 ('CSV UTF-8' in a spreadsheet)"
        ) from None


def replace_text(path: Path, chunks: Iterable[str], *, foreign_bytes: bool = False) -> None:
    """Write a UTF-8 file as a whole: a full disk or a kill leaves the old one as it was.

    Raises InputError where no file can be, StorageError when the disk is full or refuses.
    """
    require_file(path)
    path = Path(os.path.realpath(path))  # a link stays a link
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}. Make it first")
    new = path.with_name(f".soutu-{secrets.token_hex(6)}.tmp")
    errors = "surrogateescape" if foreign_bytes else "strict"
    try:
        with new.open("x", encoding="utf-8", errors=errors, newline="") as file:
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, new)
        new.replace(path)
    except UnicodeEncodeError as error:
        text = error.object[error.start : error.end]
        raise InputError(f"{path}: {text!r} is no text and cannot be written as UTF-8") from None
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written: {error}. Free space or choose a place"
        ) from (error)
    finally:
        new.unlink(missing_ok=True)
