"""Labels as columns of numbers, and what changed since: for computing with many of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa

from soutu.catalog import schema
from soutu.catalog.catalog import VERSION
from soutu.catalog.chunks import chunks
from soutu.catalog.keywords import SOURCE
from soutu.catalog.said import SAID

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.catalog.catalog import Catalog

PERSON, IMPORT, FILE = 0, 1, 2
"""Where a label comes from, as a number."""

_COLUMNS = 5


@dataclass(frozen=True)
class Moment:
    """How often tags and labels changed, the pictures, and how long the history is."""

    said: int
    pictures: int
    changes: int

    @classmethod
    def of(cls, catalog: Catalog) -> Moment:
        """Read it in one statement, so that the three belong together."""
        t = schema.settings
        said, pictures = (
            sa.select(t.c.value).where(t.c.key == key).scalar_subquery() for key in (SAID, VERSION)
        )
        last = sa.select(sa.func.max(schema.history.c.number)).scalar_subquery()
        with catalog.transaction() as c:
            found = c.execute(sa.select(said, pictures, last)).one()
        return cls(*(int(each or 0) for each in found))

    def only_noted(self, before: Moment) -> bool:
        """Tell whether everything that changed since `before` stands in the history.

        Every change of tags and labels counts once; those that undo another one, or follow files,
        write no history, and then there are more of them than new entries.
        """
        new = self.changes - before.changes
        return self.pictures == before.pictures and 0 < new == self.said - before.said


def labels(connection: sa.Connection, tags: Sequence[int] | None = None) -> NDArray[np.int64]:
    """Return labels of pictures that are there, of some tags or all: rows [n, 5].

    A row is tag, picture, 1 or 0 for yes or no, source, and the picture's version; in the order
    of tag and picture.
    """
    t, i = schema.labels, schema.images
    source = sa.case((t.c.source == SOURCE, FILE), (t.c.source == "import", IMPORT), else_=PERSON)
    statement = sa.select(
        t.c.tag, t.c.image, sa.cast(t.c.value, sa.Integer), source, i.c.version
    ).join_from(t, i, i.c.id == t.c.image)
    rows: list[tuple[Any, ...]] = []
    for part in _among(statement, t.c.tag, tags):
        # The driver's own rows: SQLAlchemy's take three times as long.
        rows += connection.execute(part).cursor.fetchall()
    flat = np.fromiter(chain.from_iterable(rows), np.int64, count=_COLUMNS * len(rows))
    found = flat.reshape(-1, _COLUMNS)
    return found[np.lexsort((found[:, 1], found[:, 0]))]


def last_yes(
    connection: sa.Connection, tags: Sequence[int], images: Sequence[int]
) -> dict[int, int]:
    """Return to which of some tags each picture was said to belong last, a file's word not last."""
    t = schema.labels
    statement = sa.select(t.c.image, t.c.tag, t.c.source != SOURCE, t.c.at).where(
        t.c.value, t.c.tag.in_(tags)
    )
    found: dict[int, tuple[Any, ...]] = {}
    for part in _among(statement, t.c.image, images):
        for image, tag, somebody, at in connection.execute(part):
            found[image] = max(found.get(image, (False,)), (bool(somebody), at, tag))
    return {image: rank[-1] for image, rank in found.items()}


def touched(connection: sa.Connection, since: int) -> tuple[set[int], set[int]]:
    """Return the tags that entries of the history after a number changed, and labels of which."""
    t = schema.history
    tags: set[int] = set()
    labelled: set[int] = set()
    for before in connection.execute(sa.select(t.c.before).where(t.c.number > since)).scalars():
        tags.update(row[0] for row in before["tags"])
        labelled.update(row[0] for row in before["labels"])
    return tags, labelled


def written_since(catalog: Catalog, version: int) -> int:
    """Count the pictures that are new or changed since a version."""
    t = schema.images
    statement = sa.select(sa.func.count()).select_from(t).where(t.c.version > version)
    with catalog.transaction() as c:
        return int(c.execute(statement).scalar_one())


def _among(
    statement: sa.Select[Any], column: sa.Column[Any], values: Iterable[int] | None
) -> Iterator[sa.Select[Any]]:
    if values is None:
        yield statement
    else:
        for chunk in chunks(list(values)):
            yield statement.where(column.in_(chunk))
