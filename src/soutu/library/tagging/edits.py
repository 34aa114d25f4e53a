"""What each change of the vocabulary does to its tags: from arguments to new states.

Nothing here writes. A change that cannot be made as asked raises InputError before anything is
written, so that all of it happens or none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from soutu.catalog.said import Edit, LabelRow, TagRow
from soutu.errors import InputError
from soutu.library.arguments import text, texts
from soutu.library.tagging.names import check_name, name_key
from soutu.library.tagging.values import check_prompt, check_threshold

if TYPE_CHECKING:
    from soutu.library.tagging.vocabulary import Vocabulary


def named(name: str, aliases: Iterable[str] = ()) -> tuple[tuple[str, str], ...]:
    """Return (key, name) of a name and its aliases, without doubles. Raises InputError."""
    found: dict[str, str] = {}
    for each in (name, *texts(aliases, "aliases")):
        check_name(each)
        found.setdefault(name_key(each), " ".join(each.split()))
    return tuple(found.items())


def checked_prompts(prompts: Iterable[str]) -> tuple[str, ...]:
    """Return the prompts without doubles. Raises InputError for an empty one."""
    return tuple(dict.fromkeys(check_prompt(prompt) for prompt in texts(prompts, "prompts")))


def checked_threshold(threshold: float | None) -> float | None:
    """Return a threshold. Raises InputError for one outside 0..1."""
    return check_threshold(threshold)


def checked_group(group: str | None) -> str | None:
    """Return a group's name, tidied. Raises InputError for an empty one."""
    if group is None:
        return None
    if not text(group, "group").strip():
        raise InputError("the group is empty. Leave it out, or write its name")
    check_name(group)
    return " ".join(group.split())


def require_free(vocabulary: Vocabulary, row: TagRow) -> None:
    """Refuse a row one of whose names belongs to another tag with InputError."""
    for key, name in row.names:
        other = vocabulary.id_of(key)
        if other is not None and other != row.id:
            _taken(vocabulary, name, other)


def _taken(vocabulary: Vocabulary, name: str, other: int) -> NoReturn:
    held = vocabulary.name(other)
    what = "a tag already" if name_key(held) == name_key(name) else f"an alias of {held!r} already"
    msg = f"{name!r} is {what}. Choose another name, or merge: soutu tags merge OTHER --into NAME"
    raise InputError(msg)


def require_no_cycle(
    rows: Mapping[int, TagRow],
    changed: Iterable[int],
    place: Callable[[Sequence[int]], str] = lambda _: "",
) -> None:
    """Refuse parents that lead back to their own tag with InputError, spelling the circle out.

    `place` says, for the tags of a circle, what the message begins with.
    """
    safe: set[int] = set()
    for start in changed:
        way: list[int] = []
        on_way: set[int] = set()
        at: int | None = start
        while at is not None and at not in safe:
            if at in on_way:
                circle = way[way.index(at) :]
                names = [rows[i].names[0][1] for i in [*circle, at]]
                found = f"the parents go round in a circle: {' → '.join(names)}"
                msg = f"{place(circle)}{found}. Leave one out"
                raise InputError(msg)
            way.append(at)
            on_way.add(at)
            at = rows[at].parent
        safe |= on_way


def changed_row(vocabulary: Vocabulary, row: TagRow) -> Edit:
    """Put one tag, new or changed. Raises InputError for a taken name or a circle."""
    require_free(vocabulary, row)
    require_no_cycle({**vocabulary.rows, row.id: row}, [row.id])
    return Edit(tags={row.id: row})


def removed(vocabulary: Vocabulary, ids: Sequence[int], labels: Iterable[LabelRow]) -> Edit:
    """Take tags and their labels away; their children move up to what is left above them."""
    gone = set(ids)
    edit = Edit(tags=dict.fromkeys(gone))
    for id_ in gone:
        for child in vocabulary.children.get(id_, []):
            if child not in gone:
                parent = vocabulary.rows[child].parent
                while parent is not None and parent in gone:
                    parent = vocabulary.rows[parent].parent
                edit.tags[child] = replace(vocabulary.rows[child], parent=parent)
    edit.labels.update({(label.tag, label.image): None for label in labels})
    return edit


def merged(
    vocabulary: Vocabulary, ids: Sequence[int], into: int, labels: Iterable[LabelRow]
) -> Edit:
    """Merge tags into one: names, children and labels go over. `labels` are those of all."""
    target = vocabulary.rows[into]
    gone = [id_ for id_ in dict.fromkeys(ids) if id_ != into]
    if not gone:
        msg = f"merging {vocabulary.name(into)!r} into itself does nothing. Name another tag"
        raise InputError(msg)
    names = dict(target.names)
    for id_ in gone:
        names |= {key: name for key, name in vocabulary.rows[id_].names if key not in names}
    parent = target.parent
    while parent is not None and parent in gone:
        parent = vocabulary.rows[parent].parent
    edit = Edit(tags=dict.fromkeys(gone))
    edit.tags[into] = replace(target, names=tuple(names.items()), parent=parent)
    for id_ in gone:
        for child in vocabulary.children.get(id_, []):
            if child != into and child not in gone:
                edit.tags[child] = replace(vocabulary.rows[child], parent=into)
    # `into` may lie below a tag that now becomes its child.
    after = {**vocabulary.rows, **{i: row for i, row in edit.tags.items() if row is not None}}
    require_no_cycle(after, [i for i, row in edit.tags.items() if row is not None])
    _merge_labels(edit, labels, gone, into)
    return edit


_SOURCES = ("person", "import", "file")  # whose word counts most, first


def word(row: LabelRow) -> int:
    """Rank a label by whose word it is; the least counts most."""
    return _SOURCES.index(row.source)


def _merge_labels(edit: Edit, labels: Iterable[LabelRow], gone: Sequence[int], into: int) -> None:
    """Keep of each picture's labels the one whose word counts most, then that of `into`."""
    order = {id_: number for number, id_ in enumerate([into, *gone])}
    best: dict[int, LabelRow] = {}
    for row in sorted(labels, key=lambda row: (word(row), order[row.tag])):
        best.setdefault(row.image, row)
        if row.tag != into:
            edit.labels[row.tag, row.image] = None
    for row in best.values():
        if row.tag != into:
            edit.labels[into, row.image] = replace(row, tag=into)
