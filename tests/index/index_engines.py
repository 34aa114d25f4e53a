"""The engines under the contract, and the pictures that they are filled with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from qdrant_client import QdrantClient

from soutu.index.base import VectorIndex
from soutu.index.edge import EdgeIndex
from soutu.index.edge_folder import EdgeSettings
from soutu.index.memory import MemoryIndex
from soutu.index.server import ServerIndex

if TYPE_CHECKING:
    from soutu.types import Ids, Payload, Vectors

DIM = 16
ENGINES = ("memory", "edge", "edge-graph", "server")
"""`edge-graph` builds and walks its graph from 64 vectors on, `edge` never within these tests.

`server` runs over qdrant-client's local mode, a Python model of the server: it checks what is sent
and how answers are read, not the server itself.
"""

GRAPH = EdgeSettings(graph_from=64, walk_from=64)


@contextmanager
def opened(engine: str, folder: Path, dim: int = DIM) -> Iterator[VectorIndex]:
    """Open an empty index of an engine, and close it in the end."""
    index: VectorIndex
    match engine:
        case "memory":
            index = MemoryIndex(dim)
        case "edge":
            index = EdgeIndex.open(folder / "vectors", dim=dim)
        case "edge-graph":
            index = EdgeIndex.open(folder / "vectors", dim=dim, config=GRAPH)
        case "server":
            index = ServerIndex(
                "http://server.invalid",
                collection="pictures",
                dim=dim,
                client=QdrantClient(":memory:"),
            )
        case _:
            raise ValueError(engine)
    try:
        yield index
    finally:
        index.close()


def ids_of(*ids: int) -> Ids:
    """Make an id array."""
    return np.array(ids, np.int64)


def unit_vectors(n: int, seed: int = 0, dim: int = DIM) -> Vectors:
    """Draw unit vectors [n, dim]."""
    drawn = np.random.default_rng(seed).standard_normal((n, dim)).astype(np.float32)
    unit: Vectors = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return unit


def payload_of(i: int) -> Payload:
    """Make up a payload; every tenth picture lacks most fields."""
    folders = ["/photos", f"/photos/{2020 + i % 4}"]
    if i % 10 == 0:
        return {"folder": folders, "name": f"{i}.png"}
    return {
        "folder": folders,
        "name": f"IMG_{i:04}.jpg",
        "format": ("jpeg", "png", "webp")[i % 3],
        "camera": f"Camera {i % 5}",
        "width": 100 * i,
        "height": 100.5 * i,
        "bytes": 1000 + i,
        "taken": 1.7e9 + i,
        "modified": 1.7e9 - i,
        "latitude": -45.0 + i / 10,
        "longitude": i / 7,
    }


def fill(index: VectorIndex, n: int, seed: int = 0) -> Vectors:
    """Store pictures 1 .. n and return their vectors."""
    vectors = unit_vectors(n, seed, index.dim)
    ids = np.arange(1, n + 1, dtype=np.int64)
    index.upsert(ids, vectors, [payload_of(i) for i in range(1, n + 1)])
    return vectors
