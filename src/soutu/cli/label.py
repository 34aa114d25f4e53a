"""`soutu label`: say which tags are right and wrong for pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from soutu.cli.display import count, printable, shown, write_json
from soutu.cli.options import examples, json_option, library_option, who_option
from soutu.cli.table import fitted
from soutu.cli.vocabulary import imported, undone

if TYPE_CHECKING:
    from soutu.library import Library
    from soutu.types import Label


@click.command(
    "label",
    no_args_is_help=True,
    epilog=examples(
        "soutu label tom.jpg --yes cat --no dog",
        "soutu label cats/*.jpg --yes cat",
        "soutu label --list --tag cat",
        "soutu label --from labels.csv",
    ),
)
@click.argument("images", nargs=-1, metavar="[IMAGE]...", type=click.Path())
@click.option(
    "--yes",
    "yes",
    multiple=True,
    metavar="TAG",
    help="The tag is right; may be given several times.",
)
@click.option("--no", "no", multiple=True, metavar="TAG", help="The tag is wrong; likewise.")
@click.option("--clear", multiple=True, metavar="TAG", help="Take back what was said; likewise.")
@click.option(
    "--from", "source", metavar="FILE",
    help="Take labels from a CSV with the columns image, tag and label (yes or no).",
)  # fmt: skip
@click.option("--export", metavar="FILE", help="Write all labels to a CSV.")
@click.option("--list", "listed", is_flag=True, help="List the labels: all, of IMAGE, or of a tag.")
@click.option("--tag", metavar="TAG", help="With --list: labels of this tag only.")
@click.option("--undo", is_flag=True, help="Take the last labelling back.")
@who_option
@json_option
@library_option
def command(
    *,
    images: tuple[str, ...],
    yes: tuple[str, ...],
    no: tuple[str, ...],
    clear: tuple[str, ...],
    source: str | None,
    export: str | None,
    listed: bool,
    tag: str | None,
    undo: bool,
    who: str | None,
    as_json: bool,
    library: str | None,
) -> None:
    """Say which tags are right and wrong for pictures (IMAGE).

    The machine never changes a label, and learns from all of them. What was said before of the
    same tag and picture is replaced. A CSV is taken as a whole or not at all.
    """
    from soutu.library import open_library

    said = bool(yes or no or clear)
    _check_what_is_asked(images, said, source, export, listed, undo)
    _check_details(tag, as_json, listed)
    with open_library(library) as opened:
        if said:
            click.echo(_set(opened, images, yes, no, clear, who))
        elif source is not None:
            click.echo(imported(opened.labels.load(source, who=who), "label"))
        elif export is not None:
            written = opened.labels.save(export)
            click.echo(f"Wrote {count(written, 'label')} to {printable(export)}")
        elif undo:
            click.echo(undone(opened.labels.undo(who=who)))
        else:
            _print(_found(opened, images, tag), as_json=as_json)


def _check_what_is_asked(
    images: Sequence[str],
    said: bool,
    source: str | None,
    export: str | None,
    listed: bool,
    undo: bool,
) -> None:
    """Refuse none of the things that can be done, more than one, and pictures where none fit."""
    asked = {
        "--yes, --no or --clear": said,
        "--from": source is not None,
        "--export": export is not None,
        "--list": listed,
        "--undo": undo,
    }
    chosen = [what for what, given in asked.items() if given]
    if not chosen:
        raise click.UsageError("Say what to do: --yes TAG, --no TAG, --clear TAG, --list …")
    if len(chosen) > 1:
        raise click.UsageError(f"{' and '.join(chosen)} cannot go together; give one of them.")
    if said and not images:
        raise click.UsageError("Name the picture that this is about.")
    if images and not (said or listed):
        raise click.UsageError(f"{chosen[0]} takes no picture.")


def _check_details(tag: str | None, as_json: bool, listed: bool) -> None:
    if tag is not None and not listed:
        raise click.UsageError("--tag goes with --list; to set a label: --yes TAG or --no TAG.")
    if as_json and not listed:
        raise click.UsageError("--json goes with --list.")


def _set(
    opened: Library,
    images: Sequence[str],
    yes: Sequence[str],
    no: Sequence[str],
    clear: Sequence[str],
    who: str | None,
) -> str:
    if len(images) == 1:
        changed = opened.labels.set(images[0], yes=yes, no=no, clear=clear, who=who)
    else:
        from soutu.types import Label

        labels = [
            Label(path=Path(image), tag=name, value=value)
            for image in images
            for names, value in ((yes, True), (no, False))
            for name in names
        ]
        cleared = [(image, name) for image in images for name in clear]
        report = opened.labels.set_many(labels, clear=cleared, who=who, source="person")
        changed = report.added + report.updated
    if not changed:
        return "Nothing changed: that was said already." if yes or no else "Nothing to take back."
    return f"{count(changed, 'label')} changed. To take it back: soutu label --undo"


def _found(opened: Library, images: Sequence[str], tag: str | None) -> list[Label]:
    if not images:
        return opened.labels.all(tag=tag)
    return [label for image in images for label in opened.labels.all(picture=image, tag=tag)]


def _print(labels: Sequence[Label], *, as_json: bool) -> None:
    if as_json:
        write_json([_as_json(label) for label in labels])
        return
    rows = [
        (
            "yes" if label.value else "no",
            printable(label.tag),
            shown(label.path),
            label.source,
            printable(label.who),
            f"{label.at.astimezone():%Y-%m-%d %H:%M}" if label.at else "",
            "(missing)" if label.missing else "",
        )
        for label in labels
    ]
    lines = fitted(rows, cut=(2, 4, 1)) if rows else ["No labels."]
    click.echo("\n".join(lines))


def _as_json(label: Label) -> dict[str, object]:
    return {
        "path": str(label.path),
        "tag": label.tag,
        "label": "yes" if label.value else "no",
        "source": label.source,
        "who": label.who,
        "at": label.at.isoformat() if label.at else None,
        "missing": label.missing,
    }
