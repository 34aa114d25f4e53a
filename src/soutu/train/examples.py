"""What is trained on: inputs with labels, checked before training starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from soutu.errors import InputError
from soutu.metrics import tuned_thresholds

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_SHOWN = 5
PRIOR = 5.0
"""How many yes's of validation examples a label needs to have its own threshold rather than the
common one. Tuned on one half of a validation split and measured on the other (Flickr8k's tags,
groceries), each label alone lost 8 to 31 points of micro F1 beside this, and gained 0 to 3 of
macro F1; 1 to 20 are alike."""
_ROWS = 65_536  # looked at together, so that a memory-mapped array is never held whole


@dataclass(frozen=True)
class Examples:
    """Inputs and their labels.

    `inputs` are float32 vectors [n, dim] or [n, regions, dim], or uint8 pixels [n, 3, h, w], in
    memory or mapped from a file; `labels` int8 [n, classes] are 1, 0 and -1 (unknown).
    """

    inputs: NDArray[Any]
    labels: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.labels)

    def digest(self) -> str:
        """Hash shapes, types and content; 32 hex digits."""
        import xxhash

        found = xxhash.xxh3_128()
        for array in (self.inputs, self.labels):
            found.update(f"{array.shape}{array.dtype}".encode())
            for at in range(0, len(array), _ROWS):
                found.update(np.ascontiguousarray(array[at : at + _ROWS]).data)
        return found.hexdigest()


def thresholds_of(scores: NDArray[np.float32], labels: NDArray[np.int8]) -> NDArray[np.float32]:
    """Return the thresholds [classes] of a head, tuned for F1 on validation examples."""
    return tuned_thresholds(scores, labels, prior=PRIOR).astype(np.float32)


def check_examples(
    examples: Examples, classes: Sequence[str], *, what: str = "training", every: bool = True
) -> None:
    """Raise InputError for examples that no head can be trained on.

    `every` asks for a yes and a no of every class; without, as for validation, of any class.
    """
    _check_shapes(examples, classes, what)
    if not np.isin(examples.labels, (-1, 0, 1)).all():
        msg = f"the {what} labels hold other values than 1 (yes), 0 (no) and -1 (unknown)"
        raise InputError(msg)
    _check_finite(examples.inputs, what)
    yes = (examples.labels == 1).any(axis=0)
    no = (examples.labels == 0).any(axis=0)
    if every:
        _check_both(classes, yes, no, what)
    elif not (yes & no).any():
        msg = (
            f"none of the {len(classes)} classes has both a yes and a no among the {len(examples)} "
            f"{what} examples: too few to measure on. Give a larger share"
        )
        raise InputError(msg)


def check_texts(text: NDArray[np.float32] | None, classes: Sequence[str], need: str) -> None:
    """Raise InputError where text vectors [classes, dim] are missing or do not fit."""
    if text is None:
        msg = f"{need} needs the text vectors of the classes; give text="
        raise InputError(msg)
    if text.ndim != 2 or len(text) != len(classes):
        msg = f"text vectors have the shape {text.shape} for {len(classes)} classes"
        raise InputError(msg)
    if not np.isfinite(text).all():
        rows = np.flatnonzero(~np.isfinite(text).all(axis=1)).tolist()
        named = _named([classes[row] for row in rows])
        msg = f"text vectors of {named} hold NaN or infinite numbers"
        raise InputError(msg)


def check_alike(training: Examples, validation: Examples) -> None:
    """Raise InputError where validation inputs have another shape than training ones."""
    if training.inputs.shape[1:] != validation.inputs.shape[1:]:
        msg = (
            f"training inputs have the shape {training.inputs.shape[1:]} each, validation inputs "
            f"{validation.inputs.shape[1:]}. Encode both with one model and the same regions"
        )
        raise InputError(msg)


def _check_shapes(examples: Examples, classes: Sequence[str], what: str) -> None:
    inputs, labels = examples.inputs, examples.labels
    if labels.ndim != 2 or labels.shape[1] != len(classes):
        msg = f"{what} labels have the shape {labels.shape} for {len(classes)} classes"
        raise InputError(msg)
    if not classes:
        msg = "there are no classes to train on"
        raise InputError(msg)
    if len(set(classes)) != len(classes):
        twice = sorted({name for name in classes if list(classes).count(name) > 1})
        msg = f"class names must differ; {_named(twice)} stand there twice"
        raise InputError(msg)
    if inputs.ndim not in (2, 3, 4) or 0 in inputs.shape[1:]:
        msg = f"{what} inputs have the shape {inputs.shape}; give [n, dim] or [n, regions, dim]"
        raise InputError(msg)
    if len(inputs) != len(labels):
        msg = f"there are {len(inputs)} {what} inputs, but labels of {len(labels)}"
        raise InputError(msg)
    if not len(inputs):
        msg = f"there are no {what} examples"
        raise InputError(msg)


def _check_finite(inputs: NDArray[Any], what: str) -> None:
    if inputs.dtype.kind != "f":
        return
    for at in range(0, len(inputs), _ROWS):
        part = np.asarray(inputs[at : at + _ROWS])
        if not np.isfinite(part).all():
            broken = ~np.isfinite(part).reshape(len(part), -1).all(axis=1)
            row = at + int(np.flatnonzero(broken)[0])
            msg = (
                f"the vector in row {row} of the {what} examples holds NaN or infinite numbers. "
                "Leave such rows out, or encode them again"
            )
            raise InputError(msg)


def _check_both(
    classes: Sequence[str], yes: NDArray[np.bool_], no: NDArray[np.bool_], what: str
) -> None:
    for found, kind in ((yes, "yes"), (no, "no")):
        if not found.all():
            missing = [name for name, good in zip(classes, found, strict=True) if not good]
            msg = (
                f"no {what} example says {kind} to {_named(missing)}: nothing can be learned "
                "there. Add examples, leave the class out, or give training a larger share"
            )
            raise InputError(msg)


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:MOST_SHOWN]))
    rest = len(names) - MOST_SHOWN
    return f"{shown} and {rest} more" if rest > 0 else shown
