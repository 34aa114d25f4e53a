"""What people said: tags and labels, each change one transaction with its way back.

Every change is the same operation: give tags and labels (by id) a new state, None meaning "not
there", and write how they were into the history. Undo gives them that state again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import sqlalchemy as sa

from soutu.catalog import schema
from soutu.catalog.chunks import chunks
from soutu.catalog.counters import count_up
from soutu.catalog.departures import remember, today
from soutu.catalog.keywords import SOURCE as FROM_FILE
from soutu.catalog.keywords import label_from_files
from soutu.types import Change

if TYPE_CHECKING:
    from pathlib import Path

    from soutu.catalog.catalog import Catalog

SAID = "said"
"""The setting that counts the changes of tags and labels."""

_TAG_IDS = "tag_ids"  # the setting that counts the ids given to tags

LabelKey: TypeAlias = tuple[int, int]
"""Tag id and image id."""


@dataclass(frozen=True, kw_only=True)
class TagRow:
    """A tag as it is stored. `names` are (key, name), the tag's own name first, then aliases.

    `head` names the trained head that scores it, and the class there: "DIGEST:COLUMN".
    """

    id: int
    names: tuple[tuple[str, str], ...]
    prompts: tuple[str, ...] = ()
    parent: int | None = None
    group: str | None = None
    threshold: float | None = None
    head: str | None = None


@dataclass(frozen=True, kw_only=True)
class LabelRow:
    """What was said of one tag on one picture; `at` is UTC without a zone."""

    tag: int
    image: int
    value: bool
    source: str
    who: str
    at: datetime


@dataclass
class Edit:
    """The states that a change gives to tags and labels; None takes one away."""

    tags: dict[int, TagRow | None] = field(default_factory=dict)
    labels: dict[LabelKey, LabelRow | None] = field(default_factory=dict)


class Said:
    """Read and change tags and labels within one transaction, opened by `saying`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._c = connection

    # --- reading ---

    def tags(self, ids: Sequence[int] | None = None) -> dict[int, TagRow]:
        """Return every tag, or those of some ids, by id, in the order they were added."""
        return self._tags(ids)

    @property
    def connection(self) -> sa.Connection:
        """The transaction, to read more in it."""
        return self._c

    def name_keys(self) -> frozenset[str]:
        """Return what the names of all tags are compared by."""
        return frozenset(self._c.execute(sa.select(schema.names.c.key)).scalars())

    def labels(
        self, *, images: Sequence[int] | None = None, tags: Sequence[int] | None = None
    ) -> Iterator[LabelRow]:
        """Yield labels, of some images or some tags or all, by tag and image."""
        t = schema.labels
        statement = sa.select(t).order_by(t.c.tag, t.c.image)
        column, values = (t.c.tag, tags) if images is None else (t.c.image, images)
        if values is None:
            parts = [statement]
        else:
            parts = [statement.where(column.in_(chunk)) for chunk in chunks(values)]
        for part in parts:
            for row in self._c.execute(part):
                yield LabelRow(**row._mapping)

    def labels_at(self, keys: Iterable[LabelKey]) -> dict[LabelKey, LabelRow]:
        """Return the labels of these tags and images, by key."""
        t = schema.labels
        by_tag: dict[int, list[int]] = {}
        for tag, image in keys:
            by_tag.setdefault(tag, []).append(image)
        return {
            (row.tag, row.image): LabelRow(**row._mapping)
            for tag, images in by_tag.items()
            for part in _parts(sa.select(t).where(t.c.tag == tag), t.c.image, images)
            for row in self._c.execute(part)
        }

    def departed(self) -> list[int]:
        """Return the images that are gone while their labels wait for them."""
        return list(self._c.execute(sa.select(schema.departed.c.image)).scalars())

    def places(self, images: Sequence[int]) -> dict[int, tuple[Path, bool]]:
        """Return where pictures are or, when they left with labels, were; and whether they left."""
        found: dict[int, tuple[Path, bool]] = {}
        for t, key, left in ((schema.departed, "image", True), (schema.images, "id", False)):
            for part in _parts(sa.select(t.c[key], t.c.path), t.c[key], images):
                found.update((row[0], (row[1], left)) for row in self._c.execute(part))
        return found

    def at_paths(self, paths: Sequence[Path]) -> dict[Path, int]:
        """Return the pictures at these paths, or those that were there when they left."""
        found: dict[Path, int] = {}
        for t, key in ((schema.departed, "image"), (schema.images, "id")):
            for part in _parts(sa.select(t.c.path, t.c[key]).order_by(t.c[key]), t.c.path, paths):
                found.update((row[0], row[1]) for row in self._c.execute(part))
        return found

    def filed(self, keys: Iterable[LabelKey]) -> set[LabelKey]:
        """Return those of the keys to which keywords of files say yes."""
        k, n = schema.keywords, schema.names
        wanted = set(keys)
        says = sa.select(n.c.tag, k.c.image).join(n, n.c.key == k.c.key).where(k.c.ours.is_(False))
        parts = _parts(says, k.c.image, sorted({image for _, image in wanted}))
        found = {(row[0], row[1]) for part in parts for row in self._c.execute(part)}
        return found & wanted

    def history(self, limit: int | None = None) -> list[Change]:
        """Return the last changes, newest first."""
        return list(self._changes(sa.true(), limit))

    def standing(self, actions: Iterable[str] | None = None) -> Iterator[Change]:
        """Yield the changes that were not undone, of some actions or all, newest first."""
        t = schema.history
        where = sa.true() if actions is None else t.c.action.in_(list(actions))
        # One at a time: mostly the first is all that is wanted, of a history of any length.
        last: Change | None = next(self._changes(sa.and_(~t.c.undone, where), 1), None)
        while last is not None:
            yield last
            older = sa.and_(~t.c.undone, where, t.c.number < last.number)
            last = next(self._changes(older, 1), None)

    def _changes(self, where: sa.ColumnElement[bool], limit: int | None) -> Iterator[Change]:
        t = schema.history
        columns = (c for c in t.c if c.name != "before")
        statement = sa.select(*columns).where(where).order_by(t.c.number.desc()).limit(limit)
        for row in self._c.execute(statement).all():
            yield Change(**{**row._mapping, "at": row.at.replace(tzinfo=UTC)})

    def before(self, number: int) -> Edit:
        """Return the states that undo a change, of the pictures that are still known."""
        t = schema.history
        found = self._c.execute(sa.select(t.c.before).where(t.c.number == number)).scalar_one()
        edit = _edit_from(found)
        now = today(self._c, {image for _, image in edit.labels})
        labels: dict[LabelKey, LabelRow | None] = {}
        for (tag, image), row in edit.labels.items():
            # Two pictures of the past can be one today; what was said beats what was not.
            if image in now and labels.get(key := (tag, now[image])) is None:
                labels[key] = None if row is None else replace(row, image=now[image])
        return replace(edit, labels=labels)

    # --- changing ---

    def new_tag_ids(self, n: int) -> range:
        """Reserve n ids for tags; none is ever given twice."""
        last = 0
        if n:
            count_up(self._c, _TAG_IDS)
            t = schema.settings
            before = sa.select(t.c.value).where(t.c.key == _TAG_IDS)
            last = int(self._c.execute(before).scalar_one()) - 1 + n
            self._c.execute(t.update().where(t.c.key == _TAG_IDS).values(value=str(last)))
        return range(last - n + 1, last + 1)

    def change(self, edit: Edit, *, who: str, source: str, action: str, what: str) -> Change:
        """Give tags and labels their new states, and note it with the way back."""
        before = self._apply(edit)
        remember(self._c, {image for _, image in edit.labels})
        t = schema.history
        number = (self._c.execute(sa.select(sa.func.max(t.c.number))).scalar() or 0) + 1
        now = _now()
        noted: dict[str, Any] = {"number": number, "who": who, "source": source, "action": action}
        noted |= {"at": now, "what": what, "undone": False}
        noted |= {key: storable(noted[key]) for key in ("who", "what")}
        self._c.execute(t.insert().values(**noted, before=_edit_to(before)))
        return Change(**{**noted, "at": now.replace(tzinfo=UTC)})

    def take_back(self, change: Change) -> None:
        """Give everything that a change touched the state it had before."""
        edit = self.before(change.number)
        self._apply(edit)
        t = schema.history
        self._c.execute(t.update().where(t.c.number == change.number).values(undone=True))

    def _apply(self, edit: Edit) -> Edit:
        before = Edit(
            tags=dict.fromkeys(edit.tags) | self._tags(list(edit.tags)),
            labels=dict.fromkeys(edit.labels) | self.labels_at(edit.labels),
        )
        self._put_tags(edit.tags)
        self._put_labels(self._as_files_say(edit.labels))
        if edit.tags:
            label_from_files(self._c, list(edit.tags))
        return before

    def _as_files_say(
        self, states: Mapping[LabelKey, LabelRow | None]
    ) -> dict[LabelKey, LabelRow | None]:
        """Let files speak where nobody else does, as they do now and not as they once did."""
        open_ = [k for k, row in states.items() if row is None or row.source == FROM_FILE]
        filed = self.filed(open_)
        now = _now()
        found = dict(states)
        for key in open_:
            found[key] = states[key] if key in filed else None
            if key in filed and found[key] is None:
                tag, image = key
                found[key] = LabelRow(
                    tag=tag, image=image, value=True, source=FROM_FILE, who="", at=now
                )
        return found

    def _tags(self, ids: Sequence[int] | None) -> dict[int, TagRow]:
        t, n = schema.tags, schema.names
        names: dict[int, list[tuple[str, str]]] = {}
        named = sa.select(n).order_by(n.c.tag, n.c.position)
        for part in _parts(named, n.c.tag, ids):
            for row in self._c.execute(part):
                names.setdefault(row.tag, []).append((row.key, row.name))
        return {
            row.id: TagRow(
                id=row.id,
                names=tuple(names[row.id]),
                prompts=tuple(row.prompts),
                parent=row.parent,
                group=row.exclusive,
                threshold=row.threshold,
                head=row.head,
            )
            for part in _parts(sa.select(t).order_by(t.c.id), t.c.id, ids)
            for row in self._c.execute(part)
        }

    def _put_tags(self, states: Mapping[int, TagRow | None]) -> None:
        t, n = schema.tags, schema.names
        for chunk in chunks(list(states)):
            self._c.execute(n.delete().where(n.c.tag.in_(chunk)))
            self._c.execute(t.delete().where(t.c.id.in_(chunk)))
        rows = [row for row in states.values() if row is not None]
        if not rows:
            return
        self._c.execute(
            t.insert(),
            [
                {
                    "id": row.id,
                    "prompts": list(row.prompts),
                    "parent": row.parent,
                    "exclusive": row.group,
                    "threshold": row.threshold,
                    "head": row.head,
                }
                for row in rows
            ],
        )
        self._c.execute(
            n.insert(),
            [
                {"key": key, "tag": row.id, "position": position, "name": name}
                for row in rows
                for position, (key, name) in enumerate(row.names)
            ],
        )

    def _put_labels(self, states: Mapping[LabelKey, LabelRow | None]) -> None:
        t = schema.labels
        by_tag: dict[int, list[int]] = {}
        for tag, image in states:
            by_tag.setdefault(tag, []).append(image)
        for tag, images in by_tag.items():
            for chunk in chunks(images):
                self._c.execute(t.delete().where(t.c.tag == tag, t.c.image.in_(chunk)))
        rows = [
            {**vars(row), "who": storable(row.who)} for row in states.values() if row is not None
        ]
        if rows:
            self._c.execute(t.insert(), rows)


@contextmanager
def saying(catalog: Catalog) -> Iterator[Said]:
    """Change tags and labels in one transaction that nobody else's change comes between."""
    with catalog.transaction() as connection:
        count_up(connection, SAID)
        yield Said(connection)


@contextmanager
def hearing(catalog: Catalog) -> Iterator[Said]:
    """Read tags and labels as they are at one moment."""
    with catalog.reading() as connection:
        yield Said(connection)


def storable(text: str) -> str:
    r"""Spell out what UTF-8 cannot hold: a file name's stray byte 0xFF becomes `\udcff`."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _edit_to(edit: Edit) -> dict[str, Any]:
    """Write an edit as JSON: tags as [id, fields or null], labels as [tag, image, fields]."""
    return {
        "tags": [
            [id_, None if row is None else {k: v for k, v in asdict(row).items() if k != "id"}]
            for id_, row in edit.tags.items()
        ],
        "labels": [
            [
                tag,
                image,
                None if row is None else [row.value, row.source, row.who, row.at.isoformat()],
            ]
            for (tag, image), row in edit.labels.items()
        ],
    }


def _edit_from(found: Mapping[str, Any]) -> Edit:
    edit = Edit()
    for id_, fields in found["tags"]:
        edit.tags[id_] = None
        if fields is not None:
            names = tuple((key, name) for key, name in fields["names"])
            edit.tags[id_] = TagRow(
                id=id_, **{**fields, "names": names, "prompts": tuple(fields["prompts"])}
            )
    for tag, image, said in found["labels"]:
        edit.labels[tag, image] = None
        if said is not None:
            value, source, who, at = said
            edit.labels[tag, image] = LabelRow(
                tag=tag,
                image=image,
                value=value,
                source=source,
                who=who,
                at=datetime.fromisoformat(at),
            )
    return edit


def _parts(
    statement: sa.Select[Any], column: sa.Column[Any], values: Sequence[Any] | None
) -> Iterator[sa.Select[Any]]:
    if values is None:
        yield statement
    else:
        for chunk in chunks(values):
            yield statement.where(column.in_(chunk))
