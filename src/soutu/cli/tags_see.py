"""The parts of `soutu tags` that look: list, show, counts, suggest, history."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from soutu.cli.display import bar, columns, count, printable, shown, write_json
from soutu.cli.options import examples, json_option, library_option
from soutu.cli.table import fitted, shortened
from soutu.cli.vocabulary import (
    NO_TAGS,
    head_as_json,
    head_rows,
    names,
    percent,
    tag_as_json,
    typed,
)

if TYPE_CHECKING:
    from soutu.types import Change, HeadSource, MergeIdea, Tag, TagCount, TagFacts, TagIdea

BAR_CELLS = 20
EXAMPLES_SHOWN = 3
_SOURCES: dict[HeadSource, str] = {
    "zero-shot": "zero-shot",
    "learned": "learned from the labels",
    "head": "a trained head",
}


@click.command("list")
@click.option("--tree", is_flag=True, help="Show narrower tags below broader ones.")
@json_option
@library_option
def list_tags(*, tree: bool, as_json: bool, library: str | None) -> None:
    """List the tags."""
    from soutu.library import open_library

    if tree and as_json:
        raise click.UsageError("--tree is for reading; --json has each tag's parent.")
    with open_library(library) as opened:
        tags = list(opened.tags)
    if as_json:
        write_json([tag_as_json(tag) for tag in tags])
    elif not tags:
        click.echo(NO_TAGS)
    elif tree:
        click.echo("\n".join(_tree(tags)))
    else:
        click.echo("\n".join(_table(tags)))


def _table(tags: Sequence[Tag]) -> list[str]:
    rows = [("NAME", "ALIASES", "PARENT", "GROUP", "THRESHOLD")]
    rows += [
        (
            printable(tag.name),
            names(tag.aliases),
            printable(tag.parent or "-"),
            printable(tag.group or "-"),
            "auto" if tag.threshold is None else percent(tag.threshold),
        )
        for tag in tags
    ]
    return fitted(rows, right=(4,), cut=(1, 3, 2, 0))


def _tree(tags: Sequence[Tag]) -> list[str]:
    below: dict[str | None, list[Tag]] = {}
    for tag in tags:
        below.setdefault(tag.parent, []).append(tag)

    # A loop, as a chain of narrower tags can be longer than Python's stack.
    lines, waiting = [], [("", "", tag) for tag in reversed(below.get(None, []))]
    while waiting:
        start, branch, tag = waiting.pop()
        aliases = f"  ({names(tag.aliases)})" if tag.aliases else ""
        lines.append(f"{start}{branch}{printable(tag.name)}{aliases}")
        if branch:
            start += "   " if branch == "└─ " else "│  "
        children = below.get(tag.name, [])
        last = len(children) - 1
        waiting += [
            (start, "└─ " if number == last else "├─ ", child)
            for number, child in reversed([*enumerate(children)])
        ]
    if not sys.stdout.isatty():
        return lines
    room = shutil.get_terminal_size().columns
    return [shortened(line, room) for line in lines]


@click.command("show", no_args_is_help=True)
@click.argument("name")
@json_option
@library_option
def show(*, name: str, as_json: bool, library: str | None) -> None:
    """Tell what is known of a tag.

    That is its own values and what was found for it: the threshold, and how many pictures it
    holds for.
    """
    from soutu.library import open_library

    with open_library(library) as opened:
        facts = opened.tags.show(name)
    if as_json:
        write_json(_facts_as_json(facts))
    else:
        click.echo("\n".join(_facts_lines(facts)))


def _facts_lines(facts: TagFacts) -> list[str]:
    tag = facts.tag
    labels = f"{facts.yes:,} yes, {facts.no:,} no" if facts.yes or facts.no else "none"
    found = "set by hand" if tag.threshold is not None else "found by itself"
    if facts.threshold is None:
        threshold = "finds itself once pictures are indexed"
    else:
        threshold = f"{percent(facts.threshold)}, {found}"
    if facts.threshold == 0 and tag.group:
        threshold = "none; the most probable tag of the group holds"
    source = _SOURCES[facts.source]
    pictures = f"{facts.count:,}"
    if facts.count_with_narrower > facts.count:
        pictures += f", {facts.count_with_narrower:,} with narrower tags"
    prompts = [printable(prompt) for prompt in tag.prompts] or ["the model's usual ones"]
    rows = [
        ("name", printable(tag.name)),
        ("aliases", names(tag.aliases)),
        ("broader", printable(tag.parent or "-")),
        ("narrower", names(facts.children)),
        ("group", printable(tag.group or "-")),
        *[("" if number else "prompts", prompt) for number, prompt in enumerate(prompts)],
        ("threshold", threshold),
        ("source", source),
        *([] if facts.head is None else head_rows(facts.head)),
        ("labels", labels),
        ("pictures", pictures),
    ]
    return columns(rows)


def _facts_as_json(facts: TagFacts) -> dict[str, object]:
    return {
        **tag_as_json(facts.tag),
        "children": list(facts.children),
        "threshold_found": None if facts.threshold is None else round(facts.threshold, 6),
        "source": facts.source,
        "head": None if facts.head is None else head_as_json(facts.head),
        "count": facts.count,
        "count_with_narrower": facts.count_with_narrower,
        "yes": facts.yes,
        "no": facts.no,
    }


@click.command("counts", epilog=examples("soutu tags counts --where \"date >= '2024'\""))
@click.option("--where", metavar="EXPR", help="Count only pictures that pass a filter.")
@click.option(
    "--no-expand", is_flag=True,
    help="Count for each tag only its own pictures, without those of narrower tags.",
)  # fmt: skip
@json_option
@library_option
def counts(*, where: str | None, no_expand: bool, as_json: bool, library: str | None) -> None:
    """Count the pictures of each tag, most frequent first.

    Like soutu search, it takes a tag to mean its narrower tags too. Filters are those of soutu
    search.
    """
    from soutu.library import open_library

    with open_library(library) as opened:
        found = opened.tags.counts(where, expand=not no_expand)
        empty = not any(each.count for each in found) and not opened.status().images
    if as_json:
        write_json([_count_as_json(each) for each in found])
    elif not found:
        click.echo(NO_TAGS)
    elif empty:
        click.echo("The library holds no pictures yet. Run: soutu index FOLDER")
    else:
        click.echo("\n".join(_counts_lines(found)))


def _counts_lines(found: Sequence[TagCount]) -> list[str]:
    held = [each for each in found if each.count]
    most = max((each.count for each in held), default=0)
    rows = [
        (printable(each.tag), f"{each.count:,}", bar(each.count / most, BAR_CELLS), _labels(each))
        for each in held
    ]
    lines = fitted(rows, right=(1,), cut=(0,)) if rows else []
    if rest := len(found) - len(held):
        lines.append(f"{'… and ' if rows else ''}{count(rest, 'tag')} on no picture")
    return lines


def _labels(each: TagCount) -> str:
    return f"labels: {each.yes:,} yes, {each.no:,} no" if each.yes or each.no else ""


def _count_as_json(each: TagCount) -> dict[str, object]:
    return {"tag": each.tag, "count": each.count, "yes": each.yes, "no": each.no}


@click.command("suggest")
@click.option(
    "-n", "--limit", type=click.IntRange(min=1), default=10, show_default=True, metavar="N",
    help="How many of each kind at most.",
)  # fmt: skip
@json_option
@library_option
def suggest(*, limit: int, as_json: bool, library: str | None) -> None:
    """Suggest tags worth adding, and tags to merge.

    New ones are for frequent kinds of pictures that no tag covers. Nothing is changed: each
    suggestion comes with the command that follows it.
    """
    from soutu.library import open_library

    with open_library(library) as opened:
        new = opened.tags.suggest(limit)
        similar = opened.tags.similar(limit)
    if as_json:
        add, merge = [_idea_as_json(idea) for idea in new], [_pair_as_json(p) for p in similar]
        write_json({"add": add, "merge": merge})
        return
    lines = [*_new_lines(new), *_similar_lines(similar)]
    click.echo("\n".join(lines) if lines else "Nothing to suggest: the tags cover the pictures.")


def _adding(idea: TagIdea) -> str:
    dashes = ["--"] if idea.name.startswith("-") else []
    return typed("tags", "add", *dashes, idea.name)


def _merging(pair: MergeIdea) -> str:
    if pair.merge.startswith("-"):
        return typed("tags", "merge", "--into", pair.keep, "--", pair.merge)
    return typed("tags", "merge", pair.merge, "--into", pair.keep)


def _new_lines(new: Sequence[TagIdea]) -> Iterator[str]:
    if not new:
        return
    yield "Kinds of pictures that no tag covers:"
    rows = [(f"  {_adding(idea)}", count(idea.count, "picture"), _examples(idea)) for idea in new]
    yield from fitted(rows, cut=(2,))  # never the commands: they are there to be copied


def _examples(idea: TagIdea) -> str:
    return ", ".join(shown(path) for path in idea.examples[:EXAMPLES_SHOWN])


def _similar_lines(similar: Sequence[MergeIdea]) -> Iterator[str]:
    if not similar:
        return
    yield "Tags that may be one:"
    rows = [
        (
            f"  {_merging(pair)}",
            f"alike {percent(pair.similarity)}",
            f"same pictures {percent(pair.overlap)}",
        )
        for pair in similar
    ]
    yield from fitted(rows)


def _idea_as_json(idea: TagIdea) -> dict[str, object]:
    return {
        "name": idea.name,
        "count": idea.count,
        "score": round(idea.score, 6),
        "examples": [str(path) for path in idea.examples],
    }


def _pair_as_json(pair: MergeIdea) -> dict[str, object]:
    return {
        "keep": pair.keep,
        "merge": pair.merge,
        "similarity": round(pair.similarity, 6),
        "overlap": round(pair.overlap, 6),
    }


@click.command("history")
@click.option(
    "-n", "--limit", type=click.IntRange(min=1), default=20, show_default=True, metavar="N",
    help="How many changes.",
)  # fmt: skip
@json_option
@library_option
def history(*, limit: int, as_json: bool, library: str | None) -> None:
    """List the last changes of tags and labels, newest first."""
    from soutu.library import open_library

    with open_library(library) as opened:
        changes = opened.tags.history(limit)
    if as_json:
        write_json([_change_as_json(change) for change in changes])
    elif not changes:
        click.echo("No tag and no label was ever changed.")
    else:
        click.echo("\n".join(fitted([_change_row(change) for change in changes], cut=(4, 2))))


def _change_row(change: Change) -> tuple[str, ...]:
    undone = "(undone) " if change.undone else ""
    return (
        str(change.number),
        f"{change.at.astimezone():%Y-%m-%d %H:%M}",
        printable(change.who),
        change.action,
        f"{undone}{printable(change.what)}",
    )


def _change_as_json(change: Change) -> dict[str, object]:
    return {
        "number": change.number,
        "at": change.at.isoformat(),
        "who": change.who,
        "source": change.source,
        "action": change.action,
        "what": change.what,
        "undone": change.undone,
    }


COMMANDS = (list_tags, show, counts, suggest, history)
