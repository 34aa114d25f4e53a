"""A library in memory with a vocabulary and labels that are real, for tests of the commands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from cli.fake import FakeLibrary
from soutu.catalog.catalog import Catalog, ImageRow, SpaceRow
from soutu.catalog.keywords import put_keywords
from soutu.errors import InputError
from soutu.library.base import Stop, Watcher
from soutu.library.tagging.labels import FolderLabels
from soutu.library.tagging.names import name_key
from soutu.library.tagging.tags import FolderTags
from soutu.library.tagging.trained import HeadStore
from soutu.library.tagging.using import FolderHeads, TagsOfClasses
from soutu.types import (
    HeadReport,
    HeadUse,
    ImageInfo,
    ImageTags,
    MergeIdea,
    Progress,
    Question,
    TagCount,
    TagFacts,
    TagHead,
    TagIdea,
    TagScore,
    WriteReport,
)


def score(tag: str, probability: float, *, threshold: float = 0.5, **known: Any) -> TagScore:
    """Make what is known of a tag on a picture."""
    facts = {"score": probability / 4, "source": "zero-shot", "holds": probability >= threshold}
    return TagScore(tag=tag, probability=probability, threshold=threshold, **{**facts, **known})


class Found:
    """Stand in for the tagger: what it would compute is laid down."""

    def __init__(self, library: TaggingLibrary) -> None:
        self._library = library
        self.numbers: list[TagCount] = []
        self.new: list[TagIdea] = []
        self.pairs: list[MergeIdea] = []
        self.where: object = None

    def facts(self, name: str) -> TagFacts:
        """Tell of a tag that was found on 1,203 pictures from 0.42 on."""
        tag = self._library.tags.get(name)
        labels = self._library.labels.all(tag=name)
        return TagFacts(
            tag=tag,
            children=tuple(each.name for each in self._library.tags if each.parent == tag.name),
            threshold=0.42 if tag.threshold is None else tag.threshold,
            source="learned" if labels else "zero-shot",
            head=self._library.head_of(name),
            count=1203,
            count_with_narrower=1203,
            yes=sum(label.value for label in labels),
            no=sum(not label.value for label in labels),
        )

    def counts(self, where: object = None, *, expand: bool = True) -> list[TagCount]:
        """Return the counts that were laid down."""
        self.where, self.expand = where, expand
        return self.numbers

    def suggest(self, limit: int) -> list[TagIdea]:
        """Return the first of the ideas that were laid down."""
        return self.new[:limit]

    def similar(self, limit: int) -> list[MergeIdea]:
        """Return the first of the pairs that were laid down."""
        return self.pairs[:limit]


class TaggingLibrary(FakeLibrary):
    """Keep tags and labels in a catalog; answer the rest from what a test laid down.

    A picture whose name holds "bad" cannot be read.
    """

    def __init__(self, path: Path, pictures: Sequence[Path | str] = ()) -> None:
        super().__init__(path)
        path.mkdir(parents=True, exist_ok=True)
        self._catalog = Catalog.open(path / "catalog.sqlite")
        self.found = Found(self)
        self.store = HeadStore(path)
        self.space = SpaceRow(
            name="s", model="mini", source="mini", revision="r1", precision="int8", dim=4
        )
        found = SimpleNamespace(row=self.space)
        self._heads = FolderHeads(self._catalog, lambda: found, self.store)  # type: ignore[arg-type,return-value]
        self.tags = FolderTags(self._catalog, lambda: self.found, self.store)  # type: ignore[arg-type,return-value]
        self.labels = FolderLabels(self._catalog, lambda _tags: None)
        self.scores: dict[str, tuple[TagScore, ...]] = {}
        self.written = WriteReport()
        self.rounds: int | None = None  # how many tags a review of all asks about
        self.hold(pictures)

    def use_head(
        self, folder: Path | str, *, tags: TagsOfClasses | None = None, who: str | None = None
    ) -> HeadReport:
        """Give tags a head, as a folder does."""
        return self._heads.use(folder, tags, who=who)

    def drop_head(self, tags: Sequence[str] | None = None, *, who: str | None = None) -> int:
        """Take heads away, as a folder does."""
        return self._heads.drop(tags, who=who)

    def heads(self) -> list[HeadUse]:
        """List heads, as a folder does."""
        return self._heads.list()

    def hold(self, pictures: Sequence[Path | str]) -> None:
        """Take pictures in."""
        rows = [
            ImageRow(
                id=number,
                path=Path(picture),
                size=1,
                mtime_ns=1,
                digest=number.to_bytes(16),
                info=ImageInfo(width=640, height=427, format="JPEG"),
            )
            for number, picture in enumerate(pictures, len(self.held) + 1)
        ]
        self._catalog.put(rows)
        self.held |= {row.path: 1.0 for row in rows}

    def lose(self, *pictures: str) -> None:
        """Let pictures go."""
        paths = [path for path in self.held if path.name in pictures]
        self._catalog.delete(row.id for row in self._catalog.at_paths(paths).values())
        for path in paths:
            del self.held[path]

    def keywords(self, found: Mapping[str, str]) -> None:
        """Take pictures in whose files have a keyword each."""
        self.hold(list(found))
        rows = self._catalog.at_paths([Path(name) for name in found])
        names = {row.id: found[str(path)] for path, row in rows.items()}
        put_keywords(self._catalog, {id_: [(name_key(n), n)] for id_, n in names.items()})

    def head_of(self, name: str) -> TagHead | None:
        """Return the head that a tag was given."""
        mine = (use.head for use in self.heads() if self.tags.get(name).name in use.tags)
        return next(mine, None)

    def let_go(self) -> None:
        """Close the catalog, which `close` leaves open for the next command of a test."""
        self._catalog.close()

    def tag(
        self,
        images: Iterable[Path | str | bytes | int] | None = None,
        *,
        mode: str = "threshold",
        k: int | None = None,
        tags: Sequence[str] | None = None,
        on_progress: Watcher | None = None,
    ) -> Iterator[ImageTags]:
        """Yield the scores that were laid down for the pictures' names."""
        chosen = list(self.held if images is None else images)
        self._ask("tag", (images if images is None else tuple(map(str, chosen)), mode, k, tags))
        for number, image in enumerate(map(str, chosen), 1):
            if "bad" in image:
                raise InputError(f"cannot tag {image}: not a picture")
            found = self.scores.get(Path(image).name, ())
            yield ImageTags(path=Path(image), id=number, tags=found)
            if on_progress is not None:
                on_progress(Progress(stage="tag", done=number, total=len(chosen)))

    def review(self, *, tag: str | None = None, by: str = "tag", k: int = 20) -> list[Question]:
        """Ask about every pair of tag and picture without a label, in order."""
        self._ask("review", (tag, by, k))
        said = {(label.path, label.tag) for label in self.labels.all()}
        all_ = [each.name for each in self.tags][: self.rounds]
        names = all_ if tag is None else [self.tags.get(tag).name]
        questions = [
            Question(id=number, path=path, tag=name, probability=0.62, threshold=0.5)
            for name in names
            for number, path in enumerate(self.held, 1)
            if (path, name) not in said
        ]
        return questions[:k]

    def write_tags(
        self,
        paths: Iterable[Path | str] | None = None,
        *,
        tags: Sequence[str] | None = None,
        in_place: bool = False,
        dry_run: bool = False,
        on_progress: Watcher | None = None,
        should_stop: Stop | None = None,
    ) -> WriteReport:
        """Return the report that was laid down."""
        asked = None if paths is None else tuple(map(str, paths))
        self._ask("write", (asked, tags, in_place, dry_run))
        for progress in self.progress:
            if on_progress is not None:
                on_progress(progress)
        return self.written
