"""`soutu models`: see, fetch, choose and drop the models that turn pictures into vectors."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from soutu.cli.display import columns, count, data_size, printable, write_json
from soutu.cli.exits import BAD_INPUT, fail
from soutu.cli.interrupts import StopRequest
from soutu.cli.models_distill import command as distill
from soutu.cli.models_finetune import command as fine_tune
from soutu.cli.models_quantize import command as quantize
from soutu.cli.models_quantize import report_lines
from soutu.cli.options import examples, json_option, library_option, precision_option

if TYPE_CHECKING:
    from soutu.models.base import PrecisionChoice
    from soutu.models.card import ModelCard
    from soutu.models.entry import ModelEntry
    from soutu.models.quantize import QuantizeReport
    from soutu.models.store import ModelStore
    from soutu.types import SpaceStatus


@click.group(
    "models",
    epilog=examples(
        "soutu models list",
        "soutu models add clip-vit-b-32",
        "soutu models use clip-vit-b-32",
    ),
)
def command() -> None:
    """See, fetch, choose and drop models.

    A model turns pictures and words into vectors that can be compared. Each library uses one at a
    time; mini is part of soutu, the others are added by name, or from a folder of ONNX files.
    """


def _store() -> ModelStore:
    from soutu.library import default_models
    from soutu.models.store import ModelStore

    return ModelStore(default_models())


@command.command("list")
@json_option
def list_models(*, as_json: bool) -> None:
    """List the models that soutu knows, and which are on this disk."""
    entries = _store().list()
    if as_json:
        write_json([_entry_as_json(entry) for entry in entries])
        return
    rows = [("NAME", "HERE", "DIM", "SIZE", "LANGUAGES", "TITLE")]
    rows += [
        (
            printable(entry.name),
            {"bundled": "bundled", "catalogue": "-", "hub": "yes", "folder": "folder"}[
                entry.origin
            ],
            str(entry.card.dim or "?"),
            data_size(entry.size) if entry.size else "?",
            _few(entry.card.languages),
            printable(entry.card.title),
        )
        for entry in entries
    ]
    click.echo("\n".join(columns(rows, right=(2, 3))))


def _few(languages: tuple[str, ...], shown: int = 3) -> str:
    if len(languages) <= shown:
        return ", ".join(languages) or "?"
    return f"{', '.join(languages[:shown])} +{len(languages) - shown}"


def _entry_as_json(entry: ModelEntry) -> dict[str, object]:
    from soutu.models.card import card_to_dict

    return {
        **card_to_dict(entry.card),
        "origin": entry.origin,
        "present": entry.present,
        "folder": str(entry.folder) if entry.folder else None,
        "bytes": entry.size,
    }


@command.command("info")
@click.argument("name")
@json_option
def info(*, name: str, as_json: bool) -> None:
    """Tell what is known of a model.

    That is what it can do, in figures with their sources, and its licence.
    """
    from dataclasses import asdict

    from soutu.models.card import card_to_dict

    store = _store()
    card, measured = store.info(name), store.measured(name)
    if as_json:
        write_json({**card_to_dict(card), "quantized": [asdict(report) for report in measured]})
    else:
        click.echo("\n".join([*_card_lines(card), *_measured_lines(measured)]))


def _measured_lines(measured: Sequence[QuantizeReport]) -> list[str]:
    lines: list[str] = []
    for report in measured:
        on = f"{report.samples} {'drawn' if report.drawn else 'given'} pictures"
        accepted = "accepted" if report.accepted else "not accepted"
        lines += ["", f"{report.precision} ({report.method}), measured here on {on}: {accepted}"]
        lines += [f"  {line}" for line in report_lines(report)]
    return lines


def _card_lines(card: ModelCard) -> list[str]:
    facts = [
        ("name", card.name),
        ("source", f"{card.repository} at {card.revision}" if card.repository else "-"),
        ("layout", card.layout),
        ("dimensions", str(card.dim or "?")),
        ("languages", ", ".join(card.languages) or "?"),
        ("licence", card.licence),
        ("download", f"{card.download_mb} MB" if card.download_mb else "?"),
    ]
    lines = [printable(card.title), ""]
    lines += columns([(key, printable(value)) for key, value in facts])
    if card.notes:
        lines += ["", printable(card.notes)]
    if card.figures:
        lines += ["", "Figures, in percent:"]
        rows = [
            (f"  {figure.value:.1f}", f"{figure.metric}  {figure.task}", f"({figure.source})")
            for figure in card.figures
        ]
        lines += columns([tuple(map(printable, row)) for row in rows], right=(0,))
        lines += [f"  {printable(url)}" for url in sorted({f.url for f in card.figures if f.url})]
    return lines


@command.command("add")
@click.argument("model", metavar="NAME|DIR")
@click.option("--name", metavar="N", help="Call it this.  [default: its own name]")
@precision_option
def add(*, model: str, name: str | None, precision: PrecisionChoice) -> None:
    """Fetch a model from the hub, or take one from a folder.

    NAME is one of soutu models list, or owner/name on the hub. A broken download goes on where
    it stopped. A folder (DIR) is used where it is, not copied.
    """
    from soutu.cli.progress import shown_progress

    with shown_progress(StopRequest()) as watcher:
        entry = _store().add(model, name=name, precision=precision, on_progress=watcher)
    size = f" ({data_size(entry.size)})" if entry.size else ""
    click.echo(f"{printable(entry.name)} is here{size}. To use it: soutu models use {entry.name}")


@command.command("use")
@click.argument("model", metavar="NAME|DIR")
@precision_option
@library_option
def use(*, model: str, precision: PrecisionChoice, library: str | None) -> None:
    """Make a library use a model; encode its pictures with it first.

    Searches from other windows are answered with the old model until all pictures are done. The
    old vectors stay, so that going back is quick, until soutu models rm. Ctrl-C stops cleanly;
    the next time it goes on from there.
    """
    from soutu.cli.progress import shown_progress
    from soutu.library import open_library

    stop = StopRequest()
    with open_library(library) as opened, stop.listening(), shown_progress(stop) as watcher:
        known = {_which(space): space.vectors for space in opened.status().spaces}
        space = opened.use_model(model, precision=precision, on_progress=watcher, should_stop=stop)
    done = f"{count(space.vectors or 0, 'picture')} encoded with {printable(space.model)}"
    if space.vectors and known.get(_which(space)) == space.vectors:
        done = f"Its vectors of {count(space.vectors, 'picture')} were here already"
    if not space.current:
        click.echo(
            f"Stopped; {done} so far, searches use the old model. "
            "Run the same command again to go on.",
            err=True,
        )
        sys.exit(stop.exit_code)
    click.echo(f"Now in use: {printable(space.model)} ({space.precision}). {done}.")


def _which(space: SpaceStatus) -> tuple[str, str, str]:
    return space.model, space.revision, space.precision


@command.command("rm")
@click.argument("name")
@library_option
def rm(*, name: str, library: str | None) -> None:
    """Delete a model from this disk, and its vectors from the library.

    The model that the library uses cannot be deleted. A model that was added from a folder is
    only forgotten; the folder stays.
    """
    dropped = _drop_vectors(name, library)
    known = next((entry for entry in _store().list() if entry.name == name), None)
    stored = known is not None and known.origin in {"hub", "folder"}
    if stored or not dropped:
        _store().remove(name)
    parts = [count(dropped, "vector")] if dropped else []
    parts += ["the model itself"] if stored else []
    click.echo(f"Deleted of {printable(name)}: {' and '.join(parts)}.")


def _drop_vectors(name: str, library: str | None) -> int:
    """Drop a model's vectors from the library, if there is one that has any; say how many."""
    from soutu.errors import LibraryMissing
    from soutu.library import open_library

    try:
        opened = open_library(library)
    except LibraryMissing:
        if library is not None:
            raise
        return 0
    with opened:
        status = opened.status()
        spaces = [space for space in status.spaces if space.model == name]
        if any(space.current for space in spaces):
            fail(
                f"{name} is the model in use in {status.path}. "
                "Switch first: soutu models use OTHER",
                BAD_INPUT,
            )
        if spaces:
            opened.drop_space(name)
    return sum(space.vectors or 0 for space in spaces)


command.add_command(quantize)
command.add_command(distill)
command.add_command(fine_tune)
