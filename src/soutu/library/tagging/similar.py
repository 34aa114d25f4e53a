"""Similar tags: pairs that mean the same to the model, or that hold for the same pictures."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from soutu.library.tagging.suggest import synonym_level
from soutu.types import MergeIdea

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.types import Ids, Vectors

    Hashes = NDArray[np.uint64]

Pair = tuple[int, int]

_EQUAL = 0.7  # overlap from which two results are near-equal
_TELLING = 5  # pictures from which an overlap says anything
_APART = 0.1  # synonyms that overlap less, with pictures enough to tell, are none
_TILE = 2048
_BANDS, _ROWS = 8, 2  # finds 99.5 % of the pairs of overlap 0.7, 99.96 % of 0.8
_BUCKET = 32  # tags of one bucket that are compared all with all


def similar_tags(
    names: Sequence[str],
    text_vectors: Vectors,
    members: Sequence[Ids],
    uses: Sequence[int] | NDArray[np.int64],
    *,
    limit: int,
    related: Collection[Pair] = frozenset(),
    groups: Sequence[Hashable | None] = (),
) -> list[MergeIdea]:
    """Suggest pairs of tags to merge, clearest first; each tag is merged away at most once.

    `text_vectors` [t, dim] are unit vectors, `members` the ids of the pictures of each tag, `uses`
    [t] says how often each is used: the more used one is kept, of equals the earlier. Pairs in
    `related` (indices in either order: a tag and its parent) and pairs of one group of `groups`
    ([t], None for no group) are left out. A pair counts if its texts are nearer than nearly all
    pairs of texts are and its results do not contradict that, or if its results are near-equal.
    Takes time t * t * dim, but no memory of that order; candidates of equal results are found by
    MinHash (Broder, 1997) with banding, so a rare one may be missed.
    """
    if len(names) < 2 or limit <= 0:
        return []
    out = {frozenset(pair) for pair in related}
    sets = [_sorted_unique(ids) for ids in members]
    texts = _near_texts(text_vectors, 200 + 4 * limit)
    results = _near_results(sets, uses)
    ranked: list[tuple[float, Pair, float, float]] = []
    level = synonym_level(text_vectors)
    for a, b in sorted(texts | results):
        same_group = bool(groups) and groups[a] is not None and groups[a] == groups[b]
        if same_group or frozenset((a, b)) in out:
            continue
        similarity = float(np.clip(text_vectors[a] @ text_vectors[b], -1.0, 1.0))
        overlap = _jaccard(sets[a], sets[b])
        fewer = min(len(sets[a]), len(sets[b]))
        if _alike(similarity >= level, overlap, fewer):
            ranked.append((-similarity - overlap, (a, b), similarity, overlap))
    return _ideas(names, uses, sorted(ranked), limit)


def _alike(synonyms: bool, overlap: float, fewer: int) -> bool:
    """Decide from the texts, the overlap and the pictures of the tag with fewer."""
    told = fewer >= _TELLING
    return (told and overlap >= _EQUAL) or (synonyms and not (told and overlap < _APART))


def _ideas(
    names: Sequence[str],
    uses: Sequence[int] | NDArray[np.int64],
    ranked: Sequence[tuple[float, Pair, float, float]],
    limit: int,
) -> list[MergeIdea]:
    gone: set[int] = set()
    ideas: list[MergeIdea] = []
    for _, (a, b), similarity, overlap in ranked:
        if len(ideas) == limit:
            break
        keep, merge = (b, a) if uses[b] > uses[a] else (a, b)
        if keep in gone or merge in gone:  # once merged, it has another name
            continue
        gone.add(merge)
        ideas.append(
            MergeIdea(keep=names[keep], merge=names[merge], similarity=similarity, overlap=overlap)
        )
    return ideas


def _near_texts(vectors: Vectors, most: int) -> set[Pair]:
    """Find the nearest pairs above the level of synonyms, at most `most` of them."""
    level = synonym_level(vectors)
    left = np.zeros(0, dtype=np.intp)
    right, cosines = left, np.zeros(0, dtype=np.float32)
    for at, other, tile in _tiles(vectors):
        rows, columns = np.nonzero(tile >= level)
        left = np.concatenate([left, rows + at])
        right = np.concatenate([right, columns + other])
        cosines = np.concatenate([cosines, tile[rows, columns]])
        if len(cosines) > most:
            best = np.argsort(-cosines, kind="stable")[:most]
            left, right, cosines = left[best], right[best], cosines[best]
            level = max(level, float(cosines[-1]))
    return set(zip(left.tolist(), right.tolist(), strict=True))


def _tiles(vectors: Vectors) -> Iterator[tuple[int, int, NDArray[np.float32]]]:
    """Yield the cosines above the diagonal, tile by tile, with the tile's first row and column."""
    for at in range(0, len(vectors), _TILE):
        for other in range(at, len(vectors), _TILE):
            tile = vectors[at : at + _TILE] @ vectors[other : other + _TILE].T
            if other == at:
                tile[np.tril_indices(len(tile))] = -np.inf
            yield at, other, tile


def _near_results(sets: Sequence[Ids], uses: Sequence[int] | NDArray[np.int64]) -> set[Pair]:
    """Find the pairs whose sets probably overlap by `_EQUAL`, of tags with pictures enough."""
    tags = [i for i, ids in enumerate(sets) if len(ids) >= _TELLING]
    if len(tags) < 2:
        return set()
    found: set[Pair] = set()
    for keys in _band_keys([sets[i] for i in tags]):
        order = np.argsort(keys, kind="stable")
        starts = np.flatnonzero(np.diff(keys[order])) + 1
        for bucket in np.split(order, starts):
            if len(bucket) > 1:
                found |= _pairs([tags[i] for i in bucket.tolist()], uses)
    return found


def _pairs(bucket: list[int], uses: Sequence[int] | NDArray[np.int64]) -> set[Pair]:
    """Pair all tags of a bucket; of a large one, each with the few that would be kept."""
    first = sorted(bucket, key=lambda tag: -int(uses[tag]))
    kept = first if len(first) <= _BUCKET else first[:2]
    return {(min(a, b), max(a, b)) for a in kept for b in first if a != b}


def _band_keys(sets: Sequence[Ids]) -> Iterator[Hashes]:
    """Yield, for each band, one key [len(sets)] a set; equal sets have equal keys."""
    ids = np.concatenate(sets).astype(np.uint64)
    starts = np.cumsum([0] + [len(one) for one in sets[:-1]])
    for band in range(_BANDS):
        key = np.zeros(len(sets), dtype=np.uint64)
        for row in range(_ROWS):
            hashes = _mix(ids ^ _mix(np.array([band * _ROWS + row + 1], dtype=np.uint64)))
            key = _mix(key ^ np.minimum.reduceat(hashes, starts))
        yield key


def _mix(values: Hashes) -> Hashes:
    """Hash 64-bit numbers: the finalizer of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014)."""
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _sorted_unique(ids: Ids) -> Ids:
    # Most come sorted; looking is cheaper than sorting again.
    return ids if len(ids) < 2 or bool((ids[1:] > ids[:-1]).all()) else np.unique(ids)


def _jaccard(a: Ids, b: Ids) -> float:
    """Return the share of the pictures of either that are of both; 0 where there are none."""
    few, many = (a, b) if len(a) <= len(b) else (b, a)
    if not len(few):
        return 0.0
    at = np.minimum(np.searchsorted(many, few), len(many) - 1)
    both = int((many[at] == few).sum())
    return both / (len(a) + len(b) - both)
