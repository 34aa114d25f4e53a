"""The catalog of a library: which pictures there are, in SQL (SQLite by default)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import sqlalchemy as sa

from soutu.catalog import schema, sqlite
from soutu.catalog.chunks import chunks
from soutu.catalog.counters import count_up
from soutu.catalog.departures import bid_farewell, passed_on, present, welcome_back
from soutu.catalog.stamp import Stamp
from soutu.errors import LibraryError, LibraryTooNew
from soutu.types import Failure, ImageInfo

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.types import Ids

T = TypeVar("T")

VERSION = "version"
"""The setting that counts the writes of pictures."""


@dataclass(frozen=True, kw_only=True)
class ImageRow:
    """One picture file of the library."""

    id: int
    path: Path
    size: int
    mtime_ns: int
    digest: bytes
    info: ImageInfo
    sidecar_ns: int = 0


@dataclass(frozen=True, kw_only=True)
class SpaceRow:
    """One space: the vectors of one encoder at one revision."""

    name: str
    model: str
    source: str
    revision: str
    precision: str
    dim: int


class Catalog:
    """Read and write the rows of a library. Safe to use from many threads."""

    def __init__(self, engine: sa.Engine, label: str) -> None:
        self._engine = engine
        self._label = label
        self._stamp = Stamp(engine, label)
        self._closed = False

    @classmethod
    def open(cls, path: Path) -> Catalog:
        """Open or create the SQLite catalog at a path, bringing its schema up to date.

        Raises LibraryTooNew, LibraryBroken, StorageError.
        """
        engine = sqlite.engine(path)
        catalog = cls(engine, str(path))
        try:
            with catalog.reading() as connection:
                found = schema.applied(connection)
            if found < schema.LATEST:
                with catalog.transaction() as connection:
                    found = schema.migrate(connection)
        except BaseException:
            engine.dispose()
            raise
        if found > schema.LATEST:
            engine.dispose()
            msg = (
                f"the library at {path.parent} has catalog schema {found}; this soutu knows up "
                f"to {schema.LATEST}. Upgrade soutu: pip install -U soutu"
            )
            raise LibraryTooNew(msg)
        return catalog

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """Change rows in one transaction, committed at the end of the block.

        It waits until no other change is under way, so that what it reads before it writes is
        still so when it writes.
        """
        with self._begun(sqlite.CHANGING) as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Read rows as they are at one moment, however many statements it takes."""
        with self._begun(sqlite.READING) as connection:
            yield connection

    @contextmanager
    def _begun(self, how: str) -> Iterator[sa.Connection]:
        self._require_open()
        try:
            with self._engine.connect() as connection:
                connection.execution_options(**{sqlite.HOW: how})
                with connection.begin():
                    yield connection
        except sa.exc.DBAPIError as error:
            raise sqlite.translated(error, self._label) from error

    def stamp(self) -> int:
        """Return a number that differs after any change of the catalog, by whomever; microseconds.

        What `note` writes is no change.
        """
        self._require_open()
        return self._stamp.number()

    def note(self, work: Callable[[sa.Connection], T]) -> T:
        """Write down what does not count as a change of the library, in a transaction of its own.

        Raises LibraryBusy where others write for longer than a search should wait.
        """
        self._require_open()
        return self._stamp.note(work)

    def close(self) -> None:
        """Release every connection, for good."""
        self._closed = True
        self._stamp.close()
        self._engine.dispose()

    def _require_open(self) -> None:
        if self._closed:  # the pool of connections would just open new ones
            folder = Path(self._label).parent
            raise LibraryError(f"the library {folder} is closed. Open it again: open_library()")

    # --- settings ---

    def setting(self, key: str) -> str | None:
        """Return a setting, or None."""
        with self.reading() as c:
            t = schema.settings
            return c.execute(sa.select(t.c.value).where(t.c.key == key)).scalar()

    def set_setting(self, key: str, value: str | None) -> None:
        """Store a setting; None deletes it."""
        t = schema.settings
        with self.transaction() as c:
            c.execute(t.delete().where(t.c.key == key))
            if value is not None:
                c.execute(t.insert().values(key=key, value=value))

    # --- images ---

    def count(self) -> int:
        """Count the pictures."""
        with self.reading() as c:
            return int(
                c.execute(sa.select(sa.func.count()).select_from(schema.images)).scalar_one()
            )

    def at_paths(self, paths: Sequence[Path]) -> dict[Path, ImageRow]:
        """Return the rows at these paths, by path."""
        rows = self._rows(schema.images.c.path, paths)
        return {row.path: row for row in rows}

    def with_ids(self, ids: Iterable[int]) -> dict[int, ImageRow]:
        """Return the rows with these ids, by id."""
        return {row.id: row for row in self._rows(schema.images.c.id, [int(i) for i in ids])}

    def taken(self, ids: Sequence[int]) -> set[int]:
        """Return those of the ids that a new picture must not get.

        They belong to pictures, or did before the labels of theirs went over to another one.
        """
        with self.reading() as c:
            return {*present(c, ids), *passed_on(c, ids)}

    def with_digest(self, digest: bytes) -> list[ImageRow]:
        """Return the rows whose files have this content."""
        return list(self._rows(schema.images.c.digest, [digest]))

    def digest_heads(self) -> NDArray[np.uint64]:
        """Return the first 8 bytes of every digest as big-endian numbers, ascending."""
        with self.reading() as c:
            raw = b"".join(d[:8] for d in c.execute(sa.select(schema.images.c.digest)).scalars())
        return np.sort(np.frombuffer(raw, dtype=">u8").astype(np.uint64))

    def ids(self, below: Path | None = None) -> Ids:
        """Return all ids, ascending, or those of the file or folder `below`."""
        t = schema.images
        statement = sa.select(t.c.id).order_by(t.c.id)
        if below is not None:
            statement = statement.where(_below(t.c.path, below))
        with self.reading() as c:
            return np.array(c.execute(statement).scalars().all(), dtype=np.int64)

    def version(self) -> int:
        """Return a number that grows with every change of the pictures."""
        return int(self.setting(VERSION) or 0)

    def ids_since(self, version: int) -> Ids:
        """Return the ids written after that version, ascending."""
        t = schema.images
        statement = sa.select(t.c.id).where(t.c.version > version).order_by(t.c.id)
        with self.reading() as c:
            return np.array(c.execute(statement).scalars().all(), dtype=np.int64)

    def folders(self) -> dict[str, int]:
        """Count pictures by the folder they lie in."""
        counts: dict[str, int] = {}
        with self.reading() as c:
            for raw in c.execute(sa.select(schema.images.c.path)).scalars():
                parent = str(raw.parent)
                counts[parent] = counts.get(parent, 0) + 1
        return counts

    def put(self, rows: Sequence[ImageRow], *, stale_in: Sequence[str] = ()) -> None:
        """Insert or replace rows by id, in one transaction.

        Failures at their paths are forgotten. The vectors that spaces `stale_in` hold for these
        ids are marked out of date.
        """
        if not rows:
            return
        t = schema.images
        with self.transaction() as c:
            version = count_up(c, VERSION)
            welcome_back(c, {row.id: row.digest for row in rows})
            for chunk in chunks([row.id for row in rows]):
                c.execute(t.delete().where(t.c.id.in_(chunk)))
            c.execute(t.insert(), [{**_image_values(row), "version": version} for row in rows])
            self._clear_failures(c, [row.path for row in rows])
            _mark_stale(c, [row.id for row in rows], stale_in)

    def set_sidecars(self, changed: Mapping[int, int]) -> None:
        """Note when the sidecars of images, by id, were last changed."""
        t = schema.images
        with self.transaction() as c:
            for image, sidecar_ns in changed.items():
                c.execute(t.update().where(t.c.id == image).values(sidecar_ns=sidecar_ns))

    def delete(self, ids: Iterable[int]) -> None:
        """Remove rows; unknown ids are ignored. Labels stay, for when a picture comes back."""
        with self.transaction() as c:
            count_up(c, VERSION)
            for chunk in chunks([int(i) for i in ids]):
                bid_farewell(c, chunk)
                c.execute(schema.images.delete().where(schema.images.c.id.in_(chunk)))
                c.execute(schema.keywords.delete().where(schema.keywords.c.image.in_(chunk)))

    def _rows(self, column: sa.Column[Any], values: Sequence[Any]) -> Iterator[ImageRow]:
        with self.reading() as c:
            for chunk in chunks(values):
                for row in c.execute(sa.select(schema.images).where(column.in_(chunk))):
                    yield _image_row(row)

    # --- failures ---

    def failures(self, below: Path | None = None) -> list[Failure]:
        """List the files that could not be indexed, by path."""
        t = schema.failures
        statement = sa.select(t.c.path, t.c.reason).order_by(t.c.path)
        if below is not None:
            statement = statement.where(_below(t.c.path, below))
        with self.reading() as c:
            return [Failure(path=row.path, reason=row.reason) for row in c.execute(statement)]

    def failed_at(self, paths: Sequence[Path]) -> dict[Path, tuple[int, int, str]]:
        """Return (size, mtime_ns, reason) of the failures recorded at these paths."""
        t, found = schema.failures, {}
        with self.reading() as c:
            for chunk in chunks(paths):
                for row in c.execute(sa.select(t).where(t.c.path.in_(chunk))):
                    found[row.path] = (row.size, row.mtime_ns, row.reason)
        return found

    def put_failures(self, items: Sequence[tuple[Path, int, int, str]]) -> None:
        """Record files that could not be read: (path, size, mtime_ns, reason)."""
        if not items:
            return
        keys = ("path", "size", "mtime_ns", "reason")
        with self.transaction() as c:
            self._clear_failures(c, [item[0] for item in items])
            c.execute(
                schema.failures.insert(), [dict(zip(keys, item, strict=True)) for item in items]
            )

    def delete_failures(self, paths: Sequence[Path]) -> None:
        """Forget failures at these paths."""
        with self.transaction() as c:
            self._clear_failures(c, paths)

    def _clear_failures(self, c: sa.Connection, paths: Sequence[Path]) -> None:
        for chunk in chunks(paths):
            c.execute(schema.failures.delete().where(schema.failures.c.path.in_(chunk)))

    # --- spaces ---

    def spaces(self) -> list[SpaceRow]:
        """List the spaces, by name."""
        t = schema.spaces
        with self.reading() as c:
            return [SpaceRow(**row._mapping) for row in c.execute(sa.select(t).order_by(t.c.name))]

    def put_space(self, row: SpaceRow) -> None:
        """Insert a space unless it exists."""
        t = schema.spaces
        with self.transaction() as c:
            if c.execute(sa.select(t.c.name).where(t.c.name == row.name)).first() is None:
                c.execute(t.insert().values(**vars(row)))

    def delete_space(self, name: str) -> None:
        """Forget a space and what is stale in it."""
        with self.transaction() as c:
            c.execute(schema.stale.delete().where(schema.stale.c.space == name))
            c.execute(schema.spaces.delete().where(schema.spaces.c.name == name))

    def stale(self, space: str) -> Ids:
        """Return the ids whose vectors in a space are out of date, ascending."""
        t = schema.stale
        statement = sa.select(t.c.image).where(t.c.space == space).order_by(t.c.image)
        with self.reading() as c:
            return np.array(c.execute(statement).scalars().all(), dtype=np.int64)

    def freshen(self, space: str, ids: Iterable[int]) -> None:
        """Say that the vectors of these ids in a space are up to date again."""
        t = schema.stale
        with self.transaction() as c:
            for chunk in chunks([int(i) for i in ids]):
                c.execute(t.delete().where(t.c.space == space, t.c.image.in_(chunk)))


def _below(column: sa.ColumnElement[Any], path: Path) -> sa.ColumnElement[bool]:
    """Match a file, or everything in a folder: the paths between 'folder/' and 'folder0'."""
    text = os.fspath(path)
    folder = text if text.endswith("/") else text + "/"
    return sa.or_(column == path, sa.and_(column >= folder, column < folder[:-1] + "0"))


def _mark_stale(c: sa.Connection, ids: Sequence[int], spaces: Sequence[str]) -> None:
    t = schema.stale
    for space in spaces:
        for chunk in chunks(ids):
            c.execute(t.delete().where(t.c.space == space, t.c.image.in_(chunk)))
            c.execute(t.insert(), [{"space": space, "image": i} for i in chunk])


def _image_values(row: ImageRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "path": row.path,
        "size": row.size,
        "mtime_ns": row.mtime_ns,
        "digest": row.digest,
        "sidecar_ns": row.sidecar_ns,
        **vars(row.info),
    }


def _image_row(row: sa.Row[Any]) -> ImageRow:
    return ImageRow(
        id=row.id,
        path=row.path,
        size=row.size,
        mtime_ns=row.mtime_ns,
        digest=row.digest,
        sidecar_ns=row.sidecar_ns,
        info=ImageInfo(
            width=row.width,
            height=row.height,
            format=row.format,
            taken_at=row.taken_at,
            camera=row.camera,
            latitude=row.latitude,
            longitude=row.longitude,
        ),
    )
