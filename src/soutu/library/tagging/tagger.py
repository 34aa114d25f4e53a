"""Tags on pictures in one space: what the heads compute, with what people said above it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from soutu.catalog.said import SAID
from soutu.errors import SoutuError
from soutu.library.tagging.cache import TagCache
from soutu.library.tagging.fitting import Fitter, Spoken
from soutu.library.tagging.membership import Membership
from soutu.types import TagCount, TagFacts

if TYPE_CHECKING:
    from soutu.catalog.catalog import Catalog
    from soutu.library.base import Watcher
    from soutu.library.spaces import Space
    from soutu.library.tagging.cache import Members
    from soutu.library.tagging.spread import Spreads
    from soutu.models.base import Encoder
    from soutu.types import Filter, Ids, MergeIdea, TagBorder, TagIdea, TagSpread


class Tagger:
    """Know the tags of the pictures of one space. Safe to call from many threads."""

    def __init__(self, catalog: Catalog, space: Space, encoder: Callable[[], Encoder]) -> None:
        self.catalog, self.space = catalog, space
        self._lock = threading.RLock()
        self._cache = TagCache(space.folder / "tags.db")
        self.fitter = Fitter(catalog, space, self._cache, encoder)
        self._membership = Membership(catalog, space, self._cache, self.fitter)
        self._spoken: tuple[str | None, int, Spoken] | None = None
        self._background: ThreadPoolExecutor | None = None

    # --- what people said ---

    def spoken(self) -> Spoken:
        """Return tags and labels as they are now."""
        with self._lock:
            counter, version = self.catalog.setting(SAID), self.catalog.version()
            if self._spoken is None or self._spoken[:2] != (counter, version):
                self._spoken = (counter, version, Spoken.of(self.catalog))
            return self._spoken[2]

    # --- which pictures hold a tag ---

    def members(
        self, tags: Sequence[int], on_progress: Watcher | None = None
    ) -> dict[int, Members]:
        """Return what the heads of tags say, without labels."""
        with self._lock:
            return self._membership.of(self.spoken(), tags, on_progress)

    def holding(self, tags: Sequence[int], on_progress: Watcher | None = None) -> dict[int, Ids]:
        """Return the ids, ascending, of the pictures that hold each tag, labels counted."""
        with self._lock:
            spoken, members = self.spoken(), self.members(tags, on_progress)
            found = {}
            for tag in tags:
                yes, no = said(spoken, tag)
                kept = np.setdiff1d(members[tag].ids, no, assume_unique=True)
                found[tag] = np.union1d(kept, yes)
            return found

    def best(self, tag: int, k: int) -> Members | None:
        """Return about the k surest members of a tag, best first, by its head; see Membership."""
        with self._lock:
            return self._membership.best(self.spoken(), tag, k)

    def resolve(self, names: Sequence[str], *, expand: bool) -> Ids:
        """Return the ids of the pictures that hold one of the tags, with narrower ones or not."""
        with self._lock:
            vocabulary = self.spoken().vocabulary
            tags = list(dict.fromkeys(vocabulary.find(name).id for name in names))
            found = self.holding(vocabulary.narrower(tags) if expand else tags)
            return np.unique(np.concatenate(list(found.values())))

    def counts(self, where: str | Filter | None = None) -> list[TagCount]:
        """Count the pictures of each tag, among those that pass a filter, most frequent first."""
        from soutu.library.tagging.querying import resolved
        from soutu.library.where import parse_where

        given = parse_where(where) if isinstance(where, str) else where
        with self._lock:
            spoken = self.spoken()
            among = None
            if given is not None:
                among = self.space.index.ids(resolved(given, self, expand=True))
            counts = []
            for tag, ids in self.holding(list(spoken.vocabulary.rows)).items():
                kept = ids if among is None else np.intersect1d(ids, among, assume_unique=True)
                labels = spoken.labels_of(tag)
                counts.append(
                    TagCount(
                        tag=spoken.vocabulary.name(tag),
                        count=len(kept),
                        yes=len(labels.yes),
                        no=len(labels.no),
                    )
                )
        return sorted(counts, key=lambda each: (-each.count, each.tag))

    def facts(self, name: str) -> TagFacts:
        """Return a tag with what was found for it."""
        with self._lock:
            spoken = self.spoken()
            vocabulary = spoken.vocabulary
            row = vocabulary.find(name)
            _, head = self.fitter.heads(spoken, [row.id])[row.id]
            labels = spoken.labels_of(row.id)
            return TagFacts(
                tag=vocabulary.tag(row.id),
                children=tuple(vocabulary.name(i) for i in vocabulary.children.get(row.id, [])),
                threshold=threshold_of(spoken, row.id, head.threshold),
                source=head.source,
                count=len(self.holding([row.id])[row.id]),
                yes=len(labels.yes),
                no=len(labels.no),
            )

    def spread(self, name: str, *, bins: int) -> TagSpread:
        """Count pictures by the probability of a tag."""
        with self._lock:
            return self._spreads.spread(name, bins=bins)

    def border(self, name: str, *, threshold: float | None, k: int) -> TagBorder:
        """Return the pictures beside a threshold of a tag."""
        with self._lock:
            return self._spreads.border(name, threshold=threshold, k=k)

    @cached_property
    def _spreads(self) -> Spreads:
        from soutu.library.tagging.spread import Spreads

        return Spreads(self)

    def suggest(self, limit: int) -> list[TagIdea]:
        """Suggest tags for frequent kinds of pictures that no tag covers."""
        from soutu.library.tagging.asking import ideas

        with self._lock:
            return ideas(self, limit)

    def similar(self, limit: int) -> list[MergeIdea]:
        """Suggest pairs of tags to merge."""
        from soutu.library.tagging.asking import merges

        with self._lock:
            return merges(self, limit)

    # --- life cycle ---

    def refresh(self, tags: Iterable[int]) -> None:
        """Refit tags whose labels changed, in the background: the next question finds them done."""
        wanted = list(tags)
        if not wanted:
            return
        if self._background is None:
            self._background = ThreadPoolExecutor(1, thread_name_prefix="soutu-tags")

        def work() -> None:
            # What goes wrong here goes wrong again, and is told, when somebody asks.
            with suppress(SoutuError), self._lock:
                spoken = self.spoken()
                known = [tag for tag in wanted if tag in spoken.vocabulary.rows]
                # Opening a model is for whoever asks, and must not happen twice at once.
                if self.fitter.knows_texts(spoken, known):
                    self.fitter.heads(spoken, known)

        self._background.submit(work)

    def forget(self) -> None:
        """Drop everything computed from vectors that were made anew."""
        with self._lock:
            self._cache.clear()
            self._spreads.clear()

    def close(self) -> None:
        """Release the file; safe to call twice."""
        if self._background is not None:
            self._background.shutdown(cancel_futures=True)
            self._background = None
        with self._lock:
            self._cache.close()


def said(spoken: Spoken, tag: int) -> tuple[Ids, Ids]:
    """Return the ids on which people said that a tag holds, and does not.

    In a group whose tags exclude each other, a yes to one tag is a no to the others.
    """
    labels = spoken.labels_of(tag)
    group = spoken.vocabulary.rows[tag].group
    no = [labels.no]
    if group is not None:
        no += [spoken.labels_of(r).yes for r in spoken.vocabulary.groups[group] if r != tag]
    return labels.yes, np.setdiff1d(np.unique(np.concatenate(no)), labels.yes)


def threshold_of(spoken: Spoken, tag: int, found: float) -> float:
    """Return the threshold in force: the one set by hand, or the one found.

    The tags of a group need none: the most probable holds, with probability 0 or more.
    """
    row = spoken.vocabulary.rows[tag]
    if row.threshold is not None:
        return row.threshold
    grouped = row.group is not None and len(spoken.vocabulary.groups[row.group]) > 1
    return 0.0 if grouped else found
