"""Open what retrieval is judged on, whatever it is, and judge it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from soutu.data import load
from soutu.data.captions import CaptionData, find_captions, load_captions
from soutu.data.composed import ComposedData, is_composed, load_composed
from soutu.data.labelled import LabelledData
from soutu.errors import InputError
from soutu.evaluate.retrieval import run_captions, run_composed, run_pictures

if TYPE_CHECKING:
    from soutu.evaluate.retrieval_report import AnyRetrieved
    from soutu.evaluate.setup import Setup, System

Kind = Literal["captions", "pictures", "composed"]
Found: TypeAlias = CaptionData | LabelledData | ComposedData

_HEAD = 1 << 20  # bytes in which a file shows what it is


def guess_kind(place: Path) -> Kind:
    """Tell what a file or folder holds: captions, composed queries, or else labelled pictures."""
    if place.is_dir():
        if is_composed(place):
            return "composed"
        try:
            place = find_captions(place)
        except InputError:
            return "pictures"
        return "captions"
    try:
        with place.open("rb") as file:
            head = file.read(_HEAD).decode("utf-8", "replace")
    except OSError as error:
        raise InputError(f"{place} cannot be read: {error.strerror}") from error
    if place.suffix.lower() == ".json":
        return "captions" if '"caption"' in head or '"sentences"' in head else "pictures"
    first = head.split("\n", 1)[0].lower()
    has_captions = "caption" in first or "comment" in first or "#0" in first
    return "captions" if has_captions or ".token" in place.name else "pictures"


def open_found(
    path: Path | str,
    *,
    kind: Kind | None = None,
    images: Path | str | None = None,
    split: str | None = None,
    allow_missing: bool = False,
) -> Found:
    """Read what retrieval is judged on; `kind` None guesses. Raises InputError.

    Without a `split`, labelled pictures and captions are judged on the split test where there is
    one, composed queries on val.
    """
    chosen = kind or guess_kind(Path(path))
    if chosen == "composed":
        return load_composed(path, split=split or "val", images=images, allow_missing=allow_missing)
    if chosen == "captions":
        data = load_captions(path, images=images, split=split, allow_missing=allow_missing)
        return data.part("test") if split is None and _has_test(data.splits) else data
    pictures = with_files(load(path, root=images), allow_missing=allow_missing)
    if split is None:
        split = "test" if _has_test(pictures.splits) else None
    return pictures if split is None else pictures.part(split)


def with_files(data: LabelledData, *, allow_missing: bool) -> LabelledData:
    """Return labelled data whose pictures are all there.

    Raises InputError, naming the first ones, for pictures that are not; with `allow_missing` they
    are left out.
    """
    there = [path.is_file() for path in data.paths]
    if all(there):
        return data
    missing = [path for path, is_there in zip(data.paths, there, strict=True) if not is_there]
    if allow_missing and any(there):
        return data.take(np.flatnonzero(there))
    some = ", ".join(str(path) for path in missing[:3]) + (" …" if len(missing) > 3 else "")
    raise InputError(
        f"{len(missing):,} of {len(there):,} pictures of {data.name} are not there ({some}). Say "
        "where they are with --root FOLDER, or leave them out with --allow-missing"
    )


def run_found(data: Found, system: System, setup: Setup) -> AnyRetrieved:
    """Judge one system on data of any kind. Raises InputError, Stopped."""
    if system.head is not None or system.library is not None:
        raise InputError(f"{system.name} tells classes; for retrieval, name a model")
    if isinstance(data, CaptionData):
        return run_captions(data, system, setup)
    if isinstance(data, ComposedData):
        return run_composed(data, system, setup)
    return run_pictures(data, system, setup)


def _has_test(splits: tuple[str, ...] | None) -> bool:
    return splits is not None and "test" in splits
