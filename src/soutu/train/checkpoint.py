"""Checkpoints: tensors as safetensors, everything else as JSON; no pickles.

A folder holds `checkpoint.json` and the one `epoch-N.safetensors` that it names. The tensors are
written first and the JSON is put in place in one step, so that a crash at any point leaves a whole
checkpoint, the new one or the one before.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from soutu.errors import InputError, StorageError

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = 1
RECORD = "checkpoint.json"


@dataclass(frozen=True)
class Checkpoint:
    """A state of training: what identifies the run, named tensors, and the rest as JSON values."""

    made_of: Mapping[str, Any]
    tensors: Mapping[str, Tensor]
    rest: Mapping[str, Any]


def save(folder: Path, number: int, checkpoint: Checkpoint) -> None:
    """Write a checkpoint in place of the one before. Raises StorageError."""
    record = folder / RECORD
    weights = folder / f"epoch-{number}.safetensors"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        fresh = weights.with_suffix(".new")
        save_file({name: one.contiguous() for name, one in checkpoint.tensors.items()}, fresh)
        fresh.replace(weights)
        facts = {
            "format": FORMAT,
            "weights": weights.name,
            "made_of": checkpoint.made_of,
            "rest": checkpoint.rest,
        }
        fresh = record.with_suffix(".new")
        fresh.write_text(json.dumps(facts, indent=1), "utf-8")
        fresh.replace(record)
        for old in folder.glob("epoch-*"):
            if old != weights:
                old.unlink()
    except (OSError, SafetensorError) as error:
        msg = f"the checkpoint cannot be written to {folder}: {error}"
        raise StorageError(msg) from error


def load(folder: Path) -> Checkpoint | None:
    """Read the checkpoint of a folder; None where there is none. Raises InputError if damaged."""
    record = folder / RECORD
    if not record.is_file():
        return None
    try:
        facts = json.loads(record.read_text("utf-8"))
        if facts["format"] != FORMAT:
            msg = f"{record} has format {facts['format']}; this soutu reads {FORMAT}"
            raise InputError(msg)
        tensors = load_file(folder / Path(facts["weights"]).name)
        return Checkpoint(facts["made_of"], tensors, facts["rest"])
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        msg = f"the checkpoint in {folder} is damaged ({error}). Delete the folder and start anew"
        raise InputError(msg) from error


def check_same_run(folder: Path, then: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise InputError where a checkpoint comes from other data, settings or software."""
    now = json.loads(json.dumps(now))  # as it was stored: tuples are lists there
    other = [
        f"{name} was {_short(then.get(name))} and is {_short(now.get(name))}"
        for name in dict.fromkeys([*now, *then])
        if then.get(name) != now.get(name)
    ]
    if other:
        msg = (
            f"the run in {folder} cannot go on: {'; '.join(other)}. Use the same data and "
            "settings, or start anew without resuming"
        )
        raise InputError(msg)


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
