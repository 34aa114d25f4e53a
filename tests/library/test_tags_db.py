"""What is kept of tags may be asked for by many threads, and may be lost at any time."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import OpenFolder
from painting import paint

from soutu.errors import LibraryBusy, LibraryError, StorageError
from soutu.library.folder import FolderLibrary
from soutu.library.tagging import cache_file
from soutu.library.tagging.cache import Members, TagCache, among
from soutu.library.tagging.heads import Head
from soutu.types import Label, Query


@pytest.fixture
def library(open_folder: OpenFolder, photos: Path) -> FolderLibrary:
    """Three pictures and sixty tags."""
    opened = open_folder()
    opened.add([photos])
    for i in range(60):
        opened.tags.add(f"tag {i}")
    return opened


def members(*ids: int) -> Members:
    return Members(np.array(ids, np.int64), np.ones(len(ids), np.float32))


HEAD = Head(weights=np.arange(4, dtype=np.float32), bias=-1.5, threshold=0.25, source="learned")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that holds a little of everything."""
    cache = TagCache(tmp_path / "tags.db")
    cache.set_meta({"mark": b"1/2"})
    cache.put_texts({f"text {i}": np.full(512, i, np.float32) for i in range(100)})
    cache.put_heads({7: ("key", HEAD)})
    cache.put_members({7: ("key", members(1, 5))}, version=3)
    cache.close()
    return tmp_path / "tags.db"


def test_what_is_put_comes_back(path: Path) -> None:
    """Also after the file was closed; `clear` keeps the texts."""
    cache = TagCache(path)
    key, head = cache.heads([7, 8])[7]
    assert (key, head.bias, head.threshold, head.source) == ("key", -1.5, 0.25, "learned")
    assert head.weights.tolist() == [0, 1, 2, 3]
    assert cache.members([7])[7].ids.tolist() == [1, 5]
    assert (cache.meta("mark"), cache.meta("pictures")) == (b"1/2", b"3")
    assert cache.texts(["text 9", "no text"])["text 9"][0] == 9
    cache.clear()
    assert (cache.known(), cache.meta("mark"), len(cache.texts(["text 9"]))) == ([], None, 1)
    cache.close()


def test_damage_at_any_place_gives_the_right_values_or_none(path: Path) -> None:
    """And what is computed afresh is kept again."""
    whole = path.read_bytes()
    for at in range(0, len(whole), 1021):
        path.write_bytes(whole[:at] + b"\xde" * 64 + whole[at + 64 :])
        cache = TagCache(path)
        for key, vector in cache.texts([f"text {i}" for i in range(100)]).items():
            assert (vector == float(key.removeprefix("text "))).all()
        assert all(head.bias == -1.5 for _, head in cache.heads([7]).values())
        assert all(each.ids.tolist() == [1, 5] for each in cache.members([7]).values())
        cache.put_members({8: ("key", members(2))}, version=4)
        cache.forget([9])
        assert cache.meta("mark") in (None, b"1/2")
        assert cache.members([8])[8].ids.tolist() == [2]
        cache.close()


def test_a_damaged_file_costs_nothing_but_time(
    library: FolderLibrary, open_folder: OpenFolder, tmp_path: Path
) -> None:
    """Every command goes on working, whichever asks first."""
    expected = library.tags.counts()
    library.close()
    (file,) = (tmp_path / "library").glob("spaces/*/tags.db")
    data = bytearray(file.read_bytes())
    for at in range(4096 * 8, len(data), 4096):
        data[at : at + 64] = b"\xde" * 64
    asks: list[Callable[[FolderLibrary], object]] = [
        lambda x: x.tags.counts(),
        lambda x: list(x.tag()),
        lambda x: x.tags.show("tag 1"),
        lambda x: x.review(),
        lambda x: x.search(Query(tags=("tag 1",))),
    ]
    for ask in asks:
        file.write_bytes(data)
        again = open_folder()
        ask(again)
        assert again.tags.counts() == expected
        again.close()


def test_a_damaged_distribution_is_measured_again(library: FolderLibrary) -> None:
    """When it goes between its mark and itself."""
    expected = library.tags.show("tag 1").threshold
    tagger = library._tagging.tagger()
    tagger.fitter.forget()
    tagger._cache._file.write(("DELETE FROM meta WHERE key = 'background'", [()]))
    tagger._cache._file.write(("DELETE FROM heads", [()]))
    assert library.tags.show("tag 1").threshold == expected


def test_a_full_disk_is_named_and_costs_nothing(path: Path) -> None:
    """Not hidden behind a rollback that SQLite has done already."""
    cache = TagCache(path)
    pages = cache._file.rows("PRAGMA page_count")[0][0]
    cache._file.rows(f"PRAGMA max_page_count = {pages}")
    many = {f"more {i}": np.zeros(512, np.float32) for i in range(1000)}
    with pytest.raises(StorageError, match=r"disk that holds .*tags\.db is full"):
        cache.put_texts(many)
    assert cache.heads([7])[7][0] == "key"
    cache.close()


def test_a_file_that_cannot_be_opened_is_not_thrown_away(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that somebody else has locked, and one on a full disk."""
    before = path.read_bytes()
    for code, kind in ((sqlite3.SQLITE_BUSY, LibraryBusy), (sqlite3.SQLITE_FULL, StorageError)):
        error = sqlite3.OperationalError("refused")
        error.sqlite_errorcode = code

        def refuse(*_: object, error: Exception = error, **__: object) -> None:
            raise error

        monkeypatch.setattr(sqlite3, "connect", refuse)
        with pytest.raises(kind):
            TagCache(path)
        monkeypatch.undo()
        assert path.read_bytes() == before


def test_a_closed_file_says_so(path: Path) -> None:
    """A thread that comes too late gets an error of soutu."""
    cache = TagCache(path)
    cache.close()
    cache.close()
    with pytest.raises(LibraryError, match="is closed"):
        cache.meta("mark")


def test_scoring_while_labels_refit_in_the_background(
    library: FolderLibrary, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No two threads are within one transaction."""
    library.tags.counts()
    inside = threading.Event()
    transact = cache_file.CacheFile._transact

    def slow(self: cache_file.CacheFile, steps: object) -> None:
        if threading.current_thread().name.startswith("soutu-tags"):
            inside.set()
            self._db.execute("BEGIN IMMEDIATE")
            time.sleep(0.2)
            self._db.execute("ROLLBACK")
        transact(self, steps)  # type: ignore[arg-type]

    monkeypatch.setattr(cache_file.CacheFile, "_transact", slow)
    library.labels.set(photos / "red.png", yes=["tag 1"])
    assert inside.wait(10)
    library.labels.set(photos / "red.png", yes=["tag 2"])
    (found,) = library.tag([photos / "red.png"], mode="top", k=60)
    assert {score.tag for score in found.tags if score.source == "person"} == {"tag 1", "tag 2"}


def test_many_threads_ask_while_others_label_and_index(
    library: FolderLibrary, photos: Path
) -> None:
    """Nobody gets an error, and in the end all agree."""
    errors: list[BaseException] = []
    stop = threading.Event()

    def again(act: Callable[[int], object]) -> None:
        i = 0
        try:
            while not stop.is_set():
                act(i)
                i += 1
        except BaseException as error:
            errors.append(error)

    red = photos / "red.png"
    acts: list[Callable[[int], object]] = [
        lambda i: library.labels.set_many(
            [Label(path=red, tag=f"tag {j}", value=bool(i % 2)) for j in range(40)]
        ),
        lambda i: list(library.tag(mode="softmax" if i % 2 else "threshold")),
        lambda _: library.tags.counts(),
        lambda i: library.search(Query(tags=(f"tag {i % 60}",))),
        lambda i: library.search(f"tag {i % 60}"),
        lambda _: library.review(k=3),
        lambda i: (paint(photos / "new.png", (i % 256, 9, 9), seed=i), library.add([photos])),
    ]
    threads = [threading.Thread(target=again, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    time.sleep(3)
    stop.set()
    for thread in threads:
        thread.join()
    assert errors == []
    held = {each.tag: each.count for each in library.tags.counts()}
    for tag in ("tag 1", "tag 50"):
        assert len(library.search(Query(tags=(tag,)), k=100)) == held[tag]


def test_among() -> None:
    """Ids in ascending ones."""
    known = np.array([2, 4, 9], np.int64)
    assert among(np.array([9, 1, 4, 10]), known).tolist() == [True, False, True, False]
    assert among(np.array([1]), known[:0]).tolist() == [False]
