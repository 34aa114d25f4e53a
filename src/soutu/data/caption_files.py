"""The files that captions come in, read line by line into file name, caption, language, split."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from soutu.errors import InputError

_TOKEN = re.compile(r"(?P<image>[^\t#]+)#(?:(?P<language>[a-z]{2})[a-z]*#)?\d+[\t ]+(?P<text>.*)")
"""`NAME.jpg#0<tab>caption` of Flickr8k and Flickr30k, `NAME.jpg#zhc#0 caption` of Flickr8k-CN."""

_COLUMNS = {
    "image": ("image", "image_name", "filename", "file_name", "file", "path"),
    "caption": ("caption", "comment", "text", "sentence"),
    "language": ("language", "lang"),
    "split": ("split",),
}
_SPLIT_FILE = re.compile(r".*?(train|dev|val|test)(_?images|_?img)?\.txt", re.IGNORECASE)
_SPLIT_NAMES = {"dev": "val", "restval": "train"}


@dataclass(frozen=True)
class Line:
    """One caption: of the picture of that file name; language and split "" where not said."""

    image: str
    caption: str
    language: str = ""
    split: str = ""


def read_lines(file: Path) -> list[Line]:
    """Read all captions of a file. Raises InputError, saying where it cannot be read."""
    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{file} is no UTF-8 text (byte {error.start}). Save it as UTF-8"
        ) from error
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}") from error
    if not text.strip():
        raise InputError(f"{file} is empty. Name a file with captions")
    lines = list(_reader_of(file, text)(file, text))
    if not lines:
        raise InputError(f"{file} has no captions. Name another file")
    return lines


def read_splits(folder: Path) -> dict[str, str]:
    """Read the split files of a folder (`Flickr_8k.testImages.txt`): the split of each file name.

    `dev` is called val, as elsewhere. Raises InputError for a picture in two splits.
    """
    splits: dict[str, str] = {}
    for file in sorted(folder.glob("*.txt")):
        match = _SPLIT_FILE.fullmatch(file.name)
        if match is None:
            continue
        split = match[1].lower()
        split = _SPLIT_NAMES.get(split, split)
        for name in file.read_text("utf-8-sig").split("\n"):
            image = name.strip()
            if not image:
                continue
            if splits.setdefault(image, split) != split:
                raise InputError(f"{file}: {image} is in two splits, {splits[image]} and {split}")
    return splits


def _reader_of(file: Path, text: str) -> Callable[[Path, str], Iterator[Line]]:
    if file.suffix.lower() == ".json" or text.lstrip().startswith("{"):
        return _json_lines
    first = text.lstrip().split("\n", 1)[0]
    return _token_lines if _TOKEN.fullmatch(first.rstrip("\r")) else _csv_lines


def _token_lines(file: Path, text: str) -> Iterator[Line]:
    for number, row in enumerate(text.splitlines(), start=1):
        if not row.strip():
            continue
        match = _TOKEN.fullmatch(row)
        if match is None:
            raise InputError(
                f"{file}, line {number}: expected NAME.jpg#0, a tab and a caption, "
                f"found {row.strip()!r:.60}"
            )
        yield Line(match["image"].strip(), match["text"].strip(), match["language"] or "")


def _csv_lines(file: Path, text: str) -> Iterator[Line]:
    first = text.split("\n", 1)[0]
    delimiter = max("|\t,;", key=first.count)
    # Flickr30k's results.csv separates by "| " and does not quote; Flickr8k's captions.txt does.
    quoting = csv.QUOTE_NONE if delimiter == "|" else csv.QUOTE_MINIMAL
    rows = csv.reader(text.splitlines(), delimiter=delimiter, quoting=quoting)
    header = [name.strip().lower() for name in next(rows)]
    column = {key: _column(header, names) for key, names in _COLUMNS.items()}
    if column["image"] is None or column["caption"] is None:
        raise InputError(
            f"{file}: the first line must name the columns image and caption (and may name "
            f"language and split), found {', '.join(header)!r:.80}"
        )
    try:
        for row in rows:
            if any(cell.strip() for cell in row):
                yield _csv_line(file, rows.line_num, row, column)
    except csv.Error as error:
        raise InputError(f"{file}, line {rows.line_num}: {error}") from error


def _column(header: list[str], names: tuple[str, ...]) -> int | None:
    return next((header.index(name) for name in names if name in header), None)


def _csv_line(file: Path, number: int, row: list[str], column: Mapping[str, int | None]) -> Line:
    def cell(key: str) -> str:
        at = column[key]
        return row[at].strip() if at is not None and at < len(row) else ""

    if not cell("image"):
        raise InputError(f"{file}, line {number}: there is no file name")
    split = cell("split").lower()
    return Line(
        cell("image"), cell("caption"), cell("language").lower(), _SPLIT_NAMES.get(split, split)
    )


def _json_lines(file: Path, text: str) -> Iterator[Line]:
    try:
        data = json.loads(text)
    except ValueError as error:
        raise InputError(f"{file} is no JSON: {error}") from error
    images = data.get("images") if isinstance(data, dict) else None
    if not isinstance(images, list):
        raise InputError(f'{file} has no list "images", as COCO and Karpathy files have')
    try:
        if isinstance(data.get("annotations"), list):
            yield from _coco_lines(file, images, data["annotations"])
        else:
            yield from _karpathy_lines(images)
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{file} is neither a COCO captions file nor one of Karpathy's splits: {error!r}"
        ) from error


def _coco_lines(file: Path, images: list[Any], annotations: list[Any]) -> Iterator[Line]:
    names = {image["id"]: str(image["file_name"]) for image in images}
    for annotation in annotations:
        if "caption" not in annotation:
            raise InputError(
                f"{file} has annotations without a caption: it may be the file of boxes. "
                "Name captions_*.json"
            )
        if annotation["image_id"] not in names:
            raise InputError(
                f"{file}: a caption belongs to picture {annotation['image_id']}, which the file "
                "does not list"
            )
        yield Line(
            names[annotation["image_id"]],
            str(annotation["caption"]).strip(),
            str(annotation.get("language", "")),
        )


def _karpathy_lines(images: list[Any]) -> Iterator[Line]:
    for image in images:
        split = str(image.get("split", ""))
        folder = str(image.get("filepath", ""))
        name = f"{folder}/{image['filename']}" if folder else str(image["filename"])
        for sentence in image["sentences"]:
            yield Line(name, str(sentence["raw"]).strip(), "", _SPLIT_NAMES.get(split, split))
