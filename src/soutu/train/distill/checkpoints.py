"""Where a training stands, on disk: tensors as safetensors, the rest as JSON."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from soutu.errors import InputError, StorageError
from soutu.models.record import read_json, write_json
from soutu.train.distill.networks import Student
from soutu.train.distill.settings import Settings

_STATE = "state.json"


@dataclass(eq=False)
class Training:
    """A student, the moving average of its weights, its optimizer, and how far it has come."""

    student: Student
    average: Student
    optimizer: torch.optim.Optimizer
    step: int = 0
    history: list[dict[str, float]] = field(default_factory=list)


def averaged(student: Student) -> Student:
    """Copy a student, for its weights to be averaged in."""
    average = copy.deepcopy(student)
    for parameter in average.parameters():
        parameter.requires_grad_(False)
    return average


def save(training: Training, folder: Path, settings: Settings, digest: str) -> None:
    """Write a checkpoint; the one before stays until this one is whole. Raises StorageError."""
    from safetensors.torch import save_file

    name = f"step-{training.step}.safetensors"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        save_file(_tensors(training), folder / f"{name}.new")
        (folder / f"{name}.new").replace(folder / name)
    except OSError as error:
        raise StorageError(f"{folder / name} cannot be written: {error}. Make room") from error
    state = {
        "step": training.step,
        "file": name,
        "settings": settings.as_dict(),
        "corpus": digest,
        "torch": str(torch.__version__),
        "history": training.history,
    }
    write_json(folder / _STATE, state)
    for old in folder.glob("step-*.safetensors*"):
        if old.name != name:
            old.unlink()


def load(training: Training, folder: Path, settings: Settings, digest: str) -> bool:
    """Bring a training to where its checkpoint stands; False where there is none.

    Raises InputError for a checkpoint of other settings or other data, ModelError for a broken one.
    """
    if not (folder / _STATE).is_file():
        return False
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    state = read_json(folder / _STATE)
    check_same(state["settings"], settings.as_dict(), state["corpus"] == digest, folder)
    try:
        tensors = load_file(folder / state["file"])
    except (OSError, SafetensorError) as error:
        raise InputError(
            f"the checkpoint {folder / state['file']} cannot be read: {error}. Remove {folder} "
            "to start again"
        ) from error
    training.step, training.history = int(state["step"]), list(state["history"])
    training.student.load_state_dict(_below(tensors, "student."))
    training.average.load_state_dict(_below(tensors, "average."))
    _restore(training.optimizer, _below(tensors, "optimizer."))
    return True


def check_same(
    before: Mapping[str, Any], now: Mapping[str, Any], same_data: bool, folder: Path
) -> None:
    """Raise InputError where a run would go on with other settings or other data."""
    if not same_data:
        raise InputError(
            f"{folder} holds a training on other data. Give the same data to go on, or another "
            "folder to start anew"
        )
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in now.items()}
    changed = [key for key in plain if before.get(key) != plain[key]]
    if changed:
        told = ", ".join(f"{key} {before.get(key)} (now {plain[key]})" for key in changed)
        raise InputError(
            f"{folder} holds a training with other settings: {told}. Give the same ones to go on, "
            "or another folder to start anew"
        )


def _tensors(training: Training) -> dict[str, Tensor]:
    found = {f"student.{name}": value for name, value in training.student.state_dict().items()}
    found |= {f"average.{name}": value for name, value in training.average.state_dict().items()}
    for number, state in training.optimizer.state_dict()["state"].items():
        found |= {f"optimizer.{number}.{name}": value for name, value in state.items()}
    return {name: value.detach().cpu().contiguous() for name, value in found.items()}


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }


def _restore(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        number, name = key.split(".", 1)
        state.setdefault(int(number), {})[name] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
