"""What only the server index has: a network that fails, and collections of others."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest
from index_engines import DIM, fill
from qdrant_client import QdrantClient, models

from soutu.errors import LibraryError, ModelError
from soutu.index.server import ServerIndex

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

WITHOUT_THE_EXTRA = """
import sys
sys.modules["qdrant_client"] = None  # as if it were not installed
from soutu.errors import MissingExtra
try:
    import soutu.index.server
except MissingExtra as error:
    print(error)
"""


def test_a_server_that_does_not_answer_is_named() -> None:
    """The message has the address and what to check."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # taken but not listening: connections are refused
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"

        with pytest.raises(LibraryError, match=rf"{url} failed .*Check that it runs"):
            ServerIndex(url, collection="pictures", dim=DIM, timeout=2)


def test_without_the_extra_the_cure_is_named() -> None:
    """Importing the module without qdrant-client names the pip extra."""
    output = subprocess.check_output([sys.executable, "-c", WITHOUT_THE_EXTRA], text=True)

    assert output == (
        "a Qdrant server needs an optional dependency. Run: pip install 'soutu[server]'\n"
    )


def test_an_existing_collection_is_opened() -> None:
    """What is in the collection stays, and a second index over it finds the pictures."""
    client = QdrantClient(":memory:")
    fill(ServerIndex("http://x", collection="pictures", dim=DIM, client=client), 5)

    again = ServerIndex("http://x", collection="pictures", dim=DIM, client=client)

    assert again.count() == 5
    again.close()


@pytest.mark.parametrize(
    ("vectors", "holds"),
    [
        ({"image": models.VectorParams(size=8, distance=models.Distance.DOT)}, "8-d vectors"),
        (models.VectorParams(size=DIM, distance=models.Distance.DOT), "something else"),
    ],
)
def test_a_collection_of_something_else_is_refused(vectors: object, holds: str) -> None:
    """Other lengths and other layouts are refused by name, and left alone."""
    client = QdrantClient(":memory:")
    client.create_collection("taken", vectors_config=vectors)  # type: ignore[arg-type]

    with pytest.raises(ModelError, match=f"'taken' of http://x holds {holds}.*{DIM}-d"):
        ServerIndex("http://x", collection="taken", dim=DIM, client=client)
