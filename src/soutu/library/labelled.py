"""What people said of a library's pictures, as a labelled data set."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, get_args

import numpy as np

from soutu.data.labelled import NO, UNKNOWN, YES, LabelledData
from soutu.errors import InputError
from soutu.library.arguments import one_of
from soutu.types import LabelSource

if TYPE_CHECKING:
    from soutu.library.base import Library

SOURCES: tuple[LabelSource, ...] = get_args(LabelSource)


def labelled(
    library: Library,
    *,
    tags: Sequence[str] | None = None,
    sources: Collection[LabelSource] = SOURCES,
) -> LabelledData:
    """Return the labels of a library: its tags as classes, -1 for what nobody said.

    Classes are the tags that somebody labelled, in the order of the vocabulary, or `tags` as
    given. Pictures are those with a label of one of them; those that have left the library do not
    count. That tags of a group exclude each other adds nothing to what was said. Raises
    InputError for an unknown tag or source, and where there are no labels.
    """
    for source in sources:
        one_of(source, SOURCES, "source")
    wanted = None if tags is None else [library.tags.get(name).name for name in tags]
    said = [
        label
        for label in library.labels.all()
        if not label.missing and label.source in sources and (not wanted or label.tag in wanted)
    ]
    if not said:
        raise InputError(
            "the library has no such labels. Give some: soutu review, or soutu label PICTURE --yes"
        )
    spoken = {label.tag for label in said}
    classes = wanted or [tag.name for tag in library.tags if tag.name in spoken]
    columns = {name: column for column, name in enumerate(classes)}
    paths = list(dict.fromkeys(label.path for label in said))
    rows = {path: row for row, path in enumerate(paths)}
    labels = np.full((len(paths), len(classes)), UNKNOWN, np.int8)
    for label in said:
        labels[rows[label.path], columns[label.tag]] = YES if label.value else NO
    return LabelledData(
        name=library.status().path.name,
        paths=tuple(paths),
        classes=tuple(classes),
        labels=labels,
    )
