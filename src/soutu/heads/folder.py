"""A head in a folder: head.json beside weights.safetensors or head.onnx. Nothing is pickled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
import xxhash

from soutu.errors import InputError, ModelError
from soutu.heads.base import REGIONS, HeadKind
from soutu.heads.chain import ChainHead
from soutu.heads.facts import FORMAT, HeadFacts, from_json, kind_of, to_json
from soutu.heads.graph import OnnxGraph, OnnxScorer
from soutu.heads.linear import LinearHead
from soutu.heads.pixels import PixelGraph, PixelScorer, side_of
from soutu.models.record import replace_folder

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.types import Vectors

FACTS, WEIGHTS, GRAPH = "head.json", "weights.safetensors", "head.onnx"
"""The files of a head's folder; there is one of the last two."""

FILES = (FACTS, WEIGHTS, GRAPH)
"""Every name that a file of a head's folder can have."""

HeadParts: TypeAlias = LinearHead | ChainHead | OnnxGraph | PixelGraph
"""What an estimator's `to_head` gives, and `save_head` takes."""

_MOST_FACTS = 64 << 20  # bytes of head.json that are read
_AGAIN = "Train the head again, or copy its folder anew"


class Scorer(Protocol):
    """The part of a head that scores."""

    def predict_proba(self, vectors: Vectors, /) -> NDArray[np.float32]:
        """Return the probabilities [n, L] of vectors [n, dim] or [n, regions, dim]."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredHead:
    """A head that was opened from a folder; a `TrainedHead`.

    `linear` is its weights where it is linear in the vector. `digest` names exactly this head:
    another one, or the same trained anew, has another.
    """

    folder: Path
    facts: HeadFacts
    kind: HeadKind
    digest: str
    scorer: Scorer

    @property
    def classes_(self) -> tuple[str, ...]:
        """The classes [L]."""
        return self.facts.classes

    @property
    def thresholds_(self) -> NDArray[np.float32]:
        """The least probabilities [L] at which the classes hold."""
        return self.facts.thresholds_

    @property
    def weights_file(self) -> str:
        """The name of the file beside head.json."""
        return _file_of(self.kind)

    @property
    def linear(self) -> LinearHead | None:
        """The weights of a linear head, None for another kind."""
        return self.scorer if isinstance(self.scorer, LinearHead) else None

    def predict_proba(self, X: NDArray[Any]) -> NDArray[np.float32]:  # noqa: N803 - scikit-learn's
        """Return the probabilities [n, L] of vectors [n, dim] or [n, regions, dim].

        Of the kind "pixels", those of uint8 pixels [n, 3, side, side].
        """
        return self.scorer.predict_proba(X)


# --- saving ---


def save_head(folder: Path | str, parts: HeadParts, facts: HeadFacts) -> HeadFacts:
    """Write a head's folder in one step; an older head there is replaced.

    Fills in `made` and the versions of soutu and numpy where `facts` leaves them out, and returns
    what was written. Raises InputError where parts and facts do not fit each other and for a
    folder that holds something else, StorageError when the disk refuses.
    """
    folder = Path(folder)
    require_head_folder(folder)
    _require_fit(parts.labels, parts.features, facts)
    versions = {name: version(name) for name in ("soutu", "numpy")} | dict(facts.versions)
    made = facts.made or datetime.now(UTC).isoformat(timespec="seconds")
    facts = replace(facts, versions=versions, made=made)

    def fill(fresh: Path) -> None:
        name, data = _weights(parts)
        (fresh / name).write_bytes(data)
        found = {"format": FORMAT, "kind": parts.kind, **to_json(facts)}
        if isinstance(parts, ChainHead):
            found["passes"] = parts.passes
        found["files"] = {name: xxhash.xxh3_128_hexdigest(data)}
        text = json.dumps(found, ensure_ascii=False, indent=1, allow_nan=False)
        (fresh / FACTS).write_text(text, "utf-8")

    replace_folder(folder, fill)
    return facts


def _weights(parts: HeadParts) -> tuple[str, bytes]:
    if isinstance(parts, OnnxGraph | PixelGraph):
        return GRAPH, parts.graph
    from safetensors.numpy import save

    return WEIGHTS, save(dict(parts.arrays()))


def _file_of(kind: HeadKind) -> str:
    return GRAPH if kind in ("onnx", "pixels") else WEIGHTS


def require_head_folder(folder: Path) -> None:
    """Raise InputError for a folder of other things: heads replace folders whole."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file. Name a folder for the head")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / FACTS).is_file():
        raise InputError(f"{folder} holds something that is no head. Name another folder")


def _require_fit(labels: int, features: int, facts: HeadFacts) -> None:
    if labels != len(facts.classes):
        said = f"the head scores {labels} classes; {len(facts.classes)} are named"
        raise InputError(f"{said}. Name those it was trained on")
    if features != facts.features:
        regions = len(REGIONS[facts.regions])
        raise InputError(
            f"the head reads {features} numbers a picture; {regions} of {facts.encoder.dim} "
            f"({facts.regions}, {facts.encoder.name}) are {facts.features}"
        )


# --- opening ---


def open_head(folder: Path | str) -> StoredHead:
    """Open a head's folder.

    Raises InputError for one that is missing, incomplete, damaged or of a newer version.
    """
    folder = Path(folder)
    text = _facts_text(folder)
    found = _object(folder, text)
    facts = _facts(folder, found)
    kind = kind_of(found)
    name = _file_of(kind)
    data = _intact(folder / name, found)
    try:
        scorer = _scorer(folder / name, kind, facts, data, found)
    except ModelError as error:
        raise InputError(f"{error}. {_AGAIN}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{folder / name} cannot be read: {_why(error)}. {_AGAIN}") from error
    digest = xxhash.xxh3_128_hexdigest(text)
    return StoredHead(folder=folder, facts=facts, kind=kind, digest=digest, scorer=scorer)


def read_facts(folder: Path | str) -> HeadFacts:
    """Read what a head's folder says of it, without its weights. Raises InputError."""
    folder = Path(folder)
    return _facts(folder, _object(folder, _facts_text(folder)))


def _facts_text(folder: Path) -> bytes:
    path = folder / FACTS
    if not folder.is_dir():
        raise InputError(f"there is no head in {folder}: no such folder. Make one: soutu train")
    if not path.is_file():
        raise InputError(f"there is no head in {folder}: it has no {FACTS}. Make one: soutu train")
    try:
        with path.open("rb") as file:
            return file.read(_MOST_FACTS)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error}") from error


def _object(folder: Path, text: bytes) -> Mapping[str, Any]:
    path = folder / FACTS
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is no JSON ({error}). {_AGAIN}") from error
    if not isinstance(found, dict):
        raise InputError(f"{path} holds no JSON object. {_AGAIN}")
    format_ = found.get("format")
    if isinstance(format_, int) and format_ > FORMAT:
        raise InputError(
            f"{path} has the format {format_}; this soutu reads up to {FORMAT}. "
            "Run: pip install -U soutu"
        )
    if format_ != FORMAT:
        raise InputError(f"{path} has the format {format_!r}; a head's is {FORMAT}. {_AGAIN}")
    return found


def _facts(folder: Path, found: Mapping[str, Any]) -> HeadFacts:
    path = folder / FACTS
    try:
        return from_json(found)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} cannot be understood: {_why(error)}. {_AGAIN}") from error


def _intact(path: Path, found: Mapping[str, Any]) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error}. {_AGAIN}") from error
    files = found.get("files")
    if not isinstance(files, dict) or files.get(path.name) != xxhash.xxh3_128_hexdigest(data):
        raise InputError(f"{path} is damaged: it is not the file that {FACTS} names. {_AGAIN}")
    return data


def _scorer(
    path: Path, kind: HeadKind, facts: HeadFacts, data: bytes, found: Mapping[str, Any]
) -> Scorer:
    labels = len(facts.classes)
    if kind == "onnx":
        regions = len(REGIONS[facts.regions])
        return OnnxScorer(path, labels=labels, dim=facts.encoder.dim, regions=regions)
    if kind == "pixels":
        return PixelScorer(path, labels=labels, side=side_of(facts.encoder))
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays = load(data)
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    scorer = (
        LinearHead(weights=arrays["weights"], bias=arrays["bias"])
        if kind == "linear"
        else ChainHead(
            weights=arrays["weights"],
            links=arrays["links"],
            bias=arrays["bias"],
            order=arrays["order"],
            passes=found["passes"],
        )
    )
    _require_fit(scorer.labels, scorer.features, facts)
    return scorer


def _why(error: Exception) -> str:
    return f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
