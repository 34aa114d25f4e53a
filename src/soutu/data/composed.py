"""Composed retrieval: a picture and words that change it lead to another picture (FashionIQ).

The layout is that of Wu et al., Fashion IQ (CVPR 2021): `captions/cap.CATEGORY.SPLIT.json`,
`image_splits/split.CATEGORY.SPLIT.json` and `images/`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xxhash

from soutu.errors import InputError

_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", "")


@dataclass(frozen=True)
class Change:
    """One query: from a picture, by words, to another; both are rows of the category's gallery."""

    reference: int
    words: str
    target: int


@dataclass(frozen=True, kw_only=True)
class Category:
    """The pictures that are searched for one kind of things, and the queries among them."""

    name: str
    images: tuple[Path, ...]
    queries: tuple[Change, ...]


@dataclass(frozen=True, kw_only=True)
class ComposedData:
    """All categories of one split. `notes` say what was left out, for reports."""

    name: str
    categories: tuple[Category, ...]
    notes: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """A hash over file names and queries, in their order: 32 hex digits."""
        hashed = xxhash.xxh3_128()
        for category in self.categories:
            for change in category.queries:
                parts = (
                    category.name,
                    category.images[change.reference].name,
                    change.words,
                    category.images[change.target].name,
                    "",
                )
                hashed.update("\0".join(parts).encode())
            hashed.update("\0".join(image.name for image in category.images).encode())
        return hashed.hexdigest()


def is_composed(folder: Path) -> bool:
    """Tell whether a folder is laid out as FashionIQ is."""
    return folder.is_dir() and bool(_caption_files(folder, "*"))


def load_composed(
    folder: Path | str,
    *,
    split: str = "val",
    images: Path | str | None = None,
    allow_missing: bool = False,
) -> ComposedData:
    """Read a folder in FashionIQ's layout.

    Queries whose pictures are missing are an error; with `allow_missing` they are left out.
    Without a file of a category's split, its gallery is every picture that a query names. Raises
    InputError.
    """
    root = Path(folder)
    files = _caption_files(root, split)
    if not files:
        splits = sorted({file.name.split(".")[2] for file in _caption_files(root, "*")})
        has = f"it has the splits {', '.join(splits)}" if splits else "it is no FashionIQ folder"
        raise InputError(f"{folder} has no cap.*.{split}.json: {has}")
    pictures = Path(images) if images is not None else root / "images"
    if not pictures.is_dir():
        raise InputError(f"there is no folder {pictures}. Say where the pictures are: --images")
    notes: list[str] = []
    categories = tuple(
        _category(file, root, split, pictures, allow_missing, notes) for file in files
    )
    return ComposedData(name=f"{root.name} ({split})", categories=categories, notes=tuple(notes))


def _caption_files(root: Path, split: str) -> list[Path]:
    found = [*root.glob(f"captions/cap.*.{split}.json"), *root.glob(f"cap.*.{split}.json")]
    return sorted(found, key=lambda file: file.name)


def _category(
    file: Path, root: Path, split: str, pictures: Path, allow_missing: bool, notes: list[str]
) -> Category:
    name = file.name.split(".")[1]
    queries = _queries(file)
    listing = root / "image_splits" / f"split.{name}.{split}.json"
    named = [each for query in queries for each in (query[0], query[2])]
    gallery = list(dict.fromkeys([*_names(listing), *named] if listing.is_file() else named))
    paths = {image: path for image in gallery if (path := _picture(pictures, image))}
    missing = [image for image in gallery if image not in paths]
    if missing:
        what = f"{len(missing):,} of {len(gallery):,} pictures of {name} ({_some(missing)})"
        if not allow_missing or not paths:
            raise InputError(
                f"{pictures} lacks {what}. Complete it, or leave them out with --allow-missing"
            )
        notes.append(f"left out, as they are not there: {what}")
    row_of = {image: row for row, image in enumerate(paths)}
    kept = tuple(
        Change(row_of[reference], words, row_of[target])
        for reference, words, target in queries
        if reference in row_of and target in row_of
    )
    if not kept:
        raise InputError(f"{file} has no query whose pictures are there")
    return Category(name=name, images=tuple(paths.values()), queries=kept)


def _queries(file: Path) -> list[tuple[str, str, str]]:
    data = _json(file)
    queries = []
    for number, each in enumerate(data, start=1):
        try:
            words = [text.strip(" .?!,") for text in each["captions"]]
            queries.append(
                (str(each["candidate"]), " and ".join(w for w in words if w), str(each["target"]))
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"{file}, entry {number}: candidate, target and captions are needed: {error!r}"
            ) from error
        if not queries[-1][1]:
            raise InputError(f"{file}, entry {number}: the captions are empty")
    if not queries:
        raise InputError(f"{file} has no queries")
    return queries


def _names(file: Path) -> list[str]:
    return [str(name) for name in _json(file)]


def _json(file: Path) -> list[Any]:
    try:
        data = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read: {error}") from error
    if not isinstance(data, list):
        raise InputError(f"{file} holds no JSON list")
    return data


def _picture(folder: Path, name: str) -> Path | None:
    return next(
        (path.absolute() for end in _ENDINGS if (path := folder / f"{name}{end}").is_file()), None
    )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
