"""The page's own files: static, checked by their content, never looked for outside their folder."""

from __future__ import annotations

import mimetypes
from typing import TYPE_CHECKING

import xxhash
from starlette.responses import Response

from soutu.web.answers import error_answer

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from starlette.types import Receive, Scope, Send

_TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html",
          ".json": "application/json", ".svg": "image/svg+xml",
          ".webmanifest": "application/manifest+json"}  # fmt: skip


class Page:
    """Serve files of a package, all of them read once. Paths without a file get `index.html`.

    Addresses inside the page, such as /tags, are the page's own to understand; below /api/ there
    is nothing but the API.
    """

    def __init__(self, folder: Traversable) -> None:
        self._files = {path: _loaded(path, found) for path, found in _walk(folder, "")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request for a file."""
        path = scope["path"].strip("/")
        found = self._files.get(path)
        if found is None and ("." in path.rpartition("/")[2] or path.startswith("api/")):
            await error_answer(404, "NotFound", f"there is nothing at /{path}")(
                scope, receive, send
            )
            return
        if scope["method"] not in {"GET", "HEAD"}:
            await error_answer(405, "HTTP", "the page is only read")(scope, receive, send)
            return
        content, media, etag = found or self._files["index.html"]
        headers = {"etag": etag, "cache-control": "no-cache"}
        asked = dict(scope["headers"]).get(b"if-none-match", b"").decode("latin-1")
        if etag in asked:
            await Response(status_code=304, headers=headers)(scope, receive, send)
        else:
            await Response(content, media_type=media, headers=headers)(scope, receive, send)


def _walk(folder: Traversable, prefix: str) -> list[tuple[str, Traversable]]:
    found = []
    for each in folder.iterdir():
        if each.is_dir():
            found += _walk(each, f"{prefix}{each.name}/")
        else:
            found.append((prefix + each.name, each))
    return found


def _loaded(path: str, found: Traversable) -> tuple[bytes, str, str]:
    content = found.read_bytes()
    suffix = "." + path.rpartition(".")[2]
    media = _TYPES.get(suffix) or mimetypes.guess_type(path)[0] or "application/octet-stream"
    return content, media, f'"{xxhash.xxh3_64_hexdigest(content)}"'
