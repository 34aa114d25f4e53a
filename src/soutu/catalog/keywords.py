"""Keywords of picture files: which there are, and the labels that follow from them.

A keyword that is a name of a tag says yes to that tag, with the source `file`, where nobody said
anything else. Such labels follow the keywords and the names of tags and are not in the history.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from soutu.catalog import schema
from soutu.catalog.chunks import chunks

if TYPE_CHECKING:
    from soutu.catalog.catalog import Catalog

SOURCE = "file"
"""The source of labels that keywords of files gave."""

_MANY = 1000  # tags from which on all are looked at


def put_keywords(catalog: Catalog, found: Mapping[int, Iterable[tuple[str, str]]]) -> None:
    """Replace the keywords of images, each (key, name), and keep in mind which soutu wrote."""
    t = schema.keywords
    rows = {
        (image, key): {"image": image, "key": key, "name": name, "ours": False}
        for image, names in found.items()
        for key, name in names
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


def note_written(catalog: Catalog, written: Mapping[int, Mapping[str, str]]) -> None:
    """Remember the keywords, {key: name}, that soutu wrote into images' files by itself.

    Those that were there before stay the file's own.
    """
    t = schema.keywords
    with catalog.transaction() as c:
        for chunk in chunks(list(written)):
            known = {
                (image, key): ours
                for image, key, ours in c.execute(
                    sa.select(t.c.image, t.c.key, t.c.ours).where(t.c.image.in_(chunk))
                )
            }
            c.execute(t.delete().where(t.c.image.in_(chunk), t.c.ours))
            rows = [
                {"image": image, "key": key, "name": name, "ours": True}
                for image in chunk
                for key, name in written[image].items()
                if known.get((image, key), True)
            ]
            if rows:
                c.execute(t.insert(), rows)


def written_by_soutu(catalog: Catalog, images: Sequence[int]) -> dict[int, set[str]]:
    """Return the keys of the keywords that soutu wrote into images' files."""
    t = schema.keywords
    found: dict[int, set[str]] = {}
    with catalog.reading() as c:
        for chunk in chunks(images):
            statement = sa.select(t.c.image, t.c.key).where(t.c.image.in_(chunk), t.c.ours)
            for image, key in c.execute(statement):
                found.setdefault(image, set()).add(key)
    return found


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
    """Return some images whose files have a keyword."""
    t = schema.keywords
    statement = sa.select(t.c.image).where(t.c.key == key).order_by(t.c.image).limit(limit)
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
