"""The tables, and the numbered migrations that lead to them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData()


class PathBytes(sa.types.TypeDecorator[Path]):
    """A path as the bytes the file system uses.

    Names on POSIX are bytes, not text: names that are not UTF-8 must survive the round trip, and
    neither SQLite nor PostgreSQL stores them as text.
    """

    impl = sa.LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Path | str | bytes | None, dialect: Any) -> bytes | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Turn a path into bytes."""
        return None if value is None else os.fsencode(value)

    def process_result_value(self, value: bytes | None, dialect: Any) -> Path | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Turn bytes into a path."""
        return None if value is None else Path(os.fsdecode(value))


images = sa.Table(
    "images",
    metadata,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("path", PathBytes, nullable=False, unique=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("mtime_ns", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.LargeBinary(16), nullable=False, index=True),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("format", sa.Text, nullable=False),
    sa.Column("taken_at", sa.DateTime),
    sa.Column("camera", sa.Text),
    sa.Column("latitude", sa.Float),
    sa.Column("longitude", sa.Float),
    sa.Column("sidecar_ns", sa.BigInteger, nullable=False, server_default="0"),
    # Counts up with every write, so that what is computed from pictures knows which are new.
    sa.Column("version", sa.BigInteger, nullable=False, server_default="0", index=True),
)

failures = sa.Table(
    "failures",
    metadata,
    sa.Column("path", PathBytes, primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("mtime_ns", sa.BigInteger, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)

spaces = sa.Table(
    "spaces",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),  # also the name of its folder
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),  # the name or folder that loads it again
    sa.Column("revision", sa.Text, nullable=False),
    sa.Column("precision", sa.Text, nullable=False),
    sa.Column("dim", sa.Integer, nullable=False),
)

stale = sa.Table(
    "stale",  # vectors of spaces not in use whose picture has since changed
    metadata,
    sa.Column("space", sa.Text, sa.ForeignKey("spaces.name", ondelete="CASCADE"), primary_key=True),
    sa.Column("image", sa.BigInteger, primary_key=True, autoincrement=False),
)

settings = sa.Table(
    "settings",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

tags = sa.Table(
    "tags",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),  # never used again
    sa.Column("prompts", sa.JSON, nullable=False),
    sa.Column("parent", sa.Integer),
    sa.Column("exclusive", sa.Text),  # the group whose tags exclude each other
    sa.Column("threshold", sa.Float),
    sa.Column("head", sa.Text),  # the trained head that scores it, and the class there
)

names = sa.Table(
    "names",  # every name of every tag: one name never means two tags
    metadata,
    sa.Column("key", sa.Text, primary_key=True),  # what names are compared by
    sa.Column("tag", sa.Integer, nullable=False, index=True),
    sa.Column("position", sa.Integer, nullable=False),  # 0 is the name, the others are aliases
    sa.Column("name", sa.Text, nullable=False),
)

labels = sa.Table(
    "labels",
    metadata,
    sa.Column("tag", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("image", sa.BigInteger, primary_key=True, autoincrement=False, index=True),
    sa.Column("value", sa.Boolean, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),  # UTC
)

keywords = sa.Table(
    "keywords",  # what picture files and their sidecars are tagged with
    metadata,
    sa.Column("image", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("key", sa.Text, primary_key=True, index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("ours", sa.Boolean, nullable=False),  # written by soutu, so it says nothing new
)

departed = sa.Table(
    "departed",  # pictures that are gone but whose labels wait for them to come back
    metadata,
    sa.Column("image", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("digest", sa.LargeBinary(16), nullable=False, index=True),
    sa.Column("path", PathBytes, nullable=False),
)

remembered = sa.Table(
    "remembered",  # pictures that the history mentions, here and gone
    metadata,
    sa.Column("image", sa.BigInteger, primary_key=True, autoincrement=False),
    # Its id today: another one since its labels went over to another file of its content.
    sa.Column("now", sa.BigInteger, nullable=False, index=True),
)

history = sa.Table(
    "history",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", sa.DateTime, nullable=False),  # UTC
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("before", sa.JSON, nullable=False),  # how it was, for undo
    sa.Column("undone", sa.Boolean, nullable=False),
)

migrations = sa.Table(
    "migrations",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.Text, nullable=False),
)


def _m0001_images_and_spaces(connection: sa.Connection) -> None:
    metadata.create_all(connection, tables=[images, failures, spaces, stale, settings])


def _m0002_tags_and_labels(connection: sa.Connection) -> None:
    metadata.create_all(connection, tables=[tags, names, labels, keywords, departed, history])
    if "version" not in {c["name"] for c in sa.inspect(connection).get_columns("images")}:
        for column in ("sidecar_ns", "version"):
            added = f"ALTER TABLE images ADD COLUMN {column} BIGINT DEFAULT 0 NOT NULL"
            connection.execute(sa.text(added))
        connection.execute(sa.text("CREATE INDEX ix_images_version ON images (version)"))


def _m0003_remembered(connection: sa.Connection) -> None:
    metadata.create_all(connection, tables=[remembered])
    mentioned: set[int] = set()
    for before in connection.execute(sa.select(history.c.before)).scalars():
        mentioned.update(image for _, image, _ in before["labels"])
    if mentioned:
        rows = [{"image": image, "now": image} for image in sorted(mentioned)]
        connection.execute(remembered.insert(), rows)
    known = sa.union(sa.select(images.c.id), sa.select(departed.c.image))
    connection.execute(labels.delete().where(labels.c.image.not_in(known)))


def _m0005_trained_heads(connection: sa.Connection) -> None:
    if "head" not in {c["name"] for c in sa.inspect(connection).get_columns("tags")}:
        connection.execute(sa.text("ALTER TABLE tags ADD COLUMN head TEXT"))


MIGRATIONS: tuple[tuple[int, str, Callable[[sa.Connection], None]], ...] = (
    (1, "images_and_spaces", _m0001_images_and_spaces),
    (2, "tags_and_labels", _m0002_tags_and_labels),
    (3, "remembered", _m0003_remembered),
    (5, "trained_heads", _m0005_trained_heads),
)
"""Applied in order, each once and in one transaction. Never edit one that has been released."""

LATEST = MIGRATIONS[-1][0]


def applied(connection: sa.Connection) -> int:
    """Return the number of a catalog's schema; 0 of an empty one."""
    if not sa.inspect(connection).has_table(migrations.name):
        return 0
    return int(connection.execute(sa.select(sa.func.max(migrations.c.number))).scalar() or 0)


def migrate(connection: sa.Connection) -> int:
    """Bring a catalog to the latest schema; return the number it had before (0: empty).

    A number above `LATEST` is returned untouched: the caller refuses such a catalog.
    """
    found = applied(connection)
    if found == 0:
        metadata.create_all(connection, tables=[migrations])
    for number, name, run in MIGRATIONS:
        if number > found:
            run(connection)
            connection.execute(migrations.insert().values(number=number, name=name))
    return found
