"""Pictures that go along with a question to a server, and what they are called there and here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from soutu.errors import QueryError
from soutu.library.given import picture_bytes, readable

if TYPE_CHECKING:
    from soutu.wire import Json


class Sent:
    """A query as it goes to a server, the pictures that go along, and what they are called."""

    def __init__(self) -> None:
        self.query: dict[str, Json] = {}
        self.files: list[tuple[str, tuple[str, bytes]]] = []
        self.labels: list[str] = []

    def upload(self, image: bytes | Path | str) -> str:
        """Take a picture along; return what the query calls it."""
        name = f"picture{len(self.files)}"
        self.files.append((name, (name, content_of(image, "search by"))))
        self.labels.append(label_of(image))
        return name


def label_of(image: bytes | Path | str | int) -> str:
    """Return what a picture that was sent is called here, in what a server says of it."""
    return repr(str(image)) if isinstance(image, Path | str) else "the uploaded picture"


@contextmanager
def renamed(there: str, labels: Sequence[str]) -> Iterator[None]:
    """Call the one picture that was sent what it is called here, in an error about it."""
    try:
        yield
    except QueryError as error:
        if len(labels) != 1:
            raise
        raise QueryError(str(error).replace(there, labels[0], 1)) from None


def content_of(image: bytes | Path | str, purpose: str) -> bytes:
    """Return what goes to the server. Raises QueryError for a file that cannot be read."""
    with readable(image, purpose=purpose):
        return picture_bytes(image)
