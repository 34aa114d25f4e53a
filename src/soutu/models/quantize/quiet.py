"""Keep onnxruntime's quantiser to itself, and turn its failures into errors of soutu."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from soutu.errors import ModelError


@contextmanager
def quiet(graph: Path) -> Iterator[None]:
    """Hold back the quantiser's advice on the root logger, and name the graph that it fails on.

    Raises ModelError for whatever goes wrong, but for a disk that refuses (OSError).
    """
    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.ERROR)
    try:
        yield
    except OSError:
        raise
    except Exception as error:  # it fails on graphs it does not know in many ways
        raise ModelError(f"{graph} cannot be quantised: {error}") from error
    finally:
        logging.getLogger().setLevel(level)


def has_external_data(graph: Path) -> bool:
    """Tell whether a graph keeps its weights in files beside it."""
    return any(path.stat().st_size > 0 for path in graph.parent.glob(f"{graph.name}_data*"))
