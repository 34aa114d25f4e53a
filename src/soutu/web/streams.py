"""Answers that are sent as they come about, and files to save."""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from soutu.errors import StorageError

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

_BLOCK = 1 << 16


class Stream(StreamingResponse):
    """Send blocks as they come about; `close` is called when it is over, however it ends.

    The blocks are made in a thread, one after the other, and no faster than they are taken. A
    client that goes away ends the work.
    """

    def __init__(
        self,
        blocks: Iterator[bytes],
        *,
        media_type: str,
        close: Callable[[], Awaitable[object]],
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(blocks, media_type=media_type, headers=headers)
        self._close = close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send everything, then let go."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            with anyio.CancelScope(shield=True):
                await self._close()


def download(name: str, media_type: str, write: Callable[[Path], object]) -> Stream:
    """Answer with a file for saving, under a name in ASCII, that `write` makes at a path.

    Raises StorageError where there is no room for it, and what `write` raises.
    """
    try:
        folder = tempfile.TemporaryDirectory(prefix="soutu-", ignore_cleanup_errors=True)
    except OSError as error:
        raise StorageError(f"the export cannot be written: {error}. Free space") from error
    try:
        path = Path(folder.name, name)
        write(path)
        size, file = path.stat().st_size, path.open("rb")
    except BaseException:
        folder.cleanup()
        raise

    def close() -> None:
        file.close()
        folder.cleanup()

    headers = {
        "content-disposition": f'attachment; filename="{name}"',
        "content-length": str(size),
        "cache-control": "private, no-cache",
    }
    blocks = iter(lambda: file.read(_BLOCK), b"")
    let_go = partial(run_in_threadpool, close)
    return Stream(blocks, media_type=media_type, close=let_go, headers=headers)
