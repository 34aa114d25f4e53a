"""Bodies of requests: JSON, or a form with files beside the same fields."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile

from soutu.errors import InputError

if TYPE_CHECKING:
    from fastapi import Request

B = TypeVar("B", bound=BaseModel)

_MAX_FILES = 256


@asynccontextmanager
async def read_body(request: Request, kind: type[B]) -> AsyncIterator[tuple[B, list[UploadFile]]]:
    """Read a body and the files that came with it, in their order; they close at the end.

    Of a form, the field `query` holds JSON and every other field is one of that JSON's.
    Raises RequestValidationError for one of the wrong shape, InputError for what is no JSON.
    """
    if not is_form(request):
        yield parsed(kind, await request.body()), []
        return
    async with request.form(max_files=_MAX_FILES, max_fields=16) as form:
        given: dict[str, Any] = {}
        files = []
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                files.append(value)
            elif name == "query":
                given |= _fields(value)
            else:
                given[name] = value
        yield _validated(kind, given), files


def is_form(request: Request) -> bool:
    """Tell whether a request carries a form."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return media == "multipart/form-data"


def parsed(kind: type[B], body: bytes) -> B:
    """Read a body of JSON. Raises RequestValidationError, InputError for what is no JSON."""
    return _validated(kind, _loaded(body or b"{}"))


def _validated(kind: type[B], given: object) -> B:
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None


def _loaded(body: bytes | str) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InputError(f"the request is no JSON: {error}") from None


def _fields(value: str) -> dict[str, Any]:
    found = _loaded(value)
    if not isinstance(found, dict):
        raise InputError(f"the field 'query' holds {value[:40]!r}, which is no JSON object")
    return found


def body_of(kind: type[BaseModel], form: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Describe the two forms of a body for the OpenAPI document.

    `form` is the schema of the form; without it, a field `query` with the JSON, and files.
    """
    schema = kind.model_json_schema(ref_template="#/components/schemas/{model}")
    inline = _without_refs(schema, schema.pop("$defs", {}))
    return {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": inline},
                "multipart/form-data": {"schema": form or QUERY_FORM},
            },
        }
    }


QUERY_FORM: Mapping[str, Any] = {
    "type": "object",
    "required": ["query"],
    "properties": {"query": {"type": "string", "description": "The query as JSON."}},
    "additionalProperties": {"type": "string", "format": "binary"},
}


def file_form(description: str, **others: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a form: a file, who it is from, and other fields."""
    file = {"type": "string", "format": "binary", "description": description}
    return {
        "type": "object",
        "required": ["file"],
        "properties": {"file": file, **others, "who": {"type": "string"}},
    }


def _without_refs(schema: Any, defs: Mapping[str, Any]) -> Any:
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _without_refs(defs[schema["$ref"].rpartition("/")[2]], defs)
        return {key: _without_refs(each, defs) for key, each in schema.items()}
    return [_without_refs(each, defs) for each in schema] if isinstance(schema, list) else schema
