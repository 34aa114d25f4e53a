"""What people said of pictures, in a catalog; see `base.Labels`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

from soutu.catalog.keywords import SOURCE as FROM_FILE
from soutu.catalog.said import Edit, LabelRow, hearing, saying
from soutu.errors import InputError
from soutu.library.arguments import one_of, texts
from soutu.library.pictures import check_ref, missing, picture_row
from soutu.library.place import absolute
from soutu.library.tagging.base import SaidBy
from soutu.library.tagging.groups import OneRight, settled
from soutu.library.tagging.tags import login_name
from soutu.library.tagging.undoing import undo_label
from soutu.library.tagging.vocabulary import Vocabulary
from soutu.types import ImportReport, Label

if TYPE_CHECKING:
    from soutu.catalog.catalog import Catalog
    from soutu.catalog.said import LabelKey, Said
    from soutu.library.tagging.base import PictureRef
    from soutu.types import Change, LabelSource


@dataclass(frozen=True, kw_only=True)
class _Word:
    """A label to record; what it leaves open is the same for all. None takes a label back."""

    image: str
    tag: str
    value: bool | None
    where: str = ""
    source: LabelSource | None = None
    who: str | None = None
    at: datetime | None = None


class FolderLabels:
    """Own the labels in a catalog. `changed` is called after each change, with the tags' ids."""

    def __init__(self, catalog: Catalog, changed: Callable[[Iterable[int]], None]) -> None:
        self._catalog = catalog
        self._changed = changed

    def set(
        self,
        picture: PictureRef,
        *,
        yes: Iterable[str] = (),
        no: Iterable[str] = (),
        clear: Iterable[str] = (),
        who: str | None = None,
        source: SaidBy = "person",
    ) -> int:
        """Say which tags are right and wrong for a picture; return how many labels changed."""
        values = (("yes", yes, True), ("no", no, False), ("clear", clear, None))
        words = [(name, value) for what, names, value in values for name in texts(names, what)]
        one_of(source, get_args(SaidBy), "source")
        who = login_name(who)
        with saying(self._catalog) as said:
            image, path = self._image(picture)
            wanted = _Wanted(said)
            for name, value in words:
                wanted.add(image, _Word(image=path.name, tag=name, value=value))
            edit = wanted.edit(who, source)
            if edit.labels:
                what = f"{path.name}: {_spelled(wanted.vocabulary, edit)}"
                said.change(edit, who=who, source=source, action="label", what=what)
        self._changed({tag for tag, _ in edit.labels})
        return len(edit.labels)

    def set_many(
        self,
        labels: Iterable[Label],
        *,
        clear: Iterable[tuple[Path | str, str]] = (),
        who: str | None = None,
        source: SaidBy = "import",
    ) -> ImportReport:
        """Record many labels and take many back: all or none."""
        one_of(source, get_args(SaidBy), "source")
        words = [
            _Word(
                image=str(each.path),
                tag=each.tag,
                value=each.value,
                source="file" if each.source == FROM_FILE else None,
                who=each.who or None,
                at=each.at,
            )
            for each in labels
        ]
        words += [_Word(image=str(path), tag=tag, value=None) for path, tag in clear]
        return self._record(words, f"{len(words)} labels", who, source)

    def load(self, path: Path | str, *, who: str | None = None) -> ImportReport:
        """Import a CSV of labels: all of it or nothing."""
        from soutu.library.tagging.label_files import read_labels

        file = Path(path)
        words = [
            _Word(
                image=each.image,
                tag=each.tag,
                value=each.value,
                where=f"{file}, line {each.line}: ",
                source=each.source,
                who=each.who,
                at=each.at,
            )
            for each in read_labels(file)
        ]
        return self._record(words, f"{len(words)} labels from {file.name}", who, "import")

    def save(self, path: Path | str) -> int:
        """Export all labels to a CSV; return how many."""
        from soutu.library.tagging.label_files import write_labels

        labels = one_a_place(self.all())
        write_labels(Path(path), labels)
        return len(labels)

    def all(self, *, picture: PictureRef | None = None, tag: str | None = None) -> list[Label]:
        """List labels, by path and tag."""
        image = None if picture is None else self._image(picture)[0]
        with hearing(self._catalog) as said:
            vocabulary = Vocabulary(said.tags())
            tags = None if tag is None else [vocabulary.find(tag).id]
            rows = list(said.labels(tags=tags) if image is None else said.labels(images=[image]))
            rows = [row for row in rows if tags is None or row.tag in tags]
            places = said.places(sorted({row.image for row in rows}))
        found = [
            Label(
                path=places[row.image][0],
                tag=vocabulary.name(row.tag),
                value=row.value,
                source=cast("LabelSource", row.source),
                who=row.who,
                at=row.at.replace(tzinfo=UTC),
                missing=places[row.image][1],
                id=None if places[row.image][1] else row.image,
            )
            for row in rows
            if row.image in places
        ]
        return sorted(found, key=_by_path)

    def undo(
        self,
        of: tuple[PictureRef, str] | None = None,
        *,
        who: str | None = None,  # noqa: ARG002 - a server notes who
    ) -> Change:
        """Take the last labelling back, or the last one of a picture with a tag."""
        with saying(self._catalog) as said:
            key = None
            if of is not None:
                image = self._image(of[0])[0]
                key = (Vocabulary(said.tags()).find(of[1]).id, image)
            change, tags = undo_label(said, key)
        self._changed(tags)
        return change

    def _record(
        self, words: Sequence[_Word], what: str, who: str | None, source: SaidBy
    ) -> ImportReport:
        who = login_name(who)
        with saying(self._catalog) as said:
            images = _images(said, [word.image for word in words])
            wanted, from_files = _Wanted(said), 0
            for word in words:
                if word.source == FROM_FILE:  # it comes with the file, and goes with it
                    from_files += 1
                    continue
                try:
                    if word.image not in images:
                        raise missing(word.image)
                    wanted.add(images[word.image], word)
                except InputError as error:
                    raise InputError(f"{word.where}{error}") from None
            edit = wanted.edit(who, source)
            if edit.labels:
                said.change(edit, who=who, source=source, action="labels", what=what)
        self._changed({tag for tag, _ in edit.labels})
        return ImportReport(
            added=wanted.added,
            updated=len(edit.labels) - wanted.added,
            unchanged=from_files + wanted.unchanged,
        )

    def _image(self, picture: PictureRef) -> tuple[int, Path]:
        check_ref(picture)
        row = picture_row(self._catalog, picture)
        return row.id, row.path


def one_a_place(labels: Iterable[Label]) -> list[Label]:
    """Return the labels that can stand in one file, by path and tag.

    Of pictures that were at one place one after the other, the one that is there now speaks: a
    file that contradicts itself could not be imported.
    """
    one = {}
    for label in sorted(labels, key=lambda label: not label.missing):
        one[label.path, label.tag] = label
    return sorted(one.values(), key=_by_path)


class _Wanted:
    """Labels as they are asked for, checked against each other and against what is known."""

    def __init__(self, said: Said) -> None:
        self.vocabulary = Vocabulary(said.tags())
        self.added = self.unchanged = 0
        """How many labels are new, and how many are as they are asked for; known after `edit`."""
        self._said = said
        self._words: dict[LabelKey, _Word] = {}
        self._right = OneRight(self.vocabulary)

    def add(self, image: int, word: _Word) -> None:
        """Take a word on a picture. Raises InputError where it contradicts an earlier one."""
        tag = self.vocabulary.find(word.tag).id
        first = self._words.setdefault((tag, image), word)
        name = self.vocabulary.name(tag)
        if first.value is not word.value:
            by = "" if first.tag == word.tag else ", by two of its names"
            msg = f"{name!r} is said to be both right and wrong for {word.image}{by}. Choose one"
            raise InputError(msg)
        if word.value:
            try:
                self._right.add(tag, image)
            except InputError as error:
                raise InputError(f"{word.image}: {error}") from None

    def edit(self, who: str, source: SaidBy) -> Edit:
        """Return what changes. A person's word replaces a file's that says the same.

        Raises InputError for taking back what a file says.
        """
        now = datetime.now(UTC).replace(tzinfo=None)
        known = self._said.labels_at(self._words)
        edit = Edit()
        for key, word in self._words.items():
            old = known.get(key)
            if word.value is None:
                if old is not None and old.source == FROM_FILE:
                    raise self._says_the_file(key[0], word)
                if old is not None:
                    edit.labels[key] = None
            elif old is None or old.value is not word.value or old.source == FROM_FILE:
                edit.labels[key] = LabelRow(
                    tag=key[0],
                    image=key[1],
                    value=word.value,
                    source=word.source or source,
                    who=who if word.who is None else word.who,
                    at=now if word.at is None else _plain_utc(word.at),
                )
        self.added = sum(key not in known for key in edit.labels)
        self.unchanged = len(self._words) - len(edit.labels)
        return settled(self._said, self.vocabulary, edit)

    def _says_the_file(self, tag: int, word: _Word) -> InputError:
        msg = (
            f"{word.where}a keyword in the file says {self.vocabulary.name(tag)!r} of "
            f"{word.image}, which nobody here can take back. Say no to it, or take the keyword "
            "out of the file"
        )
        return InputError(msg)


def _images(said: Said, written: Sequence[str]) -> dict[str, int]:
    paths = {text: absolute(text) for text in set(written)}
    known = said.at_paths(list(set(paths.values())))
    return {text: known[path] for text, path in paths.items() if path in known}


def _by_path(label: Label) -> tuple[str, str]:
    return str(label.path), label.tag


def _plain_utc(at: datetime) -> datetime:
    return (at if at.tzinfo is None else at.astimezone(UTC)).replace(tzinfo=None)


def _spelled(vocabulary: Vocabulary, edit: Edit) -> str:
    words: Mapping[bool | None, str] = {True: "yes", False: "no", None: "clear"}
    parts = [
        f"{words[None if row is None else row.value]} {vocabulary.name(tag)}"
        for (tag, _), row in edit.labels.items()
    ]
    return ", ".join(parts[:5]) + (" …" if len(parts) > 5 else "")
