"""Iterative stratification: splits of multi-label data with the same share of every label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from soutu.data.labelled import NO, UNKNOWN, YES, LabelledData, Labels
from soutu.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SURE = 1e-9  # shares are floats: differences below this are ties


def stratified(
    data: LabelledData, shares: Mapping[str, float], *, seed: int = 0, order: int = 2
) -> LabelledData:
    """Return the data with new splits, in which every label has about its share of pictures.

    `shares` maps names of splits to positive numbers, which are scaled to sum to 1. Labels are
    handed out from the rarest on, each picture to the split that lacks its label most (Sechidis
    et al. 2011); with `order` 2, pairs of labels too (Szymański and Kajdanowicz 2017), so that
    co-occurrences are alike. Where a label is unknown on some pictures, its no counts like a
    label. The same seed gives the same splits. Raises InputError for shares that are not positive,
    an order other than 1 or 2, and fewer pictures than splits.
    """
    names, wanted = _shares(shares)
    if order not in (1, 2):
        raise InputError(f"stratification knows the orders 1 and 2, not {order}")
    if len(data) < len(names):
        raise InputError(f"{data.name}: {len(data)} pictures cannot make {len(names)} splits")
    evidence = _evidence(data.labels, order)
    chosen = _Dealer(evidence, len(data), wanted, np.random.default_rng(seed)).deal()
    return replace(data, splits=tuple(names[each] for each in chosen))


def _shares(shares: Mapping[str, float]) -> tuple[list[str], NDArray[np.float64]]:
    for name, share in shares.items():
        if not 0 < share < float("inf"):
            raise InputError(f"the share of split {name!r} is {share}. Give a positive number")
    if not shares:
        raise InputError("no splits are named. Give shares, as {'train': 0.8, 'val': 0.2}")
    given = np.array(list(shares.values()), np.float64)
    return list(shares), given / given.sum()


def _evidence(labels: Labels, order: int) -> list[NDArray[np.intp]]:
    """Return, for each thing to be spread evenly, the rows that have it."""
    partial = (labels == UNKNOWN).any(axis=0)
    has = np.concatenate([labels == YES, (labels == NO)[:, partial]], axis=1)
    found = [np.flatnonzero(column) for column in has.T]
    if order == 2:
        pairs: dict[tuple[int, int], list[int]] = {}
        for row in range(len(labels)):
            for pair in combinations(np.flatnonzero(labels[row] == YES).tolist(), 2):
                pairs.setdefault(pair, []).append(row)
        found += [np.array(rows, np.intp) for rows in pairs.values()]
    return [rows for rows in found if len(rows)]


class _Dealer:
    """Hand rows out to splits, keeping for each thing how many rows each split still lacks."""

    def __init__(
        self,
        evidence: list[NDArray[np.intp]],
        rows: int,
        shares: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> None:
        self._evidence, self._rng = evidence, rng
        self._left = np.array([len(each) for each in evidence], np.int64)
        self._lacks = self._left[:, None] * shares  # [things, splits]
        self._room = rows * shares  # [splits]
        self._split = np.full(rows, -1, np.intp)
        things: list[list[int]] = [[] for _ in range(rows)]
        for thing, having in enumerate(evidence):
            for row in having:
                things[row].append(thing)
        self._things = [np.array(each, np.intp) for each in things]

    def deal(self) -> NDArray[np.intp]:
        """Return the split of each row, as a number."""
        while (self._left > 0).any():
            left = np.where(self._left > 0, self._left, np.iinfo(np.int64).max)
            thing = int(left.argmin())
            rows = self._evidence[thing]
            for row in self._rng.permutation(rows[self._split[rows] < 0]):
                self._give(row, self._choose(self._lacks[thing]))
        for row in self._rng.permutation(np.flatnonzero(self._split < 0)):
            self._give(row, self._choose(self._room))
        return self._split

    def _choose(self, lacks: NDArray[np.float64]) -> int:
        """Return the split that lacks most; of several, the one with most room, then any."""
        best = np.flatnonzero(lacks >= lacks.max() - _SURE)
        if len(best) > 1:
            room = self._room[best]
            best = best[room >= room.max() - _SURE]
        return int(best[0] if len(best) == 1 else self._rng.choice(best))

    def _give(self, row: int, split: int) -> None:
        things = self._things[row]
        self._split[row] = split
        self._left[things] -= 1
        self._lacks[things, split] -= 1
        self._room[split] -= 1
