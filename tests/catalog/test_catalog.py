"""The catalog keeps every row through restarts, odd names and concurrent readers."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from soutu.catalog.catalog import Catalog, ImageRow, SpaceRow
from soutu.catalog.said import Edit, TagRow, saying
from soutu.catalog.schema import LATEST
from soutu.errors import LibraryBroken, LibraryTooNew
from soutu.types import Failure, ImageInfo

INFO = ImageInfo(
    width=640,
    height=480,
    format="JPEG",
    taken_at=datetime(2024, 5, 31, 12, 30, 1),
    camera="Canon EOS 5D",
    latitude=52.5,
    longitude=-13.4,
)


def row(number: int, path: str | Path, *, info: ImageInfo = INFO) -> ImageRow:
    return ImageRow(
        id=number,
        path=Path(path),
        size=1000 + number,
        mtime_ns=10**18 + number,
        digest=number.to_bytes(16, "big"),
        info=info,
    )


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    catalog = Catalog.open(tmp_path / "catalog.db")
    yield catalog
    catalog.close()


def test_rows_come_back_as_they_went_in(catalog: Catalog) -> None:
    """Every field of a row survives, missing metadata included."""
    bare = ImageInfo(width=1, height=2, format="PNG")
    rows = [row(1, "/a/b.jpg"), row(2**53 - 1, "/a/c.png", info=bare)]
    catalog.put(rows)
    assert catalog.with_ids([1, 2**53 - 1, 7]) == {r.id: r for r in rows}
    assert catalog.at_paths([Path("/a/b.jpg"), Path("/nope")]) == {Path("/a/b.jpg"): rows[0]}
    assert catalog.with_digest(rows[1].digest) == [rows[1]]


@pytest.mark.parametrize(
    "name",
    [b"spa ce.jpg", b"new\nline.jpg", "猫🐱.jpg".encode(), b"bad\xff\xfe.jpg", b"q'\"%_.jpg"],
)
def test_any_file_name_survives(catalog: Catalog, name: bytes) -> None:
    """Names are bytes: spaces, newlines, emoji and invalid UTF-8 come back unchanged."""
    path = Path(os.fsdecode(b"/photos/" + name))
    catalog.put([row(1, path)])
    assert list(catalog.at_paths([path])) == [path]
    assert catalog.ids(Path("/photos")).tolist() == [1]


def test_below_means_the_folder_and_not_its_namesakes(catalog: Catalog) -> None:
    """`/a` holds `/a/x` and `/a/b/x`, not `/ab/x` or `/a-b/x`; a file is below itself."""
    paths = ["/a/x", "/a/b/x", "/ab/x", "/a-b/x", "/a0", "/z"]
    catalog.put([row(i + 1, p) for i, p in enumerate(paths)])
    assert catalog.ids(Path("/a")).tolist() == [1, 2]
    assert catalog.ids(Path("/z")).tolist() == [6]
    assert catalog.ids(Path("/")).tolist() == [1, 2, 3, 4, 5, 6]


def test_put_replaces_and_forgets_the_failure_there(catalog: Catalog) -> None:
    """A picture that can be read again is no longer listed as failed."""
    catalog.put_failures([(Path("/a/x"), 5, 6, "truncated"), (Path("/b/y"), 7, 8, "empty")])
    assert catalog.failed_at([Path("/a/x")]) == {Path("/a/x"): (5, 6, "truncated")}
    catalog.put([row(1, "/a/x")])
    catalog.put([replace(row(1, "/a/x"), size=9)])
    assert catalog.with_ids([1])[1].size == 9
    assert catalog.failures() == [Failure(path=Path("/b/y"), reason="empty")]
    assert catalog.failures(Path("/a")) == []


def test_many_rows_in_one_call(catalog: Catalog) -> None:
    """More rows than a statement takes parameters."""
    rows = [row(i, f"/p/{i}.jpg") for i in range(1, 2502)]
    catalog.put(rows)
    assert catalog.count() == len(rows)
    assert len(catalog.at_paths([r.path for r in rows])) == len(rows)
    catalog.delete(range(1, 2001))
    assert catalog.ids().tolist() == list(range(2001, 2502))
    assert catalog.folders() == {"/p": 501}


def test_digest_heads_are_sorted_big_endian_prefixes(catalog: Catalog) -> None:
    """The heads are what a binary search for a digest's first 8 bytes needs."""
    digests = [bytes([9] * 16), bytes([1] * 16), bytes([200] * 16)]
    catalog.put([replace(row(i + 1, f"/{i}"), digest=d) for i, d in enumerate(digests)])
    expected = sorted(int.from_bytes(d[:8], "big") for d in digests)
    assert [int(head) for head in catalog.digest_heads()] == expected


def test_settings(catalog: Catalog) -> None:
    """A setting is replaced, read back and deleted."""
    assert catalog.setting("space") is None
    catalog.set_setting("space", "a")
    catalog.set_setting("space", "b")
    assert catalog.setting("space") == "b"
    catalog.set_setting("space", None)
    assert catalog.setting("space") is None


def test_stale_vectors_are_marked_until_freshened(catalog: Catalog) -> None:
    """Rows put again are stale in the named spaces, once each, until freshened."""
    space = SpaceRow(name="s", model="m", source="m", revision="r", precision="fp32", dim=4)
    catalog.put_space(space)
    catalog.put_space(space)
    assert catalog.spaces() == [space]
    for _ in range(2):
        catalog.put([row(1, "/a"), row(2, "/b")], stale_in=["s"])
    assert catalog.stale("s").tolist() == [1, 2]
    catalog.freshen("s", np.array([1]))
    assert catalog.stale("s").tolist() == [2]
    catalog.delete_space("s")
    assert catalog.stale("s").tolist() == []
    assert catalog.spaces() == []


def test_readers_see_the_rows_before_a_transaction_that_is_under_way(tmp_path: Path) -> None:
    """A search in another thread is neither blocked by a writer nor sees half of its work."""
    catalog = Catalog.open(tmp_path / "catalog.db")
    catalog.put([row(1, "/a")])
    seen: list[int] = []
    with catalog.transaction() as c:
        c.exec_driver_sql("DELETE FROM images")
        reader = threading.Thread(target=lambda: seen.append(catalog.count()))
        reader.start()
        reader.join(10)
    assert seen == [1]
    assert catalog.count() == 0
    catalog.close()


def test_a_catalog_of_a_newer_soutu_is_refused_untouched(tmp_path: Path) -> None:
    """The error names both schema numbers and the cure."""
    path = tmp_path / "catalog.db"
    Catalog.open(path).close()
    with sqlite3.connect(path) as db:
        db.execute("INSERT INTO migrations VALUES (999, 'from_the_future')")
    db.close()
    before = path.read_bytes()
    with pytest.raises(LibraryTooNew, match=rf"schema 999.*up to {LATEST}.*pip install -U soutu"):
        Catalog.open(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"not a database at all" * 100, b"SQLite format 3\0" + b"\7" * 8000]
)
def test_a_damaged_catalog_says_so(tmp_path: Path, content: bytes) -> None:
    """Garbage in place of the catalog is named, with what to do."""
    path = tmp_path / "catalog.db"
    path.write_bytes(content)
    with pytest.raises(LibraryBroken, match=r"catalog\.db is damaged.*soutu index again"):
        Catalog.open(path)


def test_a_catalog_from_before_tags_is_brought_up_to_date(tmp_path: Path) -> None:
    """Its pictures stay, and count as never looked at for tags."""
    path = tmp_path / "catalog.db"
    catalog = Catalog.open(path)
    catalog.put([row(1, "/a/1.jpg")])
    catalog.close()
    with sqlite3.connect(path) as db:
        db.execute("DROP INDEX ix_images_version")
        for column in ("version", "sidecar_ns"):
            db.execute(f"ALTER TABLE images DROP COLUMN {column}")
        for table in ("tags", "names", "labels", "keywords", "departed", "history"):
            db.execute(f"DROP TABLE {table}")
        db.execute("DELETE FROM migrations WHERE number > 1")
        db.execute("DELETE FROM settings")
    db.close()
    catalog = Catalog.open(path)
    assert list(catalog.with_ids([1]).values()) == [row(1, "/a/1.jpg")]
    assert catalog.ids_since(0).tolist() == []
    catalog.put([row(2, "/a/2.jpg")])
    assert catalog.ids_since(0).tolist() == [2]
    with saying(catalog) as said:
        assert said.tags() == {}
    catalog.close()


def test_a_catalog_from_before_departures_were_remembered(tmp_path: Path) -> None:
    """The pictures of its history are noted, and labels of pictures that are nowhere go."""
    path = tmp_path / "catalog.db"
    Catalog.open(path).close()
    before = {"tags": [], "labels": [[1, 5, None], [2, 5, None], [1, 6, [True, "person", "", ""]]]}
    with sqlite3.connect(path) as db:
        db.execute("DROP TABLE remembered")
        db.execute("DELETE FROM migrations WHERE number > 2")
        change = (1, "2024-05-31", "", "person", "label", "", json.dumps(before), False)
        db.execute("INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?)", change)
        db.execute("INSERT INTO departed VALUES (6, x'00', x'00')")
        for image in (5, 6):
            db.execute(
                "INSERT INTO labels VALUES (1, ?, 1, 'person', '', '2024-05-31 00:00:00.000000')",
                (image,),
            )
    db.close()
    Catalog.open(path).close()
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT * FROM remembered ORDER BY image").fetchall() == [(5, 5), (6, 6)]
        assert db.execute("SELECT image FROM labels").fetchall() == [(6,)]
    db.close()


def test_a_catalog_from_before_trained_heads(tmp_path: Path) -> None:
    """Its tags have none, and its history can still be undone."""
    path = tmp_path / "catalog.db"
    catalog = Catalog.open(path)
    with saying(catalog) as said:
        tag = TagRow(id=1, names=(("cat", "cat"),))
        said.change(Edit(tags={1: tag}), who="", source="person", action="add", what="cat")
        given = replace(tag, head="digest:3")
        said.change(Edit(tags={1: given}), who="", source="person", action="use-head", what="cat")
        assert said.tags()[1].head == "digest:3"
        said.take_back(said.history(1)[0])
        assert said.tags()[1].head is None
    catalog.close()
    with sqlite3.connect(path) as db:
        db.execute("ALTER TABLE tags DROP COLUMN head")
        db.execute("DELETE FROM migrations WHERE number > 4")
        before = db.execute("SELECT before FROM history WHERE number = 2").fetchone()[0]
        assert '"head"' in before
        db.execute("UPDATE history SET before = replace(before, ', \"head\": null', '')")
        assert '"head"' not in db.execute("SELECT before FROM history").fetchall()[1][0]
    db.close()
    catalog = Catalog.open(path)
    with saying(catalog) as said:
        assert said.tags() == {1: tag}
        said.take_back(said.history()[1])
        assert said.tags() == {}
    catalog.close()


def test_the_version_grows_with_every_write(catalog: Catalog) -> None:
    """And tells which pictures were written since."""
    catalog.put([row(1, "/a/1.jpg"), row(2, "/a/2.jpg")])
    before = catalog.version()
    catalog.put([row(2, "/a/2.jpg"), row(3, "/a/3.jpg")])
    assert catalog.ids_since(before).tolist() == [2, 3]
    now = catalog.version()
    catalog.delete([1])
    assert catalog.version() > now
    assert catalog.ids_since(now).tolist() == []
