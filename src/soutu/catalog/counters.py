"""Counters among the settings: a number that grows with every change of something."""

from __future__ import annotations

import sqlalchemy as sa

from soutu.catalog import schema


def count_up(connection: sa.Connection, key: str) -> int:
    """Raise a counter by one and return it.

    As the first statement of a transaction it takes the write lock, so that what is read after it
    is not changed by anybody before the transaction ends.
    """
    t = schema.settings
    number = sa.cast(sa.cast(t.c.value, sa.BigInteger) + 1, sa.Text)
    done = connection.execute(t.update().where(t.c.key == key).values(value=number))
    if done.rowcount == 0:
        connection.execute(t.insert().values(key=key, value="1"))
    return int(connection.execute(sa.select(t.c.value).where(t.c.key == key)).scalar_one())
