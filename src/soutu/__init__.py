"""Find and tag pictures by meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from soutu.library import Library, open_library
    from soutu.types import Hit, Query, Term

__version__ = "0.1.0.dev0"

__all__ = ["Hit", "Library", "Query", "Term", "open_library"]

_HOMES = {
    "Library": "soutu.library",
    "open_library": "soutu.library",
    "Hit": "soutu.types",
    "Query": "soutu.types",
    "Term": "soutu.types",
}


def __getattr__(name: str) -> Any:
    """Import public names on first use, so that `import soutu` costs nothing."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    msg = f"module 'soutu' has no attribute {name!r}"
    raise AttributeError(msg)
