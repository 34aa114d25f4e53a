"""The folder of a Qdrant Edge index: its settings, creation, checks and errors."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import qdrant_edge as q

from soutu.errors import (
    LibraryBroken,
    LibraryBusy,
    LibraryError,
    ModelError,
    SoutuError,
    StorageError,
)
from soutu.index.base import FIELDS

Codes = Literal["fp32", "int8", "turbo4", "turbo2", "binary"]

IMAGE = "image"
"""Name of a point's dense vector."""
WORDS = "words"
"""Name of its sparse BM25 vector."""

_CONFIG = "edge_config.json"
_SPARE_BYTES = 64 << 20  # left free on the disk: the engine maps files, and a full disk kills it


@dataclass(frozen=True, kw_only=True)
class EdgeSettings:
    """How the graph is built and walked.

    `codes` is what the graph compares: full vectors, or 8, 4, 2 or 1 bits a number. `m` edges a
    node and `ef_construct` candidates while building decide over build time and recall, `ef`
    candidates while searching over latency and recall; `oversampling` times k candidates are
    scored again with the full vectors. Segments below `graph_from` vectors get no graph, filtered
    searches that keep fewer than `walk_from` do not walk it.
    """

    codes: Codes = "turbo4"
    m: int = 16
    ef_construct: int = 100
    ef: int = 512
    oversampling: float = 2.0
    graph_from: int = 10_000
    walk_from: int = 20_000


def engine_config(dim: int, config: EdgeSettings) -> q.EdgeConfig:
    """Spell the settings out for the engine."""
    kilobytes = 4 * dim / 1024  # of one vector: the engine's thresholds are in KB
    cached, cold = q.Memory.Cached, q.Memory.Cold
    return q.EdgeConfig(
        vectors={
            IMAGE: q.EdgeVectorParams(
                dim,
                q.Distance.Dot,
                # Only the few candidates that are scored again touch the full vectors, so they
                # may stay on the disk; the page cache keeps those in use.
                memory=cold,
                quantization_config=_quantization(config.codes),
                hnsw_config=q.HnswIndexConfig(
                    m=config.m,
                    ef_construct=config.ef_construct,
                    full_scan_threshold=max(1, round(config.walk_from * kilobytes)),
                    memory=cached,
                ),
            )
        },
        sparse_vectors={WORDS: q.EdgeSparseVectorParams(modifier=q.Modifier.Idf, memory=cached)},
        optimizers=q.EdgeOptimizersConfig(
            # One segment searches fastest, and nothing here is ever too big for one.
            default_segment_number=1,
            max_segment_size=2**40,
            indexing_threshold=max(1, round(config.graph_from * kilobytes)),
        ),
        payload_memory=cold,
        wal_enabled=True,
    )


def _quantization(codes: Codes) -> q.QuantizationConfigType | None:
    # Cached, not Pinned: pinning copies the codes page by page at load, ten times slower.
    cached = q.Memory.Cached
    match codes:
        case "fp32":
            return None
        case "int8":
            return q.ScalarQuantizationConfig(q.ScalarType.Int8, memory=cached)
        case "turbo4":
            return q.TurboQuantQuantizationConfig(bits=q.TurboQuantBitSize.Bits4, memory=cached)
        case "turbo2":
            return q.TurboQuantQuantizationConfig(bits=q.TurboQuantBitSize.Bits2, memory=cached)
        case "binary":
            return q.BinaryQuantizationConfig(memory=cached)


def create(folder: Path, settings: q.EdgeConfig) -> None:
    """Create an empty index beside the folder and move it there, so that it is whole or absent."""
    new = folder.with_name(folder.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    require_room(new, 0)
    shard = q.EdgeShard.create(str(new), settings)
    try:
        create_missing_fields(shard)
        shard.flush()
    finally:
        shard.close()
    with suppress(FileNotFoundError):
        folder.rmdir()
    new.rename(folder)


def create_missing_fields(shard: q.EdgeShard) -> None:
    """Index the payload fields that are not indexed yet."""
    known = shard.info().payload_schema
    for name, kind in FIELDS.items():
        if name in known:
            continue
        # No extra graph edges per field: they multiply the build time by the number of fields.
        params: q.KeywordIndexParams | q.FloatIndexParams = (
            q.KeywordIndexParams(memory=q.Memory.Cached, enable_hnsw=False)
            if kind == "keyword"
            else q.FloatIndexParams(memory=q.Memory.Cached, enable_hnsw=False)
        )
        shard.update(q.UpdateOperation.create_field_index(name, params))


def check_stored(folder: Path, dim: int) -> None:
    """Refuse a folder of other vectors with ModelError, a broken one with LibraryBroken."""
    try:
        stored = json.loads((folder / _CONFIG).read_bytes())["vectors"][IMAGE]["size"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise broken(folder, f"{_CONFIG} cannot be read ({error})") from error
    if stored != dim:
        raise ModelError(
            f"the index {folder} holds {stored}-d vectors; the model gives {dim}-d ones. "
            "Use the model that filled it, or run: soutu models use NAME"
        )


def read_ahead(folder: Path) -> None:
    """Read what every search reads, in one go: the engine alone would fetch it page by page."""
    _read(folder, "quantized.data", "vectors/chunk_*.mmap")


def read_vectors_ahead(folder: Path) -> None:
    """Read the full vectors of large segments, as a search that looks at all of them will."""
    _read(folder, "matrix.dat")


def _read(folder: Path, *patterns: str) -> None:
    buffer = bytearray(1 << 20)
    for pattern in patterns:
        for path in folder.glob(f"segments/*/vector_storage-{IMAGE}/{pattern}"):
            with path.open("rb", buffering=0) as file:
                while file.readinto(buffer):
                    pass


def search_bytes(folder: Path) -> int:
    """Measure what every search reads: the graph and the codes, or full vectors without codes."""
    graph = list(folder.glob(f"segments/*/vector_index-{IMAGE}/*"))
    stored = list(folder.glob(f"segments/*/vector_storage-{IMAGE}/**/*"))
    codes = [p for p in stored if "quantized" in p.name or "quantized" in p.parent.name]
    return sum(p.stat().st_blocks * 512 for p in graph + (codes or stored) if p.is_file())


def segment_bytes(folder: Path) -> int:
    """Measure what the segments take on the disk; their files are sparse."""
    return sum(p.stat().st_blocks * 512 for p in folder.glob("segments/**/*") if p.is_file())


def require_room(folder: Path, size: int) -> None:
    """Raise StorageError unless the disk has room for `size` more bytes, and some to spare."""
    free = shutil.disk_usage(folder).free
    if free < size + _SPARE_BYTES:
        needed = (size + _SPARE_BYTES) >> 20
        raise StorageError(
            f"the disk of {folder} is full: {needed} MB are needed, {free >> 20} MB are free. "
            "Free some space and run the same command again; nothing was lost"
        )


# --- Errors: the engine raises bare exceptions, and panics on files that it cannot read. ---


def broken(folder: Path, reason: str) -> LibraryBroken:
    """Say that the folder is damaged, and that it can be rebuilt."""
    return LibraryBroken(
        f"the index {folder} is damaged: {reason}. Delete that folder and index the pictures "
        "again; tags and labels are not in it and stay"
    )


@contextmanager
def translated(folder: Path) -> Iterator[None]:
    """Turn what the engine raises into the errors of soutu."""
    try:
        yield
    except SoutuError:
        raise
    except OSError as error:
        raise StorageError(f"cannot use the index {folder}: {error}") from error
    except BaseException as error:
        # A panic derives from BaseException. All else is a mistake in soutu, or Ctrl-C.
        if type(error) is not Exception and type(error).__name__ != "PanicException":
            raise
        raise _translate(folder, " ".join(str(error).split())[:300]) from error


def _translate(folder: Path, reason: str) -> SoutuError:
    def says(*signs: str) -> bool:
        return any(sign in reason for sign in signs)

    if says("WouldBlock"):
        return LibraryBusy(
            f"another process has the index {folder} open; wait for it or stop it, then try again"
        )
    if says("os error 28", "No space left", "os error 122"):
        return StorageError(
            f"the disk of {folder} is full ({reason}). Free some space and run the same command "
            "again"
        )
    if says("os error 13", "os error 30", "ermission denied"):
        return StorageError(f"cannot write to the index {folder} ({reason}). Check its permissions")
    if says("Shard is not initialized"):
        return closed(folder)
    return broken(folder, reason)


def closed(folder: Path) -> LibraryError:
    """Say that the index was closed before."""
    return LibraryError(f"the index {folder} is closed; open the library again")
