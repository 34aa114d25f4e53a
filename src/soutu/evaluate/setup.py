"""What every measurement needs, and what can be measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from soutu.errors import InputError

if TYPE_CHECKING:
    from soutu.library.base import Stop, Watcher
    from soutu.library.vectors import VectorCache
    from soutu.models.base import EncoderSource, PrecisionChoice

IndexChoice = Literal["exact", "library", "fp32", "int8", "turbo4", "turbo2", "binary"]
"""How pictures are searched: all of them, as a library would, or by a graph over such codes."""

_PRECISIONS: tuple[Literal["auto", "fp32", "int8"], ...] = ("auto", "fp32", "int8")


@dataclass(frozen=True, kw_only=True)
class Setup:
    """Settings of a measurement. `vectors` is the folder of the vector cache."""

    source: EncoderSource
    vectors: Path
    seed: int = 0
    resamples: int = 1000
    on_progress: Watcher | None = None
    should_stop: Stop | None = None

    def open(self, model: str, precision: PrecisionChoice) -> VectorCache:
        """Open an encoder, with the vectors that are kept of it. Raises ModelError."""
        from soutu.library.vectors import VectorCache

        return VectorCache(self.vectors, self.source, model, precision=precision)


@dataclass(frozen=True, kw_only=True)
class System:
    """What is measured: an encoder in a precision, perhaps with an index, or with a head's folder.

    `library` is a library whose tags are measured, in place of a model.
    """

    model: str = "mini"
    precision: PrecisionChoice = "auto"
    index: IndexChoice = "exact"
    head: Path | None = None
    library: str | None = None

    @property
    def name(self) -> str:
        """What reports call it."""
        if self.library is not None:
            return f"library {Path(self.library).name or self.library}"
        if self.head is not None:
            return f"head {self.head.name}"
        settings: list[str] = [] if self.precision == "auto" else [self.precision]
        settings += [] if self.index == "exact" else [f"index {self.index}"]
        return ", ".join([Path(self.model).name if "/" in self.model else self.model, *settings])


def parse_system(text: str) -> System:
    """Read `MODEL[,precision=fp32][,index=int8]`, or the folder of a head. Raises InputError."""
    model, *settings = [part.strip() for part in text.split(",")]
    if not model:
        raise InputError(f"{text!r} names no model. Write NAME, NAME,precision=int8, or a folder")
    values = {}
    for setting in settings:
        key, _, value = setting.partition("=")
        if key not in ("precision", "index") or not value:
            raise InputError(f"{text!r}: {setting!r} is no setting. Known: precision=, index=")
        values[key] = value
    if Path(model, "head.json").is_file():
        if values:
            raise InputError(f"{text!r}: a head has its own encoder and takes no settings")
        return System(head=Path(model))
    precision, index = values.get("precision", "auto"), values.get("index", "exact")
    for known in _PRECISIONS:
        if precision == known:
            return System(model=model, precision=known, index=_index(text, index))
    raise InputError(f"{text!r}: the precisions are {', '.join(_PRECISIONS)}, not {precision!r}")


def _index(text: str, index: str) -> IndexChoice:
    choices: tuple[IndexChoice, ...] = get_args(IndexChoice)
    for known in choices:
        if index == known:
            return known
    raise InputError(f"{text!r}: the indexes are {', '.join(choices)}, not {index!r}")
