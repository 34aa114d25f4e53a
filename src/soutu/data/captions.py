"""Pictures with captions, in the layouts that people have: Flickr8k, Flickr30k, COCO, CSV.

A layout says which caption belongs to which file name; where the pictures are is found out here,
and everything that cannot be used is told before anything is encoded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xxhash

from soutu.data.caption_files import Line, read_lines, read_splits
from soutu.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SHOWN = 3
_BESIDE = (
    "Images", "images", "Flicker8k_Dataset", "Flickr8k_Dataset", "Flickr8k_Images",
    "flickr30k_images", "flickr30k-images", "Flickr30k_Images", "val2017", "train2017", "val2014",
    "train2014", ".",
)  # fmt: skip
"""Folders beside a caption file, or one above it, that data sets keep their pictures in."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CaptionData:
    """Pictures and what people wrote of them.

    `image_of` [captions] is the row of each caption's picture, `languages` one code a caption
    ("" where the source says none), `splits` one name a picture, where the source has splits.
    `notes` say what was left out, for reports.
    """

    name: str
    images: tuple[Path, ...]
    captions: tuple[str, ...]
    image_of: NDArray[np.intp]
    languages: tuple[str, ...]
    splits: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()

    @cached_property
    def digest(self) -> str:
        """A hash over file names, captions and languages, in their order: 32 hex digits."""
        hashed = xxhash.xxh3_128()
        for row, text, language in zip(self.image_of, self.captions, self.languages, strict=True):
            name = self.images[row].name
            hashed.update("\0".join((name, text, language, "")).encode("utf-8", "surrogatepass"))
        return hashed.hexdigest()

    def part(self, split: str) -> CaptionData:
        """Return the pictures of one split. Raises InputError for one that is not there."""
        if self.splits is None or split not in self.splits:
            known = ", ".join(sorted(set(self.splits or ()))) or "none"
            raise InputError(f"{self.name} has no split {split!r}; it has: {known}")
        keep = np.flatnonzero(np.array(self.splits) == split)
        return replace(self.take(keep.astype(np.intp)), name=f"{self.name} ({split})")

    def take(self, rows: NDArray[np.intp]) -> CaptionData:
        """Return the pictures of some rows, ascending, with their captions."""
        new = np.full(len(self.images), -1, dtype=np.intp)
        new[rows] = np.arange(len(rows))
        kept = np.flatnonzero(new[self.image_of] >= 0)
        return replace(
            self,
            images=tuple(self.images[row] for row in rows),
            captions=tuple(self.captions[i] for i in kept),
            image_of=new[self.image_of[kept]],
            languages=tuple(self.languages[i] for i in kept),
            splits=None if self.splits is None else tuple(self.splits[row] for row in rows),
        )


def load_captions(
    path: Path | str,
    *,
    images: Path | str | None = None,
    split: str | None = None,
    language: str = "",
    allow_missing: bool = False,
) -> CaptionData:
    """Read a caption file, or the one in a folder.

    Known are Flickr8k and Flickr30k (`image,caption`, `image| number| comment` and `NAME#0 caption`
    lines, with split files beside them), Karpathy's JSON, COCO captions JSON, and any CSV with the
    columns image and caption, and perhaps language and split. `images` is the folder of the
    pictures, found beside the file where it is not given; `split` keeps one split; `language` is
    that of captions whose file does not say one. Raises InputError for a file in no known layout,
    empty captions and captions of missing pictures; with `allow_missing` these are left out.
    """
    file = find_captions(Path(path))
    lines = read_lines(file)
    splits = read_splits(file.parent)
    lines = [_completed(line, splits, language) for line in lines]
    if split is not None:
        lines = _of_split(lines, split, file)
    notes: list[str] = []
    lines = _without_empty(lines, file, allow_missing, notes)
    lines = _without_repeats(lines, notes)
    places = _places(sorted({line.image for line in lines}), file, images)
    lines = _without_missing(lines, places, file, allow_missing, notes)
    if not lines:
        raise InputError(f"{file} has no caption of a picture that is there. Name another file")
    name = file.stem if split is None else f"{file.stem} ({split})"
    return _gathered(name, lines, places, notes)


def find_captions(path: Path) -> Path:
    """Return a caption file, or the only one in a folder. Raises InputError."""
    if path.is_file():
        return path
    if not path.is_dir():
        raise InputError(f"there is no caption file or folder {path}")
    likely = [p for p in sorted(path.iterdir()) if p.is_file() and _looks_like_captions(p)]
    likely += [] if likely else sorted(path.glob("annotations/captions_*.json"))
    if len(likely) == 1:
        return likely[0]
    if not likely:
        raise InputError(
            f"{path} holds no caption file: looked for captions.txt, captions.csv, *.token.txt, "
            "*.token, results.csv, captions_*.json and dataset_*.json. Name the file itself"
        )
    names = ", ".join(p.name for p in likely)
    raise InputError(f"{path} holds several caption files: {names}. Name one of them")


def _looks_like_captions(path: Path) -> bool:
    name = path.name.lower()
    return (
        name in {"captions.txt", "captions.csv", "captions.json", "results.csv"}
        or name.endswith((".token.txt", ".token"))
        or (name.startswith(("captions_", "dataset_")) and name.endswith(".json"))
    )


def _completed(line: Line, splits: dict[str, str], language: str) -> Line:
    """Add what stands beside the caption file, not in it."""
    return replace(
        line,
        split=line.split or splits.get(line.image, ""),
        language=line.language or language,
    )


def _of_split(lines: list[Line], split: str, file: Path) -> list[Line]:
    kept = [line for line in lines if line.split == split]
    if not kept:
        known = ", ".join(sorted({line.split for line in lines if line.split})) or "none"
        raise InputError(f"{file} has no split {split!r}; it has: {known}")
    return kept


def _without_empty(
    lines: list[Line], file: Path, allow_missing: bool, notes: list[str]
) -> list[Line]:
    empty = [line.image for line in lines if not line.caption.strip()]
    if not empty:
        return lines
    what = f"{len(empty):,} empty captions ({_some(empty)})"
    if not allow_missing:
        raise InputError(f"{file} has {what}. Mend them, or leave them out with --allow-missing")
    notes.append(f"left out: {what}")
    return [line for line in lines if line.caption.strip()]


def _without_repeats(lines: list[Line], notes: list[str]) -> list[Line]:
    """Keep one of several equal captions of a picture; note captions that several pictures share.

    A caption that describes two pictures is right for both, but only its own one counts: that is
    how published figures are made, and it can only lower a figure.
    """
    kept = list(dict.fromkeys(lines))
    if len(kept) < len(lines):
        notes.append(f"{len(lines) - len(kept):,} captions that repeat another of their picture")
    pictures = Counter(text for text, _ in {(line.caption, line.image) for line in kept})
    shared = sum(count > 1 for count in pictures.values())
    if shared:
        notes.append(
            f"{shared:,} captions stand at several pictures; only a caption's own picture counts"
        )
    return kept


def _places(names: Sequence[str], file: Path, images: Path | str | None) -> dict[str, Path]:
    """Find the folder that has most of the pictures; return the paths of those that are there."""
    if images is not None:
        folders = [Path(images)]
        if not folders[0].is_dir():
            raise InputError(f"there is no folder {images}. Name the one with the pictures")
    else:
        folders = [base / name for base in (file.parent, file.parent.parent) for name in _BESIDE]
        folders = [folder for folder in dict.fromkeys(folders) if folder.is_dir()]
    best: dict[str, Path] = {}
    for folder in folders:
        found = {name: folder / name for name in names if (folder / name).is_file()}
        if len(found) > len(best):
            best = found
        if len(best) == len(names):
            break
    return {name: path.absolute() for name, path in best.items()}


def _without_missing(
    lines: list[Line],
    places: dict[str, Path],
    file: Path,
    allow_missing: bool,
    notes: list[str],
) -> list[Line]:
    missing = sorted({line.image for line in lines} - places.keys())
    if not missing:
        return lines
    what = f"{len(missing):,} pictures that are not there ({_some(missing)})"
    if not places:
        raise InputError(
            f"none of the pictures of {file} was found ({_some(missing)}). Say where they are: "
            "--images FOLDER"
        )
    if not allow_missing:
        raise InputError(
            f"{file} has captions of {what}. Say where they are with --images FOLDER, or leave "
            "them out with --allow-missing"
        )
    notes.append(f"left out: captions of {what}")
    return [line for line in lines if line.image in places]


def _gathered(
    name: str, lines: list[Line], places: dict[str, Path], notes: list[str]
) -> CaptionData:
    row_of: dict[str, int] = {}
    image_of = [row_of.setdefault(line.image, len(row_of)) for line in lines]
    split_of = {line.image: line.split for line in lines}
    splits = tuple(split_of[image] for image in row_of)
    return CaptionData(
        name=name,
        images=tuple(places[image] for image in row_of),
        captions=tuple(line.caption.strip() for line in lines),
        image_of=np.array(image_of, dtype=np.intp),
        languages=tuple(line.language for line in lines),
        splits=splits if all(splits) else None,
        notes=tuple(notes),
    )


def _some(names: Sequence[str]) -> str:
    distinct = list(dict.fromkeys(names))
    return ", ".join(distinct[:_SHOWN]) + (" …" if len(distinct) > _SHOWN else "")
