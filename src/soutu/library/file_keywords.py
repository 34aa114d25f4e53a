"""Keywords of picture files on their way into the catalog."""

from __future__ import annotations

from pathlib import Path

from soutu.catalog.keywords import Keyword
from soutu.errors import ImageError
from soutu.images.decode import read
from soutu.images.keywords import Keywords, join, key
from soutu.images.keywords_file import keywords_of_file
from soutu.images.sidecar import read_beside
from soutu.types import Failure


def keywords_now(path: Path) -> tuple[Keywords, tuple[Failure, ...]]:
    """Read the keywords of a picture and its sidecars, and say which of these are broken."""
    beside, broken = read_beside(path)
    try:
        return join([keywords_of_file(read(path).data), beside]), broken
    except ImageError:  # it was readable a moment ago; the next run will see what it is now
        return beside, broken


def keyword_rows(found: Keywords) -> list[Keyword]:
    """Return keywords as the catalog keeps them."""
    keys = [(key(name), name) for name in found.names]
    return [Keyword(key, name, key in found.ours) for key, name in keys]
