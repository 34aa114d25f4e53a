"""What the commands of `soutu eval` share: options, the run itself, and its report."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from soutu.cli.display import columns, count, printable, write_json
from soutu.cli.interrupts import StopRequest
from soutu.cli.options import json_option, quiet_option

if TYPE_CHECKING:
    from soutu.data.labelled import LabelledData
    from soutu.evaluate.report import Report
    from soutu.evaluate.setup import Setup

F = TypeVar("F", bound=Callable[..., Any])

split_option = click.option(
    "--split", metavar="NAME",
    help="The part that is judged on.  [default: test where there is one, else all]",
)  # fmt: skip
classes_option = click.option(
    "--classes", metavar="A,B…", help="Judge only these classes.  [default: all]"
)
allow_missing_option = click.option(
    "--allow-missing", is_flag=True,
    help="Leave out what is missing: pictures that are not there, empty captions.",
)  # fmt: skip
_RUN_OPTIONS = (
    click.option(
        "--report", "reports", multiple=True, metavar="FILE",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Write a report, FILE.html, FILE.md or FILE.json; may be given several times.",
    ),
    click.option(
        "--seed", type=int, default=0, show_default=True, help="Of resamples, folds and samples."
    ),
    click.option(
        "--resamples", type=click.IntRange(min=20), default=1000, show_default=True, metavar="N",
        help="Bootstrap resamples behind each interval.",
    ),
    json_option,
    quiet_option,
)  # fmt: skip


def run_options(command: F) -> F:
    """Add the options that every measurement has."""
    for option in reversed(_RUN_OPTIONS):
        command = option(command)
    return command


@dataclass(frozen=True, kw_only=True)
class Run:
    """How a measurement was asked for."""

    reports: Sequence[Path]
    seed: int
    resamples: int
    as_json: bool
    quiet: bool


def typed() -> str:
    """Return the command as it was typed."""
    return shlex.join(["soutu", *sys.argv[1:]])


def measured(run: Run, measure: Callable[[Setup], Report]) -> None:
    """Measure with progress shown and Ctrl-C obeyed; write the reports and print the figures."""
    from soutu.cli.progress import shown_progress
    from soutu.errors import Stopped
    from soutu.evaluate.report import as_dict, check_target, write
    from soutu.evaluate.setup import Setup
    from soutu.library import default_models, default_vectors
    from soutu.models.store import ModelStore

    for path in run.reports:
        check_target(path)
    stop = StopRequest()
    try:
        with stop.listening(), shown_progress(stop, quiet=run.quiet) as watcher:
            setup = Setup(
                source=ModelStore(default_models()),
                vectors=default_vectors(),
                seed=run.seed,
                resamples=run.resamples,
                on_progress=watcher,
                should_stop=stop,
            )
            found = measure(setup)
    except Stopped as stopped:
        click.echo(f"soutu: {printable(str(stopped))}", err=True)
        sys.exit(stop.exit_code)
    for path in run.reports:
        write(found, path)
    if run.as_json:
        write_json(as_dict(found))
    elif not run.quiet:
        click.echo("\n".join(report_lines(found)))


def report_lines(report: Report) -> list[str]:
    """Return a report's tables and summary for a terminal."""
    from soutu.evaluate.report import Table

    counts = report.made.data.counts
    seen = ", ".join(count(number, what.removesuffix("s")) for what, number in counts.items())
    lines = [printable(report.title), *([printable(seen)] if seen else [])]
    for section in report.sections:
        for part in section.parts:
            if isinstance(part, Table):
                rows = [tuple(map(printable, row)) for row in (part.columns, *part.rows)]
                title = printable(part.title or section.title)
                lines += ["", title, *columns(rows, right=part.right)]
    lines += ["", *map(printable, report.summary)]
    notes = [note for note in report.made.data.notes if note not in report.summary]
    return lines + [f"note: {printable(note)}" for note in notes]


def labelled(
    path: str,
    *,
    layout: str | None,
    root: str | None,
    partial: bool,
    classes: str | None,
    allow_missing: bool,
) -> LabelledData:
    """Read labelled pictures, perhaps only some classes. Raises InputError."""
    from soutu.data import load
    from soutu.evaluate.found import with_files

    data = load(path, layout=layout, root=root, partial=partial)
    data = with_files(data, allow_missing=allow_missing)
    if classes is None:
        return data
    return data.only([name.strip() for name in classes.split(",") if name.strip()])
