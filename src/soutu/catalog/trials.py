"""The log of experiments: what people were shown, and what they did with it.

Starting and ending an experiment changes the library; what is logged does not (`Catalog.note`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from soutu.catalog import schema
from soutu.catalog.said import storable
from soutu.types import Experiment, Variant

if TYPE_CHECKING:
    from soutu.catalog.catalog import Catalog
    from soutu.types import ExperimentAction

CLICKS: tuple[ExperimentAction, ...] = ("open", "like")
"""The actions that speak for a picture."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """An experiment with the salt of its hashes."""

    experiment: Experiment
    salt: str


@dataclass(frozen=True, kw_only=True)
class ImpressionRow:
    """An answer that somebody was shown; `side` is a, b or ab."""

    key: str
    experiment: str
    session: str
    side: str
    question: str
    words: str | None


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What one impression got: pictures clicked and labelled, those of side a and of side b."""

    session: str
    side: str
    clicks: tuple[int, int]
    labels: tuple[int, int]


def trials(catalog: Catalog) -> list[Trial]:
    """List the experiments, the last one first."""
    t = schema.experiments
    with catalog.reading() as c:
        rows = c.execute(sa.select(t).order_by(t.c.started.desc(), t.c.name)).all()
    return [_trial(row) for row in rows]


def begin(catalog: Catalog, trial: Trial) -> Experiment | None:
    """Add an experiment that runs, unless one runs or has its name: then return that one."""
    t, made = schema.experiments, trial.experiment
    taken = sa.select(t).where(sa.or_(t.c.stopped.is_(None), t.c.name == made.name))
    with catalog.transaction() as c:
        found = c.execute(taken.order_by(t.c.name != made.name)).first()
        if found is not None:
            return _trial(found).experiment
        c.execute(
            t.insert().values(
                name=made.name,
                kind=made.kind,
                variant=asdict(made.variant),
                share=made.share,
                keep_words=made.keep_words,
                salt=trial.salt,
                who=storable(made.who),
                started=_plain(made.started),
            )
        )
    return None


def end(catalog: Catalog, name: str, at: datetime) -> None:
    """Say that an experiment runs no more."""
    t = schema.experiments
    with catalog.transaction() as c:
        c.execute(
            t.update().where(t.c.name == name, t.c.stopped.is_(None)).values(stopped=_plain(at))
        )


def erase(catalog: Catalog, name: str) -> None:
    """Delete an experiment and all that was logged of it."""
    e, i = schema.experiments, schema.impressions
    with catalog.transaction() as c:
        of_it = sa.select(i.c.key).where(i.c.experiment == name)
        for t in (schema.shown, schema.actions):
            c.execute(t.delete().where(t.c.impression.in_(of_it)))
        c.execute(i.delete().where(i.c.experiment == name))
        c.execute(e.delete().where(e.c.name == name))


def log_page(
    catalog: Catalog, impression: ImpressionRow, *, start: int, images: Sequence[int], sides: str
) -> bool:
    """Log a page that is shown from place `start` on; tell whether it was.

    Only a first page begins an impression: further ones of an unknown one are left out.
    """
    i, s = schema.impressions, schema.shown

    def write(c: sa.Connection) -> bool:
        known = c.execute(sa.select(i.c.key).where(i.c.key == impression.key)).first()
        if known is None and start > 0:
            return False
        if known is None:
            c.execute(i.insert().values(**vars(impression), at=_now()))
        c.execute(s.delete().where(s.c.impression == impression.key, s.c.start == start))
        page = {"impression": impression.key, "start": start, "images": list(images)}
        c.execute(s.insert().values(**page, sides=sides))
        return True

    return catalog.note(write)


def log_action(
    catalog: Catalog, impression: str, image: int, action: ExperimentAction
) -> tuple[bool, bool]:
    """Log what was done with a picture; return whether it was shown, and whether that is logged.

    It is not where the experiment has ended.
    """
    i, s, a, e = schema.impressions, schema.shown, schema.actions, schema.experiments
    running = (
        sa.select(e.c.stopped).join(i, i.c.experiment == e.c.name).where(i.c.key == impression)
    )

    def write(c: sa.Connection) -> tuple[bool, bool]:
        pages = c.execute(sa.select(s).where(s.c.impression == impression).order_by(s.c.start))
        found = next(
            (
                (page.sides[at], page.start + at)
                for page in pages.all()
                for at, shown in enumerate(page.images)
                if shown == image
            ),
            None,
        )
        if found is None:
            return False, False
        if c.execute(running).scalar_one() is not None:
            return True, False
        side, place = found
        key = {"impression": impression, "image": image, "action": action}
        same = [a.c[name] == value for name, value in key.items()]
        if c.execute(sa.select(a.c.side).where(*same)).first() is None:
            c.execute(a.insert().values(**key, side=side, place=place, at=_now()))
        return True, True

    return catalog.note(write)


def tallies(catalog: Catalog, name: str) -> list[Tally]:
    """Return what each impression of an experiment got, in the order of their keys."""
    i, a = schema.impressions, schema.actions
    answers = sa.select(i.c.key, i.c.session, i.c.side).where(i.c.experiment == name)
    with catalog.reading() as c:
        shown = c.execute(answers.order_by(i.c.key)).all()
        clicks = _counted(c, name, a.c.action.in_(CLICKS))
        labels = _counted(c, name, a.c.action == "label")
    none = (0, 0)
    return [
        Tally(
            session=row.session,
            side=row.side,
            clicks=clicks.get(row.key, none),
            labels=labels.get(row.key, none),
        )
        for row in shown
    ]


def _counted(
    c: sa.Connection, name: str, which: sa.ColumnElement[bool]
) -> dict[str, tuple[int, int]]:
    """Count the pictures of each side with an action, by impression."""
    i, a = schema.impressions, schema.actions
    number = sa.func.count(sa.distinct(a.c.image)).label("number")
    statement = (
        sa.select(a.c.impression, a.c.side, number)
        .join(i, i.c.key == a.c.impression)
        .where(i.c.experiment == name, which)
        .group_by(a.c.impression, a.c.side)
    )
    found: dict[str, tuple[int, int]] = {}
    for row in c.execute(statement):
        of_a, of_b = found.get(row.impression, (0, 0))
        found[row.impression] = (
            (of_a + row.number, of_b) if row.side == "a" else (of_a, of_b + row.number)
        )
    return found


def _trial(row: sa.Row[Any]) -> Trial:
    stopped = None if row.stopped is None else row.stopped.replace(tzinfo=UTC)
    return Trial(
        experiment=Experiment(
            name=row.name,
            kind=row.kind,
            variant=Variant(**row.variant),
            share=row.share,
            keep_words=row.keep_words,
            who=row.who,
            started=row.started.replace(tzinfo=UTC),
            stopped=stopped,
        ),
        salt=row.salt,
    )


def _plain(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)


def _now() -> datetime:
    return _plain(datetime.now(UTC))
