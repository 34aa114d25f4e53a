"""Stand between Pillow and the rest of soutu: its exceptions and its warnings."""

from __future__ import annotations

import logging
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, cast

from soutu.errors import ImageError, SoutuError

_LONGEST_DETAIL = 100
_PILLOW = r"PIL\.(?#while soutu decodes)"  # the comment sets this filter apart from any other
_FILTER = ("ignore", None, Warning, re.compile(_PILLOW), 0)

# Pillow logs a few damages as errors, which would print them in the middle of a progress bar.
logging.getLogger("PIL").addHandler(logging.NullHandler())


@contextmanager
def reasons() -> Iterator[None]:
    """Turn whatever Pillow raises for a bad file into ImageError with a short reason.

    There are a dozen kinds: OSError, SyntaxError, ValueError, struct.error, zlib.error … Its
    warnings (of damaged metadata, and of sizes that soutu limits by itself) are not shown.
    """
    from PIL.Image import DecompressionBombError

    try:
        with _QUIET:
            yield
    except SoutuError:
        raise
    except MemoryError as error:
        msg = "there is not enough memory to decode it"
        raise ImageError(msg) from error
    except DecompressionBombError as error:  # of the few plugins that look at Pillow's limit
        msg = f"too many pixels for Pillow: {error}"
        raise ImageError(msg) from error
    except Exception as error:
        detail = " ".join(str(error).split())[:_LONGEST_DETAIL] or type(error).__name__
        if "truncated" in detail.lower():
            msg = "truncated: the end of the file is missing"
        else:
            msg = f"damaged: {detail}"
        raise ImageError(msg) from error


class _Quiet:
    """Ignore warnings from Pillow's modules while any thread is inside.

    `warnings.catch_warnings` would not do: threads that overlap restore each other's filters.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                warnings.filterwarnings("ignore", module=_PILLOW)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                with suppress(ValueError):  # somebody has put other filters in place
                    cast("list[Any]", warnings.filters).remove(_FILTER)


_QUIET = _Quiet()
