"""What is known of a model before it is opened: its origin, its quality, its licence."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

from soutu.errors import ModelError
from soutu.models.base import Precision, Scale

Layout = Literal["transformers", "immich", "soutu"]
Clean = Literal["none", "lowercase", "whitespace", "lower", "canonicalize"]
"""What is done to a text before its tokenizer sees it; see `tokenizer.clean_text`."""

MINI_FOLDER = Path(__file__).with_name("mini")
CLIP_SCALE = Scale(scale=100.0)
"""CLIP's temperature: its logit scale is clipped at 100 in training and ends there."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One published or measured quality figure, with where it stands.

    `value` is a percentage unless `metric` says otherwise.
    """

    task: str
    metric: str
    value: float
    source: str
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class TextOverrides:
    """What a model's files do not say of its texts, or say wrongly. None: believe the files."""

    context_length: int | None = None
    clean: Clean | None = None


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """Describe a model. `repository` is None for a folder, `dim` 0 where it is not known yet.

    `download_mb` is the size of the fp32 files in 10**6 bytes. `native` is the precision of a
    model whose files come in one only.
    """

    name: str
    title: str
    layout: Layout
    repository: str | None = None
    revision: str = "main"
    dim: int = 0
    languages: tuple[str, ...] = ()
    licence: str = "unknown"
    download_mb: int | None = None
    native: Precision | None = None
    scale: Scale = CLIP_SCALE
    text: TextOverrides = TextOverrides()
    figures: tuple[Figure, ...] = ()
    notes: str = ""


def card_to_dict(card: ModelCard) -> dict[str, Any]:
    """Turn a card into plain JSON values."""
    return asdict(card)


def card_from_dict(data: Mapping[str, Any], *, source: str) -> ModelCard:
    """Build a card from plain JSON or TOML values.

    Raises ModelError, naming `source`, for missing or unknown fields.
    """
    fields = dict(data)
    try:
        if "scale" in fields:
            fields["scale"] = Scale(**fields["scale"])
        if "text" in fields:
            fields["text"] = TextOverrides(**fields["text"])
        if "figures" in fields:
            fields["figures"] = tuple(Figure(**figure) for figure in fields["figures"])
        if "languages" in fields:
            fields["languages"] = tuple(fields["languages"])
        return ModelCard(**fields)
    except TypeError as error:
        raise ModelError(
            f"the model card in {source} cannot be read: {error}. Add the model again"
        ) from error


@cache
def catalogue() -> Mapping[str, ModelCard]:
    """Read the cards of `catalog.toml`, by name, in the order of the file."""
    path = Path(__file__).with_name("catalog.toml")
    models = cast("list[dict[str, Any]]", tomllib.loads(path.read_text("utf-8"))["model"])
    cards = [card_from_dict(model, source=path.name) for model in models]
    return {card.name: card for card in cards}
