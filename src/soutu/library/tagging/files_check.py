"""Check what a vocabulary file says, whatever its format, and make tags of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Protocol, TypeVar

from soutu.errors import InputError
from soutu.library.tagging.names import check_name, name_key
from soutu.library.tagging.values import check_prompt, check_threshold
from soutu.types import Tag

FIELDS = ("name", "aliases", "prompts", "parent", "group", "threshold")
"""What can be said of a tag: the columns of a CSV, the keys of JSON and TOML."""

_Value = TypeVar("_Value")


class Place(Protocol):
    """Where a tag stands in its file."""

    def at(self, field: str) -> str:
        """Return the place of one of its fields for a message."""
        ...

    def brief(self) -> str:
        """Return the place of the tag within the file, for a message that names the file."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """What a file says of one tag, unchecked, and where."""

    values: Mapping[str, object]
    place: Place


@dataclass(frozen=True, slots=True)
class PlacedTag:
    """A tag, and where its file says it; `place` is None for one that comes from no file."""

    tag: Tag
    place: Place | None = None

    @property
    def brief(self) -> str:
        """Where the tag stands within its file, and its name."""
        name = repr(self.tag.name)
        where = "" if self.place is None else self.place.brief()
        return where if name in where else f"{where}, {name}" if where else name

    def refused(self, field: str, why: str) -> InputError:
        """Return the error that this tag cannot be taken, with the place of one of its fields."""
        return InputError(why if self.place is None else f"{self.place.at(field)}: {why}")


def check_fields(given: Iterable[object], known: Sequence[str], at: str, what: str) -> None:
    """Raise InputError for a column or key that is not known, with the nearest one that is."""
    for field in given:
        if field not in known:
            near = get_close_matches(str(field), known, n=1)
            hint = f"Did you mean {near[0]!r}? " if near else ""
            raise InputError(f"{at}: there is no {what} {field!r}. {hint}Known: {', '.join(known)}")


def make_tags(entries: Iterable[Entry]) -> list[PlacedTag]:
    """Return the tags of a file, with their places.

    Raises InputError with the place of a wrong type or value, a name that stands for two tags
    and a cycle of parents.
    """
    tags: list[Tag] = []
    places: list[Place] = []
    owners: dict[str, int] = {}
    for number, entry in enumerate(entries):
        tag = _tag(entry)
        tags.append(tag)
        places.append(entry.place)
        field = "name"
        for name in (tag.name, *tag.aliases):
            if (key := name_key(name)) in owners:
                raise _taken(name, entry.place.at(field), tags[owners[key]], places[owners[key]])
            owners[key] = number
            field = "aliases"
    _check_cycles(tags, places, owners)
    return [PlacedTag(tag, place) for tag, place in zip(tags, places, strict=True)]


def _tag(entry: Entry) -> Tag:
    values, place = entry.values, entry.place
    if values.get("name") is None:
        raise InputError(f"{place.at('name')}: the tag has no name. Give it one, or take it out")
    return Tag(
        name=_name("name", values["name"], place),
        aliases=tuple(_name("aliases", each, place) for each in _list("aliases", entry)),
        prompts=tuple(
            _checked(check_prompt, "prompts", each, place) for each in _list("prompts", entry)
        ),
        parent=_optional("parent", entry),
        group=_optional("group", entry),
        threshold=_checked(check_threshold, "threshold", values.get("threshold"), place),
    )


def _name(field: str, value: object, place: Place) -> str:
    if not isinstance(value, str):
        raise InputError(f"{place.at(field)}: {value!r} is no text. Write it in quotes")
    try:
        return check_name(value)
    except InputError as error:
        raise InputError(f"{place.at(field)}: {error}") from None


def _optional(field: str, entry: Entry) -> str | None:
    value = entry.values.get(field)
    return None if value is None else _name(field, value, entry.place)


def _list(field: str, entry: Entry) -> list[object]:
    value = entry.values.get(field)
    if value is None:
        return []
    if not isinstance(value, list):
        raise InputError(
            f"{entry.place.at(field)}: {value!r} is no list. Write it in brackets: [...]"
        )
    return value


def _checked(check: Callable[[object], _Value], field: str, value: object, place: Place) -> _Value:
    """Return a value that passes a check; where it does not, name its place."""
    try:
        return check(value)
    except InputError as error:
        raise InputError(f"{place.at(field)}: {error}") from None


def _taken(name: str, at: str, owner: Tag, place: Place) -> InputError:
    same = "" if name == owner.name else f", of {owner.name!r}"
    return InputError(
        f"{at}: the name {name!r} is there already ({place.brief()}{same}); case, width and "
        "doubled spaces make no difference. Take one of them out"
    )


def _check_cycles(tags: list[Tag], places: list[Place], owners: Mapping[str, int]) -> None:
    parents = [None if tag.parent is None else owners.get(name_key(tag.parent)) for tag in tags]
    done: set[int] = set()
    for start in range(len(tags)):
        path: dict[int, None] = {}  # ordered: the walk from `start` upwards
        at: int | None = start
        while at is not None and at not in done and at not in path:
            path[at] = None
            at = parents[at]
        if at is not None and at in path:
            walk = list(path)
            cycle = [tags[each].name for each in [*walk[walk.index(at) :], at]]
            raise InputError(
                f"{places[at].at('parent')}: the parents go round in a circle: "
                f"{' -> '.join(cycle)}. Take one of these parents away"
            )
        done.update(path)
