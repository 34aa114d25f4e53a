"""Query pictures from the web."""

from __future__ import annotations

from soutu.errors import QueryError

MAX_BYTES = 64 * 1024 * 1024
"""Downloads end with an error beyond this; no photo that a browser shows comes near it."""

_TIMEOUT_SECONDS = 20.0


def fetch_image(url: str, *, max_bytes: int = MAX_BYTES) -> bytes:
    """Download the file at an http(s) URL. Raises QueryError."""
    import httpx

    try:
        with httpx.stream("GET", url, follow_redirects=True, timeout=_TIMEOUT_SECONDS) as answer:
            answer.raise_for_status()
            parts, total = [], 0
            for part in answer.iter_bytes():
                total += len(part)
                if total > max_bytes:
                    msg = f"{url} is larger than {max_bytes // 2**20} MiB. Give a smaller picture"
                    raise QueryError(msg)
                parts.append(part)
            return b"".join(parts)
    except httpx.HTTPStatusError as error:
        code = error.response.status_code
        msg = f"{url} answered {code} {error.response.reason_phrase}. Check the address"
        raise QueryError(msg) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        msg = f"cannot download {url}: {error or type(error).__name__}. Check the address"
        raise QueryError(msg) from error
