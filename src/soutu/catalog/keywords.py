"""Keywords of picture files: which there are, and the labels that follow from them.

A keyword that is a name of a tag says yes to that tag, with the source `file`, where nobody said
anything else. Such labels follow the keywords and the names of tags and are not in the history.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from soutu.catalog import schema
from soutu.catalog.chunks import chunks

if TYPE_CHECKING:
    from soutu.catalog.catalog import Catalog, ImageRow

SOURCE = "file"
"""The source of labels that keywords of files gave."""

_MANY = 1000  # tags from which on all are looked at


class Keyword(NamedTuple):
    """A keyword of a file: what it is compared by, its name, and whether soutu wrote it."""

    key: str
    name: str
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """What soutu wrote for one picture, so that nothing of it need be read again.

    `added` are keywords, {key: name}, that it put into the sidecar. `sidecar_ns` is when the
    sidecars were last changed, before and after.
    """

    added: Mapping[str, str]
    sidecar_ns: tuple[int, int]


def put_keywords(
    catalog: Catalog, found: Mapping[int, Iterable[tuple[str, str] | Keyword]]
) -> None:
    """Replace the keywords of images, and keep in mind which soutu wrote.

    Also those that a file no longer tells from others: another program may have left the note out.
    """
    t = schema.keywords
    rows = {
        (image, each.key): {"image": image, **each._asdict()}
        for image, names in found.items()
        for each in (Keyword(*name) for name in names)
    }
    with catalog.transaction() as c:
        for chunk in chunks(list(found)):
            for image, key in c.execute(
                sa.select(t.c.image, t.c.key).where(t.c.image.in_(chunk), t.c.ours)
            ):
                if (image, key) in rows:
                    rows[image, key]["ours"] = True
            c.execute(t.delete().where(t.c.image.in_(chunk)))
        if rows:
            c.execute(t.insert(), list(rows.values()))


def note_written(catalog: Catalog, written: Mapping[int, Written]) -> None:
    """Note what soutu put into sidecars.

    Nothing is noted of a picture whose sidecars were changed by others since they were last read.
    """
    t, images = schema.keywords, schema.images
    with catalog.transaction() as c:
        for chunk in chunks(list(written)):
            stamps = sa.select(images.c.id, images.c.sidecar_ns).where(images.c.id.in_(chunk))
            read = {row.id: row.sidecar_ns for row in c.execute(stamps)}
            current = [i for i in chunk if read.get(i) == written[i].sidecar_ns[0]]
            statement = sa.select(t.c.image, t.c.key).where(t.c.image.in_(current))
            known = {(image, key) for image, key in c.execute(statement)}
            rows = [
                {"image": image, "key": key, "name": name, "ours": True}
                for image in current
                for key, name in written[image].added.items()
                if (image, key) not in known
            ]
            if rows:
                c.execute(t.insert(), rows)
            for image in current:
                after = written[image].sidecar_ns[1]
                c.execute(images.update().where(images.c.id == image).values(sidecar_ns=after))


def any_by_soutu(catalog: Catalog) -> bool:
    """Tell whether soutu wrote any keyword into a file."""
    t = schema.keywords
    with catalog.reading() as c:
        return c.execute(sa.select(t.c.image).where(t.c.ours).limit(1)).first() is not None


def restamp(catalog: Catalog, rows: Iterable[ImageRow], old: Mapping[int, bytes]) -> None:
    """Note the size, time and digest of files whose pixels are those of the `old` digests.

    What was computed from the pixels stays good. A row that is not of that digest stays.
    """
    t = schema.images
    with catalog.transaction() as c:
        for row in rows:
            c.execute(
                t.update()
                .where(t.c.id == row.id, t.c.digest == old[row.id])
                .values(
                    size=row.size,
                    mtime_ns=row.mtime_ns,
                    digest=row.digest,
                    sidecar_ns=row.sidecar_ns,
                )
            )


def unclaimed(catalog: Catalog) -> list[tuple[str, int]]:
    """Return keywords that are no name of a tag, with their pictures, most frequent first."""
    t, n = schema.keywords, schema.names
    statement = (
        sa.select(sa.func.min(t.c.name), sa.func.count())
        .where(t.c.ours.is_(False), t.c.key.not_in(sa.select(n.c.key)))
        .group_by(t.c.key)
        .order_by(sa.func.count().desc(), t.c.key)
    )
    with catalog.reading() as c:
        return [(name, count) for name, count in c.execute(statement)]


def images_with(catalog: Catalog, key: str, limit: int) -> list[int]:
    """Return some images whose files have a keyword that soutu did not write."""
    t = schema.keywords
    given = sa.select(t.c.image).where(t.c.key == key, t.c.ours.is_(False))
    statement = given.order_by(t.c.image).limit(limit)
    with catalog.reading() as c:
        return list(c.execute(statement).scalars())


def label_from_files(connection: sa.Connection, tags: Sequence[int] | None = None) -> int:
    """Bring the labels that files give up to date, of some tags or all; return how many changed."""
    k, n, labels = schema.keywords, schema.names, schema.labels
    among = tags if tags is not None and len(tags) < _MANY else None
    if connection.execute(sa.select(sa.literal(1)).select_from(k).limit(1)).first() is None:
        some = sa.select(sa.literal(1)).where(labels.c.source == SOURCE).limit(1)
        if connection.execute(some).first() is None:
            return 0
    says = sa.select(n.c.tag, k.c.image).join(n, n.c.key == k.c.key).where(k.c.ours.is_(False))
    outdated = labels.delete().where(
        labels.c.source == SOURCE,
        sa.tuple_(labels.c.tag, labels.c.image).not_in(says),
    )
    said = sa.select(labels.c.image).where(labels.c.tag == n.c.tag, labels.c.image == k.c.image)
    missing = (
        sa.select(
            n.c.tag,
            k.c.image,
            sa.true(),
            sa.literal(SOURCE),
            sa.literal(""),
            sa.literal(datetime.now(UTC).replace(tzinfo=None)),
        )
        .distinct()
        .join(n, n.c.key == k.c.key)
        .where(k.c.ours.is_(False), ~sa.exists(said.correlate(n, k)))
    )
    if among is not None:
        outdated = outdated.where(labels.c.tag.in_(among))
        missing = missing.where(n.c.tag.in_(among))
    columns = ["tag", "image", "value", "source", "who", "at"]
    gone = connection.execute(outdated).rowcount
    come = connection.execute(labels.insert().from_select(columns, missing)).rowcount
    return int(gone + come)
