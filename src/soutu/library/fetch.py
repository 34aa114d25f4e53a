"""Query pictures from the web."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from soutu.errors import QueryError

if TYPE_CHECKING:
    import httpx

MAX_BYTES = 64 * 1024 * 1024
"""Downloads end with an error beyond this; no photo that a browser shows comes near it."""
MAX_REDIRECTS = 3

_STEP_SECONDS = 20.0  # to connect, and for each part of the answer to come
_WHOLE_SECONDS = 60.0


def fetch_image(url: str, *, max_bytes: int = MAX_BYTES, public_only: bool = False) -> bytes:
    """Download the file at an http(s) URL, following up to MAX_REDIRECTS redirects.

    With `public_only` only hosts of the public internet are spoken to, whatever a name or a
    redirect leads to: for addresses that come from strangers. Raises QueryError.
    """
    import httpx

    deadline = time.monotonic() + _WHOLE_SECONDS
    place = url
    try:
        # A proxy would look names up by itself, so that nothing could be promised.
        with httpx.Client(timeout=_STEP_SECONDS, trust_env=not public_only) as client:
            for _ in range(MAX_REDIRECTS + 1):
                with client.stream("GET", **_request(place, public_only=public_only)) as answer:
                    if not answer.has_redirect_location:
                        answer.raise_for_status()
                        return _body(answer, url, max_bytes, deadline)
                    place = urljoin(place, answer.headers["location"])
    except httpx.HTTPStatusError as error:
        code = error.response.status_code
        msg = f"{url} answered {code} {error.response.reason_phrase}. Check the address"
        raise QueryError(msg) from error
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        msg = f"cannot download {url}: {error or type(error).__name__}. Check the address"
        raise QueryError(msg) from error
    raise QueryError(f"{url} leads from address to address without end. Give the picture's own")


def _request(place: str, *, public_only: bool) -> Mapping[str, Any]:
    """Return what to ask of whom; the host is looked up here, once, where it must be public."""
    import httpx

    url = httpx.URL(place)
    if url.scheme not in {"http", "https"} or not url.host:
        msg = f"{place!r} is no address on the web; it begins with http:// or https://"
        raise QueryError(msg)
    if not public_only:
        return {"url": url}
    from soutu.library.public import public_address

    name = url.raw_host.decode("ascii")
    port = url.port or {"http": 80, "https": 443}[url.scheme]
    return {
        "url": url.copy_with(host=public_address(name, port)),
        "headers": {"host": url.netloc.decode("ascii")},
        "extensions": {"sni_hostname": name},  # what the certificate is checked against, too
    }


def _body(answer: httpx.Response, url: str, max_bytes: int, deadline: float) -> bytes:
    parts, total = [], 0
    for part in answer.iter_bytes():
        total += len(part)
        if total > max_bytes:
            msg = f"{url} is larger than {max_bytes // 2**20} MiB. Give a smaller picture"
            raise QueryError(msg)
        if time.monotonic() > deadline:
            msg = f"{url} took longer than {_WHOLE_SECONDS:.0f} seconds. Download it yourself"
            raise QueryError(msg)
        parts.append(part)
    return b"".join(parts)
