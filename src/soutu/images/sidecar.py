"""Read and write the XMP file beside a picture: `photo.jpg.xmp`, or Lightroom's `photo.xmp`."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path

from soutu.errors import ImageError
from soutu.images import xmp
from soutu.images.decode import read
from soutu.images.keywords import Keywords, Own, TagPath, check, join
from soutu.images.replacement import Rewrite, Stamp
from soutu.images.source import SIDECAR_SUFFIXES, SUFFIXES
from soutu.types import Failure

_MADE_FOR = re.compile(rb"""SidecarForExtension\s*(?:=\s*["']|>)\s*([A-Za-z0-9]{1,10})\s*["'<]""")
"""Where Adobe's programs say which of the pictures `photo.*` the sidecar `photo.xmp` is for."""


# fmt: off
_RAW = (
    "3fr", "arw", "cr2", "cr3", "crw", "dcr", "dng", "erf", "fff", "iiq", "kdc", "mef", "mos",
    "mrw", "nef", "nrw", "orf", "pef", "raf", "raw", "rw2", "rwl", "sr2", "srf", "srw", "x3f",
)
# fmt: on
"""Endings of the raw files of cameras, which share names with the pictures made of them."""


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


def read_beside(picture: Path) -> tuple[Keywords, tuple[Failure, ...]]:
    """Read the keywords of all sidecars of a picture, and say which sidecars are broken."""
    found, broken = [], []
    for sidecar in find_sidecars(picture):
        try:
            found.append(read_sidecar(sidecar))
        except ImageError as error:
            reason = str(error.__cause__ or error)
            broken.append(Failure(path=sidecar, reason=f"its keywords cannot be read: {reason}"))
    return join(found), tuple(broken)


def keywords_beside(picture: Path) -> Keywords:
    """Read the keywords of all sidecars of a picture; a broken one reads as none."""
    return read_beside(picture)[0]


def plan_sidecars(
    picture: Path,
    tags: Sequence[TagPath],
    remove: Collection[str] = (),
    *,
    own: Own | None = None,
    make: bool = True,
) -> list[Rewrite]:
    """Return what the sidecars of a picture shall hold, the one with the tags first.

    That is `photo.jpg.xmp` if it is there, else a `photo.xmp` that no other picture of that name
    shares; else, with `make` and if there are tags, a new `photo.jpg.xmp`. From the others only
    goes what is to go; from one that is shared, only what soutu wrote. Everything else in them
    stays; see `xmp.edit`. Raises ImageError, naming file and line, for a sidecar that is broken;
    InputError for a tag that XMP cannot hold.
    """
    check(tags)
    there = find_sidecars(picture)
    target = _target(picture, there)
    plans = [
        _plan(sidecar, tags, remove, own)
        if sidecar == target
        else _plan(sidecar, (), () if _shared(sidecar, picture) else remove, own)
        for sidecar in there
    ]
    if target not in there and make and tags:
        made = xmp.edit(xmp.EMPTY, tags, own=own) + b"\n"
        plans.insert(0, Rewrite(target, None, None, made))
    return plans


def write_sidecar(
    picture: Path, tags: Sequence[TagPath], remove: Collection[str] = (), *, own: Own | None = None
) -> Path:
    """Write tags as `plan_sidecars` says and return the path of the sidecar that has them.

    With nothing to change no file is touched. Raises what `plan_sidecars` does, also for a
    sidecar that changes meanwhile, and StorageError when the disk refuses; what is not written
    then stays as it is.
    """
    target = _target(picture, find_sidecars(picture))
    for plan in plan_sidecars(picture, tags, remove, own=own):
        if plan.changes:
            plan.write()
    return target


def _target(picture: Path, there: Sequence[Path]) -> Path:
    """Return which sidecar the tags of a picture go into, whether it is there or not."""
    own = [sidecar for sidecar in there if not _shared(sidecar, picture)]
    return own[0] if own else picture.with_name(picture.name + SIDECAR_SUFFIXES[0])


def _plan(
    sidecar: Path, tags: Sequence[TagPath], remove: Collection[str], own: Own | None
) -> Rewrite:
    try:
        blob = read(sidecar)
        new = xmp.edit(blob.data, tags, remove, own=own)
    except ImageError as error:
        raise _named(sidecar, error) from error
    return Rewrite(sidecar, blob.data, Stamp(blob.size, blob.mtime_ns), new)


def _shared(sidecar: Path, picture: Path) -> bool:
    """Say whether other pictures of the same name may have a sidecar `photo.xmp` for theirs.

    One that says for which picture it is has been asked already; see `find_sidecars`.
    """
    if sidecar.name.startswith(picture.name + ".") or _made_for(sidecar):
        return False
    ends = {end for known in (*SUFFIXES, *_RAW) for end in (known, known.upper())}
    ends.discard(picture.suffix[1:])
    return any(_is_other(Path(f"{picture.with_suffix('')}.{end}"), picture) for end in ends)


def _is_other(path: Path, picture: Path) -> bool:
    try:
        return not path.samefile(picture)  # it is, where case makes no difference
    except OSError:
        return False


def _existing(base: Path) -> Path | None:
    candidates = (base.with_name(base.name + suffix) for suffix in SIDECAR_SUFFIXES)
    return next((path for path in candidates if _is_file(path)), None)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long for the disk, say
        return False


def _is_for(sidecar: Path, picture: Path) -> bool:
    return _made_for(sidecar) in ("", picture.suffix[1:].lower())


def _made_for(sidecar: Path) -> str:
    """Return the ending of the picture that a sidecar says it is for, empty if it says none."""
    try:
        match = _MADE_FOR.search(_content(sidecar))
    except ImageError:
        return ""  # let who reads it say what is wrong with it
    return match[1].decode().lower() if match else ""


def _content(sidecar: Path) -> bytes:
    return read(sidecar).data


def _named(sidecar: Path, error: ImageError) -> ImageError:
    return ImageError(f"the sidecar {sidecar}: {error}")
