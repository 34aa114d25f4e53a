"""What people said of pictures, in a catalog; see `base.Labels`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

from soutu.catalog.keywords import SOURCE as FROM_FILE
from soutu.catalog.said import Edit, LabelRow, hearing, saying
from soutu.errors import InputError
from soutu.library.pictures import missing, picture_row
from soutu.library.place import absolute
from soutu.library.tagging.tags import login_name, undo_last
from soutu.library.tagging.vocabulary import Vocabulary
from soutu.types import ImportReport, Label

if TYPE_CHECKING:
    from soutu.catalog.catalog import Catalog
    from soutu.catalog.said import LabelKey, Said
    from soutu.library.tagging.base import PictureRef, SaidBy
    from soutu.types import Change, LabelSource

_ACTIONS = frozenset({"label", "labels"})


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
        said_of: dict[str, bool | None] = {}
        for names, value in ((yes, True), (no, False), (clear, None)):
            for name in names:
                said_of.setdefault(name, value)
                if said_of[name] is not value:
                    raise InputError(f"{name!r} is said to be both right and wrong. Choose one")
        with saying(self._catalog) as said:
            vocabulary = Vocabulary(said.tags())
            image, path = self._image(picture)
            wanted: dict[LabelKey, bool | None] = {}
            for name, value in said_of.items():
                key = (vocabulary.find(name).id, image)
                if wanted.setdefault(key, value) is not value:
                    msg = f"{vocabulary.name(key[0])!r} is said to be both right and wrong"
                    raise InputError(f"{msg}, by two of its names. Choose one")
            edit = _edit(said, wanted, login_name(who), source)
            if edit.labels:
                what = f"{path.name}: {_spelled(vocabulary, edit)}"
                said.change(edit, who=login_name(who), source=source, action="label", what=what)
        self._changed({tag for tag, _ in edit.labels})
        return len(edit.labels)

    def set_many(
        self, labels: Iterable[Label], *, who: str | None = None, source: SaidBy = "import"
    ) -> ImportReport:
        """Record many labels: all or none."""
        rows = [(str(each.path), each.tag, each.value, "") for each in labels]
        return self._record(rows, f"{len(rows)} labels", who, source)

    def load(self, path: Path | str, *, who: str | None = None) -> ImportReport:
        """Import a CSV of labels: all of it or nothing."""
        from soutu.library.tagging.label_files import read_labels

        file = Path(path)
        rows = [
            (each.image, each.tag, each.value, f"{file}, line {each.line}: ")
            for each in read_labels(file)
        ]
        return self._record(rows, f"{len(rows)} labels from {file.name}", who, "import")

    def save(self, path: Path | str) -> int:
        """Export all labels to a CSV; return how many."""
        from soutu.library.tagging.label_files import write_labels

        labels = self.all()
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
        images = sorted({row.image for row in rows})
        paths, present = self._catalog.paths_of(images), self._catalog.with_ids(images)
        found = [
            Label(
                path=paths[row.image],
                tag=vocabulary.name(row.tag),
                value=row.value,
                source=cast("LabelSource", row.source),
                who=row.who,
                at=row.at.replace(tzinfo=UTC),
                id=row.image if row.image in present else None,
            )
            for row in rows
        ]
        return sorted(found, key=lambda label: (str(label.path), label.tag))

    def undo(self, *, who: str | None = None) -> Change:  # noqa: ARG002 - a server notes who
        """Take the last labelling back."""
        with saying(self._catalog) as said:
            return undo_last(said, only=_ACTIONS)

    def _record(
        self,
        rows: Sequence[tuple[str, str, bool | None, str]],
        what: str,
        who: str | None,
        source: SaidBy,
    ) -> ImportReport:
        images = self._images([row[0] for row in rows])
        with saying(self._catalog) as said:
            vocabulary = Vocabulary(said.tags())
            wanted: dict[LabelKey, bool | None] = {}
            for image, name, value, where in rows:
                try:
                    tag = vocabulary.find(name).id
                    if image not in images:
                        raise missing(image)
                except InputError as error:
                    raise InputError(f"{where}{error}") from None
                if wanted.setdefault((tag, images[image]), value) is not value:
                    msg = f"{where}{vocabulary.name(tag)!r} is said to be both right and wrong for"
                    raise InputError(f"{msg} {image}. Keep one of the two")
            edit = _edit(said, wanted, login_name(who), source)
            if edit.labels:
                said.change(edit, who=login_name(who), source=source, action="labels", what=what)
            before = said.before(said.history(1)[0].number) if edit.labels else Edit()
        added = sum(before.labels[key] is None for key in edit.labels)
        self._changed({tag for tag, _ in edit.labels})
        return ImportReport(
            added=added,
            updated=len(edit.labels) - added,
            unchanged=len(wanted) - len(edit.labels),
        )

    def _images(self, written: Sequence[str]) -> dict[str, int]:
        paths = {text: absolute(text) for text in set(written)}
        rows = self._catalog.at_paths(list(set(paths.values())))
        return {text: rows[path].id for text, path in paths.items() if path in rows}

    def _image(self, picture: PictureRef) -> tuple[int, Path]:
        row = picture_row(self._catalog, picture)
        return row.id, row.path


def _edit(said: Said, wanted: Mapping[LabelKey, bool | None], who: str, source: SaidBy) -> Edit:
    """Keep what changes something. A person's word replaces a file's that says the same."""
    now = datetime.now(UTC).replace(tzinfo=None)
    known = said.labels_at(wanted)
    edit = Edit()
    for key, value in wanted.items():
        old = known.get(key)
        if value is None:
            if old is not None:
                edit.labels[key] = None
            continue
        if old is not None and old.value is value and old.source != FROM_FILE:
            continue
        edit.labels[key] = LabelRow(
            tag=key[0], image=key[1], value=value, source=source, who=who, at=now
        )
    return edit


def _spelled(vocabulary: Vocabulary, edit: Edit) -> str:
    words = {True: "yes", False: "no", None: "clear"}
    parts = [
        f"{words[None if row is None else row.value]} {vocabulary.name(tag)}"
        for (tag, _), row in edit.labels.items()
    ]
    return ", ".join(parts[:5]) + (" …" if len(parts) > 5 else "")
