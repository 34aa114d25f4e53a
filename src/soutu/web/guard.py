"""What stands between the network and the API: who may ask, what, from where, and how much.

Plain ASGI, as every request pays for it.
"""

from __future__ import annotations

import hashlib
import hmac
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException

from soutu.web.answers import error_answer

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from soutu.web.answers import Answer
    from soutu.web.settings import Settings

COOKIE = "soutu_session"
OPEN_PATHS = frozenset({"/healthz", "/readyz", "/api/session"})
"""What answers without a token, beside the page's own files."""
READING_POSTS = frozenset(
    {"/api/search", "/api/explain", "/api/encode", "/api/tagging", "/api/session", "/api/facets"}
    | {"/api/images/list", "/api/images/lookup", "/api/tags/counts"}
)
"""Requests that carry a body but change nothing."""
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


class TooLarge(HTTPException):
    """Say that a request's body, or a picture in it, is larger than allowed.

    Without a message it is the body. FastAPI passes on what is an HTTPException while it reads.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(413, message)


class Guard:
    """Let through what the settings allow; answer the rest with the reason."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check a request, and dress its answer in security headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        headers = Headers(scope=scope)
        refused = self._refusal(scope["method"], scope["path"], headers)
        if refused is not None:
            await refused(scope, receive, dressed)
            return
        await self._app(scope, self._limited(receive), dressed)

    def _refusal(self, method: str, path: str, headers: Headers) -> Answer | None:
        host = headers.get("host", "")
        if not self._settings.knows_host(urlsplit(f"//{host}").hostname or ""):
            why = f"this server is not called {host!r}. Start it with: --allow-host NAME"
            return error_answer(403, "Forbidden", why)
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return error_answer(403, "Forbidden", f"requests from {origin!r} are not answered")
        if headers.get("sec-fetch-site", "same-origin") in {"cross-site", "same-site"} and (
            method not in _SAFE or path.startswith("/api/")
        ):
            return error_answer(403, "Forbidden", "requests from other sites are not answered")
        if not self._admitted(path, headers):
            why = "a token is needed: send it as 'Authorization: Bearer TOKEN'"
            return error_answer(401, "Unauthorized", why, {"www-authenticate": "Bearer"})
        if self._settings.read_only and method not in _SAFE and path not in READING_POSTS:
            return error_answer(403, "Forbidden", "this server is read-only")
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > self._settings.max_upload_bytes:
            return too_large(self._settings.max_upload_bytes)
        return None

    def _admitted(self, path: str, headers: Headers) -> bool:
        token = self._settings.token
        if token is None or path in OPEN_PATHS or not _is_guarded(path):
            return True
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and same_token(given.strip(), token):
            return True
        cookie = _cookie_in(headers)
        return cookie is not None and same_token(cookie, session_of(token))

    def _limited(self, receive: Receive) -> Receive:
        """Count the bytes of a body whose length nobody told."""
        left = self._settings.max_upload_bytes

        async def counted() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise TooLarge
            return message

        return counted


def too_large(limit: int) -> Answer:
    """Say how much a request may carry."""
    return error_answer(413, "TooLarge", f"a request may carry {limit // 2**20} MiB at most")


def same_token(given: str, token: str) -> bool:
    """Compare in a time that tells nothing of where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())


def session_of(token: str) -> str:
    """Return what the cookie of somebody who knows the token holds; the token is not told by it."""
    return hmac.new(token.encode(), b"soutu session", hashlib.sha256).hexdigest()


def _is_guarded(path: str) -> bool:
    return path.startswith("/api/") or path in {"/metrics", "/openapi.json", "/docs"}


def _cookie_in(headers: Headers) -> str | None:
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return None if cookie is None else cookie.value
