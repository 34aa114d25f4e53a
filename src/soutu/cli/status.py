"""`soutu status`: say what the library holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from soutu.cli.display import columns, count, data_size, printable, write_json
from soutu.cli.options import examples, json_option, library_option
from soutu.cli.report import failure_as_json, failure_lines

if TYPE_CHECKING:
    from soutu.types import LibraryStatus, SpaceStatus

FOLDERS_SHOWN = 10


@click.command("status", epilog=examples("soutu status", "soutu status --failed"))
@click.option("--failed", is_flag=True, help="List the files that could not be indexed, and why.")
@json_option
@library_option
def command(*, failed: bool, as_json: bool, library: str | None) -> None:
    """Say what the library holds.

    That is its pictures and folders, its models, and the files that could not be indexed.
    """
    from soutu.library import open_library

    with open_library(library) as opened:
        status = opened.status()
    if as_json:
        write_json(_as_json(status, failed=failed))
    elif failed:
        lines = failure_lines(status.failures)
        click.echo("\n".join(lines) if lines else "Nothing failed.")
    else:
        click.echo("\n".join(_lines(status)))


def _lines(status: LibraryStatus) -> list[str]:
    rows = [
        ("Library", f"{printable(str(status.path))} ({data_size(status.bytes_on_disk)})"),
        ("Pictures", f"{status.images:,}" if status.images else "none. Run: soutu index FOLDER"),
    ]
    if status.failures:
        rows.append(("Failed", f"{len(status.failures):,} (soutu status --failed lists them)"))
    rows += _labelled("Models", [_space(space) for space in status.spaces])
    folders = [
        f"{printable(folder)}  {count(pictures, 'picture')}"
        for folder, pictures in list(status.folders.items())[:FOLDERS_SHOWN]
    ]
    if len(status.folders) > FOLDERS_SHOWN:
        folders.append(f"… and {count(len(status.folders) - FOLDERS_SHOWN, 'more folder')}")
    rows += _labelled("Folders", folders)
    return columns(rows)


def _labelled(label: str, lines: list[str]) -> list[tuple[str, str]]:
    """Put the label before the first line only."""
    return [("" if number else label, line) for number, line in enumerate(lines)]


def _space(space: SpaceStatus) -> str:
    busy = "in use by another process just now"
    held = busy if space.vectors is None else count(space.vectors, "vector")
    facts = f"{space.precision}, {space.dim} dimensions, {held}"
    return f"{printable(space.model)}{' (in use)' if space.current else ''}: {facts}"


def _as_json(status: LibraryStatus, *, failed: bool) -> object:
    failures = [failure_as_json(failure) for failure in status.failures]
    if failed:
        return failures
    return {
        "path": str(status.path),
        "images": status.images,
        "failed": len(failures),
        "bytes_on_disk": status.bytes_on_disk,
        "spaces": [
            {
                "model": space.model,
                "revision": space.revision,
                "precision": space.precision,
                "dim": space.dim,
                "vectors": space.vectors,
                "current": space.current,
            }
            for space in status.spaces
        ],
        "folders": dict(status.folders),
    }
