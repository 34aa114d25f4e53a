"""Who gets what: people to sides, and two rankings to one list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xxhash

NEITHER = "-"
"""The side of pictures that were left when one ranking had no more: they speak for nobody."""


def digest(salt: str, *parts: str) -> str:
    """Return a hash of texts as 32 hexadecimal digits."""
    whole = "\0".join((salt, *parts)).encode("utf-8", "backslashreplace")
    return xxhash.xxh3_128_hexdigest(whole)


def chosen(salt: str, session: str, share: float) -> bool:
    """Tell whether a person is among that share of all; always the same of the same person."""
    return int(digest(salt, "side", session)[:13], 16) / 16**13 < share


@dataclass(frozen=True)
class Drafted:
    """One list from two rankings: ids, and the side (a, b or `NEITHER`) of each, as a text."""

    ids: list[int]
    sides: str


def draft(a: Sequence[int], b: Sequence[int], *, n: int, seed: str) -> Drafted:
    """Interleave the first n of two rankings by team draft (Radlinski et al., CIKM 2008).

    Sides take turns in rounds, a coin says which one picks first, and each picks the best of its
    ranking that is not in the list yet. `seed` (hexadecimal digits) tosses the coins: a longer
    list of the same rankings begins with the shorter one.
    """
    coins = np.random.default_rng(int(seed, 16))
    rankings = {"a": iter(a), "b": iter(b)}
    taken: set[int] = set()
    ids: list[int] = []
    sides: list[str] = []
    while len(ids) < n and len(rankings) == 2:
        first = "a" if coins.random() < 0.5 else "b"
        for side in (first, "b" if first == "a" else "a"):
            pick = next((each for each in rankings[side] if each not in taken), None)
            if pick is None:
                del rankings[side]
                break
            taken.add(pick)
            ids.append(pick)
            sides.append(side)
    rest = [each for ranking in rankings.values() for each in ranking if each not in taken]
    ids += rest[: max(0, n - len(ids))]
    sides += [NEITHER] * (len(ids) - len(sides))
    return Drafted(ids[:n], "".join(sides[:n]))
