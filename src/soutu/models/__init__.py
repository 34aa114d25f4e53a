"""Turn pictures and texts into vectors: models, their files, and the encoder that runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from soutu.models.card import ModelCard
    from soutu.models.encoder import DualEncoder
    from soutu.models.entry import ModelEntry
    from soutu.models.store import ModelStore, load_mini

__all__ = ["DualEncoder", "ModelCard", "ModelEntry", "ModelStore", "load_mini"]

_HOMES = {
    "DualEncoder": "encoder",
    "ModelCard": "card",
    "ModelEntry": "entry",
    "ModelStore": "store",
    "load_mini": "store",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import soutu.models` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
