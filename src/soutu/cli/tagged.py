"""Ask for the tags of pictures, and write them as a table, JSON, JSON lines or CSV."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TextIO

import click

from soutu.cli.display import bar, printable, shown
from soutu.errors import ImageError, InputError

if TYPE_CHECKING:
    from soutu.library import Library
    from soutu.library.base import Watcher
    from soutu.library.tagging.base import TagMode
    from soutu.types import ImageTags, TagScore

BAR_CELLS = 8
NAME_CELLS = 28
"""What the column of names is wide at most; a longer name pushes its own line to the right."""


def tags_of(
    library: Library,
    images: Sequence[str] | None,
    failed: Callable[[str], None],
    *,
    mode: TagMode,
    k: int | None,
    tags: Sequence[str] | None,
    on_progress: Watcher | None = None,
) -> Iterator[ImageTags]:
    """Yield the tags of pictures, or of the whole library; tell `failed` why one cannot be read."""

    def ask(some: Sequence[str] | None) -> Iterator[ImageTags]:
        return library.tag(some, mode=mode, k=k, tags=tags, on_progress=on_progress)

    if images is None:
        yield from ask(images)
        return
    done = 0
    try:
        for found in ask(images):
            yield found
            done += 1
    except (InputError, ImageError):
        # The library stops at the picture that it cannot read, and may have read ahead; so the
        # rest is asked for one by one.
        for image in images[done:]:
            try:
                yield from ask([image])
            except (InputError, ImageError) as error:
                failed(str(error))


def write(
    found: Iterable[ImageTags],
    form: str,
    out: TextIO,
    *,
    names: Sequence[str],
    scores: bool,
    at_zero: Container[str] = (),
) -> int:
    """Write pictures as a table, json, jsonl or csv; return how many.

    `names` are the tags that may come, `at_zero` those whose threshold somebody set to 0.
    """
    if form == "json":
        return _write_json(found, out)
    if form == "jsonl":
        return _write_json_lines(found, out)
    if form == "csv":
        return _write_csv(found, out)
    return _write_table(found, out, names=names, scores=scores, at_zero=at_zero)


def _write_table(
    found: Iterable[ImageTags],
    out: TextIO,
    *,
    names: Sequence[str],
    scores: bool,
    at_zero: Container[str],
) -> int:
    """Write each picture with its tags below it; `names` are those that may come."""
    from rich.cells import cell_len

    longest = max((cell_len(printable(name)) for name in names), default=0)
    width = min(longest, NAME_CELLS)
    number = 0
    for number, picture in enumerate(found, 1):  # noqa: B007 - the count is the answer
        lines = [
            _line(tag, width, scores=scores, cut=bool(tag.threshold) or tag.tag in at_zero)
            for tag in picture.tags
        ]
        click.echo("\n".join([shown(picture.path), *(lines or ["  no tag"])]), file=out)
    return number


def _line(tag: TagScore, width: int, *, scores: bool, cut: bool) -> str:
    from rich.cells import cell_len

    name = printable(tag.tag)
    name += " " * (width - cell_len(name))
    parts = [f"{bar(tag.probability, BAR_CELLS)} {tag.probability:4.0%}"]
    if cut:
        parts[0] += f" {'≥' if tag.holds else '<'} {tag.threshold:4.0%}"
    else:  # the most probable one holds, as in a group whose tags exclude each other
        parts[0] += " " * 7
    parts += [f"{tag.score:7.4f}"] if scores else []
    line = "  ".join(["", name, *parts, tag.source])
    return click.style(line, dim=True) if not tag.holds else line


def _write_json(found: Iterable[ImageTags], out: TextIO) -> int:
    """Write one JSON list of all pictures."""
    import json

    pictures = [_as_json(picture) for picture in found]
    click.echo(json.dumps(pictures, indent=2), file=out)
    return len(pictures)


def _write_json_lines(found: Iterable[ImageTags], out: TextIO) -> int:
    """Write one JSON object a line, each as soon as its tags are known."""
    import json

    number = 0
    for number, picture in enumerate(found, 1):  # noqa: B007 - the count is the answer
        click.echo(json.dumps(_as_json(picture)), file=out)
    return number


def _write_csv(found: Iterable[ImageTags], out: TextIO) -> int:
    """Write a row for each tag of each picture, below a header."""
    import csv
    import io

    number = 0
    click.echo("path,tag,probability,threshold,source,score", file=out)
    for number, picture in enumerate(found, 1):  # noqa: B007 - the count is the answer
        rows = io.StringIO()
        csv.writer(rows, lineterminator="\n").writerows(
            (
                printable(str(picture.path)),
                tag.tag,
                f"{tag.probability:.6f}",
                f"{tag.threshold:.6f}",
                tag.source,
                f"{tag.score:.6f}",
            )
            for tag in picture.tags
        )
        click.echo(rows.getvalue(), nl=False, file=out)
    return number


def _as_json(picture: ImageTags) -> dict[str, object]:
    return {
        "path": str(picture.path),
        "id": picture.id,
        "tags": [
            {
                "tag": tag.tag,
                "probability": round(tag.probability, 6),
                "threshold": round(tag.threshold, 6),
                "score": round(tag.score, 6),
                "source": tag.source,
                "holds": tag.holds,
            }
            for tag in picture.tags
        ],
    }
