"""Labels outlive their pictures: what happens to them when files go and come back.

The labels of a picture that leaves the library stay. They are given back to the same file, whose
id is the same again, or to the first new file of the same content.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from soutu.catalog import schema


def bid_farewell(connection: sa.Connection, ids: Sequence[int]) -> None:
    """Note what labelled pictures, about to be removed, were."""
    t, gone = schema.images, schema.departed
    labelled = sa.select(schema.labels.c.image).where(schema.labels.c.image.in_(ids))
    rows = connection.execute(
        sa.select(t.c.id, t.c.digest, t.c.path).where(t.c.id.in_(ids), t.c.id.in_(labelled))
    ).all()
    if rows:
        connection.execute(gone.delete().where(gone.c.image.in_([row.id for row in rows])))
        connection.execute(
            gone.insert(), [{"image": r.id, "digest": r.digest, "path": r.path} for r in rows]
        )


def welcome_back(connection: sa.Connection, digests: Mapping[int, bytes]) -> None:
    """Give waiting labels to pictures, by id, that were just written with these digests."""
    gone, labels = schema.departed, schema.labels
    if connection.execute(sa.select(sa.literal(1)).select_from(gone).limit(1)).first() is None:
        return
    for image, digest in digests.items():
        waiting = connection.execute(
            sa.select(gone.c.image)
            .where(sa.or_(gone.c.image == image, gone.c.digest == digest))
            .order_by(gone.c.image != image)
        ).scalar()
        if waiting is None:
            continue
        if waiting != image:
            taken = sa.select(labels.c.tag).where(labels.c.image == image).scalar_subquery()
            connection.execute(
                labels.update()
                .where(labels.c.image == waiting, labels.c.tag.not_in(taken))
                .values(image=image)
            )
            connection.execute(labels.delete().where(labels.c.image == waiting))
        connection.execute(gone.delete().where(gone.c.image == waiting))
