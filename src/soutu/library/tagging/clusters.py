"""Clusters: groups of alike pictures among many that are not, their number found from the data.

Greedy density clustering: the picture with the most free neighbours starts a cluster, which then
takes everything that is on average as near to its members as the radius, and the next one starts
among what is left. It is the leader step of DBSCAN-like methods (Ester et al., KDD 1996) with
average linkage in place of chains, so that a cluster cannot creep from one kind into another; what
belongs nowhere stays out, which k-means does not offer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.types import Vectors

    Indices = NDArray[np.intp]

_BACKGROUND = 1024  # pictures whose pairs show how alike unlike pictures are
_SPREADS = 2.0  # a radius nearer to the background than this is background
_REFINE = 3  # passes; memberships settle after two
_PATIENCE = 32  # failed starts in a row; later ones have fewer neighbours still


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Indices of `members`, most typical first, and their `tightness`: the mean cosine of two."""

    members: Indices
    tightness: float


def centre(vectors: Vectors, of: Vectors) -> Vectors:
    """Take the mean of `of` [m, dim] from `vectors` [n, dim] and give them unit length again.

    The pictures of one model lie in a narrow cone; around its axis they are told apart better. A
    picture at the mean itself becomes zero.
    """
    moved = vectors - of.mean(axis=0)
    norms = np.linalg.norm(moved, axis=1, keepdims=True)
    # Less than rounding leaves of a vector: a direction without meaning.
    unit: Vectors = np.divide(moved, norms, out=np.zeros_like(moved), where=norms > 1e-4)
    return unit


def find_clusters(vectors: Vectors, background: Vectors, *, min_count: int) -> list[Cluster]:
    """Group alike unit vectors [n, dim] into clusters of at least `min_count`, largest first.

    `background` [m, dim] are vectors of all kinds, centred like `vectors` (see `centre`), that show
    how alike any two are. Memory n * n * 4 bytes: 64 MB for 4,096.
    """
    if len(vectors) < max(2, min_count):
        return []
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, 0.0)
    radius = _radius(cosines, background, min_count)
    near = cosines >= radius
    density = near.sum(axis=1)
    free = np.ones(len(vectors), dtype=bool)
    seeds = free.copy()
    found: list[Cluster] = []
    failed = 0
    while failed < _PATIENCE:
        seed = int(np.where(seeds, density, -1).argmax())
        if not seeds[seed] or density[seed] + 1 < min_count:
            break
        seeds[seed] = False
        cluster = _grow(seed, cosines, near[seed], free, radius)
        failed += 1
        if cluster is not None and len(cluster.members) >= min_count:
            found.append(cluster)
            free[cluster.members] = seeds[cluster.members] = False
            density -= near[:, cluster.members].sum(axis=1)
            failed = 0
    return sorted(found, key=lambda cluster: -len(cluster.members))


def _radius(cosines: NDArray[np.float32], background: Vectors, min_count: int) -> float:
    """Find the cosine that two of one kind have: halfway from any two to near neighbours.

    The background's level and spread are taken from its lower quarter, where there are only unlike
    pairs even if all pictures are of two kinds.
    """
    part = background[:: max(1, -(-len(background) // _BACKGROUND))]
    pairs = (part @ part.T)[np.triu_indices(len(part), 1)]
    low, quarter = np.percentile(pairs, [5, 25]) if len(pairs) else (0.0, 0.0)
    spread = (quarter - low) / 0.97  # of a normal distribution, as the next line
    level = quarter + 0.674 * spread
    nearest = max(1, min(min_count - 1, len(cosines) - 1))
    neighbour = float(np.median(-np.partition(-cosines, nearest - 1, axis=1)[:, nearest - 1]))
    return max(float(level + _SPREADS * spread), (float(level) + neighbour) / 2, 1e-3)


def _grow(
    seed: int,
    cosines: NDArray[np.float32],
    near: NDArray[np.bool_],
    free: NDArray[np.bool_],
    radius: float,
) -> Cluster | None:
    inside = near & free
    inside[seed] = True
    for _ in range(_REFINE):
        members = np.flatnonzero(inside)
        # A member is not its own neighbour; the diagonal is zero.
        others = np.maximum(len(members) - inside, 1)
        linkage = cosines[:, members].sum(axis=1) / others
        inside = free & (linkage >= radius)
        if not inside.any():
            return None
    members = np.flatnonzero(inside)
    order = members[np.argsort(-linkage[members], kind="stable")]
    return Cluster(members=order, tightness=float(linkage[members].mean()))
