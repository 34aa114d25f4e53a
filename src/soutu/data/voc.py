"""PASCAL VOC: Annotations/*.xml, JPEGImages/, and ImageSets/Main with splits and classes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from soutu.data.labelled import NO, UNKNOWN, YES, LabelledData
from soutu.data.splits import split_named
from soutu.data.voc_xml import read_objects
from soutu.errors import InputError
from soutu.files.text import read_text
from soutu.images.source import SUFFIXES

_MARKS: Mapping[str, int] = {"1": YES, "-1": NO, "0": UNKNOWN}
_SPLITS = ("train", "val", "test")
_BOTH = "trainval"


@dataclass
class _Lists:
    """What ImageSets/Main says: pictures of each split, and marks of pictures for each class."""

    splits: dict[str, str] = field(default_factory=dict)
    marks: dict[str, dict[str, int]] = field(default_factory=dict)


def is_voc(folder: Path) -> bool:
    """Tell whether a folder has the layout of PASCAL VOC."""
    return (folder / "Annotations").is_dir() or (folder / "ImageSets" / "Main").is_dir()


def read_voc(folder: Path, *, root: Path | None = None, partial: bool = False) -> LabelledData:
    """Read the pictures that ImageSets/Main lists, or all with an XML file where it lists none.

    A class with an object is yes, one with difficult objects only is unknown, one without any is
    no (unknown with `partial`). A file of one class (cat_train.txt: 1 yes, -1 no, 0 difficult)
    stands above the XML for the pictures it lists; a picture with neither is unknown throughout.
    `root` is the folder of the pictures, by default JPEGImages. Raises InputError with the line
    of what is malformed.
    """
    if not is_voc(folder):
        raise InputError(f"{folder} has neither Annotations/ nor ImageSets/Main/, as VOC has")
    lists = _read_lists(folder / "ImageSets" / "Main")
    files = {file.stem: file for file in sorted((folder / "Annotations").glob("*.xml"))}
    names = list(lists.splits) or sorted({*files, *(n for m in lists.marks.values() for n in m)})
    if not names:
        raise InputError(f"{folder}: neither ImageSets/Main nor Annotations name a picture")
    objects = {name: read_objects(files[name]) for name in names if name in files}
    classes = sorted({*lists.marks, *(each for found in objects.values() for each in found)})
    columns = {each: number for number, each in enumerate(classes)}
    rows = {name: row for row, name in enumerate(names)}
    labels = np.full((len(names), len(classes)), UNKNOWN, np.int8)
    for name, found in objects.items():
        if not partial:
            labels[rows[name]] = NO
        for each, certain in found.items():
            labels[rows[name], columns[each]] = YES if certain else UNKNOWN
    for each, marks in lists.marks.items():
        for name, mark in marks.items():
            if name in rows:
                labels[rows[name], columns[each]] = mark
    return LabelledData(
        name=folder.name,
        paths=_pictures(root or folder / "JPEGImages", names),
        classes=tuple(classes),
        labels=labels,
        splits=tuple(lists.splits[name] for name in names) if lists.splits else None,
    )


def _read_lists(folder: Path) -> _Lists:
    lists = _Lists()
    files = sorted(folder.glob("*.txt")) if folder.is_dir() else []
    plain = [file for file in files if split_named(file.stem)]
    # VOC gives train and val once more as trainval; it counts where it is alone.
    for file in plain or [file for file in files if file.stem == _BOTH]:
        split = split_named(file.stem) or _SPLITS[0]
        for line, words in _lines(file):
            name = words[0]
            if (other := lists.splits.setdefault(name, split)) != split:
                raise InputError(
                    f"{file}, line {line}: {name!r} is in split {other!r} too. Choose one"
                )
    for file in files:
        each, _, rest = file.stem.rpartition("_")
        if each and (split_named(rest) or rest == _BOTH):
            _add_marks(file, lists.marks.setdefault(each, {}))
    return lists


def _add_marks(file: Path, marks: dict[str, int]) -> None:
    for line, words in _lines(file):
        mark = _MARKS.get(words[1]) if len(words) == 2 else None
        if mark is None:
            raise InputError(
                f"{file}, line {line}: {' '.join(words)!r} is not a picture with 1 (yes), -1 (no) "
                "or 0 (difficult)"
            )
        if marks.setdefault(words[0], mark) != mark:
            raise InputError(
                f"{file}, line {line}: {words[0]!r} was marked otherwise before. Take one out"
            )


def _lines(file: Path) -> Iterable[tuple[int, list[str]]]:
    for line, text in enumerate(read_text(file, foreign_bytes=True).splitlines(), start=1):
        if words := text.split():
            yield line, words


def _pictures(folder: Path, names: Sequence[str]) -> tuple[Path, ...]:
    """Return where each picture is, whatever its ending; NAME.jpg for one that is not there."""
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 - keep links
    found: dict[str, str] = {}
    if folder.is_dir():
        for name in sorted(os.listdir(folder)):  # noqa: PTH208 - names alone are wanted
            stem, _, suffix = name.rpartition(".")
            if suffix.lower() in SUFFIXES:
                found.setdefault(stem, name)
    return tuple(folder / found.get(name, f"{name}.jpg") for name in names)
