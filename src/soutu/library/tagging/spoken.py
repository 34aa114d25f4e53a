"""What people said, at one moment: the vocabulary, and labels as arrays."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import xxhash

from soutu.catalog import labelled
from soutu.catalog.labelled import FILE, PERSON, Moment
from soutu.catalog.said import hearing
from soutu.library.tagging.cache import among
from soutu.library.tagging.vocabulary import Vocabulary

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.catalog.catalog import Catalog
    from soutu.catalog.said import Said
    from soutu.types import Ids

    Rows = NDArray[np.int64]

_TAUGHT = 2000  # labels of each kind, besides those of persons, that a tag learns from
_SCATTER = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: spreads ids over all numbers


@dataclass(frozen=True, eq=False)
class TagLabels:
    """The labels of one tag on pictures that are there, without what a newer yes outweighs.

    `images` [n], ascending, `values` [n] yes or no, `sources` [n] as in `catalog.labelled`, and
    `versions` [n] of the pictures when this was read.
    """

    images: Ids
    values: NDArray[np.bool_]
    sources: NDArray[np.int64]
    versions: NDArray[np.int64]

    @cached_property
    def yes(self) -> Ids:
        """The pictures that are said to hold the tag, ascending."""
        return self.images[self.values]

    @cached_property
    def no(self) -> Ids:
        """The pictures that are said not to hold it, ascending."""
        return self.images[~self.values]

    @cached_property
    def from_files(self) -> Ids:
        """Those of `yes` that a file says, not a person."""
        return np.asarray(self.images[self.values & (self.sources == FILE)])

    @cached_property
    def taught(self) -> TagLabels:
        """The labels to learn from: all that persons gave, and a sample of the others.

        Which ones are in the sample hangs on their pictures alone, so that a new label changes it
        by one at most.
        """
        person = self.sources == PERSON
        kept = person.copy()
        for value in (True, False):
            rest = np.flatnonzero(~person & (self.values == value))
            if len(rest) > _TAUGHT:
                scattered = self.images[rest].astype(np.uint64) * _SCATTER
                rest = rest[np.argpartition(scattered, _TAUGHT)[:_TAUGHT]]
            kept[rest] = True
        if kept.all():
            return self
        return TagLabels(
            self.images[kept], self.values[kept], self.sources[kept], self.versions[kept]
        )

    @cached_property
    def taught_key(self) -> str:
        """Name what is learned from; another one where a picture behind a label changed."""
        each = (self.taught.images, self.taught.values, self.taught.versions)
        return xxhash.xxh3_128_hexdigest(b"/".join(part.tobytes() for part in each))


_NOTHING = np.empty(0, np.int64)
NO_LABELS = TagLabels(_NOTHING, np.empty(0, bool), _NOTHING, _NOTHING)


@dataclass(frozen=True, eq=False)
class Spoken:
    """What people said, at one moment."""

    vocabulary: Vocabulary
    labels: dict[int, TagLabels]
    moment: Moment
    _said: dict[int, tuple[Ids, Ids]] = field(default_factory=dict)
    _group_keys: dict[tuple[int, ...], str] = field(default_factory=dict)

    @classmethod
    def of(cls, catalog: Catalog) -> Spoken:
        """Read it from a catalog."""
        moment = Moment.of(catalog)  # first: what changes while reading counts as new later
        with hearing(catalog) as said:
            vocabulary = Vocabulary(said.tags())
            rows = labelled.labels(said.connection)
            labels = dict(_labels(said, vocabulary, vocabulary.groups.values(), rows))
        return cls(vocabulary, labels, moment)

    def followed(self, catalog: Catalog) -> Spoken:
        """Return what is said now, reading again only the labels of tags that changed."""
        moment = Moment.of(catalog)
        if moment == self.moment:
            return self
        if not moment.only_noted(self.moment):
            return Spoken.of(catalog)
        with hearing(catalog) as said:
            tags, changed = labelled.touched(said.connection, self.moment.changes)
            vocabulary = self.vocabulary
            if tags:
                kept = {id_: row for id_, row in vocabulary.rows.items() if id_ not in tags}
                kept |= said.tags(sorted(tags))
                vocabulary = Vocabulary(dict(sorted(kept.items())))
            again = tags | changed
            groups = [
                group
                for each in {self.vocabulary, vocabulary}
                for group in each.groups.values()
                if not again.isdisjoint(group)
            ]
            again = again.union(*groups)
            rows = labelled.labels(said.connection, sorted(again))
            labels = {tag: found for tag, found in self.labels.items() if tag not in again}
            labels |= _labels(said, vocabulary, vocabulary.groups.values(), rows)
        return Spoken(vocabulary, labels, moment)

    def labels_of(self, tag: int) -> TagLabels:
        """Return the labels of a tag."""
        return self.labels.get(tag, NO_LABELS)

    def said(self, tag: int) -> tuple[Ids, Ids]:
        """Return the ids, ascending, on which people said that a tag holds, and does not.

        In a group whose tags exclude each other, a yes to one tag is a no to the others.
        """
        if tag not in self._said:
            labels = self.labels_of(tag)
            others = [self.labels_of(r).yes for r in self.vocabulary.rivals(tag) if r != tag]
            no = np.unique(np.concatenate([labels.no, *others])) if others else labels.no
            self._said[tag] = labels.yes, no
        return self._said[tag]

    def group_key(self, group: tuple[int, ...]) -> str:
        """Name what was said of the tags of a group."""
        if group not in self._group_keys:
            parts = [ids.tobytes() for tag in group for ids in self.said(tag)]
            self._group_keys[group] = xxhash.xxh3_128_hexdigest(b"/".join(parts))
        return self._group_keys[group]

    def threshold(self, tag: int, found: float) -> float:
        """Return the threshold in force: the one set by hand, or the one found.

        The tags of a group need none: the most probable holds, with probability 0 or more.
        """
        own = self.vocabulary.rows[tag].threshold
        if own is not None:
            return own
        return 0.0 if self.vocabulary.rivals(tag) else found


class Listener:
    """Know what people said. Safe to call from many threads."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._lock = threading.Lock()
        self._heard: tuple[int, Spoken] | None = None

    def now(self) -> Spoken:
        """Return tags and labels as they are now; the same object where nothing changed."""
        with self._lock:
            stamp = self._catalog.stamp()
            if self._heard is None:
                self._heard = stamp, Spoken.of(self._catalog)
            elif self._heard[0] != stamp:
                self._heard = stamp, self._heard[1].followed(self._catalog)
            return self._heard[1]


def _labels(
    said: Said, vocabulary: Vocabulary, groups: Iterable[list[int]], rows: Rows
) -> Iterator[tuple[int, TagLabels]]:
    """Yield the labels of each tag from rows [n, 5] as `catalog.labelled` gives them."""
    rows = _settled(said, groups, rows)
    tags, starts = np.unique(rows[:, 0], return_index=True)
    ends = np.append(starts, len(rows))[1:]
    for tag, start, end in zip(tags.tolist(), starts, ends, strict=True):
        if tag in vocabulary.rows:
            images, values, sources, versions = rows[start:end, 1:].T.copy()
            yield tag, TagLabels(images, values.astype(bool), sources, versions)


def _settled(said: Said, groups: Iterable[list[int]], rows: Rows) -> Rows:
    """Leave out a yes to a tag of a group where another of its tags got a newer one."""
    left = np.ones(len(rows), bool)
    tags = rows[:, 0]  # ascending
    for group in groups:
        if len(group) < 2 or not len(rows):
            continue
        ends = zip(np.searchsorted(tags, group), np.searchsorted(tags, group, "right"), strict=True)
        mine = np.concatenate([np.arange(start, stop) for start, stop in ends])
        mine = mine[rows[mine, 2] == 1]
        images, counts = np.unique(rows[mine, 1], return_counts=True)
        several = images[counts > 1]
        if len(several):
            last = labelled.last_yes(said.connection, group, several.tolist())
            for at in mine[among(rows[mine, 1], several)].tolist():
                left[at] = last.get(int(rows[at, 1])) == rows[at, 0]
    return rows[left]
