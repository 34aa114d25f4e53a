"""Tags on pictures in one space: what the heads compute, with what people said above it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from soutu.errors import SoutuError
from soutu.library.tagging.cache import TagCache, among
from soutu.library.tagging.fitting import Fitter
from soutu.library.tagging.membership import Membership
from soutu.library.tagging.spoken import Listener
from soutu.library.tagging.trained import described
from soutu.types import TagCount, TagFacts

if TYPE_CHECKING:
    from soutu.catalog.catalog import Catalog
    from soutu.library.base import Watcher
    from soutu.library.spaces import Space
    from soutu.library.tagging.cache import Members
    from soutu.library.tagging.spoken import Spoken
    from soutu.library.tagging.spread import Spreads
    from soutu.library.tagging.trained import HeadStore
    from soutu.library.tagging.vocabulary import Vocabulary
    from soutu.models.base import Encoder
    from soutu.types import Filter, Ids, MergeIdea, TagBorder, TagIdea, TagSpread

_RESOLVED = 32  # answers kept, each up to 8 bytes a picture of the library
_NONE = np.empty(0, np.int64)


class Tagger:
    """Know the tags of the pictures of one space. Safe to call from many threads."""

    def __init__(
        self,
        catalog: Catalog,
        space: Space,
        encoder: Callable[[], Encoder],
        trained: HeadStore,
    ) -> None:
        self.catalog, self.space = catalog, space
        # Taken before those of the listener, the fitter and the cache, never after.
        self._lock = threading.RLock()
        self._cache = TagCache(space.folder / "tags.db")
        self._listener = Listener(catalog)
        self._trained = trained
        self.fitter = Fitter(catalog, space, self._cache, encoder, trained)
        self._membership = Membership(catalog, space, self._cache, self.fitter)
        self._resolved: tuple[Spoken, dict[tuple[int, ...], Ids]] | None = None
        self._refreshing = threading.Lock()
        self._background: ThreadPoolExecutor | None = None

    # --- what people said ---

    def spoken(self) -> Spoken:
        """Return tags and labels as they are now; the same object where nothing changed."""
        return self._listener.now()

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
            spoken = self.spoken()
            members = self._membership.of(spoken, tags, on_progress)
        return {tag: _corrected(members[tag].ids, *spoken.said(tag)) for tag in tags}

    def best(self, tag: int, k: int) -> Members | None:
        """Return about the k surest members of a tag, best first, by its head; see Membership."""
        with self._lock:
            return self._membership.best(self.spoken(), tag, k)

    def resolve(self, names: Sequence[str], *, expand: bool) -> Ids:
        """Return the ids of the pictures that hold one of the tags, with narrower ones or not.

        The last answers are kept until tags, labels or pictures change; do not write into them.
        """
        spoken = self.spoken()
        vocabulary = spoken.vocabulary
        tags = list(dict.fromkeys(vocabulary.find(name).id for name in names))
        key = tuple(sorted(vocabulary.narrower(tags) if expand else tags))
        resolved = self._resolved
        if resolved is None or resolved[0] is not spoken:
            resolved = self._resolved = (spoken, {})
        found = resolved[1].get(key)
        if found is None:
            found = _union(list(self.holding(key).values()))
            if len(resolved[1]) < _RESOLVED:
                resolved[1][key] = found
        return found

    def counts(self, where: str | Filter | None = None, *, expand: bool = True) -> list[TagCount]:
        """Count the pictures of each tag, among those that pass a filter, most frequent first."""
        from soutu.library.tagging.querying import resolved
        from soutu.library.where import parse_where

        given = parse_where(where) if isinstance(where, str) else where
        spoken = self.spoken()
        vocabulary = spoken.vocabulary
        passing = None
        if given is not None:
            passing = self.space.index.ids(resolved(given, self, expand=expand))
        holding = self.holding(list(vocabulary.rows))
        if expand:
            holding = _with_narrower(vocabulary, holding)
        counts = []
        for tag, ids in holding.items():
            kept = ids if passing is None else ids[among(ids, passing)]
            labels = spoken.labels_of(tag)
            counts.append(
                TagCount(
                    tag=vocabulary.name(tag),
                    count=len(kept),
                    yes=len(labels.yes),
                    no=len(labels.no),
                )
            )
        return sorted(counts, key=lambda each: (-each.count, each.tag))

    def facts(self, name: str) -> TagFacts:
        """Return a tag with what was found for it."""
        spoken = self.spoken()
        vocabulary = spoken.vocabulary
        row = vocabulary.find(name)
        _, head = self.fitter.heads(spoken, [row.id])[row.id]
        labels = spoken.labels_of(row.id)
        holding = self.holding(vocabulary.narrower([row.id]))
        return TagFacts(
            tag=vocabulary.tag(row.id),
            children=tuple(vocabulary.name(i) for i in vocabulary.children.get(row.id, [])),
            threshold=spoken.threshold(row.id, head.threshold),
            source=head.source,
            head=described(self._trained, vocabulary.rows[row.id], self.space.row),
            count=len(holding[row.id]),
            count_with_narrower=len(_union(list(holding.values()))),
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

        def work() -> None:
            # What goes wrong here goes wrong again, and is told, when somebody asks.
            with suppress(SoutuError):
                spoken = self.spoken()
                known = [tag for tag in wanted if tag in spoken.vocabulary.rows]
                # Opening a model is for whoever asks, and must not happen twice at once.
                if self.fitter.knows_texts(spoken, known):
                    self.fitter.heads(spoken, known)

        with self._refreshing:
            if self._background is None:
                self._background = ThreadPoolExecutor(1, thread_name_prefix="soutu-tags")
            self._background.submit(work)

    def forget(self) -> None:
        """Drop everything computed from vectors that were made anew."""
        with self._lock:
            self.fitter.forget()
            self._membership.forget()
            self._resolved = None
            self._spreads.clear()

    def close(self) -> None:
        """Release the file; safe to call twice."""
        with self._refreshing:
            background, self._background = self._background, None
        if background is not None:
            background.shutdown(cancel_futures=True)
        self._cache.close()


def _corrected(ids: Ids, yes: Ids, no: Ids) -> Ids:
    """Put what people said above members [n], ascending."""
    if len(no):
        ids = ids[~among(ids, no)]
    return np.union1d(ids, yes) if len(yes) else ids


def _union(parts: Sequence[Ids]) -> Ids:
    return parts[0] if len(parts) == 1 else np.unique(np.concatenate([_NONE, *parts]))


def _with_narrower(vocabulary: Vocabulary, holding: Mapping[int, Ids]) -> dict[int, Ids]:
    """Add to what each tag holds what the tags below it hold."""
    return {tag: _union([holding[each] for each in vocabulary.narrower([tag])]) for tag in holding}
