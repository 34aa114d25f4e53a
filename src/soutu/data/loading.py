"""Read a labelled data set, whatever its layout."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from soutu.data.coco import find_coco, read_coco
from soutu.data.folders import read_folders
from soutu.data.labelled import LabelledData
from soutu.data.table import read_csv
from soutu.data.voc import is_voc, read_voc
from soutu.errors import InputError

Layout: TypeAlias = Literal["folders", "csv", "coco", "voc"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
_TABLES = (".csv", ".tsv", ".txt")


def load(
    path: Path | str,
    *,
    layout: str | None = None,
    root: Path | str | None = None,
    partial: bool = False,
    separator: str | None = None,
    column: str | None = None,
) -> LabelledData:
    """Read a data set: "folders", "csv", "coco" or "voc", guessed where `layout` is None.

    `root` is the folder that the source's file names are relative to (CSV, COCO, VOC). `partial`
    says that what the source does not name is unknown, not no. `separator` and `column` are those
    of a CSV that lists classes; see `soutu.data.table.read_csv`. Files need not be there: `soutu
    data check` lists those that are missing. Raises InputError for what cannot be read, with line
    and column where there are any, and for options that the layout has no use for.
    """
    place = Path(os.path.abspath(path))  # noqa: PTH100 - keep links
    if not place.exists():
        raise InputError(f"there is no file or folder {str(path)!r}. Check the spelling")
    found = _checked(layout) or guess_layout(place)
    _refuse_csv_options(found, separator, column)
    folder = None if root is None else _root(root, found)
    if found == "csv":
        table = _only_csv(place) if place.is_dir() else place
        return read_csv(table, root=folder, partial=partial, separator=separator, column=column)
    if found == "coco":
        return read_coco(place, root=folder, partial=partial)
    if not place.is_dir():
        raise InputError(f"{place} is a file. The layout {found!r} is read from a folder")
    if found == "voc":
        return read_voc(place, root=folder, partial=partial)
    return read_folders(place, partial=partial)


def guess_layout(place: Path) -> Layout:
    """Return the layout that a file's ending, or what is in a folder, tells."""
    if not place.is_dir():
        ending = place.suffix.lower()
        if ending == ".json":
            return "coco"
        if ending in _TABLES:
            return "csv"
        raise InputError(
            f"{place}: the ending {ending!r} tells no layout. Name a .csv or a COCO .json file, "
            "or say --layout"
        )
    if is_voc(place):
        return "voc"
    if find_coco(place):
        return "coco"
    return "csv" if list(place.glob("*.csv")) else "folders"


def _checked(layout: str | None) -> Layout | None:
    for known in LAYOUTS:
        if layout == known:
            return known
    if layout is None:
        return None
    raise InputError(f"there is no layout {layout!r}. Known: {', '.join(LAYOUTS)}")


def _refuse_csv_options(layout: Layout, separator: str | None, column: str | None) -> None:
    for name, value in (("separator", separator), ("column", column)):
        if value is not None and layout != "csv":
            raise InputError(f"{name} {value!r} is for CSV files; this is the layout {layout!r}")
    if separator == "":
        raise InputError("the separator is empty. Name what stands between two classes, as '|'")


def _root(root: Path | str, layout: Layout) -> Path:
    if layout == "folders":
        raise InputError(f"root {str(root)!r} is not for folders: the pictures lie in their class")
    folder = Path(root)
    if not folder.is_dir():
        raise InputError(f"there is no folder {str(root)!r} for pictures to be in")
    return folder


def _only_csv(folder: Path) -> Path:
    tables = sorted(folder.glob("*.csv"))
    if len(tables) != 1:
        names = ", ".join(table.name for table in tables[:5]) or "none"
        raise InputError(f"{folder} holds {len(tables)} CSV files ({names}). Name the one to read")
    return tables[0]
