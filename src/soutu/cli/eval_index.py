"""`soutu eval index`: what the settings of the vector index cost, and how much they find."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from soutu.cli.display import write_json
from soutu.cli.eval_options import report_lines, typed
from soutu.cli.interrupts import StopRequest
from soutu.cli.options import examples, json_option, library_option, quiet_option

if TYPE_CHECKING:
    from soutu.evaluate.index_recall import Cheapest
    from soutu.index.edge_folder import Codes

CODES: tuple[Codes, ...] = ("fp32", "int8", "turbo4", "turbo2", "binary")


@click.command(
    "index",
    epilog=examples(
        "soutu eval index --recommend",
        "soutu eval index --queries asked.txt --report index.md",
        "soutu eval index --recommend --by memory --codes turbo4 --codes binary",
    ),
)
@click.option(
    "--recommend", is_flag=True,
    help="Name the cheapest setting that keeps recall@10 at 0.99 or more for both kinds.",
)  # fmt: skip
@click.option(
    "--by", type=click.Choice(["time", "memory"]), default="time", show_default=True,
    help="What makes a setting cheap.",
)  # fmt: skip
@click.option(
    "--queries", default="concepts", show_default=True, metavar="concepts|tags|FILE",
    help="Text queries: everyday concepts, the library's tags, or a file with one a line.",
)  # fmt: skip
@click.option(
    "--pictures", type=click.IntRange(min=2), default=500, show_default=True, metavar="N",
    help="How many pictures of the library to search by.",
)  # fmt: skip
@click.option(
    "--codes", multiple=True, type=click.Choice(CODES),
    help="Only these codes; may be given several times.  [default: all]",
)  # fmt: skip
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False, exists=True), metavar="DIR",
    help="Where to put copies of the index meanwhile.  [default: the system's temporary folder]",
)  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="Of samples and resamples.")
@click.option(
    "--report", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Write a report: FILE.html, FILE.md or FILE.json.",
)  # fmt: skip
@json_option
@quiet_option
@library_option
def command(
    *,
    recommend: bool,
    by: Cheapest,
    queries: str,
    pictures: int,
    codes: tuple[Codes, ...],
    folder: Path | None,
    seed: int,
    report: Path | None,
    as_json: bool,
    quiet: bool,
    library: str | None,
) -> None:
    """Measure what index settings find and cost on your own vectors.

    Recall@1, @10 and @100 against the exact search, apart for text and picture queries, with
    milliseconds for a query and bytes. Each kind of codes is built as a copy in a temporary
    folder, which takes as long as indexing that many vectors and as much room as they do; the
    library itself is only read.
    """
    from soutu.cli.progress import shown_progress
    from soutu.evaluate.index_library import measure_library
    from soutu.evaluate.report import as_dict, check_target, write

    if report is not None:
        check_target(report)
    with shown_progress(StopRequest(), quiet=quiet or as_json) as watcher:
        found = measure_library(
            library,
            command=typed(),
            queries=queries if queries in ("concepts", "tags") else Path(queries),
            pictures=pictures,
            codes=codes or CODES,
            folder=folder,
            seed=seed,
            recommend=by if recommend else None,
            on_progress=watcher,
        )
    if report is not None:
        write(found, report)
    if as_json:
        write_json(as_dict(found))
    elif not quiet:
        click.echo("\n".join(report_lines(found)))
