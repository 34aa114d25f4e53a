"""What a head's folder says of it, in head.json."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, get_args

import numpy as np

from soutu.errors import InputError
from soutu.heads.base import REGIONS, HeadKind, Regions
from soutu.heads.seen import check_marks

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMAT = 1
"""The format of the folder that this version writes, and the newest that it reads."""

Setting: TypeAlias = str | int | float | bool | list[Any] | None
"""A setting that training was run with, as JSON has it."""


@dataclass(frozen=True, kw_only=True)
class HeadEncoder:
    """The encoder whose vectors a head reads; `revision` hashes its weights, as in `EncoderFacts`.

    `source` is what loads it again: a name or a folder.
    """

    name: str
    revision: str
    dim: int
    precision: str = ""
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class HeadData:
    """The labelled data that a head was trained on, by its name and its digest.

    `seen` are the pictures that it learned from or whose labels chose its thresholds, as
    `soutu.heads.seen.marks` writes them; "" where that is not recorded. Raises InputError for
    another text.
    """

    name: str
    digest: str
    pictures: int | None = None
    seen: str = ""

    def __post_init__(self) -> None:
        check_marks(self.seen)


@dataclass(frozen=True, kw_only=True)
class HeadFacts:
    """What is known of a head beside its weights.

    `thresholds` are on probabilities, one a class. `aliases` are further names of classes.
    `method` is what trained it ("logistic", "ml-decoder"), `metrics` are figures by name,
    `versions` those of the libraries that made it and `made` the date, ISO 8601.
    Raises InputError for what cannot be.
    """

    classes: tuple[str, ...]
    thresholds: tuple[float, ...]
    encoder: HeadEncoder
    method: str
    regions: Regions = "whole"
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    loss: str | None = None
    parameters: Mapping[str, Setting] = field(default_factory=dict)
    data: HeadData | None = None
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    made: str = ""

    def __post_init__(self) -> None:
        if not self.classes:
            raise InputError("a head needs classes; there are none")
        named: set[str] = set()
        for each in self.classes:
            if not each.strip():
                raise InputError("a head's class has no name. Name it in the data")
            if each in named:
                raise InputError(f"the head's class {each!r} is there twice. Name each once")
            named.add(each)
        if len(self.thresholds) != len(self.classes):
            said = f"{len(self.thresholds)} thresholds for {len(self.classes)} classes"
            raise InputError(f"the head has {said}. Give one a class")
        for name, threshold in zip(self.classes, self.thresholds, strict=True):
            if not 0 <= threshold <= 1:
                raise InputError(f"the threshold of {name!r} is {threshold}; it must be 0 to 1")
        if strangers := sorted(set(self.aliases) - named):
            raise InputError(f"{strangers[0]!r} has aliases but is no class of the head")
        if self.encoder.dim < 1:
            raise InputError(f"the head's encoder has {self.encoder.dim} dimensions; 1 or more")

    @property
    def thresholds_(self) -> NDArray[np.float32]:
        """The thresholds [L] as an array."""
        return np.array(self.thresholds, np.float32)

    @property
    def features(self) -> int:
        """How many numbers a picture the head reads."""
        return self.encoder.dim * len(REGIONS[self.regions])


def to_json(facts: HeadFacts) -> dict[str, Any]:
    """Write facts as JSON; figures that are no numbers become null."""
    return {
        "classes": list(facts.classes),
        "aliases": {name: list(names) for name, names in facts.aliases.items()},
        "thresholds": [float(each) for each in facts.thresholds],
        "encoder": vars(facts.encoder),
        "regions": {"layout": facts.regions, "boxes": [astuple(b) for b in REGIONS[facts.regions]]},
        "method": facts.method,
        "loss": facts.loss,
        "parameters": {name: _number(value) for name, value in facts.parameters.items()},
        "data": None if facts.data is None else vars(facts.data),
        "metrics": {name: _number(value) for name, value in facts.metrics.items()},
        "versions": dict(facts.versions),
        "made": facts.made,
    }


def from_json(found: Mapping[str, Any]) -> HeadFacts:
    """Read facts from JSON. Raises InputError, KeyError, TypeError, ValueError for wrong ones."""
    regions = found["regions"]["layout"]
    if regions not in get_args(Regions):
        known = ", ".join(get_args(Regions))
        raise InputError(f"the head looks at {regions!r} of a picture; known are {known}")
    return HeadFacts(
        classes=_texts(found["classes"]),
        aliases={str(k): _texts(v) for k, v in found.get("aliases", {}).items()},
        thresholds=tuple(float(each) for each in found["thresholds"]),
        encoder=HeadEncoder(**found["encoder"]),
        regions=regions,
        method=str(found["method"]),
        loss=found.get("loss"),
        parameters=dict(found.get("parameters") or {}),
        data=None if found.get("data") is None else HeadData(**found["data"]),
        metrics=dict(found.get("metrics") or {}),
        versions=dict(found.get("versions") or {}),
        made=str(found.get("made", "")),
    )


def kind_of(found: Mapping[str, Any]) -> HeadKind:
    """Return the kind that JSON names. Raises InputError for an unknown one."""
    kind: HeadKind | None = found.get("kind")
    if kind is None or kind not in get_args(HeadKind):
        raise InputError(
            f"the head is of the kind {kind!r}; known are {', '.join(get_args(HeadKind))}"
        )
    return kind


def _texts(found: Sequence[Any]) -> tuple[str, ...]:
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise TypeError(f"{found!r:.60} is no list of names")
    return tuple(found)


def _number(value: Any) -> Any:
    """Return a value that JSON can hold; NaN and infinity are none."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, np.generic):
        return _number(value.item())
    return value
