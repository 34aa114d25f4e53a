"""`soutu search`: find pictures by words, by a picture, or by both."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from soutu.cli.display import printable, write_json, write_raw_paths
from soutu.cli.options import Share, examples, library_option
from soutu.cli.terms import Asked, written
from soutu.types import Query

if TYPE_CHECKING:
    from soutu.types import Hit

NEAR_MISSES = 5
"""How many pictures that do not quite match are shown when nothing does."""


@click.command(
    "search",
    no_args_is_help=True,
    epilog=examples(
        "soutu search a red car --minus people -k 5",
        'soutu search --image beach.jpg --plus "2:at night"',
        "soutu search 猫 --where \"date >= '2024' AND width > 1000\"",
        "soutu search --tag cat --tag '!indoor'",
        "soutu search dog -0 | xargs -0 cp -t ~/dogs",
    ),
)
@click.argument("words", nargs=-1)
@click.option(
    "--image", "-i", "images", multiple=True, metavar="FILE|URL",
    help="A picture to look for things like; may be given several times.",
)  # fmt: skip
@click.option("--plus", multiple=True, metavar="TEXT", help="More words, weighed on their own.")
@click.option("--minus", multiple=True, metavar="TEXT", help="Words to stay away from.")
@click.option(
    "--minus-image", "minus_images", multiple=True, metavar="FILE|URL",
    help="A picture to stay away from.",
)  # fmt: skip
@click.option(
    "--keywords", metavar="TEXT",
    help="Words of file and folder names: their pictures move up, or are found by them alone.",
)  # fmt: skip
@click.option(
    "--tag", "tags", multiple=True, metavar="NAME",
    help="Only pictures with this tag, or with '!NAME' without it; alone it lists those.",
)  # fmt: skip
@click.option(
    "--no-expand", is_flag=True,
    help="Take tags as they are, without narrower ones, and words without their synonyms.",
)  # fmt: skip
@click.option("--where", metavar="EXPR", help="Look only among pictures that pass a filter.")
@click.option(
    "-k", "--top", type=click.IntRange(min=1), default=20, show_default=True, metavar="N",
    help="How many pictures at most.",
)  # fmt: skip
@click.option(
    "--min-relevance", type=Share(), metavar="P",
    help="The least relevance, 0 to 1, that counts as a match.  [default: the library's]",
)  # fmt: skip
@click.option(
    "--diversity", type=Share(), default=0.0, show_default=True, metavar="D",
    help="0 ranks by likeness alone; towards 1, hits differ more from each other.",
)  # fmt: skip
@click.option("--all", "show_all", is_flag=True, help="Show near misses among the matches.")
@click.option(
    "--format", "form", type=click.Choice(["table", "json", "paths"]), default="table",
    show_default=True, help="A table to read, JSON for scripts, or one path per line.",
)  # fmt: skip
@click.option(
    "-0", "--print0", is_flag=True,
    help="Print paths, each ended by a NUL byte, for xargs -0.",
)  # fmt: skip
@click.option(
    "--thumbnails", type=click.Choice(["auto", "always", "never"]), default="auto",
    show_default=True, help="Small pictures in the table, in terminals that can show them.",
)  # fmt: skip
@click.option("--open", "open_hits", is_flag=True, help="Open the hits in the desktop's viewer.")
@library_option
def command(
    *,
    words: tuple[str, ...],
    images: tuple[str, ...],
    plus: tuple[str, ...],
    minus: tuple[str, ...],
    minus_images: tuple[str, ...],
    keywords: str | None,
    tags: tuple[str, ...],
    no_expand: bool,
    where: str | None,
    top: int,
    min_relevance: float | None,
    diversity: float,
    show_all: bool,
    form: str,
    print0: bool,
    thumbnails: str,
    open_hits: bool,
    library: str | None,
) -> None:
    """Find pictures by WORDS, by a picture, or by both.

    All WORDS make one phrase. A number and a colon before any text or picture is its weight:
    "2:red car", --minus 0.5:people. (To look for "16:9", write "1:16:9".)

    A filter (--where) compares tag, folder, name, format, camera, width, height, size, date,
    modified, latitude and longitude, as in SQL: =, !=, <, <=, >, >=, IN, BETWEEN, AND, OR, NOT,
    and near(latitude, longitude, km). A folder stands for all below it.

    That nothing matches is an answer too, not an error: the table then shows the nearest
    pictures, JSON is an empty list, and the exit code is 0.
    """
    if show_all and min_relevance is not None:
        raise click.UsageError("--all shows every hit; it cannot go with --min-relevance.")
    terms = Asked(
        words=words, images=images, plus=plus, minus=minus, minus_images=minus_images
    ).terms()
    query = Query(
        terms=terms, keywords=keywords, diversity=diversity, tags=tags, expand=not no_expand
    )
    _require_something(query)
    answer = _ask(library, query, where, top, 0.0 if show_all else min_relevance)
    if form == "json":
        write_json([_as_json(hit) for hit in answer.matches])
    elif print0 or form == "paths":
        _print_paths(answer, print0=print0)
    else:
        _print_table(answer, thumbnails)
    if open_hits and answer.matches:
        from soutu.cli.viewer import open_pictures

        open_pictures([hit.path for hit in answer.matches])


def _require_something(query: Query) -> None:
    if not query.terms and not query.tags and not (query.keywords or "").strip():
        ways = "words, --image FILE, --tag NAME, or --keywords TEXT"
        raise click.UsageError(f"Say what to look for: {ways}.")


@dataclass(frozen=True, kw_only=True)
class _Answer:
    """What a library said: `hits` with near misses among them, `matches` without."""

    asked: str
    hits: Sequence[Hit]
    matches: Sequence[Hit]
    library_is_empty: bool


def _ask(
    place: str | None, query: Query, where: str | None, top: int, cut: float | None
) -> _Answer:
    from soutu.library import DEFAULT_MIN_RELEVANCE, open_library

    with open_library(place) as library:
        hits = library.search(query, where=where, k=top)
        empty = not hits and library.status().images == 0
    # Of a search by tags alone everything is a match: the tags' own thresholds have decided.
    by_tags_alone = not query.terms and not query.keywords
    default = 0.0 if by_tags_alone else DEFAULT_MIN_RELEVANCE
    least = default if cut is None else cut
    return _Answer(
        asked=printable(_written(query)),
        hits=hits,
        matches=[hit for hit in hits if hit.by_name or hit.relevance >= least],
        library_is_empty=empty,
    )


def _written(query: Query) -> str:
    """Write a query for a person, as `red car + tag day − tag indoor`."""
    text = written(query.terms) or query.keywords or ""
    for tag in query.tags:
        name = f"tag {tag.removeprefix('!')}"
        text += f" − {name}" if tag.startswith("!") else f" + {name}" if text else name
    return text.strip()


def _as_json(hit: Hit) -> dict[str, object]:
    info = hit.info
    return {
        "id": hit.id,
        "path": str(hit.path),
        "score": round(hit.score, 6),
        "relevance": round(hit.relevance, 6),
        "by_name": hit.by_name,
        "width": info.width,
        "height": info.height,
        "format": info.format,
        "taken_at": info.taken_at.isoformat() if info.taken_at else None,
        "camera": info.camera,
        "latitude": info.latitude,
        "longitude": info.longitude,
    }


def _print_paths(answer: _Answer, *, print0: bool) -> None:
    paths = [hit.path for hit in answer.matches]
    if not paths:
        click.echo(f"Nothing here matches {answer.asked}", err=True)
    elif not print0 and sys.stdout.isatty():
        click.echo("\n".join(printable(str(path)) for path in paths))
    else:
        write_raw_paths(paths, end=b"\0" if print0 else b"\n")


def _print_table(answer: _Answer, thumbnails: str) -> None:
    if answer.library_is_empty:
        click.echo("The library holds no pictures yet. Run: soutu index FOLDER")
        return
    if not answer.matches:
        nearest = ". The nearest:" if answer.hits else "."
        click.echo(f"Nothing here matches {answer.asked}{nearest}")
    if answer.hits:
        from soutu.cli.hits import print_hits

        shown = answer.matches or answer.hits[:NEAR_MISSES]
        print_hits(shown, dimmed=not answer.matches, thumbnails=thumbnails)
