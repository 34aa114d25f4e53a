"""Pictures with what people said of them: yes, no or nothing, for each of some classes."""

from __future__ import annotations

import difflib
import os
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import xxhash

from soutu.errors import InputError
from soutu.images.keywords import key

if TYPE_CHECKING:
    from numpy.typing import NDArray

Labels: TypeAlias = "NDArray[np.int8]"
"""YES, NO or UNKNOWN for each picture and class, shape [n, classes]."""

YES, NO, UNKNOWN = 1, 0, -1


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledData:
    """Pictures, classes and labels, as one source gives them.

    `paths` are absolute, `classes` in the source's order, `labels` int8 [n, classes] with 1 for
    yes, 0 for no and -1 for unknown. `splits` names each picture's part ("train", "val", "test")
    where the source has parts. `name` is what reports call it. Raises InputError for shapes that
    do not agree, other values, and classes without a name or with the name of another.
    """

    name: str
    paths: tuple[Path, ...]
    classes: tuple[str, ...]
    labels: Labels
    splits: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        check_classes(self.classes, self.name)
        wanted = len(self.paths), len(self.classes)
        if self.labels.shape != wanted or self.labels.dtype != np.int8:
            raise InputError(
                f"{self.name}: labels are {self.labels.dtype} {self.labels.shape}, but "
                f"{wanted[0]} pictures and {wanted[1]} classes need int8 {wanted}"
            )
        if self.labels.size and (self.labels.min() < UNKNOWN or self.labels.max() > YES):
            raise InputError(
                f"{self.name}: labels hold other values than 1 (yes), 0 (no) and -1 (unknown)"
            )
        if self.splits is not None and len(self.splits) != wanted[0]:
            raise InputError(
                f"{self.name}: {len(self.splits)} splits for {wanted[0]} pictures. "
                "Name one for each picture"
            )

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def digest(self) -> str:
        """Return 32 hexadecimal digits that change with classes, file names, order and labels.

        XXH3, 128 bits. File names count relative to the folder that all pictures have in common,
        so that copies of one data set on two machines have one digest.
        """
        folder = _common_folder(self.paths)
        state = xxhash.xxh3_128()
        for texts in (self.classes, [os.path.relpath(path, folder) for path in self.paths]):
            for text in texts:
                state.update(os.fsencode(text.replace(os.sep, "/")) + b"\0")
            state.update(b"\0")
        state.update(np.ascontiguousarray(self.labels))
        return state.hexdigest()

    def part(self, split: str) -> LabelledData:
        """Return the pictures of one split. Raises InputError where there are none."""
        if self.splits is None:
            raise InputError(f"{self.name} has no splits. Make some: soutu.data.stratified")
        rows = [row for row, name in enumerate(self.splits) if name == split]
        if not rows:
            known = ", ".join(dict.fromkeys(self.splits))
            raise InputError(f"{self.name} has no split {split!r}. It has: {known}")
        return self.take(np.array(rows, np.intp))

    def take(self, rows: NDArray[np.intp]) -> LabelledData:
        """Return some pictures, in the order of `rows`."""
        return replace(
            self,
            paths=tuple(self.paths[row] for row in rows),
            labels=self.labels[rows],
            splits=None if self.splits is None else tuple(self.splits[row] for row in rows),
        )

    def only(self, classes: Sequence[str]) -> LabelledData:
        """Return all pictures with some of the classes, in the order given.

        Raises InputError for a class that is not there.
        """
        columns = {name: column for column, name in enumerate(self.classes)}
        for name in classes:
            if name not in columns:
                near = difflib.get_close_matches(name, self.classes, 3)
                hint = f"Did you mean {', '.join(near)}?" if near else "See: soutu data check"
                raise InputError(f"{self.name} has no class {name!r}. {hint}")
        chosen = self.labels[:, [columns[name] for name in classes]]
        return replace(self, classes=tuple(classes), labels=chosen)


def check_classes(classes: Sequence[str], where: str) -> None:
    """Raise InputError for no classes, one without a printable name, and two of one name.

    Names are the same when they differ in case, width or white space only, as for tags.
    """
    if not classes:
        raise InputError(f"{where}: there are no classes, so there is nothing to learn or measure")
    for name in classes:
        if not name.strip() or any(unicodedata.category(char) in {"Cc", "Cs"} for char in name):
            raise InputError(
                f"{where}: a class is called {name!r}. Give it a name that can be read"
            )
    keys = [key(name) for name in classes]
    twice = [each for each, times in Counter(keys).items() if times > 1]
    if twice:
        same = [name for name, each in zip(classes, keys, strict=True) if each == twice[0]]
        raise InputError(
            f"{where}: the classes {' and '.join(map(repr, same))} have the same name. "
            "Rename one, or merge them"
        )


def _common_folder(paths: Sequence[Path]) -> str:
    return os.path.commonpath([path.parent for path in paths]) if paths else "."
