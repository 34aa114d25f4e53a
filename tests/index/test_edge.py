"""What only the folder index has: durability, locks, damage, full disks and the graph."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import threading
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
from index_engines import DIM, GRAPH, fill, ids_of, payload_of, unit_vectors

from soutu.errors import LibraryBroken, LibraryBusy, LibraryError, ModelError, StorageError
from soutu.index import edge
from soutu.index.edge import EdgeIndex
from soutu.index.edge_folder import Codes, EdgeSettings, search_bytes, segment_bytes
from soutu.index.memory import MemoryIndex
from soutu.types import Match

WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import numpy as np
from index_engines import DIM, GRAPH, payload_of, unit_vectors
from soutu.index.edge import EdgeIndex

index = EdgeIndex.open(Path(sys.argv[1]), dim=DIM, config=GRAPH)
last = index.count()
print(last, flush=True)
while True:
    ids = np.arange(last + 1, last + 21, dtype=np.int64)
    vectors = np.concatenate([unit_vectors(1, seed=i) for i in ids.tolist()])
    index.upsert(ids, vectors, [payload_of(i) for i in ids.tolist()])
    last += 20
    print(last, flush=True)
    if last % 200 == 0:
        index.optimize()
"""


def test_reopening_finds_everything(tmp_path: Path) -> None:
    """Vectors, payloads, words and the graph are there after a close."""
    with_words = [f"picture {i} 猫" for i in range(1, 201)]
    vectors = unit_vectors(200)
    ids = np.arange(1, 201, dtype=np.int64)
    index = EdgeIndex.open(tmp_path / "v", dim=DIM, config=GRAPH)
    index.upsert(ids, vectors, [payload_of(i) for i in range(1, 201)], with_words)
    index.optimize()
    index.delete(ids_of(1))
    index.close()

    index = EdgeIndex.open(tmp_path / "v", dim=DIM, config=GRAPH)

    assert index.ids().tolist() == list(range(2, 201))
    assert index.search(vectors[4:5], k=1)[0].ids.tolist() == [5]
    assert index.search_words("picture 42", k=1).ids.tolist() == [42]
    assert index.count(Match("camera", ("Camera 2",))) == 40
    index.close()


def test_a_killed_writer_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """SIGKILL in the middle of writing and optimizing: what `upsert` returned from is there."""
    choose = random.Random(5)
    acknowledged = 0
    for _ in range(3):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path / "v"), str(Path(__file__).parent)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert writer.stdout is not None
        with writer:
            stop = int(writer.stdout.readline()) + choose.randrange(40, 240)
            assert stop >= acknowledged
            for line in writer.stdout:
                acknowledged = int(line)
                if acknowledged >= stop:
                    break
            writer.send_signal(signal.SIGKILL)
            rest = writer.stdout.read().split()
        acknowledged = int(rest[-1]) if rest else acknowledged

        index = EdgeIndex.open(tmp_path / "v", dim=DIM, config=GRAPH)
        stored, vectors = index.get(np.arange(1, acknowledged + 1, dtype=np.int64))
        assert len(stored) == acknowledged
        for i in (1, acknowledged // 2, acknowledged):
            np.testing.assert_allclose(vectors[i - 1], unit_vectors(1, seed=i)[0], atol=1e-6)
        # A batch that was under way is there as a whole or not at all.
        assert index.count() in (acknowledged, acknowledged + 20)
        index.close()


def test_a_folder_opens_once_at_a_time(tmp_path: Path) -> None:
    """The second opening says so; after a close it works."""
    first = EdgeIndex.open(tmp_path / "v", dim=DIM)
    with pytest.raises(LibraryBusy, match=r"another process.*v open"):
        EdgeIndex.open(tmp_path / "v", dim=DIM)
    first.close()

    EdgeIndex.open(tmp_path / "v", dim=DIM).close()


def test_a_closed_index_says_so(tmp_path: Path) -> None:
    """Every use after the close is an error of soutu."""
    index = EdgeIndex.open(tmp_path / "v", dim=DIM)
    index.close()
    with pytest.raises(LibraryError, match="is closed"):
        index.search(unit_vectors(1), k=1)
    with pytest.raises(LibraryError, match="is closed"):
        index.upsert(ids_of(1), unit_vectors(1), [{}])


def test_vectors_of_another_model_are_refused(tmp_path: Path) -> None:
    """Opening with another length names both, and changes nothing."""
    index = EdgeIndex.open(tmp_path / "v", dim=DIM)
    fill(index, 3)
    index.close()

    with pytest.raises(ModelError, match=rf"holds {DIM}-d vectors; the model gives 512-d"):
        EdgeIndex.open(tmp_path / "v", dim=512)

    index = EdgeIndex.open(tmp_path / "v", dim=DIM)
    assert index.count() == 3
    index.close()


def test_a_creation_that_was_cut_short_does_no_harm(tmp_path: Path) -> None:
    """What a killed first opening left behind is replaced."""
    (tmp_path / "v.new" / "segments").mkdir(parents=True)
    (tmp_path / "v.new" / "edge_config.json").write_text("{")
    (tmp_path / "v").mkdir()

    index = EdgeIndex.open(tmp_path / "v", dim=DIM)

    assert index.count() == 0
    assert not (tmp_path / "v.new").exists()
    index.close()


def _break_config(folder: Path) -> None:
    (folder / "edge_config.json").write_text("{")


def _lose_config(folder: Path) -> None:
    (folder / "edge_config.json").unlink()


def _change_layout(folder: Path) -> None:
    (folder / "edge_config.json").write_text(json.dumps({"vectors": {"": {"size": DIM}}}))


def _cut_segments(folder: Path) -> None:
    for path in folder.glob("segments/*/segment.json"):
        path.write_bytes(path.read_bytes()[:10])


def _scramble_ids(folder: Path) -> None:
    for path in folder.glob("segments/*/*id_tracker*"):
        path.write_bytes(bytes(range(256)))


@pytest.mark.parametrize(
    "damage", [_break_config, _lose_config, _change_layout, _cut_segments, _scramble_ids]
)
def test_a_damaged_folder_is_named(tmp_path: Path, damage: object) -> None:
    """The message names the folder and says that it can be rebuilt."""
    index = EdgeIndex.open(tmp_path / "v", dim=DIM)
    fill(index, 10)
    index.close()
    assert callable(damage)
    damage(tmp_path / "v")

    with pytest.raises(LibraryBroken, match=r"/v is damaged.*index the pictures again"):
        EdgeIndex.open(tmp_path / "v", dim=DIM)


def test_a_full_disk_stops_writing_before_it_hurts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write without room is refused, says what is needed, and what was stored stays usable."""
    index = EdgeIndex.open(tmp_path / "v", dim=DIM)
    vectors = fill(index, 10)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(100 << 20, 99 << 20, 1 << 20))

    with pytest.raises(StorageError, match=r"full: \d+ MB are needed, 1 MB are free"):
        index.upsert(ids_of(11), unit_vectors(1), [{}])
    with pytest.raises(StorageError):
        index.optimize()

    assert index.search(vectors[:1], k=1)[0].ids.tolist() == [1]
    with pytest.raises(StorageError):
        EdgeIndex.open(tmp_path / "other", dim=DIM)
    monkeypatch.undo()
    index.upsert(ids_of(11), unit_vectors(1), [{}])
    assert index.count() == 11
    index.close()


def test_long_writes_are_cut_into_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches larger than one write, and logs larger than one flush, lose nothing."""
    monkeypatch.setattr(edge, "_CHUNK_BYTES", 10 * 4 * DIM)
    monkeypatch.setattr(edge, "_FLUSH_BYTES", 30 * 4 * DIM)
    monkeypatch.setattr(edge, "_PAGE", 7)
    index = EdgeIndex.open(tmp_path / "v", dim=DIM)
    vectors = fill(index, 105)

    index.set_payload(np.arange(1, 106, dtype=np.int64), [{"camera": "X"}] * 105)
    index.delete(np.arange(1, 11, dtype=np.int64))

    assert index.ids().tolist() == list(range(11, 106))
    assert index.facet("camera") == {"X": 95}
    ids, found = index.get(np.arange(1, 106, dtype=np.int64))
    assert ids.tolist() == list(range(11, 106))
    np.testing.assert_allclose(found, vectors[10:], atol=1e-6)
    index.close()


@pytest.mark.parametrize(
    ("codes", "least"), [("fp32", 9), ("int8", 9), ("turbo4", 9), ("turbo2", 8), ("binary", 5)]
)
def test_the_graph_finds_nearly_everything(tmp_path: Path, codes: Codes, least: float) -> None:
    """Walking the graph over any codes finds what the oracle finds; `exact` finds all of it.

    These vectors fill the space evenly, which is the hardest case for small codes.
    """
    settings = EdgeSettings(graph_from=500, walk_from=500, codes=codes, oversampling=8)
    index = EdgeIndex.open(tmp_path / "v", dim=64, config=settings)
    oracle = MemoryIndex(64)
    for each in (index, oracle):
        fill(each, 1500)
    index.optimize()
    queries = unit_vectors(30, seed=9, dim=64)
    expected = oracle.search(queries, k=10)

    exact = index.search(queries, k=10, exact=True)
    walked = index.search(queries, k=10)

    assert [f.ids.tolist() for f in exact] == [f.ids.tolist() for f in expected]
    shared = [np.intersect1d(a.ids, b.ids).size for a, b in zip(walked, expected, strict=True)]
    assert np.mean(shared) >= least
    for query, found in zip(queries, walked, strict=True):
        # Scores are those of the full vectors, whatever the codes.
        vectors = oracle.get(found.ids)[1]
        np.testing.assert_allclose(found.scores, vectors @ query, atol=1e-5)
    index.close()


def test_an_open_index_can_be_tuned(tmp_path: Path) -> None:
    """More candidates scored again find more, over the same coarse codes of the same build."""
    settings = EdgeSettings(graph_from=500, walk_from=500, codes="binary", oversampling=1)
    index = EdgeIndex.open(tmp_path / "v", dim=64, config=settings)
    fill(index, 1500)
    index.optimize()
    queries = unit_vectors(30, seed=9, dim=64)
    exact = index.search(queries, k=10, exact=True)

    def shared() -> float:
        found = index.search(queries, k=10)
        return float(
            np.mean([np.intersect1d(a.ids, b.ids).size for a, b in zip(found, exact, strict=True)])
        )

    coarse = shared()
    index.tune(ef=1024, oversampling=50)
    assert shared() > coarse + 2
    vectors = 4 * 64 * 1500
    assert vectors / 32 <= search_bytes(tmp_path / "v") < vectors < segment_bytes(tmp_path / "v")
    index.close()


def test_small_libraries_get_no_graph(tmp_path: Path) -> None:
    """Below `graph_from` there is nothing to build, and a few writes later still nothing."""
    index = EdgeIndex.open(tmp_path / "v", dim=DIM)
    fill(index, 500)
    before = sorted((tmp_path / "v" / "segments").iterdir())

    index.optimize()

    assert sorted((tmp_path / "v" / "segments").iterdir()) == before
    index.close()


def test_readers_and_writers_may_be_many(tmp_path: Path) -> None:
    """Searches, writes and an optimize at once: no error, and nothing is missing in the end."""
    index = EdgeIndex.open(tmp_path / "v", dim=DIM, config=GRAPH)
    vectors = fill(index, 200)
    errors: list[BaseException] = []

    def guard(work: object) -> None:
        assert callable(work)
        try:
            for turn in range(15):
                work(turn)
        except BaseException as error:
            errors.append(error)

    def write(start: int) -> object:
        return lambda turn: index.upsert(
            np.arange(5, dtype=np.int64) + start + 5 * turn, unit_vectors(5, seed=turn), [{}] * 5
        )

    work = [
        lambda _: index.search(vectors[:2], k=5, where=Match("format", ("jpeg",))),
        lambda turn: index.optimize() if turn % 5 == 0 else index.count(),
        write(1000),
        write(2000),
        lambda turn: index.set_payload(ids_of(turn + 1), [{"camera": "X"}]),
    ]
    threads = [threading.Thread(target=guard, args=(each,)) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert index.count() == 350
    assert index.facet("camera")["X"] == 15
    index.close()
