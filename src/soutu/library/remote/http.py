"""Ask a soutu server: JSON both ways, its errors raised as those of `soutu.errors`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import httpx

from soutu import errors
from soutu.errors import InputError, LibraryError, SoutuError
from soutu.wire import Json

Files: TypeAlias = Sequence[tuple[str, tuple[str, bytes]]]
"""Field names with the file names and contents that go there."""

_TIMEOUT = httpx.Timeout(600.0, connect=5.0)  # a first count of many tags takes its time


class Http:
    """Speak with one server. Safe to use from many threads."""

    def __init__(
        self, url: str, *, token: str | None = None, transport: httpx.BaseTransport | None = None
    ) -> None:
        self.url = url.rstrip("/")
        headers = {"accept-encoding": "gzip"}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        self._client = httpx.Client(
            base_url=self.url, headers=headers, timeout=_TIMEOUT, transport=transport
        )
        self._closed = False

    def get(self, path: str, /, **params: object) -> Json:
        """Ask for something. Parameters that are None are left out."""
        return self._json("GET", path, params=_given(params))

    def post(self, path: str, /, body: Json = None, **params: object) -> Json:
        """Send JSON."""
        return self._json("POST", path, **written(body), params=_given(params))

    def find(self, path: str, /, body: Json) -> Json | None:
        """Send JSON that names something. None where there is nothing of that name."""
        return self._json("POST", path, **written(body), absent=True)

    def patch(self, path: str, /, body: Json, **params: object) -> Json:
        """Send JSON that changes something."""
        return self._json("PATCH", path, **written(body), params=_given(params))

    def delete(self, path: str, /, **params: object) -> None:
        """Delete something."""
        self._json("DELETE", path, params=_given(params))

    def upload(self, path: str, fields: Mapping[str, Json], files: Files) -> Json:
        """Send files with JSON fields beside them."""
        data = {name: json.dumps(value) for name, value in fields.items()}
        return self._json("POST", path, data=data, files=list(files))

    @contextmanager
    def lines(self, path: str, **request: Any) -> Iterator[Iterator[Json]]:
        """Send a request whose answer is a value a line."""
        with self._translated(), self._client.stream("POST", path, **request) as answer:
            if not answer.is_success:
                answer.read()
                raise self._error(answer)
            yield (_told(json.loads(line)) for line in answer.iter_lines() if line)

    def close(self) -> None:
        """Let go of the connections; safe to call twice."""
        self._closed = True
        self._client.close()

    def _json(self, method: str, path: str, *, absent: bool = False, **request: Any) -> Json:
        with self._translated():
            answer = self._client.request(method, path, **request)
        if not answer.is_success:
            error = self._error(answer)
            if absent and answer.status_code == 404 and isinstance(error, InputError):
                return None
            raise error
        return answer.json() if answer.content else None

    @contextmanager
    def _translated(self) -> Iterator[None]:
        if self._closed:
            raise LibraryError(f"the library at {self.url} was closed. Open it again")
        try:
            yield
        except httpx.TimeoutException as error:
            raise LibraryError(f"the server {self.url} did not answer in time") from error
        except httpx.HTTPError as error:
            why = str(error) or type(error).__name__
            msg = f"the server {self.url} cannot be reached: {why}. Is it running? soutu serve"
            raise LibraryError(msg) from error

    def _error(self, answer: httpx.Response) -> SoutuError:
        try:
            said = answer.json()["error"]
            kind, message = str(said["kind"]), str(said["message"])
        except (ValueError, KeyError, TypeError):
            return LibraryError(f"{self.url} answered {answer.status_code}: is it soutu?")
        return error_of(kind, message)


def written(body: Json) -> dict[str, Any]:
    """Return a request's JSON body; what is no UTF-8 in names of files goes as escapes."""
    return {"content": json.dumps(body).encode(), "headers": {"content-type": "application/json"}}


def error_of(kind: str, message: str) -> SoutuError:
    """Return the error that a server told of."""
    if kind in {"NotFound", "TooLarge"}:
        return InputError(message)
    found = getattr(errors, kind, None)
    if not (isinstance(found, type) and issubclass(found, SoutuError)):
        return LibraryError(message)
    error: SoutuError = found.__new__(found)
    error.args = (message,)  # MissingExtra is made of other parts
    return error


def _told(line: Json) -> Json:
    """Return a line of a stream. Raises the error that ended it, if it is one."""
    if "error" in line:
        raise error_of(line["error"]["kind"], line["error"]["message"])
    return line


def _given(params: Mapping[str, object]) -> dict[str, Any]:
    return {key: _sendable(value) for key, value in params.items() if value is not None}


def _sendable(value: object) -> object:
    """Return what can stand in an address; for bytes that are no UTF-8 stand question marks."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
