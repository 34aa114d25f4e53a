"""Answers in JSON, and errors as answers. The only place that knows HTTP statuses of errors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pydantic_core
from starlette.responses import JSONResponse

from soutu.errors import (
    HubError,
    InputError,
    LibraryBroken,
    LibraryError,
    LibraryTooNew,
    MissingExtra,
    SoutuError,
    StorageError,
)
from soutu.wire import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping

STATUSES: tuple[tuple[type[SoutuError], int], ...] = (
    (InputError, 400),
    (LibraryBroken, 500),
    (LibraryTooNew, 500),
    (LibraryError, 409),
    (StorageError, 507),
    (HubError, 502),
    (MissingExtra, 501),
    (SoutuError, 400),
)
"""The first class that an error is of decides."""


class Answer(JSONResponse):
    """A value as JSON. Names that are not UTF-8 pass as escapes, as Python keeps them in paths."""

    def render(self, content: object) -> bytes:
        """Write the value."""
        found = to_json(content)
        try:
            return pydantic_core.to_json(found)  # three times as fast as json
        except pydantic_core.PydanticSerializationError:
            return json.dumps(found, separators=(",", ":"), allow_nan=False).encode()


class NotFound(Exception):
    """Say that there is nothing of that id."""


def status_of(error: SoutuError) -> int:
    """Return the HTTP status of an error."""
    return next(status for kind, status in STATUSES if isinstance(error, kind))


def error_answer(
    status: int, kind: str, message: str, headers: Mapping[str, str] | None = None
) -> Answer:
    """Write an error the way that all errors are written."""
    said = {"error": {"kind": kind, "message": message}}
    return Answer(said, status_code=status, headers=dict(headers or {}))
