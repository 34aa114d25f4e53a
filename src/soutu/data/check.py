"""Find what is wrong with a data set before anything is learnt from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from soutu.data.labelled import NO, UNKNOWN, YES, LabelledData, Labels
from soutu.data.nearness import LEAST_COSINE, Pairs, alike, alike_by_vectors, groups
from soutu.data.pictures import Looks, missing_files
from soutu.data.statistics import Statistics, statistics

if TYPE_CHECKING:
    from soutu.types import Vectors

Severity = Literal["error", "warning"]
Kind = Literal[
    "missing", "unreadable", "no-yes", "no-no", "leak", "conflict",
    "near-leak", "near-conflict", "duplicate", "near-duplicate", "unlabelled", "split-lacks",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One kind of thing that is wrong, with every case of it.

    An "error" makes training fail or its figures wrong, a "warning" may. `groups` are the pictures
    of each case, `notes` what is to say of each (or, without pictures, the classes it is about).
    """

    severity: Severity
    kind: Kind
    message: str
    groups: tuple[tuple[Path, ...], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """Return how many cases there are."""
        return len(self.groups) or len(self.notes)


@dataclass(frozen=True, kw_only=True, eq=False)
class CheckReport:
    """What a data set is like, and what is wrong with it, errors first.

    `looked` tells whether the pictures themselves were read.
    """

    name: str
    digest: str
    statistics: Statistics
    problems: tuple[Problem, ...]
    looked: bool

    @property
    def ok(self) -> bool:
        """Tell whether there is no error; warnings are allowed."""
        return all(problem.severity != "error" for problem in self.problems)


def check(
    data: LabelledData,
    looks: Looks | None = None,
    *,
    vectors: Vectors | None = None,
    least_cosine: float = LEAST_COSINE,
) -> CheckReport:
    """Check a data set: its labels and, with `looks`, its pictures.

    Near-duplicates are found by perceptual fingerprints and, with unit `vectors` [n, dim] of an
    encoder (zeros for pictures that it could not read), by a cosine of at least `least_cosine`.
    """
    figures = statistics(data)
    found = [*_label_problems(data, figures), *_split_problems(data)]
    if looks is None:
        found += _missing(data, missing_files(data.paths))
    else:
        found += _missing(data, looks.missing)
        found += _unreadable(data, looks)
        found += _copies(data, looks, vectors, least_cosine)
    return CheckReport(
        name=data.name,
        digest=data.digest,
        statistics=figures,
        problems=tuple(sorted(found, key=lambda problem: problem.severity)),
        looked=looks is not None,
    )


def _label_problems(data: LabelledData, figures: Statistics) -> list[Problem]:
    found = []
    never = [data.classes[at] for at in np.flatnonzero(figures.yes == 0)]
    if never:
        message = "No picture holds these classes, so they can be neither learnt nor measured"
        found.append(Problem(severity="error", kind="no-yes", message=message, notes=tuple(never)))
    one_sided = np.flatnonzero((figures.yes > 0) & (figures.no == 0))
    if len(one_sided):
        message = "Nothing is said to be without these classes, so there is nothing to tell apart"
        notes = tuple(data.classes[at] for at in one_sided)
        found.append(Problem(severity="error", kind="no-no", message=message, notes=notes))
    silent = np.flatnonzero((data.labels == UNKNOWN).all(axis=1))
    if len(silent):
        message = "Nothing is known of these pictures"
        pictures = tuple((data.paths[row],) for row in silent)
        found.append(
            Problem(severity="warning", kind="unlabelled", message=message, groups=pictures)
        )
    return found


def _split_problems(data: LabelledData) -> list[Problem]:
    """Find classes that have pictures, but none in some split."""
    splits = np.array(data.splits or (), str)
    holds = (data.labels == YES).any(axis=0)
    notes = []
    for split in dict.fromkeys(data.splits or ()):
        lacks = holds & ~(data.labels[splits == split] == YES).any(axis=0)
        notes += [f"{data.classes[at]} in {split}" for at in np.flatnonzero(lacks)]
    if not notes:
        return []
    message = "A split has no picture of these classes"
    return [Problem(severity="warning", kind="split-lacks", message=message, notes=tuple(notes))]


def _missing(data: LabelledData, rows: Sequence[int]) -> list[Problem]:
    if not rows:
        return []
    message = "These files are not there"
    pictures = tuple((data.paths[row],) for row in rows)
    return [Problem(severity="error", kind="missing", message=message, groups=pictures)]


def _unreadable(data: LabelledData, looks: Looks) -> list[Problem]:
    if not looks.unreadable:
        return []
    return [
        Problem(
            severity="error",
            kind="unreadable",
            message="These files cannot be read as pictures",
            groups=tuple((data.paths[row],) for row in looks.unreadable),
            notes=tuple(looks.unreadable.values()),
        )
    ]


def _copies(
    data: LabelledData, looks: Looks, vectors: Vectors | None, least_cosine: float
) -> list[Problem]:
    """Find groups of equal files and of pictures that look nearly the same."""
    same: dict[bytes, list[int]] = {}
    for row, digest in enumerate(looks.digests):
        if digest is not None:
            same.setdefault(digest, []).append(row)
    exact = [tuple(rows) for rows in same.values() if len(rows) > 1]
    found = _group_problems(data, exact, near=False)
    # One of each group of equal files is compared: its copies are told of already.
    firsts = np.array([rows[0] for rows in same.values()], np.intp)
    comparable = firsts[looks.comparable[firsts]]
    pairs: list[Pairs] = [alike(looks.codes, looks.thumbnails, comparable).pairs]
    if vectors is not None:
        known = firsts[np.abs(vectors[firsts]).sum(axis=1) > 0]
        pairs.append(alike_by_vectors(vectors, known, least_cosine=least_cosine).pairs)
    return found + _group_problems(data, groups(np.concatenate(pairs)), near=True)


def _group_problems(
    data: LabelledData, found: Iterable[tuple[int, ...]], *, near: bool
) -> list[Problem]:
    leaks: list[tuple[int, ...]] = []
    within: list[tuple[int, ...]] = []
    conflicts: list[tuple[int, ...]] = []
    notes: list[str] = []
    for rows in found:
        (leaks if _crosses(data, rows) else within).append(rows)
        if disagree := _disagreement(data.labels[list(rows)]):
            conflicts.append(rows)
            notes.append(", ".join(data.classes[at] for at in disagree))
    what = "Pictures that look nearly the same" if near else "The same picture"
    cases: list[tuple[Severity, Kind, str, list[tuple[int, ...]], list[str]]] = [
        (
            "warning" if near else "error",
            "near-leak" if near else "leak",
            f"{what} in several splits, so that figures are too good",
            leaks,
            [_in_splits(data, rows) for rows in leaks],
        ),
        (
            "warning" if near else "error",
            "near-conflict" if near else "conflict",
            f"{what} with different labels",
            conflicts,
            notes,
        ),
        (
            "warning",
            "near-duplicate" if near else "duplicate",
            f"{what} several times in a split" if data.splits else f"{what} several times",
            within,
            [],
        ),
    ]
    return [
        Problem(
            severity=severity,
            kind=kind,
            message=message,
            groups=tuple(tuple(data.paths[row] for row in rows) for rows in cases_found),
            notes=tuple(told),
        )
        for severity, kind, message, cases_found, told in cases
        if cases_found
    ]


def _crosses(data: LabelledData, rows: Sequence[int]) -> bool:
    return data.splits is not None and len({data.splits[row] for row in rows}) > 1


def _in_splits(data: LabelledData, rows: Sequence[int]) -> str:
    return ", ".join(dict.fromkeys(data.splits[row] for row in rows if data.splits is not None))


def _disagreement(labels: Labels) -> list[int]:
    """Return the classes that are yes on some of these rows and no on others."""
    both = (labels == YES).any(axis=0) & (labels == NO).any(axis=0)
    return [int(at) for at in np.flatnonzero(both)]
