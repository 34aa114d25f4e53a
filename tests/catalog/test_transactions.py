"""Transactions of a catalog: one moment for readers, one change at a time for writers."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from soutu.catalog import schema
from soutu.catalog.catalog import Catalog
from soutu.catalog.counters import count_up
from soutu.catalog.said import Edit, TagRow, hearing, saying
from soutu.errors import LibraryBusy

WRITER = """
import sys
from pathlib import Path
from soutu.catalog.catalog import Catalog
from soutu.catalog.said import Edit, TagRow, saying
catalog = Catalog.open(Path(sys.argv[1]))
for number in range(150):
    with saying(catalog) as said:
        (id_,) = said.new_tag_ids(1)
        row = TagRow(id=id_, names=((f"x{id_}", f"x{id_}"),))
        said.change(Edit(tags={id_: row}), who="", source="person", action="add", what="x")
catalog.close()
"""


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    catalog = Catalog.open(tmp_path / "catalog.db")
    yield catalog
    catalog.close()


def add_tag(catalog: Catalog) -> None:
    with saying(catalog) as said:
        (id_,) = said.new_tag_ids(1)
        row = TagRow(id=id_, names=((f"t{id_}", f"t{id_}"),))
        said.change(Edit(tags={id_: row}), who="", source="person", action="add", what="t")


def test_all_reads_of_a_transaction_see_one_moment(catalog: Catalog) -> None:
    """What another connection commits in between shows in the next transaction."""
    add_tag(catalog)
    with hearing(catalog) as said:
        before = said.tags()
        add_tag(catalog)
        assert said.tags() == before
        assert len(said.history()) == 1
    with hearing(catalog) as said:
        assert len(said.tags()) == 2


def test_reading_while_another_process_writes(catalog: Catalog, tmp_path: Path) -> None:
    """Every tag that is seen has its names, and two writers lose nothing of each other."""
    command = [sys.executable, "-c", WRITER, str(tmp_path / "catalog.db")]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as writer:
        added = 0
        while writer.poll() is None:
            with hearing(catalog) as said:
                assert all(row.names for row in said.tags().values())
            add_tag(catalog)
            added += 1
        assert writer.stderr is not None
        assert (writer.returncode, writer.stderr.read()) == (0, b"")
    with hearing(catalog) as said:
        assert len(said.tags()) == 150 + added == len(said.history())


def test_a_change_that_reads_first_is_not_overtaken(catalog: Catalog) -> None:
    """Many threads read a number and write the next one: none is lost, and none gives up."""
    t = schema.settings
    catalog.set_setting("n", "0")

    def add() -> None:
        for _ in range(10):
            with catalog.transaction() as c:
                now = c.execute(sa.select(t.c.value).where(t.c.key == "n")).scalar_one()
                c.execute(t.update().where(t.c.key == "n").values(value=str(int(now) + 1)))

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert catalog.setting("n") == "80"


def test_a_failed_change_leaves_nothing_behind(catalog: Catalog) -> None:
    """Neither its rows nor its lock."""
    with pytest.raises(ZeroDivisionError), catalog.transaction() as c:
        count_up(c, "n") // 0
    assert catalog.setting("n") is None
    catalog.set_setting("n", "1")


def test_the_stamp_tells_of_changes_by_anybody(catalog: Catalog, tmp_path: Path) -> None:
    """It differs after a change of this catalog or of another process, and not after reading."""
    seen = [catalog.stamp()]
    assert catalog.count() == 0
    assert catalog.stamp() == seen[-1]
    catalog.set_setting("a", "b")
    seen.append(catalog.stamp())
    other = Catalog.open(tmp_path / "catalog.db")
    assert catalog.stamp() == seen[-1]
    other.set_setting("a", "c")
    seen.append(catalog.stamp())
    other.close()
    assert len(set(seen)) == 3
    assert catalog.stamp() == seen[-1]


def test_notes_are_no_change(catalog: Catalog, tmp_path: Path) -> None:
    """What is noted is there, and the stamp stays; changes in between still show."""
    before = catalog.stamp()
    catalog.note(lambda c: count_up(c, "noted"))
    assert catalog.setting("noted") == "1"
    assert catalog.stamp() == before
    catalog.set_setting("a", "b")
    catalog.note(lambda c: count_up(c, "noted"))
    assert catalog.stamp() != before
    other = Catalog.open(tmp_path / "catalog.db")
    before = catalog.stamp()
    other.set_setting("a", "c")
    catalog.note(lambda c: count_up(c, "noted"))
    assert catalog.stamp() != before
    other.close()
    assert catalog.setting("noted") == "3"


def test_a_note_waits_for_a_writer_but_not_long(catalog: Catalog) -> None:
    """It is refused while a long change is under way, during which the stamp is told as ever."""
    refused: list[Exception] = []

    def note() -> None:
        try:
            catalog.note(lambda c: count_up(c, "noted"))
        except LibraryBusy as error:
            refused.append(error)

    with catalog.transaction() as c:
        count_up(c, "n")
        noting = threading.Thread(target=note)
        noting.start()
        while noting.is_alive():
            catalog.stamp()
    noting.join()
    assert len(refused) == 1
    catalog.note(lambda c: count_up(c, "noted"))
    assert catalog.setting("noted") == "1"


def test_a_note_that_fails_leaves_nothing_behind(catalog: Catalog) -> None:
    """Neither its rows nor its lock."""
    with pytest.raises(ZeroDivisionError):
        catalog.note(lambda c: count_up(c, "noted") // 0)
    catalog.note(lambda c: count_up(c, "noted"))
    assert catalog.setting("noted") == "1"


def test_opening_waits_for_no_writer(catalog: Catalog, tmp_path: Path) -> None:
    """A library opens and is read while a long change of another program is under way."""
    with catalog.transaction() as c:
        count_up(c, "n")
        other = Catalog.open(tmp_path / "catalog.db")
        assert other.count() == 0
        other.close()
