"""How much of the exact answer an index finds, by its settings, on vectors of the user's own.

Each kind of codes is built once, as a copy in a temporary folder; the settings of the search are
then tried on it. Text and picture queries are measured apart: texts lie off the manifold of the
pictures that the graph was built between, and are harder to find neighbours for.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np

from soutu.errors import InputError
from soutu.index.edge_folder import Codes, EdgeSettings, search_bytes, segment_bytes
from soutu.metrics import Interval, bootstrap_mean
from soutu.types import HasId, Not, Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.index.edge import EdgeIndex
    from soutu.library.base import Watcher
    from soutu.metrics import Figures
    from soutu.types import Ids, Vectors

Kind: TypeAlias = Literal["text", "picture"]
Cheapest: TypeAlias = Literal["time", "memory"]

CODES: tuple[Codes, ...] = get_args(Codes)
KS = (1, 10, 100)
K = 10
"""The k that decides and is timed."""
TARGET = 0.99
"""The recall@10 that a setting must be shown to keep."""
ALIKE = 1.1
"""Times within this factor of the least are taken for equal: those of two runs differ as much."""

_EQUAL = 2e-6  # between cosines: copies of a picture, and the rounding of a sum
_BLOCK = 20_000  # vectors compared at once
_WARM = 20  # queries asked before the clock starts
_EFS = (64, 128, 256, 512, 1024, 2048)
_OVERSAMPLING: Mapping[Codes, tuple[float, ...]] = {
    "fp32": (1.0,),
    "int8": (2.0,),
    "turbo4": (2.0, 4.0),
    "turbo2": (4.0, 10.0),
    "binary": (10.0, 20.0),
}
"""The coarser the codes, the more candidates must be scored again with the full vectors."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How an index is built and asked; `ef` is None where there is no graph to walk."""

    codes: Codes
    ef: int | None
    oversampling: float
    exact: bool = False

    @property
    def name(self) -> str:
        """What reports call it."""
        if self.exact:
            return "exact"
        walked = "" if self.ef is None else f" ef {self.ef}"
        return f"{self.codes}{walked}" + (
            "" if self.codes == "fp32" else f" {self.oversampling:g}x"
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Queries:
    """Queries of one kind: unit vectors [q, dim], and the rows that they are themselves, if any."""

    vectors: Vectors
    own: NDArray[np.intp] | None = None


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What a setting did for one kind of query: recall at each k, median ms of a query at K."""

    recall: Mapping[int, Interval]
    ms: float


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One setting's figures. `memory` are the bytes that every search reads, `disk` all of them."""

    setting: Setting
    kinds: Mapping[Kind, Answered]
    memory: int
    disk: int
    build_seconds: float

    @property
    def ms(self) -> float:
        """The slower kind's time."""
        return max(each.ms for each in self.kinds.values())

    @property
    def keeps(self) -> bool:
        """Whether the interval of recall@10 lies at TARGET or above for every kind."""
        return all(each.recall[K].low >= TARGET for each in self.kinds.values())


def library_setting(vectors: int) -> Setting:
    """Return how a library of so many pictures is searched."""
    used = EdgeSettings()
    return Setting(
        codes=used.codes,
        ef=used.ef if vectors >= used.graph_from else None,
        oversampling=used.oversampling,
    )


def settings(vectors: int, codes: Sequence[Codes] = CODES) -> tuple[Setting, ...]:
    """List what is worth trying for so many vectors: the exact search first, then each code."""
    efs = _EFS if vectors >= EdgeSettings().graph_from else (None,)
    tried = [
        Setting(codes=code, ef=ef, oversampling=oversampling)
        for code in codes
        for oversampling in _OVERSAMPLING[code]
        for ef in efs
    ]
    return (Setting(codes=codes[0], ef=None, oversampling=1.0, exact=True), *tried)


def sampled(vectors: Vectors, n: int, *, seed: int) -> Queries:
    """Draw up to n of the vectors as picture queries."""
    count = min(n, len(vectors))
    own = np.sort(np.random.default_rng(seed).choice(len(vectors), count, replace=False))
    return Queries(vectors=vectors[own], own=own)


def measure(
    vectors: Vectors,
    queries: Mapping[Kind, Queries],
    tried: Sequence[Setting],
    *,
    folder: Path | None = None,
    seed: int = 0,
    resamples: int = 1000,
    on_progress: Watcher | None = None,
) -> tuple[Measured, ...]:
    """Measure settings, in their order, on unit vectors [n, dim].

    Picture queries leave themselves out as a search of the library does: by a filter. A picture
    with the same cosine as the last of the exact answer, such as a copy, counts as found. The
    copies of the index are made below `folder`, one at a time. Raises InputError for fewer
    vectors than an answer has, StorageError for a full disk.
    """
    if len(vectors) <= K:
        raise InputError(
            f"there are {len(vectors)} pictures; recall@{K} needs more than {K}. Index more first"
        )
    truths = {kind: _Truth.of(vectors, asked) for kind, asked in queries.items()}
    found: list[Measured] = []

    def tell() -> None:
        if on_progress is not None:
            on_progress(Progress(stage="measure", done=len(found), total=len(tried)))

    with tempfile.TemporaryDirectory(dir=folder, prefix="soutu-eval-") as made:
        tell()
        for codes, same in groupby(tried, key=lambda setting: setting.codes):
            with _copy(vectors, codes, Path(made) / codes) as copy:
                for setting in same:
                    found.append(copy.measured(setting, truths, seed=seed, resamples=resamples))
                    tell()
    return tuple(found)


def recommended(measured: Sequence[Measured], *, by: Cheapest = "time") -> Measured | None:
    """Return the cheapest setting that keeps recall@10; None where none is shown to.

    By time, settings within a tenth of the fastest are alike and the smallest of them wins; by
    memory, the fastest of the smallest.
    """
    keeping = [each for each in measured if each.keeps]
    if not keeping:
        return None
    if by == "memory":
        return min(keeping, key=lambda each: (each.memory, each.ms))
    fastest = min(each.ms for each in keeping)
    return min(
        (each for each in keeping if each.ms <= ALIKE * fastest),
        key=lambda each: (each.memory, each.ms),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Truth:
    """Queries, and the cosine of the k-th nearest vector to each: what an answer must reach."""

    vectors: Vectors
    queries: Queries
    reach: Mapping[int, NDArray[np.float32]]

    @classmethod
    def of(cls, vectors: Vectors, queries: Queries) -> _Truth:
        others = len(vectors) - (queries.own is not None)
        ks = [k for k in KS if k <= others]
        best = _best_scores(vectors, queries, max(ks))
        return cls(vectors=vectors, queries=queries, reach={k: best[:, k - 1] for k in ks})

    def recalls(self, answers: Sequence[Ids], k: int) -> Figures:
        """Return each query's share of answers that are as near as the k nearest."""
        shares = np.empty(len(answers))
        for row, ids in enumerate(answers):
            near = self.vectors[ids[:k] - 1] @ self.queries.vectors[row]
            shares[row] = (near >= self.reach[k][row] - _EQUAL).sum() / k
        return shares


def _best_scores(vectors: Vectors, queries: Queries, k: int) -> NDArray[np.float32]:
    """Return the k greatest cosines [q, k] of each query, greatest first, without itself."""
    best = np.full((len(queries.vectors), 0), -np.inf, np.float32)
    for start in range(0, len(vectors), _BLOCK):
        scores = queries.vectors @ vectors[start : start + _BLOCK].T
        if queries.own is not None:
            here = np.flatnonzero((queries.own >= start) & (queries.own < start + _BLOCK))
            scores[here, queries.own[here] - start] = -np.inf
        best = np.concatenate([best, scores], axis=1)
        if best.shape[1] > k:
            best = -np.partition(-best, k - 1, axis=1)[:, :k]
    return -np.sort(-best, axis=1)


@contextmanager
def _copy(vectors: Vectors, codes: Codes, folder: Path) -> Iterator[_Copy]:
    """Build an index of all vectors (ids are rows plus one), for as long as the block runs."""
    from soutu.index.edge import EdgeIndex

    started = time.perf_counter()
    index = EdgeIndex.open(folder, dim=vectors.shape[1], config=EdgeSettings(codes=codes))
    try:
        ids = np.arange(1, len(vectors) + 1, dtype=np.int64)
        for start in range(0, len(ids), _BLOCK):
            part = slice(start, start + _BLOCK)
            index.upsert(ids[part], vectors[part], [{}] * len(ids[part]))
        index.optimize()
        seconds = time.perf_counter() - started
        yield _Copy(
            index=index,
            memory=search_bytes(folder),
            disk=segment_bytes(folder),
            seconds=seconds,
        )
    finally:
        index.close()
        shutil.rmtree(folder, ignore_errors=True)  # the next one needs the room


@dataclass(frozen=True, kw_only=True, eq=False)
class _Copy:
    """An index, the bytes that every search reads, those of all its segments, and its build."""

    index: EdgeIndex
    memory: int
    disk: int
    seconds: float

    def measured(
        self, setting: Setting, truths: Mapping[Kind, _Truth], *, seed: int, resamples: int
    ) -> Measured:
        """Ask every query, alone, for each k."""
        if not setting.exact:
            self.index.tune(ef=setting.ef or max(_EFS), oversampling=setting.oversampling)
        kinds: dict[Kind, Answered] = {}
        vectors_bytes = max(truth.vectors.nbytes for truth in truths.values())
        for kind, truth in truths.items():
            ms, recall = 0.0, {}
            for k in truth.reach:
                answers, times = _asked(self.index, truth.queries, k, exact=setting.exact)
                ms = 1000 * float(np.median(times)) if k == K else ms
                recalls = truth.recalls(answers, k)
                recall[k] = bootstrap_mean(recalls, seed=seed, resamples=resamples)
            kinds[kind] = Answered(recall=recall, ms=ms)
        return Measured(
            setting=setting,
            kinds=kinds,
            # The exact search reads no graph, but all of every vector.
            memory=vectors_bytes if setting.exact else self.memory,
            disk=self.disk,
            build_seconds=self.seconds,
        )


def _asked(
    index: EdgeIndex, queries: Queries, k: int, *, exact: bool
) -> tuple[list[Ids], list[float]]:
    """Return the ids found for each query, and the seconds that it took."""

    def ask(row: int) -> Ids:
        own = None if queries.own is None else int(queries.own[row]) + 1
        where = None if own is None else Not(HasId((own,)))
        return index.search(queries.vectors[[row]], k=k, where=where, exact=exact)[0].ids

    for row in range(min(_WARM, len(queries.vectors))):
        ask(row)
    answers, times = [], []
    for row in range(len(queries.vectors)):
        started = time.perf_counter()
        answers.append(ask(row))
        times.append(time.perf_counter() - started)
    return answers, times
