"""The parts of `soutu tags` that change: add, rename, edit, merge, rm, undo."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from soutu.cli.display import count, printable
from soutu.cli.exits import BAD_INPUT, fail
from soutu.cli.options import Share, examples, library_option
from soutu.cli.vocabulary import names, typed, undone

if TYPE_CHECKING:
    from soutu.library import Library

_ALIAS = "Another name, in any script; may be given several times."
_PROMPT = "Words that describe it to the model, {} being the name; may be given several times."
_PARENT = "The broader tag."
_GROUP = "Tags of one group exclude each other: exactly one of them holds for a picture."
_THRESHOLD = "The least probability, 0 to 1, at which it holds."


@click.command(
    "add",
    no_args_is_help=True,
    epilog=examples(
        "soutu tags add cat --alias 猫 --alias kitty",
        'soutu tags add "red car" --parent car --prompt "a photo of a {} on a road"',
        "soutu tags add noon --group daylight",
    ),
)
@click.argument("name")
@click.option("--alias", "aliases", multiple=True, metavar="NAME", help=_ALIAS)
@click.option("--prompt", "prompts", multiple=True, metavar="TEXT", help=_PROMPT)
@click.option("--parent", metavar="NAME", help=_PARENT)
@click.option("--group", metavar="NAME", help=_GROUP)
@click.option(
    "--threshold", type=Share(), metavar="P",
    help=f"{_THRESHOLD}  [default: found by itself]",
)  # fmt: skip
@library_option
def add(
    *,
    name: str,
    aliases: tuple[str, ...],
    prompts: tuple[str, ...],
    parent: str | None,
    group: str | None,
    threshold: float | None,
    library: str | None,
) -> None:
    """Add a tag.

    It holds at once, for all pictures. The library is made if there is none.
    """
    from soutu.library import open_library

    with open_library(library, create=True) as opened:
        tag = opened.tags.add(
            name, aliases=aliases, prompts=prompts, parent=parent, group=group, threshold=threshold
        )
    also = f", also {names(tag.aliases)}" if tag.aliases else ""
    find = typed("search", "--tag", tag.name)
    click.echo(f"Added {printable(tag.name)}{also}. Its pictures: {find}")


@click.command("rename", no_args_is_help=True)
@click.argument("old")
@click.argument("new")
@click.option("--keep", is_flag=True, help="Keep OLD as an alias.")
@library_option
def rename(*, old: str, new: str, keep: bool, library: str | None) -> None:
    """Give the tag OLD the name NEW.

    Its labels stay, and OLD is no name of it any more unless you --keep it. A tag without prompts
    of its own is described to the model by its name, so other pictures may hold it afterwards.
    """
    from soutu.library import open_library

    with open_library(library) as opened:
        before = opened.tags.get(old)
        tag = opened.tags.rename(old, new, keep=keep)
        given_up = before.name not in opened.tags
    if tag.name == before.name:
        click.echo(f"{printable(tag.name)} has that name already.")
    else:
        click.echo(f"{printable(before.name)} is now {printable(tag.name)}.")
        if given_up:
            again = typed("tags", "edit", "--add-alias", before.name, *_dashes(tag.name), tag.name)
            click.echo(f"{printable(before.name)} is no name of it any more. To keep it: {again}")
        if not tag.prompts:
            click.echo("The model now reads the new name: other pictures may hold the tag.")


def _dashes(name: str) -> list[str]:
    """Return what has to stand before a name, so that it is not taken for an option."""
    return ["--"] if name.startswith("-") else []


@click.command(
    "edit",
    no_args_is_help=True,
    epilog=examples(
        "soutu tags edit cat --add-alias 喵", "soutu tags edit cat --threshold 0.4 --no-parent"
    ),
)
@click.argument("name")
@click.option("--alias", "aliases", multiple=True, metavar="NAME", help=f"{_ALIAS} Replaces all.")
@click.option("--add-alias", "more", multiple=True, metavar="NAME", help="One more name.")
@click.option("--no-aliases", is_flag=True, help="Take all other names away.")
@click.option("--prompt", "prompts", multiple=True, metavar="TEXT", help=f"{_PROMPT} Replaces all.")
@click.option("--no-prompts", is_flag=True, help="Use the model's usual prompts.")
@click.option("--parent", metavar="NAME", help=_PARENT)
@click.option("--no-parent", is_flag=True, help="Let no tag be broader.")
@click.option("--group", metavar="NAME", help=_GROUP)
@click.option("--no-group", is_flag=True, help="Take it out of its group.")
@click.option("--threshold", type=Share(), metavar="P", help=_THRESHOLD)
@click.option("--auto-threshold", is_flag=True, help="Let the threshold find itself.")
@library_option
def edit(
    *,
    name: str,
    aliases: tuple[str, ...],
    more: tuple[str, ...],
    no_aliases: bool,
    prompts: tuple[str, ...],
    no_prompts: bool,
    parent: str | None,
    no_parent: bool,
    group: str | None,
    no_group: bool,
    threshold: float | None,
    auto_threshold: bool,
    library: str | None,
) -> None:
    """Change what is given of a tag, and leave the rest.

    No picture is read again. For another name: soutu tags rename
    """
    from soutu.library import open_library
    from soutu.library.tagging.base import UNSET

    _one_of("--alias", aliases, "--no-aliases", no_aliases)
    _one_of("--alias", aliases, "--add-alias", more)
    _one_of("--prompt", prompts, "--no-prompts", no_prompts)
    _one_of("--parent", parent is not None, "--no-parent", no_parent)
    _one_of("--group", group is not None, "--no-group", no_group)
    _one_of("--threshold", threshold is not None, "--auto-threshold", auto_threshold)
    given = (aliases, more, no_aliases, prompts, no_prompts, no_parent, no_group, auto_threshold)
    if not any(given) and parent is None and group is None and threshold is None:
        raise click.UsageError("Say what to change: --alias, --prompt, --parent, --group …")
    with open_library(library) as opened:
        before = opened.tags.get(name)
        kept = () if no_aliases else before.aliases
        tag = opened.tags.edit(
            name,
            aliases=aliases or ([*kept, *more] if more or no_aliases else UNSET),
            prompts=prompts or ([] if no_prompts else UNSET),
            parent=None if no_parent else UNSET if parent is None else parent,
            group=None if no_group else UNSET if group is None else group,
            threshold=None if auto_threshold else UNSET if threshold is None else threshold,
        )
    changed = "Changed" if tag != before else "Nothing to change about"
    click.echo(f"{changed} {printable(tag.name)}.")


def _one_of(one: str, one_given: object, other: str, other_given: object) -> None:
    if one_given and other_given:
        raise click.UsageError(f"{one} and {other} contradict each other; give one of them.")


@click.command(
    "merge", no_args_is_help=True, epilog=examples("soutu tags merge kitty pussycat --into cat")
)
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--into", required=True, metavar="NAME", help="The tag that stays.")
@library_option
def merge(*, names: tuple[str, ...], into: str, library: str | None) -> None:
    """Merge tags into one.

    It gets their names as aliases, their narrower tags and their labels. Where both were labelled
    for a picture, the label of the tag that stays stands.
    """
    from soutu.library import open_library

    with open_library(library) as opened:
        tag = opened.tags.merge(names, into)
    click.echo(f"Merged into {printable(tag.name)}, also {_listed(tag.aliases)}.")


def _listed(found: tuple[str, ...]) -> str:
    return ", ".join(map(printable, found))


@click.command("rm", no_args_is_help=True)
@click.argument("found", nargs=-1, required=True, metavar="NAME...")
@click.option("-y", "--yes", is_flag=True, help="Do not ask when labels go too.")
@library_option
def rm(*, found: tuple[str, ...], yes: bool, library: str | None) -> None:
    """Remove tags, with what people said of them.

    Narrower tags move up to the broader one. soutu tags undo brings everything back.
    """
    from soutu.library import open_library

    with open_library(library) as opened:
        labels = _labels_of(opened, found)
        if labels and not yes:
            _ask(labels)
        removed = opened.tags.remove(found)
    also = f" and {count(labels, 'label')}" if labels else ""
    click.echo(f"Removed {count(removed, 'tag')}{also}. To take it back: soutu tags undo")


def _labels_of(opened: Library, found: Iterable[str]) -> int:
    """Count the labels of tags, each tag once, whatever it is called."""
    return sum(
        len(opened.labels.all(tag=name)) for name in {opened.tags.get(each).name for each in found}
    )


def _ask(labels: int) -> None:
    if not _someone_is_here():
        fail(
            f"this would remove {count(labels, 'label')} too, and nobody is here to ask. "
            "Say --yes if you mean it",
            BAD_INPUT,
        )
    click.confirm(f"Remove {count(labels, 'label')} too?", abort=True)


def _someone_is_here() -> bool:
    return sys.stdin.isatty()


@click.command("undo")
@library_option
def undo(*, library: str | None) -> None:
    """Take the last change of tags or labels back.

    Each further undo goes one step further back: see soutu tags history.
    """
    from soutu.library import open_library

    with open_library(library) as opened:
        change = opened.tags.undo()
    click.echo(undone(change))


COMMANDS: Sequence[click.Command] = (add, rename, edit, merge, rm, undo)
