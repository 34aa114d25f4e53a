"""A folder for each class: `cat/1.jpg`, or `train/cat/1.jpg`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from soutu.data.labelled import NO, UNKNOWN, YES, LabelledData
from soutu.data.splits import split_named
from soutu.errors import InputError
from soutu.images.source import SKIPPED_FOLDERS, SUFFIXES, scan
from soutu.types import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable


def read_folders(folder: Path, *, partial: bool = False) -> LabelledData:
    """Read pictures whose class is the folder they lie in, at any depth below it.

    Where every folder at the top is called train, val or test (or as people also call these),
    the classes are one level below and the splits are kept. A picture holds the class of its
    folder and no other; with `partial`, the others are unknown. A folder without pictures is a
    class all the same. Raises InputError where there are no classes, and for pictures beside
    their folders.
    """
    tops = _folders(folder)
    _check_strays(folder, "the class folders")
    named = {top: split_named(top.name) for top in tops}
    if tops and all(named.values()):
        for top in tops:
            _check_strays(top, "the class folders")
        places = [(below, named[top]) for top in tops for below in _folders(top)]
    else:
        places = [(top, None) for top in tops]
    if not places:
        raise InputError(
            f"{folder} has no folders with pictures. Put each class into a folder, as "
            f"{folder.name}/cat/1.jpg, or name a CSV, COCO or VOC data set"
        )
    return _data(folder, places, absent=UNKNOWN if partial else NO)


def _data(folder: Path, places: list[tuple[Path, str | None]], *, absent: int) -> LabelledData:
    classes = sorted({place.name for place, _ in places})
    columns = {name: column for column, name in enumerate(classes)}
    paths: list[Path] = []
    column: list[int] = []
    splits: list[str] = []
    for place, split in places:
        found = list(_pictures(place))
        paths += found
        column += [columns[place.name]] * len(found)
        splits += [split or ""] * len(found)
    if not paths:
        raise InputError(
            f"{folder}: the {len(classes)} class folders hold no pictures. Pictures end in "
            f"{', '.join(sorted(SUFFIXES)[:8])} …"
        )
    labels = np.full((len(paths), len(classes)), absent, np.int8)
    labels[np.arange(len(paths)), column] = YES
    return LabelledData(
        name=folder.name,
        paths=tuple(paths),
        classes=tuple(classes),
        labels=labels,
        splits=None if places[0][1] is None else tuple(splits),
    )


def _folders(folder: Path) -> list[Path]:
    try:
        below = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"{folder} cannot be listed: {error.strerror}") from None
    return [
        each
        for each in below
        if not each.name.startswith(".")
        and each.name.lower() not in SKIPPED_FOLDERS
        and each.is_dir()
    ]


def _check_strays(folder: Path, what: str) -> None:
    """Raise InputError for pictures that lie in no class folder."""
    strays = [
        each.name for each in sorted(folder.iterdir()) if _is_picture(each.name) and each.is_file()
    ]
    if strays:
        raise InputError(
            f"{folder}: {len(strays)} pictures lie beside {what}, the first is {strays[0]!r}. "
            "Move each into the folder of its class"
        )


def _is_picture(name: str) -> bool:
    _, dot, suffix = name.rpartition(".")
    return bool(dot) and suffix.lower() in SUFFIXES and not name.startswith("._")


def _pictures(place: Path) -> Iterable[Path]:
    """Yield the pictures below a folder; broken links too, which a check lists as missing."""
    for found in scan([place]):
        if not isinstance(found, Failure) or (os.path.islink(found.path) and _is_picture(found.path.name)):
            yield found.path
        else:
            raise InputError(f"{found.path} {found.reason}. Mend it, or move it away")
