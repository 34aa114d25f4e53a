"""Labelled pictures for the benches: what `soutu train` reads, as pictures and a matrix of yes."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import harness
from soutu.data import LabelledData, load
from soutu.data.loading import LAYOUTS
from soutu.errors import SoutuError
from soutu.library import default_models
from soutu.library.vectors import VectorCache
from soutu.models.store import ModelStore

if TYPE_CHECKING:
    from soutu.heads import Regions
    from soutu.library.vectors import PictureVectors


def read(path: Path, *, layout: str | None = None, root: Path | None = None) -> LabelledData:
    """Read a labelled set whose every label is yes or no. Ends the program where it is broken."""
    try:
        data = load(path, layout=layout, root=root)
    except SoutuError as error:
        raise SystemExit(str(error)) from error
    unknown = int((data.labels == -1).sum())
    if unknown:
        raise SystemExit(f"{path}: {unknown} labels are unknown; this bench counts yes and no only")
    return data


def opened(model: str) -> VectorCache:
    """Open a model, with the vectors that earlier runs made. Ends the program without the model."""
    try:
        return VectorCache(harness.CACHE / "vectors", ModelStore(default_models()), model)
    except SoutuError as error:
        raise SystemExit(str(error)) from error


def encoded(
    cache: VectorCache, paths: Sequence[Path], regions: Regions = "whole"
) -> PictureVectors:
    """Return the vectors of the pictures. Ends the program where one cannot be read."""
    found = cache.pictures(paths, regions=regions)
    if found.failures:
        first = found.failures[0]
        raise SystemExit(
            f"{len(found.failures)} of {len(paths)} pictures cannot be read, the first is "
            f"{first.path}: {first.reason}"
        )
    return found


def arguments(doc: str | None) -> argparse.ArgumentParser:
    """Start the command line of a bench on labelled data."""
    parser = harness.arguments(doc, rounds=3)
    parser.add_argument("--data", type=Path, required=True, help="the labelled set")
    parser.add_argument("--layout", choices=LAYOUTS, help="how it is written (default: guessed)")
    parser.add_argument("--root", type=Path, help="folder of the pictures (default: beside it)")
    parser.add_argument("--model", default="mini", help="name or folder of a model (default mini)")
    return parser
