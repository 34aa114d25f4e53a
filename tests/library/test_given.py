"""Pictures from outside the library: by path, URL or bytes, to search by and to tag."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from conftest import OpenFolder

from soutu.errors import QueryError


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's
        """Say nothing."""


@pytest.fixture
def address(photos: Path) -> Iterator[str]:
    """Serve the painted pictures over HTTP."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=photos)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_pictures_by_url(open_folder: OpenFolder, photos: Path, address: str) -> None:
    """They are searched by and tagged like files; what is not there is told."""
    library = open_folder()
    library.add([photos])
    library.tags.add("red")
    url = f"{address}/red.png"
    assert library.search(image=url, k=1)[0].path == photos / "red.png"
    (found,) = library.tag([url], mode="top")
    (own,) = library.tag([photos / "red.png"], mode="top")
    assert found.tags[0].probability == pytest.approx(own.tags[0].probability, abs=1e-5)
    assert (found.id, str(found.path)) == (None, str(Path(url)))
    with pytest.raises(QueryError, match="404"):
        list(library.tag([f"{address}/purple.png"]))
    with pytest.raises(QueryError, match="cannot tag the uploaded picture"):
        list(library.tag([b"no picture"]))
