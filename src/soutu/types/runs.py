"""Long runs: how far they are, what they did, and what the library holds then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A file that could not be indexed, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a long run has come. `total` is None while it is not known yet."""

    stage: Literal[
        "scan", "index", "fill", "optimize", "download", "tag", "write", "keywords",
        "check", "measure", "texts", "train",
    ]  # fmt: skip
    done: int
    total: int | None
    failed: int = 0


@dataclass(frozen=True, kw_only=True)
class IndexReport:
    """What an indexing run did. `skipped` counts files that were already up to date."""

    added: int = 0
    updated: int = 0
    moved: int = 0
    removed: int = 0
    skipped: int = 0
    failures: tuple[Failure, ...] = ()
    seconds: float = 0.0
    interrupted: bool = False


@dataclass(frozen=True, kw_only=True)
class SpaceStatus:
    """One space of a library: the vectors of one encoder at one revision.

    `vectors` is None while another process has them open.
    """

    model: str
    revision: str
    precision: str
    dim: int
    vectors: int | None
    current: bool


@dataclass(frozen=True, kw_only=True)
class LibraryStatus:
    """What a library holds."""

    path: Path
    images: int
    failures: tuple[Failure, ...]
    bytes_on_disk: int
    spaces: tuple[SpaceStatus, ...]
    folders: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What an import of tags or labels did.

    `skipped` says of each entry that was left out, as asked for, where it stands and why.
    """

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class WriteReport:
    """What writing tags to files did. `unchanged` files said the same already."""

    written: int = 0
    unchanged: int = 0
    failures: tuple[Failure, ...] = ()
    interrupted: bool = False
