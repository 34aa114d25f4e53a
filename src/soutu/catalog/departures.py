"""Labels outlive their pictures: what happens to them when files go and come back.

The labels of a picture that leaves the library stay, and so does what the history says of it. They
are given back to the same file, whose id is the same again, or go over to the first file that gets
the same content. What the history wrote under the old id then means the new one: the id a picture
has today is noted for every picture that the history mentions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa

from soutu.catalog import schema
from soutu.catalog.chunks import chunks
from soutu.catalog.keywords import SOURCE as FROM_FILE


def bid_farewell(connection: sa.Connection, ids: Sequence[int]) -> None:
    """Note what pictures, about to be removed, were if labels or the history mention them.

    Labels that keywords of their files gave go: they come from the files alone.
    """
    t, labels, gone, known = schema.images, schema.labels, schema.departed, schema.remembered
    connection.execute(labels.delete().where(labels.c.image.in_(ids), labels.c.source == FROM_FILE))
    mentioned = sa.union(
        sa.select(labels.c.image).where(labels.c.image.in_(ids)),
        sa.select(known.c.now).where(known.c.now.in_(ids)),
    )
    rows = connection.execute(
        sa.select(t.c.id, t.c.digest, t.c.path).where(t.c.id.in_(ids), t.c.id.in_(mentioned))
    ).all()
    if rows:
        connection.execute(gone.delete().where(gone.c.image.in_([row.id for row in rows])))
        connection.execute(
            gone.insert(), [{"image": r.id, "digest": r.digest, "path": r.path} for r in rows]
        )


def welcome_back(connection: sa.Connection, digests: Mapping[int, bytes]) -> None:
    """Give waiting labels to pictures, by id, that are about to be written with these digests."""
    t, gone = schema.images, schema.departed
    if connection.execute(sa.select(sa.literal(1)).select_from(gone).limit(1)).first() is None:
        return
    for image, digest in digests.items():
        waiting = _waiting(connection, image, digest)
        if waiting is None:
            continue
        if waiting != image:
            before = sa.select(t.c.digest).where(t.c.id == image)
            _hand_over(
                connection,
                waiting,
                image,
                changed=connection.execute(before).scalar() not in (None, digest),
            )
        connection.execute(gone.delete().where(gone.c.image == waiting))


def _waiting(connection: sa.Connection, image: int, digest: bytes) -> int | None:
    """Return the departed picture that comes back: itself, or one of the content with labels."""
    gone, labels = schema.departed, schema.labels
    labelled = sa.exists().where(labels.c.image == gone.c.image)
    found: int | None = connection.execute(
        sa.select(gone.c.image)
        .where(sa.or_(gone.c.image == image, gone.c.digest == digest))
        .order_by(gone.c.image != image, ~labelled, gone.c.image)
        .limit(1)
    ).scalar()
    return found


def _hand_over(connection: sa.Connection, old: int, new: int, *, changed: bool) -> None:
    """Move labels from one picture to another, and what the history means by them.

    Where both have a label of a tag, a person's counts more than a file's; then that of the
    picture whose content it is: the old one's where the new one's content was `changed` to this.
    """
    t, known = schema.labels, schema.remembered
    own: dict[int, str] = {
        row.tag: row.source
        for row in connection.execute(sa.select(t.c.tag, t.c.source).where(t.c.image == new))
    }
    theirs = connection.execute(sa.select(t.c.tag).where(t.c.image == old)).scalars().all()
    moved = [tag for tag in theirs if changed or own.get(tag, FROM_FILE) == FROM_FILE]
    for chunk in chunks(moved):
        connection.execute(t.delete().where(t.c.image == new, t.c.tag.in_(chunk)))
        connection.execute(t.update().where(t.c.image == old, t.c.tag.in_(chunk)).values(image=new))
    connection.execute(t.delete().where(t.c.image == old))
    connection.execute(known.update().where(known.c.now == old).values(now=new))


def remember(connection: sa.Connection, images: Iterable[int]) -> None:
    """Note that the history mentions these pictures."""
    t = schema.remembered
    for chunk in chunks(sorted(set(images))):
        known = connection.execute(sa.select(t.c.image).where(t.c.image.in_(chunk))).scalars()
        fresh = sorted({*chunk} - {*known})
        if fresh:
            connection.execute(t.insert(), [{"image": image, "now": image} for image in fresh])


def today(connection: sa.Connection, images: Iterable[int]) -> dict[int, int]:
    """Return what ids in the history stand for today, without those of pictures that are nowhere.

    A picture that is gone while its labels wait for it is somewhere.
    """
    t = schema.remembered
    now: dict[int, int] = {image: image for image in images}
    for chunk in chunks(sorted(now)):
        rows = connection.execute(sa.select(t.c.image, t.c.now).where(t.c.image.in_(chunk)))
        now.update((row.image, row.now) for row in rows)
    ids = sorted(set(now.values()))
    somewhere = {*present(connection, ids), *_departed(connection, ids)}
    return {image: id_ for image, id_ in now.items() if id_ in somewhere}


def present(connection: sa.Connection, ids: Sequence[int]) -> list[int]:
    """Return those of the ids that pictures of the library have."""
    return _among(connection, schema.images.c.id, ids)


def passed_on(connection: sa.Connection, ids: Sequence[int]) -> list[int]:
    """Return those of the ids by which the history means pictures that have another one today."""
    t = schema.remembered
    return _among(connection, t.c.image, ids, t.c.image != t.c.now)


def _departed(connection: sa.Connection, ids: Sequence[int]) -> list[int]:
    return _among(connection, schema.departed.c.image, ids)


def _among(
    connection: sa.Connection,
    column: sa.Column[int],
    ids: Sequence[int],
    *also: sa.ColumnElement[bool],
) -> list[int]:
    return [
        found
        for chunk in chunks(ids)
        for found in connection.execute(sa.select(column).where(column.in_(chunk), *also)).scalars()
    ]
