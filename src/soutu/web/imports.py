"""Files that come to be imported: kept for a moment where the library reads files."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from soutu.errors import InputError, StorageError

if TYPE_CHECKING:
    from starlette.datastructures import UploadFile

_NO_NAME = re.compile("[\x00-\x1f\x7f-\x9f]")  # control characters
_STEM, _SUFFIX = 50, 10  # characters of a name that are kept: 240 bytes at most


@contextmanager
def kept(name: str, write: Callable[[Path], object], *, shown: str | None = None) -> Iterator[Path]:
    """Give a file that `write` makes a place to be read from, under its own name.

    What goes wrong with it, InputError, names the file as its owner does (or as `shown`).
    Raises StorageError where there is no room for it.
    """
    try:
        folder = tempfile.TemporaryDirectory(prefix="soutu-", ignore_cleanup_errors=True)
    except OSError as error:
        raise StorageError(f"{name} cannot be kept: {error}. Free space") from error
    with folder:
        path = Path(folder.name, safe_name(name))
        try:
            write(path)
        except OSError as error:
            raise StorageError(f"{path.name} cannot be kept: {error}. Free space") from error
        try:
            yield path
        except InputError as error:
            told = str(error).replace(str(path), shown or path.name)
            raise type(error)(told) from None


@contextmanager
def uploaded(files: Sequence[UploadFile], *, shown: str | None = None) -> Iterator[Path]:
    """Keep the one file of a form; see `kept`. Raises InputError for none or several."""
    if len(files) != 1:
        raise InputError(f"{len(files)} files came with the request. Send one")
    file = files[0]

    def write(path: Path) -> None:
        with path.open("wb") as out:
            shutil.copyfileobj(file.file, out)

    with kept(file.filename or "", write, shown=shown) as path:
        yield path


@contextmanager
def uploaded_folder(
    files: Sequence[UploadFile], known: Sequence[str], *, shown: str
) -> Iterator[Path]:
    """Keep the files of a form in a folder of their own; errors call it `shown`.

    Raises InputError for none, for two of one name, and for a name that is not `known`.
    """
    names = [file.filename or "" for file in files]
    if not names or len(set(names)) < len(names) or not set(names) <= set(known):
        told = ", ".join(names) or "no file"
        raise InputError(f"{told} came with the request. Send what there is of {', '.join(known)}")

    def write(path: Path) -> None:
        path.mkdir()
        for name, file in zip(names, files, strict=True):
            with (path / name).open("wb") as out:
                shutil.copyfileobj(file.file, out)

    with kept("folder", write, shown=shown) as folder:
        yield folder


def safe_name(name: str) -> str:
    """Return the last part of a file's name, so that it is one anywhere; "upload" for nothing."""
    last = re.split(r"[/\\]", name)[-1].encode("utf-8", "replace").decode()
    found = Path(_NO_NAME.sub("", last).strip() or "upload")
    if found.name in {"", ".", ".."}:
        return "upload"
    return found.stem[:_STEM] + found.suffix[:_SUFFIX]
