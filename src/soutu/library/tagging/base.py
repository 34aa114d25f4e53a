"""The `Tags` and `Labels` protocols: a vocabulary that people own, and what they said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from soutu.types import (
        Change,
        Filter,
        ImportReport,
        Label,
        MergeIdea,
        Tag,
        TagBorder,
        TagCount,
        TagFacts,
        TagIdea,
        TagSpread,
    )


class Unset(Enum):
    """The value of an argument that was not given, where None means something."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET

OnConflict = Literal["update", "skip", "error"]
"""What an import does with a tag that is there already."""

PictureRef: TypeAlias = Path | str | int
"""A picture of the library: its path or its id."""

TagMode = Literal["threshold", "top", "softmax"]
"""Which tags a picture gets: those above their thresholds, the k most probable, or the k most
probable of a softmax over all tags (exactly one is right, as in zero-shot classification)."""

SaidBy = Literal["person", "import"]
"""Where labels come from that are not read from files."""

ReviewOrder = Literal["tag", "picture"]
"""Whether the questions of one tag, or those of one picture, are asked together."""


class Tags(Protocol):
    """Own a vocabulary. Every change is atomic, recorded, can be undone and holds at once.

    A tag is named by any of its names. Names are compared without case, accents' encoding and
    width of letters (Unicode NFKC, casefold). Methods raise InputError for an unknown, empty or
    taken name, a threshold outside 0..1 and a cycle of parents, and then change nothing.
    """

    def __iter__(self) -> Iterator[Tag]: ...

    def __len__(self) -> int: ...

    def __contains__(self, name: object) -> bool: ...

    def get(self, name: str) -> Tag:
        """Return a tag by any of its names."""
        ...

    def add(
        self,
        name: str,
        *,
        aliases: Iterable[str] = (),
        prompts: Iterable[str] = (),
        parent: str | None = None,
        group: str | None = None,
        threshold: float | None = None,
        who: str | None = None,
    ) -> Tag:
        """Add a tag; see `types.Tag`. `who` defaults to the user's login name, here as below."""
        ...

    def edit(
        self,
        name: str,
        *,
        aliases: Iterable[str] | Unset = UNSET,
        prompts: Iterable[str] | Unset = UNSET,
        parent: str | Unset | None = UNSET,
        group: str | Unset | None = UNSET,
        threshold: float | Unset | None = UNSET,
        who: str | None = None,
    ) -> Tag:
        """Change what is given and leave the rest; None (or an empty list) takes a value away."""
        ...

    def rename(self, name: str, new: str, *, keep: bool = False, who: str | None = None) -> Tag:
        """Give a tag another name; the old one is given up, or with `keep` becomes an alias."""
        ...

    def merge(self, names: Sequence[str], into: str, *, who: str | None = None) -> Tag:
        """Merge tags into one, which gets their names as aliases, their children and their labels.

        Where several were labelled for a picture, a person's label stands before an import's and
        that before a file's; then that of `into`.
        """
        ...

    def remove(self, names: Sequence[str], *, who: str | None = None) -> int:
        """Remove tags with their labels; their children move up to their parents."""
        ...

    def undo(self, *, who: str | None = None) -> Change:
        """Take the last change of tags or labels back. Raises InputError when there is none."""
        ...

    def history(self, limit: int = 20) -> list[Change]:
        """List the last changes, newest first."""
        ...

    def load(
        self,
        source: Path | str,
        *,
        on_conflict: OnConflict = "update",
        who: str | None = None,
        origin: str | None = None,
    ) -> ImportReport:
        """Import a CSV, JSON or TOML file, or a starter vocabulary by name: all of it or nothing.

        `origin` is what the history calls the source; without it, by its own name. Raises
        InputError with line and column of what cannot be read.
        """
        ...

    def add_keywords(self, *, at_least: int = 1, who: str | None = None) -> ImportReport:
        """Add the keywords that at least so many picture files are tagged with as tags."""
        ...

    def save(self, path: Path | str) -> int:
        """Export the vocabulary to a .csv, .json or .toml file; return how many tags."""
        ...

    def show(self, name: str) -> TagFacts:
        """Return a tag with what was found for it: threshold, source, pictures."""
        ...

    def counts(self, where: str | Filter | None = None, *, expand: bool = True) -> list[TagCount]:
        """Count the pictures of each tag (among those that pass a filter), most frequent first.

        As in searches, what holds a narrower tag counts for the broader one too, but with `expand`
        off.
        """
        ...

    def spread(self, name: str, *, bins: int = 50) -> TagSpread:
        """Count pictures by the probability of a tag, in bins of equal width from 0 to 1.

        Probabilities are those that `Library.tag` shows, as the model alone sees them: labels are
        counted beside them. Raises InputError for fewer bins than 1, LibraryError for a library
        without pictures.
        """
        ...

    def border(self, name: str, *, threshold: float | None = None, k: int = 12) -> TagBorder:
        """Return the k pictures nearest above, and below, a threshold of a tag.

        Without a threshold, the one in force. They are pictures that nobody labelled. Of a group
        whose tags exclude each other only the most probable tag holds: those of which it is
        another one are below, whatever their probability. Raises InputError for a threshold
        outside 0..1 and a k below 1, LibraryError for a library without pictures.
        """
        ...

    def suggest(self, limit: int = 10) -> list[TagIdea]:
        """Suggest tags: keywords of files (score 1), and frequent pictures that no tag covers."""
        ...

    def similar(self, limit: int = 10) -> list[MergeIdea]:
        """Suggest pairs of tags to merge."""
        ...


class Labels(Protocol):
    """Record what people say. The machine never changes a label.

    Methods raise InputError for an unknown tag, a picture that is not in the library and a tag
    that is said to be both right and wrong, and then change nothing.
    """

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
        """Say which tags are right and wrong for a picture; return how many labels changed.

        `clear` takes back what was said. Labels of the source `file` come from keywords of
        picture files alone: a yes or no here goes before them, and to clear one is refused. A yes
        to a tag of a group takes back the yes to another; two at once are refused.
        """
        ...

    def set_many(
        self,
        labels: Iterable[Label],
        *,
        clear: Iterable[tuple[Path | str, str]] = (),
        who: str | None = None,
        source: SaidBy = "import",
    ) -> ImportReport:
        """Record many labels, and take back those of `clear` (picture, tag): all or none.

        Labels that contradict each other are refused; those of the source `file` are left alone.
        A label's own `who` and `at` are kept.
        """
        ...

    def load(self, path: Path | str, *, who: str | None = None) -> ImportReport:
        """Import a CSV with the columns image, tag and label (yes/no): all of it or nothing.

        The columns source, who and at are kept where given; lines of the source `file` are left
        alone, as they come from the files. Raises InputError with the line and column of what
        cannot be read.
        """
        ...

    def save(self, path: Path | str) -> int:
        """Export all labels to a CSV; return how many."""
        ...

    def all(self, *, picture: PictureRef | None = None, tag: str | None = None) -> list[Label]:
        """List labels, of one picture or one tag or all, by path and tag."""
        ...

    def undo(self, of: tuple[PictureRef, str] | None = None, *, who: str | None = None) -> Change:
        """Take the last labelling back, or the last one `of` a picture and a tag.

        Raises InputError when there is none, and when a later change was about the same labels.
        """
        ...
