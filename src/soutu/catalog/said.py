"""What people said: tags and labels, each change one transaction with its way back.

Every change is the same operation: give tags and labels (by id) a new state, None meaning "not
there", and write how they were into the history. Undo gives them that state again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import sqlalchemy as sa

from soutu.catalog import schema
from soutu.catalog.chunks import chunks
from soutu.catalog.counters import count_up
from soutu.catalog.keywords import label_from_files
from soutu.types import Change

if TYPE_CHECKING:
    from soutu.catalog.catalog import Catalog

SAID = "said"
"""The setting that counts the changes of tags and labels."""

_TAG_IDS = "tag_ids"  # the setting that counts the ids given to tags

LabelKey: TypeAlias = tuple[int, int]
"""Tag id and image id."""


@dataclass(frozen=True, kw_only=True)
class TagRow:
    """A tag as it is stored. `names` are (key, name), the tag's own name first, then aliases."""

    id: int
    names: tuple[tuple[str, str], ...]
    prompts: tuple[str, ...] = ()
    parent: int | None = None
    group: str | None = None
    threshold: float | None = None


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

    def tags(self) -> dict[int, TagRow]:
        """Return every tag by id, in the order they were added."""
        return self._tags(None)

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
        wanted = set(keys)
        images = sorted({image for _, image in wanted})
        rows = self.labels(images=images)
        return {(row.tag, row.image): row for row in rows if (row.tag, row.image) in wanted}

    def departed(self) -> list[int]:
        """Return the images that are gone while their labels wait for them."""
        return list(self._c.execute(sa.select(schema.departed.c.image)).scalars())

    def history(self, limit: int | None = None) -> list[Change]:
        """Return the last changes, newest first."""
        t = schema.history
        columns = (c for c in t.c if c.name != "before")
        statement = sa.select(*columns).order_by(t.c.number.desc()).limit(limit)
        return [
            Change(**{**row._mapping, "at": row.at.replace(tzinfo=UTC)})
            for row in self._c.execute(statement)
        ]

    def before(self, number: int) -> Edit:
        """Return the states that undo a change."""
        t = schema.history
        found = self._c.execute(sa.select(t.c.before).where(t.c.number == number)).scalar_one()
        return _edit_from(found)

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
        label_from_files(self._c, list(edit.tags))
        t = schema.history
        number = (self._c.execute(sa.select(sa.func.max(t.c.number))).scalar() or 0) + 1
        now = datetime.now(UTC).replace(tzinfo=None)
        noted: dict[str, Any] = {"number": number, "who": who, "source": source, "action": action}
        noted |= {"at": now, "what": what, "undone": False}
        self._c.execute(t.insert().values(**noted, before=_edit_to(before)))
        return Change(**{**noted, "at": now.replace(tzinfo=UTC)})

    def take_back(self, change: Change) -> None:
        """Give everything that a change touched the state it had before."""
        edit = self.before(change.number)
        self._apply(edit)
        label_from_files(self._c, list(edit.tags))
        t = schema.history
        self._c.execute(t.update().where(t.c.number == change.number).values(undone=True))

    def _apply(self, edit: Edit) -> Edit:
        before = Edit(
            tags=dict.fromkeys(edit.tags) | self._tags(list(edit.tags)),
            labels=dict.fromkeys(edit.labels) | self.labels_at(edit.labels),
        )
        self._put_tags(edit.tags)
        self._put_labels(edit.labels)
        return before

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
        rows = [asdict(row) for row in states.values() if row is not None]
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
    with catalog.transaction() as connection:
        yield Said(connection)


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
    statement: sa.Select[Any], column: sa.Column[Any], values: Sequence[int] | None
) -> Iterator[sa.Select[Any]]:
    if values is None:
        yield statement
    else:
        for chunk in chunks(values):
            yield statement.where(column.in_(chunk))
