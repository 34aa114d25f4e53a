"""Which change is taken back, and when that is safe."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from soutu.errors import InputError

if TYPE_CHECKING:
    from soutu.catalog.said import LabelKey, Said
    from soutu.types import Change

_LABELLING = ("label", "labels")  # the actions of the history that are about labels alone


def undo_last(said: Said) -> Change:
    """Take back the last change that still stands. Raises InputError when there is none."""
    change = next(said.standing(), None)
    if change is None:
        raise InputError("there is nothing to undo: no change of tags or labels is left")
    said.take_back(change)
    return replace(change, undone=True)


def undo_label(said: Said, key: LabelKey | None = None) -> tuple[Change, set[int]]:
    """Take back the last labelling that still stands, of any or of one tag on one picture.

    Return it with the tags it was about. Raises InputError when there is none, and when a later
    change was about the same tag on the same picture: taking it back would undo that one too.
    """
    for change in said.standing(_LABELLING):
        keys = said.before(change.number).labels
        if key is None or key in keys:
            break
    else:
        msg = "there is no labelling left to take back. For changes of tags: soutu tags undo"
        raise InputError(msg)
    for later in said.standing():
        if later.number <= change.number:
            break
        if not keys.keys().isdisjoint(said.before(later.number).labels):
            msg = (
                f"'{change.what}' cannot be taken back alone: '{later.action} {later.what}' came "
                "later and changed the same labels. Take that back first: soutu tags undo"
            )
            raise InputError(msg)
    tags = {each for each, _ in keys}
    if not tags <= said.tags().keys():
        msg = (
            f"'{change.what}' cannot be taken back: a tag of it was removed since. "
            "Take that back first: soutu tags undo"
        )
        raise InputError(msg)
    said.take_back(change)
    return replace(change, undone=True), tags
