"""Reports: what was measured, how, and what it looks like, before it is written in any format.

`figures` hold every number for programs; `sections` say the same to people. `Made` is what somebody
else needs to get the same numbers again.
"""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from soutu.errors import InputError, StorageError

if TYPE_CHECKING:
    from soutu.models.base import EncoderFacts

FORMATS = (".html", ".md", ".json")
_PACKAGES = ("numpy", "onnxruntime", "pillow", "qdrant-edge-py", "torch", "scikit-learn")


@dataclass(frozen=True, kw_only=True)
class ModelUsed:
    """A model that a report is about; `revision` hashes its weights and settings."""

    name: str
    revision: str
    precision: str
    dim: int

    @classmethod
    def of(cls, facts: EncoderFacts) -> ModelUsed:
        """Describe an encoder."""
        return cls(
            name=facts.name, revision=facts.revision, precision=facts.precision, dim=facts.dim
        )


@dataclass(frozen=True, kw_only=True)
class DataUsed:
    """The data that a report is about.

    `digest` hashes labels or captions with file names, `content` the bytes of all pictures read.
    `counts` are sizes by name; `notes` say what was left out.
    """

    name: str
    digest: str
    content: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Made:
    """How a report was made: enough to make it again."""

    command: str
    data: DataUsed
    models: tuple[ModelUsed, ...]
    seed: int
    resamples: int
    versions: Mapping[str, str]
    machine: str
    date: str


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of cells under a heading; columns in `right` hold numbers."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[int, ...] = ()
    title: str = ""


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A drawing: complete SVG, and the sentence that says what it shows."""

    title: str
    svg: str


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A picture with what is said of it, one line each; `mark` is wrong, right or nothing."""

    path: Path
    lines: tuple[str, ...]
    mark: str = ""


@dataclass(frozen=True, kw_only=True)
class Gallery:
    """Pictures in rows that belong together, such as a query's own picture and what was found."""

    title: str
    rows: tuple[tuple[str, tuple[Tile, ...]], ...]


Part = Table | Plot | Gallery


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading, sentences, and what is shown below them."""

    title: str
    text: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Report:
    """What was measured. `summary` are the sentences that matter most."""

    title: str
    made: Made
    summary: tuple[str, ...]
    sections: tuple[Section, ...]
    figures: Mapping[str, Any]


def made(
    *,
    command: str,
    data: DataUsed,
    models: Sequence[EncoderFacts],
    seed: int,
    resamples: int,
) -> Made:
    """Note how a report is being made: here, now, with the packages that are installed."""
    versions = {"soutu": _soutu(), "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:  # an extra that is not installed
            continue
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Made(
        command=command,
        data=data,
        models=tuple(ModelUsed.of(facts) for facts in models),
        seed=seed,
        resamples=resamples,
        versions=versions,
        machine=f"{platform.system()} {platform.machine()}, {cores} cores",
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def as_dict(report: Report) -> dict[str, Any]:
    """Return a report's figures and how they were made as plain JSON values; NaN becomes null."""
    values = {
        "format": 1,
        "title": report.title,
        "summary": list(report.summary),
        "made": asdict(report.made),
        "figures": report.figures,
    }
    found = _plain(values)
    assert isinstance(found, dict)
    return found


def check_target(path: Path) -> None:
    """Refuse a file name that says no format, before anything is measured. Raises InputError."""
    if path.suffix.lower() not in FORMATS:
        raise InputError(f"{path} names no format: end it with one of {', '.join(FORMATS)}")
    if not path.absolute().parent.is_dir():
        raise InputError(f"{path} cannot be written: there is no folder {path.absolute().parent}")


def write(report: Report, path: Path) -> None:
    """Write a report as HTML, Markdown or JSON, by the ending of the file's name.

    Plots of Markdown become SVG files beside it. Raises InputError, StorageError.
    """
    check_target(path)
    suffix = path.suffix.lower()
    files: dict[Path, str] = {}
    if suffix == ".json":
        files[path] = json.dumps(as_dict(report), indent=2, ensure_ascii=False) + "\n"
    elif suffix == ".html":
        from soutu.evaluate.html import page

        files[path] = page(report)
    else:
        from soutu.evaluate.markdown import text_and_plots

        text, plots = text_and_plots(report, stem=path.stem)
        files[path] = text
        files.update({path.with_name(name): svg for name, svg in plots.items()})
    for place, text in files.items():
        try:
            place.write_text(text, "utf-8", errors="backslashreplace")
        except OSError as error:
            raise StorageError(f"{place} cannot be written: {error.strerror}") from error


def _soutu() -> str:
    import soutu

    return soutu.__version__


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if hasattr(value, "_asdict"):  # a named tuple
        return _plain(value._asdict())
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if hasattr(value, "tolist"):  # numpy's numbers and arrays
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Path):
        return str(value)
    return value
