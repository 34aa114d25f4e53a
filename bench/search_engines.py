"""The engines that bench/search.py compares: how each is built, loaded and asked."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from soutu.types import Match

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.types import Filter, Ids, Payload, Vectors

K = 10
FILTERS: Mapping[str, tuple[int, Filter]] = {
    "10 %": (10, Match("folder", ("/tenth/3",))),
    "1 %": (100, Match("folder", ("/hundredth/7",))),
}
"""Name, every how manieth picture passes, and the filter; see `payload_of`."""

Search = Callable[["NDArray[np.float32]", "Filter | None"], "Ids"]
"""Find the ids of the K nearest to one query."""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """One engine. `points` are named settings of the search, tried on the same build."""

    build: Callable[[Path, Path], None]
    """Read vectors from the first path, store them at the second."""
    load: Callable[[Path, Path], Callable[[Mapping[str, Any]], Search]]
    """Open what was built; the vectors' path is for engines that store nothing."""
    points: Mapping[str, Mapping[str, Any]]
    exact: bool = False
    filters: bool = False


def passes(name: str, ids: Ids) -> NDArray[np.bool_]:
    """Tell which ids pass the named filter."""
    every, where = FILTERS[name]
    assert isinstance(where, Match)
    passing: NDArray[np.bool_] = ids % every == int(str(where.values[0]).rsplit("/", 1)[1])
    return passing


def payload_of(i: int) -> Payload:
    """Make up a payload with a folder per tenth and per hundredth."""
    return {
        "folder": [f"/tenth/{i % 10}", f"/hundredth/{i % 100}"],
        "name": f"IMG_{i:07}.jpg",
        "format": "jpeg",
        "width": 4000,
        "height": 3000,
        "taken": 1.6e9 + i,
    }


def read_chunks(vectors: Path, rows: int = 20_000) -> Iterator[tuple[Ids, Vectors]]:
    """Yield ids (from 1) and vectors, copied so that no mapped page stays in this process."""
    start, n = 0, len(np.load(vectors, mmap_mode="r"))
    while start < n:
        part = np.array(np.load(vectors, mmap_mode="r")[start : start + rows])
        yield np.arange(start + 1, start + len(part) + 1, dtype=np.int64), part
        start += len(part)


def memory() -> Engine:
    """Build nothing: the exact numpy index is filled anew at each load."""
    from soutu.index.memory import MemoryIndex

    def load(vectors: Path, _: Path) -> Callable[[Mapping[str, Any]], Search]:
        index = MemoryIndex(np.load(vectors, mmap_mode="r").shape[1])
        for ids, part in read_chunks(vectors):
            index.upsert(ids, part, [payload_of(i) for i in ids.tolist()])
        return lambda _: lambda query, where: index.search(query[None], k=K, where=where)[0].ids

    return Engine(build=lambda _, __: None, load=load, points={"": {}}, exact=True)


def edge(codes: str, points: Mapping[str, Mapping[str, Any]], *, exact: bool = False) -> Engine:
    """Qdrant Edge over some codes; exact: without any graph."""
    from soutu.index.edge import EdgeIndex
    from soutu.index.edge_folder import EdgeSettings

    def settings(**changes: Any) -> EdgeSettings:
        never = {"graph_from": 2**40} if exact else {}
        return EdgeSettings(codes=codes, **never, **changes)  # type: ignore[arg-type]

    def build(vectors: Path, folder: Path) -> None:
        dim = np.load(vectors, mmap_mode="r").shape[1]
        index = EdgeIndex.open(folder, dim=dim, config=settings())
        for ids, part in read_chunks(vectors):
            index.upsert(ids, part, [payload_of(i) for i in ids.tolist()])
        index.optimize()
        index.close()

    def load(vectors: Path, folder: Path) -> Callable[[Mapping[str, Any]], Search]:
        dim = np.load(vectors, mmap_mode="r").shape[1]
        index = EdgeIndex.open(folder, dim=dim, config=settings())

        def at(point: Mapping[str, Any]) -> Search:
            # The same shard with other search settings: loading again would cost minutes.
            asked = EdgeIndex(index._shard, folder, dim, settings(**point))
            return lambda query, where: (
                asked.search(query[None], k=K, where=where, exact=exact)[0].ids
            )

        return at

    return Engine(build=build, load=load, points=points, exact=exact, filters=True)


def faiss_index(
    factory: Callable[[int, int], str],
    points: Mapping[str, Mapping[str, Any]],
    *,
    exact: bool = False,
) -> Engine:
    """FAISS by its factory string, which may depend on dim and n; ids are positions plus one."""

    def build(vectors: Path, folder: Path) -> None:
        faiss = _faiss()
        n, dim = np.load(vectors, mmap_mode="r").shape
        index = faiss.index_factory(dim, factory(dim, n), faiss.METRIC_INNER_PRODUCT)
        if not index.is_trained:
            _, part = next(read_chunks(vectors, 200_000))
            index.train(part)
        for _, part in read_chunks(vectors):
            index.add(part)
        folder.mkdir(exist_ok=True)
        faiss.write_index(index, str(folder / "index.faiss"))

    def load(_: Path, folder: Path) -> Callable[[Mapping[str, Any]], Search]:
        faiss = _faiss()
        index = faiss.read_index(str(folder / "index.faiss"))

        def at(point: Mapping[str, Any]) -> Search:
            for name, value in point.items():
                faiss.ParameterSpace().set_index_parameter(index, name, value)
            return lambda query, _: index.search(query[None], K)[1][0] + 1

        return at

    return Engine(build=build, load=load, points=points, exact=exact)


def _faiss() -> Any:
    try:
        import faiss
    except ImportError:
        raise SystemExit(
            "bench/search.py compares with FAISS: pip install faiss-cpu, or leave its engines out "
            "with --engines"
        ) from None
    return faiss


def engines() -> dict[str, Engine]:
    """Name every engine; the first is what the others are compared with."""
    efs = {"ef 128": {"ef": 128}, "ef 256": {"ef": 256}, "ef 512": {"ef": 512}}
    wide = {"ef 256, 10x": {"oversampling": 10.0}}
    return {
        "FAISS Flat": faiss_index(lambda _, __: "Flat", {"": {}}, exact=True),
        "FAISS HNSW32": faiss_index(
            lambda _, __: "HNSW32",
            {"ef 64": {"efSearch": 64}, "ef 256": {"efSearch": 256}, "ef 512": {"efSearch": 512}},
        ),
        "FAISS IVF-PQ": faiss_index(
            lambda dim, n: f"IVF{_lists(n)},PQ{dim // 8}",
            {"nprobe 16": {"nprobe": 16}, "nprobe 64": {"nprobe": 64}},
        ),
        "memory": memory(),
        "edge exact": edge("fp32", {"": {}}, exact=True),
        "edge HNSW fp32": edge("fp32", efs),
        "edge HNSW int8": edge("int8", efs),
        "edge HNSW 4 bit": edge("turbo4", efs),
        "edge HNSW 2 bit": edge("turbo2", wide),
        "edge HNSW 1 bit": edge("binary", wide),
    }


def _lists(n: int) -> int:
    """Four lists per root of n, as the FAISS guidelines have it, to a power of two."""
    return int(2 ** round(np.log2(4 * np.sqrt(n))))


def forget(folder: Path) -> None:
    """Delete what was built."""
    shutil.rmtree(folder, ignore_errors=True)
