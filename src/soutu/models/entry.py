"""A model as the store sees it, and the card of a folder that has none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from soutu.errors import ModelError
from soutu.models.card import ModelCard

Origin = Literal["bundled", "catalogue", "hub", "folder"]
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")


@dataclass(frozen=True, kw_only=True)
class ModelEntry:
    """One model of the store. `folder` is None where its files are not on this disk.

    `size` is in bytes: of the files, or of the download while they are not here; None where it is
    not known.
    """

    card: ModelCard
    origin: Origin
    folder: Path | None = None
    size: int | None = None

    @property
    def name(self) -> str:
        """The name by which the model is loaded."""
        return self.card.name

    @property
    def present(self) -> bool:
        """Whether the files are on this disk."""
        return self.folder is not None


def folder_card(folder: Path, name: str | None = None) -> ModelCard:
    """Write the card of a local folder, named after the folder unless a name is given.

    Raises ModelError, listing what was looked for, for a folder in no known layout.
    """
    from soutu.models import layout

    files = layout.read(folder)
    readable = re.sub(r"[^a-z0-9._-]", "-", folder.name.lower()).lstrip("._-")
    return ModelCard(
        name=valid_name(name or readable or "model"),
        title=str(folder),
        layout=files.layout,
        native=files.precisions()[0] if files.layout == "soutu" else None,
        dim=files.dim,
        scale=files.scale,
    )


def repository_card(repository: str) -> ModelCard:
    """Write the card of a hub repository `owner/name` that the catalogue does not know."""
    readable = re.sub(r"[^a-z0-9._-]", "-", repository.split("/")[1].lower())
    return ModelCard(
        name=valid_name(readable), title=repository, layout="transformers", repository=repository
    )


def is_repository(name: str) -> bool:
    """Tell whether a name has the form of a hub repository."""
    return re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", name) is not None


def valid_name(name: str) -> str:
    """Return a model's name, which also names its folder in the store.

    Raises ModelError for one that cannot.
    """
    if not _NAME.fullmatch(name):
        raise ModelError(
            f"{name!r} cannot be a model's name: use lower-case letters, digits, '.', '_', '-'"
        )
    return name
