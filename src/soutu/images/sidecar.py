"""Read and write the XMP file beside a picture: `photo.jpg.xmp`, or Lightroom's `photo.xmp`."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path

from soutu.errors import ImageError
from soutu.images import xmp
from soutu.images.decode import read
from soutu.images.keywords import Keywords, TagPath, join
from soutu.images.replacement import replace_file
from soutu.images.source import SIDECAR_SUFFIXES

_MADE_FOR = re.compile(rb"""SidecarForExtension\s*(?:=\s*["']|>)\s*([A-Za-z0-9]{1,10})\s*["'<]""")
"""Where Adobe's programs say which of the pictures `photo.*` the sidecar `photo.xmp` is for."""


def find_sidecars(picture: Path) -> list[Path]:
    """List the sidecars that are there for a picture, `photo.jpg.xmp` first.

    `photo.xmp` is left out where it says that it is for another picture, as the one of a raw
    file with the same name.
    """
    own = _existing(picture)
    shared = _existing(picture.with_suffix("")) if picture.suffix else None
    found = [own] if own else []
    if shared and _is_for(shared, picture):
        found.append(shared)
    return found


def read_sidecar(sidecar: Path) -> Keywords:
    """Read the keywords of a sidecar. Raises ImageError, naming file and line, for a broken one."""
    try:
        return xmp.keywords_of(_content(sidecar))
    except ImageError as error:
        raise _named(sidecar, error) from error


def keywords_beside(picture: Path) -> Keywords:
    """Read the keywords of all sidecars of a picture; a broken one reads as none."""
    found = []
    for sidecar in find_sidecars(picture):
        try:
            found.append(read_sidecar(sidecar))
        except ImageError:
            continue
    return join(found)


def write_sidecar(picture: Path, tags: Sequence[TagPath], remove: Collection[str] = ()) -> Path:
    """Write tags into the sidecar of a picture and return its path.

    That is the one that is there already, else `photo.jpg.xmp`, which is made only if there are
    tags. It keeps everything else in it; of keywords, those that `remove` names go unless they
    are among `tags` too. With nothing to change the file is not touched.
    Raises ImageError, naming file and line, for a sidecar that is broken and stays as it is;
    InputError for a tag that XMP cannot hold; StorageError when the disk refuses.
    """
    there = find_sidecars(picture)
    if not there:
        sidecar = picture.with_name(picture.name + SIDECAR_SUFFIXES[0])
        if tags:
            replace_file(sidecar, xmp.edit(xmp.EMPTY, tags) + b"\n")
        return sidecar
    sidecar = there[0]
    try:
        old = _content(sidecar)
        new = xmp.edit(old, tags, remove)
    except ImageError as error:
        raise _named(sidecar, error) from error
    if new != old:
        replace_file(sidecar, new)
    return sidecar


def _existing(base: Path) -> Path | None:
    candidates = (base.with_name(base.name + suffix) for suffix in SIDECAR_SUFFIXES)
    return next((path for path in candidates if path.is_file()), None)


def _is_for(sidecar: Path, picture: Path) -> bool:
    try:
        match = _MADE_FOR.search(_content(sidecar))
    except ImageError:
        return True  # let who reads it say what is wrong with it
    return match is None or match[1].decode().lower() == picture.suffix[1:].lower()


def _content(sidecar: Path) -> bytes:
    return read(sidecar).data


def _named(sidecar: Path, error: ImageError) -> ImageError:
    return ImageError(f"the sidecar {sidecar}: {error}")
