"""Labelled pictures for the benches: COCO JSON, CSV and folders become pictures and a matrix.

- coco: a JSON file with `images`, `annotations` and `categories` (instances_*.json). Pictures lie
  beside it, or under `--images`.
- csv: a header, a column `image`, and either a column `labels` (names separated by |) or one
  column of 0 and 1 per label. Pictures lie beside it, or under `--images`.
- folder: LABEL/picture.jpg; each folder on the way to a picture is one of its labels, written with
  spaces for - and _. Folders named train, val, validation and test are none.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xxhash

import harness
from soutu.images.source import FileEntry, scan
from soutu.library.pipeline import encode_files

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.models.base import Encoder
    from soutu.types import Vectors

FORMS = ("coco", "csv", "folder")
SPLITS = frozenset({"train", "val", "validation", "test"})


class BrokenData(SystemExit):
    """End the bench with what is wrong with the labelled set, where, and what to do."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Labelled:
    """A labelled set: `truth` [pictures, labels] says which of `labels` hold for `paths`."""

    paths: tuple[Path, ...]
    labels: tuple[str, ...]
    truth: NDArray[np.bool_]


def read_labelled(data: Path, form: str, images: Path | None = None) -> Labelled:
    """Read a labelled set. Ends the program with a clear message where it is broken."""
    if form not in FORMS:
        raise BrokenData(f"{form!r} is no form of labelled data. Known: {', '.join(FORMS)}")
    if form == "folder":
        if not data.is_dir():
            raise BrokenData(f"{data} is no folder. Give the folder that holds LABEL/picture.jpg")
        found = _folder(data)
    else:
        read = {"coco": _coco, "csv": _csv}[form]
        found = read(data, images or data.parent)
    if not any(found.values()):
        raise BrokenData(f"{data} has no labelled picture, read as {form}")
    return _matrix(found)


def _matrix(found: Mapping[Path, Iterable[str]]) -> Labelled:
    paths = tuple(sorted(found))
    labels = tuple(sorted({label for each in found.values() for label in each}))
    column = {label: number for number, label in enumerate(labels)}
    truth = np.zeros((len(paths), len(labels)), dtype=np.bool_)
    for row, path in enumerate(paths):
        truth[row, [column[label] for label in found[path]]] = True
    return Labelled(paths=paths, labels=labels, truth=truth)


def _folder(root: Path) -> dict[Path, set[str]]:
    found = {}
    for entry in scan([root]):
        if not isinstance(entry, FileEntry):
            raise BrokenData(f"{entry.path} cannot be read: {entry.reason}")
        parts = entry.path.relative_to(root.absolute()).parts[:-1]
        names = (part.replace("-", " ").replace("_", " ") for part in parts if part not in SPLITS)
        found[entry.path] = set(names)
    return found


def _coco(file: Path, images: Path) -> dict[Path, set[str]]:
    try:
        content = json.loads(_text(file))
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise BrokenData(f"{file} is no JSON: {error.msg} at {where}") from error
    names = {row["id"]: str(row["name"]) for row in _rows(content, "categories", file, "name")}
    paths = {row["id"]: row["file_name"] for row in _rows(content, "images", file, "file_name")}
    found: dict[Path, set[str]] = {_picture(images, name, file): set() for name in paths.values()}
    needed = ("image_id", "category_id")
    for number, row in enumerate(_rows(content, "annotations", file, *needed, id_key=False)):
        picture, category = row["image_id"], row["category_id"]
        if picture not in paths or category not in names:
            missing = "images" if picture not in paths else "categories"
            value = picture if picture not in paths else category
            raise BrokenData(f"{file}: annotations[{number}] names {value!r}, not in '{missing}'")
        found[images / paths[picture]].add(names[category])
    return found


def _rows(
    content: Any, key: str, file: Path, *fields: str, id_key: bool = True
) -> list[dict[str, Any]]:
    """Return the objects of a list of the file, each with the fields that are needed."""
    rows = content.get(key) if isinstance(content, dict) else None
    if not isinstance(rows, list):
        raise BrokenData(f"{file} has no list {key!r}; COCO has images, annotations, categories")
    for number, row in enumerate(rows):
        for name in (*fields, "id") if id_key else fields:
            if not isinstance(row, dict) or name not in row:
                raise BrokenData(f"{file}: {key}[{number}] has no {name!r}")
    return rows


def _csv(file: Path, images: Path) -> dict[Path, set[str]]:
    reader = csv.reader(_text(file).splitlines())
    head = [name.strip() for name in next(reader, [])]
    if "image" not in head or len(head) < 2:
        raise BrokenData(
            f"{file}: line 1 is {','.join(head)!r}; it needs a column 'image' and a column "
            "'labels' (names separated by |) or one column of 0 and 1 per label"
        )
    found: dict[Path, set[str]] = {}
    try:
        for cells in reader:
            if not cells:
                continue
            where = f"{file}: line {reader.line_num}"
            if len(cells) != len(head):
                raise BrokenData(f"{where} has {len(cells)} columns, the header {len(head)}")
            row = dict(zip(head, (cell.strip() for cell in cells), strict=True))
            path = _picture(images, row.pop("image"), where)
            found.setdefault(path, set()).update(_labels(row, where))
    except csv.Error as error:
        raise BrokenData(f"{file}: line {reader.line_num}: {error}") from error
    return found


def _labels(row: Mapping[str, str], where: str) -> set[str]:
    if "labels" in row:
        return {name.strip() for name in row["labels"].split("|") if name.strip()}
    for name, value in row.items():
        if value not in ("", "0", "1"):
            raise BrokenData(f"{where}, column {name!r}: {value!r} is neither 0 nor 1")
    return {name for name, value in row.items() if value == "1"}


def _picture(images: Path, name: object, where: object) -> Path:
    path = images / str(name)
    if not str(name) or not path.is_file():
        raise BrokenData(f"{where}: there is no picture {path}. Name their folder with --images")
    return path


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BrokenData(f"{file} cannot be read: {error}") from error


# --- vectors ---


def encode(paths: Sequence[Path], encoder: Encoder) -> tuple[list[int], Vectors]:
    """Return the vectors of pictures, and the numbers of those that could be read.

    They are kept in the benches' cache, by model and by the files' paths, sizes and times.
    """
    entries = [_entry(path) for path in paths]
    facts = encoder.facts
    seen = repr((facts.name, facts.revision, facts.precision, entries))
    key = xxhash.xxh3_64_hexdigest(seen.encode("utf-8", "surrogatepass"))
    kept = harness.CACHE / "labelled" / f"{key}.npz"
    if kept.is_file():
        with np.load(kept) as stored:
            return stored["rows"].tolist(), stored["vectors"]
    number = {entry.path: row for row, entry in enumerate(entries)}
    rows: list[int] = []
    parts: list[Vectors] = [np.zeros((0, facts.dim), dtype=np.float32)]
    with closing(encode_files(entries, encoder)) as batches:
        for batch in batches:
            rows += [number[done.entry.path] for done in batch.encoded]
            parts.append(batch.vectors)
            for entry, reason in batch.failures:
                print(f"left out: {entry.path}: {reason}", file=sys.stderr)
    order = np.argsort(rows, kind="stable")
    vectors = np.concatenate(parts)[order]
    kept.parent.mkdir(parents=True, exist_ok=True)
    np.savez(kept, rows=np.array(rows, dtype=np.int64)[order], vectors=vectors)
    return [rows[at] for at in order], vectors


def _entry(path: Path) -> FileEntry:
    facts = path.stat()
    return FileEntry(path=path, root=path.parent, size=facts.st_size, mtime_ns=facts.st_mtime_ns)


def arguments(doc: str | None) -> argparse.ArgumentParser:
    """Start the command line of a bench on labelled data."""
    parser = harness.arguments(doc, rounds=3)
    parser.add_argument("--data", type=Path, required=True, help="the labelled set")
    parser.add_argument("--form", choices=FORMS, required=True, help="how it is written")
    parser.add_argument("--images", type=Path, help="folder of the pictures (default: beside it)")
    parser.add_argument("--model", default="mini", help="name or folder of a model (default mini)")
    return parser
