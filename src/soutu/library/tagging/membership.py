"""Which pictures hold which tags by their heads: computed once, then only what changed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xxhash

from soutu.library.tagging.cache import Members, among
from soutu.library.tagging.heads import NOTHING
from soutu.types import Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.catalog.catalog import Catalog
    from soutu.library.base import Watcher
    from soutu.library.spaces import Space
    from soutu.library.tagging.cache import TagCache
    from soutu.library.tagging.fitting import Fitter
    from soutu.library.tagging.heads import Head
    from soutu.library.tagging.spoken import Spoken
    from soutu.types import Ids, Vectors

_BLOCK = 8192  # pictures scored at once
_TAGS = 1024  # tags scored at once
_FEW = 4  # up to so many tags the engine's own scan is faster than reading every vector
_MARGIN = 4096  # members fetched beyond those expected


@dataclass(frozen=True)
class Rule:
    """How a tag's members are found: by its own cut-off, or as the best of its group.

    `cut` is the least logit (in a group: of the probability in it); `rivals` are the group's tags.
    """

    key: str
    head: Head
    cut: float
    rivals: tuple[int, ...] = ()


def probability_cut(threshold: float) -> float:
    """Return the logit of a probability, infinite at 0 and 1."""
    if threshold <= 0:
        return -math.inf
    return math.inf if threshold >= 1 else math.log(threshold / (1 - threshold))


def rules(spoken: Spoken, fitter: Fitter, tags: Sequence[int]) -> dict[int, Rule]:
    """Return the rules of tags. The tags of a group are only told apart together."""
    vocabulary = spoken.vocabulary
    rivals = {tag: vocabulary.rivals(tag) for tag in tags}
    needed = list(dict.fromkeys([*tags, *(r for group in rivals.values() for r in group)]))
    heads = fitter.heads(spoken, needed)
    found = {}
    for tag in tags:
        key, head = heads[tag]
        own = vocabulary.rows[tag].threshold
        if rivals[tag]:
            cut = -math.inf if own is None else probability_cut(own)
            parts = [*(heads[r][0] for r in rivals[tag]), spoken.group_key(rivals[tag])]
            key = xxhash.xxh3_128_hexdigest("/".join(parts).encode())
        else:
            cut = probability_cut(head.threshold if own is None else own)
        found[tag] = Rule(f"{key}/{cut}", head, cut, rivals[tag])
    return found


class Membership:
    """Know the members of tags by their heads, for one thread at a time.

    Labels count only where they rule a tag of a group out, so that another one holds.
    """

    def __init__(self, catalog: Catalog, space: Space, cache: TagCache, fitter: Fitter) -> None:
        self._catalog, self._space, self._cache = catalog, space, cache
        self._fitter = fitter
        self._loaded: dict[int, tuple[str, Members]] = {}

    def of(
        self, spoken: Spoken, tags: Sequence[int], on_progress: Watcher | None = None
    ) -> dict[int, Members]:
        """Return the members of tags, computing what is not known or has changed."""
        version = self._follow_pictures(spoken)
        wanted = rules(spoken, self._fitter, tags)
        keys = self._cache.member_keys(self._unloaded(wanted))
        stored = [tag for tag, key in keys.items() if key == wanted[tag].key]
        for tag, members in self._cache.members(stored).items():
            self._loaded[tag] = (wanted[tag].key, members)
        if stale := self._unloaded(wanted):
            self._compute(spoken, {tag: wanted[tag] for tag in stale}, version, on_progress)
        return {tag: self._loaded[tag][1] for tag in tags}

    def _unloaded(self, wanted: Mapping[int, Rule]) -> list[int]:
        return [t for t, rule in wanted.items() if self._loaded.get(t, ("",))[0] != rule.key]

    def best(self, spoken: Spoken, tag: int, k: int) -> Members | None:
        """Return about the k surest members of a tag, best first, from the index's graph.

        That reads a fraction of the vectors that finding all members reads. None where there is
        nothing to gain: the members are known, or the tag is only told apart within its group.
        """
        rule = rules(spoken, self._fitter, [tag])[tag]
        version = str(spoken.moment.pictures).encode()
        current = self._cache.meta("pictures") == version
        known = current and self._cache.member_keys([tag]).get(tag) == rule.key
        searchable = rule.head.base is None and rule.head.length >= NOTHING
        if known or rule.rivals or not searchable:
            return None
        query, least = rule.head.query(rule.cut)
        found = self._space.index.search(query[None], k=k, min_score=least)[0]
        return Members(found.ids, rule.head.logits_of(found.scores))

    def forget(self) -> None:
        """Drop what was computed from vectors that were made anew."""
        self._loaded.clear()
        self._cache.clear()

    # --- the pictures changed ---

    def _follow_pictures(self, spoken: Spoken) -> int:
        """Bring every known tag up to date with pictures that came, changed or went.

        Returns the version of the pictures that is followed. What is written meanwhile counts as
        new the next time.
        """
        version = spoken.moment.pictures
        raw = self._cache.meta("pictures")
        if raw is not None and int(raw) == version:
            return version
        keys = self._cache.member_keys()
        known = [tag for tag in keys if tag in spoken.vocabulary.rows]
        self._cache.forget(tag for tag in self._cache.known() if tag not in spoken.vocabulary.rows)
        changed = self._catalog.ids_since(int(raw or 0))
        self._loaded.clear()
        current = rules(spoken, self._fitter, known)
        kept = {tag: rule for tag, rule in current.items() if keys[tag] == rule.key}
        self._cache.forget(tag for tag in known if tag not in kept)
        updated: dict[int, tuple[str, Members]] = {}
        if kept:
            here = self._catalog.ids()
            fresh = self._scan(spoken, kept, changed, None)
            for tag, members in self._cache.members(list(kept)).items():
                gone = members.ids[~among(members.ids, here)]
                moved = np.union1d(changed, gone)
                updated[tag] = (kept[tag].key, members.replaced(moved, fresh[tag]))
        self._cache.put_members(updated, version=version)
        return version

    # --- the tags changed ---

    def _compute(
        self,
        spoken: Spoken,
        stale: Mapping[int, Rule],
        version: int,
        on_progress: Watcher | None,
    ) -> None:
        single = {tag: rule for tag, rule in stale.items() if not rule.rivals}
        self._fitter.prepare((rule.head for rule in single.values()), on_progress)
        if len(single) <= _FEW:
            found = {tag: self._search(rule) for tag, rule in single.items()}
            rest = {tag: rule for tag, rule in stale.items() if rule.rivals}
        else:
            found, rest = {}, dict(stale)
        if rest:
            found |= self._scan(spoken, rest, self._catalog.ids(), on_progress)
        fresh = {tag: (stale[tag].key, members) for tag, members in found.items()}
        self._cache.put_members(fresh, version=version)
        self._loaded.update(fresh)

    def _search(self, rule: Rule) -> Members:
        """Let the engine look at every vector: a head is a query with a least score."""
        if not rule.head.readable:
            return Members(np.empty(0, np.int64), np.empty(0, np.float32))
        if rule.head.base is not None:
            return of_all(self._space, self._fitter, rule.head, self._catalog.ids()).above(rule.cut)
        query, least = rule.head.query(rule.cut)
        count = self._space.index.count()
        # The engine takes several times as long when it may return everything.
        k = _MARGIN + int(count * min(1.0, 1.5 * self._fitter.share_above(query, least)))
        while True:
            found = self._space.index.search(query[None], k=k, exact=True, min_score=least)[0]
            if len(found.ids) < k or k >= count:
                break
            k = min(8 * k, count)
        order = np.argsort(found.ids)
        return Members(found.ids[order], rule.head.logits_of(found.scores[order]))

    def _scan(
        self, spoken: Spoken, wanted: Mapping[int, Rule], ids: Ids, on_progress: Watcher | None
    ) -> dict[int, Members]:
        """Read the vectors of pictures block by block and score them against all rules."""
        parts: dict[int, list[Members]] = {tag: [] for tag in wanted}
        several = list(
            dict.fromkeys([*wanted, *(r for rule in wanted.values() for r in rule.rivals)])
        )
        heads = self._fitter.heads(spoken, several)
        self._fitter.prepare((head for _, head in heads.values()), on_progress)
        done = 0
        for block, vectors in blocks(self._space, ids):
            for tag, members in score_block(spoken, self._fitter, wanted, block, vectors):
                parts[tag].append(members)
            done += len(block)
            if on_progress is not None:
                on_progress(Progress(stage="tag", done=done, total=len(ids)))
        return {tag: _joined(found) for tag, found in parts.items()}


def of_all(space: Space, fitter: Fitter, head: Head, ids: Ids) -> Members:
    """Return the logits of a head with a base on pictures ids [n], ascending, that are stored."""
    assert head.base is not None
    fitter.prepare([head])
    found = []
    if head.length >= NOTHING:
        for block, vectors in blocks(space, ids):
            found.append(Members(block, fitter.logits([head], block, vectors)[:, 0]))
        return _joined(found)
    of, table = head.base.of, fitter.scores.table(head.base.of.digest)
    rows = among(table.ids, ids)
    logits = np.float32(head.base.factor) * table.logits[rows, of.column] + np.float32(head.bias)
    return Members(table.ids[rows], logits)


def blocks(space: Space, ids: Ids) -> Iterator[tuple[Ids, Vectors]]:
    """Yield stored vectors block by block, with the ids that are stored."""
    for start in range(0, len(ids), _BLOCK):
        yield space.index.get(ids[start : start + _BLOCK])


def score_block(
    spoken: Spoken, fitter: Fitter, wanted: Mapping[int, Rule], ids: Ids, vectors: Vectors
) -> Iterator[tuple[int, Members]]:
    """Yield each rule's members among the pictures ids [n] with vectors [n, dim]."""
    single = [(tag, rule) for tag, rule in wanted.items() if not rule.rivals]
    for start in range(0, len(single), _TAGS):
        part = single[start : start + _TAGS]
        logits = fitter.logits([rule.head for _, rule in part], ids, vectors)
        holds = logits >= np.array([r.cut for _, r in part], np.float32)
        holds &= np.array([rule.head.readable for _, rule in part])
        for column, (tag, _) in enumerate(part):
            rows = np.flatnonzero(holds[:, column])
            yield tag, Members(ids[rows], np.ascontiguousarray(logits[rows, column]))
    for group in dict.fromkeys(rule.rivals for rule in wanted.values() if rule.rivals):
        odds, best = told_apart(spoken, fitter, group, ids, vectors)
        for column, tag in enumerate(group):
            if tag in wanted:
                mine = odds[:, column]
                rows = np.flatnonzero((best == column) & (mine >= wanted[tag].cut))
                yield tag, Members(ids[rows], mine[rows].astype(np.float32))


def told_apart(
    spoken: Spoken, fitter: Fitter, group: Sequence[int], ids: Ids, vectors: Vectors
) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Tell the tags of a group apart on pictures ids [n]; see `exclusive`."""
    heads = [head for _, head in fitter.heads(spoken, group).values()]
    logits = fitter.logits(heads, ids, vectors)
    barred = np.stack([among(ids, spoken.said(tag)[1]) for tag in group], axis=1)
    return exclusive(logits, barred)


def exclusive(
    logits: NDArray[np.float32], barred: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Tell tags apart of which one holds for each picture, from logits [n, t].

    Those `barred` [n, t] are out of the question. Returns the log-odds [n, t] in the softmax over
    the others, -inf for what is barred, and which of them is best [n], -1 where none is left.
    """
    left = np.where(barred, np.float32(-np.inf), logits)
    best = left.argmax(axis=1)
    best[barred.all(axis=1)] = -1
    return log_odds(left), best


def log_odds(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return log(p / (1 - p)) of a softmax over the rows [n, t], without overflow."""
    highest = logits.max(axis=1, keepdims=True)
    highest = np.where(np.isneginf(highest), np.float32(0), highest)
    powers = np.exp((logits - highest).astype(np.float64))
    others = powers.sum(axis=1, keepdims=True) - powers
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = (logits - highest) - np.log(np.maximum(others, 0))
    return np.where(np.isneginf(logits), np.float32(-np.inf), odds).astype(np.float32)


def _joined(parts: Sequence[Members]) -> Members:
    if not parts:
        return Members(np.empty(0, np.int64), np.empty(0, np.float32))
    ids = np.concatenate([part.ids for part in parts])
    logits = np.concatenate([part.logits for part in parts])
    order = np.argsort(ids, kind="stable")
    return Members(ids[order], logits[order])
