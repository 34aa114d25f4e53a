"""Matrices of classes as files: CSV for programs, SVG for people."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from soutu.files.tables import write_row
from soutu.files.text import replace_text

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from soutu.data.statistics import Statistics

SHOWN = 60
"""Classes in a picture at most, the most frequent ones; the CSV has all."""
_CELL, _LETTER, _TITLE = 14, 6.2, 40


def write_matrices(figures: Statistics, folder: Path) -> list[Path]:
    """Write co-occurrence and conditional probability as CSV and SVG; return the files.

    `folder` is made if there is none. Raises StorageError when the disk is full or refuses.
    """
    from soutu.errors import StorageError

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{folder} cannot be made: {error.strerror}. Choose a place") from None
    shown = np.sort(np.argsort(-figures.yes, kind="stable")[:SHOWN])
    names = [figures.classes[at] for at in shown]
    most = f", the {SHOWN} most frequent of {len(figures.classes)} classes"
    told = most if len(shown) < len(figures.classes) else ""
    written = []
    for name, values, title in (
        ("cooccurrence", figures.together, "Pictures that hold both classes"),
        ("conditional", figures.given, "P(column | row)"),
    ):
        table, picture = folder / f"{name}.csv", folder / f"{name}.svg"
        replace_text(table, _rows(figures.classes, values))
        part = values[np.ix_(shown, shown)].astype(np.float64)
        replace_text(picture, [heatmap(names, part, title=title + told)])
        written += [table, picture]
    return written


def _rows(classes: Sequence[str], values: NDArray[Any]) -> list[str]:
    lines = [write_row(["", *classes])]
    for name, row in zip(classes, values.tolist(), strict=True):
        lines.append(write_row([name, *map(_cell, row)]))
    return lines


def _cell(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    return "" if math.isnan(value) else f"{value:.6g}"


def heatmap(classes: Sequence[str], values: NDArray[np.float64], *, title: str) -> str:
    """Return an SVG of a matrix [n, n] with a row and a column for each class.

    Cells are as dark as the square root of their share of the largest one, so that small values
    are seen; each tells its value under the mouse. NaN stays white.
    """
    longest = max((_width(name) for name in classes), default=0.0)
    left = math.ceil(longest) + 12
    top = left + _TITLE
    side = len(classes) * _CELL
    wide, high = max(left + side + 10, math.ceil(_width(title)) + 20), top + side + 10
    top_value = float(np.nanmax(values)) if np.isfinite(values).any() else 0.0
    size = f'width="{wide}" height="{high}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {wide} {high}">',
        f'<rect {size} fill="#fff"/><g font-family="sans-serif" font-size="11">',
        f'<text x="10" y="20" font-size="13">{escape(title)}</text>',
    ]
    for at, name in enumerate(classes):
        middle = at * _CELL + _CELL - 3
        parts.append(
            f'<text x="{left - 6}" y="{top + middle}" text-anchor="end">{escape(name)}</text>'
            f'<text transform="translate({left + middle} {top - 6}) rotate(-90)">'
            f"{escape(name)}</text>"
        )
    for row, column in np.argwhere(values >= 0) if top_value else ():
        value = float(values[row, column])
        where = f'x="{left + column * _CELL}" y="{top + row * _CELL}"'
        shade = f"{math.sqrt(value / top_value):.3f}"
        told = escape(f"{classes[row]}, {classes[column]}: {value:.4g}")
        parts.append(
            f'<rect {where} width="{_CELL}" height="{_CELL}" fill="#1f4e9c" '
            f'fill-opacity="{shade}"><title>{told}</title></rect>'
        )
    frame = f'x="{left}" y="{top}" width="{side}" height="{side}"'
    parts.append(f'<rect {frame} fill="none" stroke="#999"/>')
    return "\n".join([*parts, "</g></svg>", ""])


def _width(text: str) -> float:
    """Return about how many pixels a text takes; wide letters take two."""
    return sum(_LETTER * (1 if char.isascii() else 2) for char in text)
