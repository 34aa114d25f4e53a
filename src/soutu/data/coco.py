"""COCO JSON: which classes have instances on a picture; LVIS, where most classes are unknown."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from soutu.data.labelled import NO, UNKNOWN, YES, LabelledData, Labels
from soutu.data.splits import split_within
from soutu.errors import InputError
from soutu.files.text import read_text

_ROBOFLOW = "_annotations.coco.json"


@dataclass(frozen=True)
class _Part:
    """One annotation file: its pictures, classes and labels."""

    file: Path
    paths: tuple[Path, ...]
    classes: tuple[str, ...]
    labels: Labels


def find_coco(folder: Path) -> list[Path]:
    """Return the annotation files of a folder in one of the usual layouts; empty without any.

    They are annotations/instances_*.json, instances*.json, lvis*.json, or SPLIT/_annotations.coco.json.
    """
    for pattern in (
        "annotations/instances*.json", "annotations/lvis*.json", "instances*.json", "lvis*.json",
        f"*/{_ROBOFLOW}", _ROBOFLOW,
    ):  # fmt: skip
        if found := sorted(folder.glob(pattern)):
            return found
    return []


def read_coco(path: Path, *, root: Path | None = None, partial: bool = False) -> LabelledData:
    """Read an annotation file, or all of a folder, whose names then tell the splits.

    A class is yes on a picture with an annotation of it (crowds count). Without one it is no, or
    unknown with `partial`. Where pictures have `neg_category_ids` (LVIS), only these are no and
    the rest is unknown; so is a class that only another file knows. `root` is the folder that
    `file_name` is relative to, by default found beside the file. Raises InputError with the line
    of malformed JSON, and with the place of what contradicts itself.
    """
    if not path.is_dir():
        part = _read(path, root, partial=partial)
        return LabelledData(
            name=path.stem, paths=part.paths, classes=part.classes, labels=part.labels
        )
    files = find_coco(path)
    if not files:
        raise InputError(
            f"{path} has no annotations/instances_*.json nor {_ROBOFLOW}. Name the JSON file"
        )
    return _joined(path.name, [_read(file, root, partial=partial) for file in files])


def _joined(name: str, parts: Sequence[_Part]) -> LabelledData:
    classes = tuple(dict.fromkeys(each for part in parts for each in part.classes))
    columns = {each: number for number, each in enumerate(classes)}
    labels = np.full((sum(len(part.paths) for part in parts), len(classes)), UNKNOWN, np.int8)
    splits: list[str] = []
    for part in parts:
        rows = slice(len(splits), len(splits) + len(part.paths))
        labels[rows, [columns[each] for each in part.classes]] = part.labels
        splits += [_split(part.file)] * len(part.paths)
    if len(parts) > 1 and not all(splits):
        unnamed = next(part.file for part in parts if not _split(part.file))
        raise InputError(
            f"{unnamed}: the name does not tell which split this is. Write train, val or test "
            "into it, or name one file"
        )
    return LabelledData(
        name=name,
        paths=tuple(path for part in parts for path in part.paths),
        classes=classes,
        labels=labels,
        splits=tuple(splits) if all(splits) else None,
    )


def _split(file: Path) -> str:
    return split_within(file.parent.name if file.name == _ROBOFLOW else file.stem) or ""


def _read(file: Path, root: Path | None, *, partial: bool) -> _Part:
    document = _document(file)
    images = _by_id(file, document, "images")
    categories = _by_id(file, document, "categories")
    rows = {key: row for row, key in enumerate(images)}
    columns = {key: column for column, key in enumerate(categories)}
    federated = any("neg_category_ids" in image for image in images.values())
    labels = np.full((len(rows), len(columns)), UNKNOWN if federated or partial else NO, np.int8)
    for number, image in enumerate(images.values()):
        for key in image.get("neg_category_ids") or ():
            labels[number, _known(columns, key, "category", f"{file}, images[{number}]")] = NO
    for number, each in enumerate(_entries(file, document, "annotations")):
        where = f"{file}, annotations[{number}]"
        row = _known(rows, each.get("image_id"), "image", where)
        column = _known(columns, each.get("category_id"), "category", where)
        if federated and labels[row, column] == NO:
            raise InputError(
                f"{where}: category {each['category_id']} is annotated on image "
                f"{each['image_id']}, and among its neg_category_ids. Take one of them out"
            )
        labels[row, column] = YES
    names = [_file_name(file, number, image) for number, image in enumerate(images.values())]
    folder = _root(file, names[0] if names else "", root)
    return _Part(
        file=file,
        paths=tuple(Path(os.path.normpath(folder / name)) for name in names),
        classes=tuple(
            _text(file, number, "categories", each, "name")
            for number, each in enumerate(categories.values())
        ),
        labels=labels,
    )


def _document(file: Path) -> Mapping[str, Any]:
    try:
        document = json.loads(read_text(file))
    except json.JSONDecodeError as error:
        raise InputError(
            f"{file}, line {error.lineno}, column {error.colno}: malformed JSON: {error.msg}"
        ) from None
    except (RecursionError, ValueError) as error:  # ValueError: a number of too many digits
        raise InputError(f"{file}: malformed JSON: {error}") from None
    if not isinstance(document, dict):
        raise InputError(f"{file}: COCO JSON is an object with images, annotations and categories")
    return document


def _entries(file: Path, document: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    entries = document.get(name)
    if not isinstance(entries, list):
        raise InputError(f"{file}: there is no list {name!r}. COCO JSON has one of instances")
    for number, each in enumerate(entries):
        if not isinstance(each, dict):
            raise InputError(f"{file}, {name}[{number}]: {str(each)[:40]!r} is no object")
    return entries


def _by_id(file: Path, document: Mapping[str, Any], name: str) -> dict[Any, dict[str, Any]]:
    found: dict[Any, dict[str, Any]] = {}
    for number, each in enumerate(_entries(file, document, name)):
        key = each.get("id")
        if not isinstance(key, int | str):
            raise InputError(f"{file}, {name}[{number}]: the id is {key!r}, not a number or text")
        if key in found:
            raise InputError(f"{file}, {name}[{number}]: id {key!r} is taken by an earlier one")
        found[key] = each
    if not found:
        raise InputError(f"{file}: the list {name!r} is empty")
    return found


def _known(places: Mapping[Any, int], key: object, what: str, where: str) -> int:
    if not isinstance(key, int | str) or key not in places:
        raise InputError(f"{where}: there is no {what} with id {key!r}")
    return places[key]


def _file_name(file: Path, number: int, image: Mapping[str, Any]) -> str:
    if "file_name" not in image and isinstance(url := image.get("coco_url"), str):
        return "/".join(urlsplit(url).path.split("/")[-2:])  # LVIS: …/train2017/000000391895.jpg
    return _text(file, number, "images", image, "file_name")


def _text(file: Path, number: int, name: str, entry: Mapping[str, Any], field: str) -> str:
    value = entry.get(field)
    if not isinstance(value, str) or not value or "\0" in value:
        raise InputError(f"{file}, {name}[{number}]: {field} is {value!r}, not a text")
    return value


def _root(file: Path, first: str, root: Path | None) -> Path:
    """Return the folder the pictures are in: the first that has the first picture."""
    if root is not None:
        return Path(os.path.abspath(root))  # noqa: PTH100 - keep links
    here = Path(os.path.abspath(file)).parent  # noqa: PTH100
    part = file.stem.rpartition("_")[2]  # instances_train2017.json -> train2017/
    folders = [here, here / "images", here / part, here / "images" / part]
    above = here.parent
    folders += [above, above / "images", above / part, above / "images" / part]
    return next((each for each in folders if (each / first).is_file()), folders[0])
